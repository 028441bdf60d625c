//! What strangers publish, as a server under test fetches it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use oauth_for_mcp::event::Event;
use oauth_for_mcp::fetch::{Fetch, FetchError, FetchLimits};
use oauth_for_mcp::server::RegistrationConfig;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The document that most tests publish.
pub(super) const URL: &str = "https://client.example.com/oauth/client.json";

/// Hosts that answer what a test says; every other one cannot be reached.
#[derive(Clone, Default)]
pub(super) struct Web {
    state: Arc<Mutex<State>>,
    /// If there is one, each fetch waits for a permit.
    gate: Option<Arc<Semaphore>>,
}

#[derive(Default)]
struct State {
    pages: HashMap<String, Page>,
    requests: Vec<Request<Bytes>>,
    limits: Vec<FetchLimits>,
}

#[derive(Clone)]
struct Page {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl fmt::Debug for Web {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Web")
    }
}

impl Web {
    /// The document of a public client at [`URL`], and nothing else.
    pub(super) fn new() -> Self {
        let web = Self::default();
        web.publish(URL, &document(URL));
        web
    }

    /// As [`Self::new`], with hosts that do not answer until the gate opens.
    pub(super) fn behind(gate: &Arc<Semaphore>) -> Self {
        let web = Self::new();
        Self {
            gate: Some(Arc::clone(gate)),
            ..web
        }
    }

    pub(super) fn publish(&self, url: &str, document: &Value) {
        self.answer(url, 200, &[], document.to_string());
    }

    /// Answers with JSON unless `headers` say otherwise.
    pub(super) fn answer(
        &self,
        url: &str,
        status: u16,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut headers: Vec<_> = headers.iter().map(owned).collect();
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        headers.retain(|(_, value)| !value.is_empty());
        let page = Page {
            status,
            headers,
            body: body.into(),
        };
        self.state().pages.insert(url.to_owned(), page);
    }

    /// The host of `url` cannot be reached any more.
    pub(super) fn take_down(&self, url: &str) {
        self.state().pages.remove(url);
    }

    /// The URLs that were fetched so far.
    pub(super) fn fetched(&self) -> Vec<String> {
        let state = self.state();
        let urls = state
            .requests
            .iter()
            .map(|request| request.uri().to_string());
        urls.collect()
    }

    /// The requests and what their answers might cost.
    pub(super) fn requests(&self) -> Vec<(Request<Bytes>, FetchLimits)> {
        let state = self.state();
        let requests = state.requests.iter().cloned();
        requests.zip(state.limits.iter().copied()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it looks")
    }
}

#[async_trait]
impl Fetch for Web {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        limits: FetchLimits,
    ) -> Result<Response<Bytes>, FetchError> {
        let url = request.uri().to_string();
        {
            let mut state = self.state();
            state.requests.push(request);
            state.limits.push(limits);
        }
        if let Some(gate) = &self.gate {
            gate.acquire()
                .await
                .expect("the gate is never closed")
                .forget();
        }
        let page = self.state().pages.get(&url).cloned();
        let page = page.ok_or_else(|| FetchError::failed("resolver.internal: no such host"))?;
        if page.body.len() > limits.max_body_bytes {
            return Err(FetchError::TooLarge(limits.max_body_bytes));
        }
        let mut response = Response::builder().status(page.status);
        for (name, value) in &page.headers {
            response = response.header(name, value);
        }
        Ok(response.body(page.body).expect("a test's answer is good"))
    }
}

/// What a public client that may refresh says of itself.
pub(super) fn document(url: &str) -> Value {
    json!({
        "client_id": url,
        "client_name": "Document client",
        "client_uri": "https://client.example.com/about",
        "redirect_uris": [TestClient::REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

/// A document at [`URL`] of which one member is another, or is missing.
pub(super) fn document_with(name: &str, value: Value) -> Value {
    let mut document = document(URL);
    let members = document.as_object_mut().expect("it is an object");
    members.remove(name);
    if !value.is_null() {
        members.insert(name.to_owned(), value);
    }
    document
}

/// A server that knows clients by the documents of `web`.
pub(super) fn server(web: &Web) -> TestServer {
    TestServer::with(|builder| builder.client_documents(web.clone()))
}

/// As [`server`], with more settings.
pub(super) fn server_with(
    web: &Web,
    configure: impl FnOnce(RegistrationConfig) -> RegistrationConfig,
) -> TestServer {
    let registration = RegistrationConfig::new().documents(Arc::new(web.clone()));
    TestServer::with(|builder| builder.registration(configure(registration)))
}

/// The client whose document is at `url`.
pub(super) fn client_at(url: &str) -> TestClient {
    TestClient::known(url, TestClient::REDIRECT_URI)
}

/// Why documents were refused so far.
pub(super) fn refusals(server: &TestServer) -> Vec<String> {
    let mut reasons = vec![];
    for event in server.events().all() {
        if let Event::ClientDocumentRefused { reason, .. } = event {
            reasons.push(reason);
        }
    }
    reasons
}

/// What failed so far.
pub(super) fn outages(server: &TestServer) -> Vec<String> {
    let mut causes = vec![];
    for event in server.events().all() {
        if let Event::Outage { cause } = event {
            causes.push(cause);
        }
    }
    causes
}
