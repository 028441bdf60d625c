use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use serde_json::{Value, json};

use crate::endpoint::PeerAddress;
use crate::idp::FixedIdentity;
use crate::mcp_auth::{McpAuth, McpAuthBuilder};
use crate::model::Identity;
use crate::resource::VerifiedToken;
use crate::test_util::{RecordedEvents, SeededEntropy, TestClock};
use crate::types::{ClientId, Clock, Entropy, Subject, Timestamp};

const SESSION_ID: &str = "mcp-session-id";

/// An MCP server with its authorization server, in process.
///
/// Its MCP endpoint answers every message with who called it, so that a test
/// can see what a handler would. Scopes are `notes:read`, needed to connect,
/// and `notes:write`, which covers it and which the tool `add_note` needs.
#[derive(Debug)]
pub struct TestServer {
    auth: McpAuth,
    settings: McpAuthBuilder,
    clock: Arc<TestClock>,
    events: Arc<RecordedEvents>,
    /// How many servers there are that may share a store.
    replicas: Arc<AtomicU64>,
    /// How many clients were given a name.
    clients: Arc<AtomicU64>,
    peer: Option<PeerAddress>,
    /// How many requests reached the handler.
    reached: Arc<AtomicU64>,
    handler: Handler,
}

/// What stands behind the protection.
#[derive(Clone)]
struct Handler(Arc<Handle>);

type Handle = dyn Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync;

impl fmt::Debug for Handler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Handler")
    }
}

impl TestServer {
    /// What its handler calls the session that `initialize` opens.
    pub const SESSION: &'static str = "session-1";

    /// Where the server says it is.
    pub const PUBLIC_URL: &'static str = "https://mcp.example.com";

    /// A server at which everybody signs in as `alice`.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// A server with other settings.
    ///
    /// # Panics
    ///
    /// If the settings are refused.
    #[must_use]
    pub fn with(configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> Self {
        Self::at(Self::PUBLIC_URL, configure)
    }

    /// A server at another address.
    ///
    /// # Panics
    ///
    /// If the settings are refused.
    #[must_use]
    pub fn at(public_url: &str, configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> Self {
        let clock = Arc::new(TestClock::default());
        let events = Arc::new(RecordedEvents::default());
        let alice = Subject::parse("alice").expect("a name is a subject");
        let mut identity = Identity::new("https://idp.example.com", alice);
        identity.email = Some("alice@example.com".to_owned());
        let builder = McpAuth::builder(public_url)
            .scope("notes:read", "Read your notes")
            .scope("notes:write", "Add notes for you")
            .covers("notes:write", "notes:read")
            .tool("add_note", "notes:write")
            .identity_provider(FixedIdentity::new(identity))
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .entropy(Arc::new(SeededEntropy::new(1)) as Arc<dyn Entropy>)
            .events(Arc::clone(&events) as Arc<_>);
        let replicas = Arc::new(AtomicU64::new(1));
        Self::build(configure(builder), clock, events, replicas)
    }

    /// Another server with the settings, the store, the master keys and the clock
    /// of this one, and with randomness and events of its own.
    #[must_use]
    pub fn replica(&self) -> Self {
        self.replica_with(|builder| builder)
    }

    /// A [`replica`](Self::replica) of which `configure` changes something.
    ///
    /// # Panics
    ///
    /// If the settings are refused.
    #[must_use]
    pub fn replica_with(&self, configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> Self {
        // Two servers with one seed would make the same tokens.
        let seed = self.replicas.fetch_add(1, Ordering::SeqCst) + 1;
        let events = Arc::new(RecordedEvents::default());
        let builder = self
            .settings
            .clone()
            .vault(self.auth.server().vault().in_another_process())
            .entropy(Arc::new(SeededEntropy::new(seed)) as Arc<dyn Entropy>)
            .events(Arc::clone(&events) as Arc<_>);
        let (clock, replicas) = (Arc::clone(&self.clock), Arc::clone(&self.replicas));
        Self::build(configure(builder), clock, events, replicas)
    }

    fn build(
        settings: McpAuthBuilder,
        clock: Arc<TestClock>,
        events: Arc<RecordedEvents>,
        replicas: Arc<AtomicU64>,
    ) -> Self {
        let auth = settings.clone().build();
        Self {
            auth: auth.expect("the settings of a test are good"),
            settings,
            clock,
            events,
            replicas,
            clients: Arc::new(AtomicU64::new(0)),
            peer: None,
            reached: Arc::new(AtomicU64::new(0)),
            handler: Handler(Arc::new(say_who_calls)),
        }
    }

    /// This server with another handler behind the protection of its MCP endpoint.
    #[must_use]
    pub fn handler(
        mut self,
        handler: impl Fn(&Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        self.handler = Handler(Arc::new(handler));
        self
    }

    /// How many requests reached the handler of the MCP endpoint.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.reached.load(Ordering::SeqCst)
    }

    /// This very server, as it is for somebody at this address. Without that,
    /// requests come from nowhere, and limits by address do not hold.
    #[must_use]
    pub fn from_address(&self, address: impl Into<IpAddr>) -> Self {
        Self {
            auth: self.auth.clone(),
            settings: self.settings.clone(),
            clock: Arc::clone(&self.clock),
            events: Arc::clone(&self.events),
            replicas: Arc::clone(&self.replicas),
            clients: Arc::clone(&self.clients),
            peer: Some(PeerAddress(address.into())),
            reached: Arc::clone(&self.reached),
            handler: self.handler.clone(),
        }
    }

    /// A name that no client of this server has: the same name would make it the
    /// same client.
    pub(super) fn name_for_client(&self) -> String {
        match self.clients.fetch_add(1, Ordering::SeqCst) {
            0 => "Test client".to_owned(),
            others => format!("Test client {}", others + 1),
        }
    }

    /// What is tested.
    #[must_use]
    pub const fn auth(&self) -> &McpAuth {
        &self.auth
    }

    /// The clock of the server, to move.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The time at the server.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the operator saw.
    #[must_use]
    pub fn events(&self) -> &RecordedEvents {
        &self.events
    }

    /// The URL of `path` at this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        self.auth.server().issuer().endpoint(path)
    }

    /// Sends a request, as a client or a browser would.
    pub async fn send(&self, mut request: Request<Bytes>) -> Response<Bytes> {
        let extensions = request.extensions_mut();
        if let Some(peer) = self.peer
            && extensions.get::<PeerAddress>().is_none()
        {
            extensions.insert(peer);
        }
        if self.auth.endpoints().owns(request.uri().path()) {
            return self.auth.endpoints().respond(request).await;
        }
        let (mut parts, body) = request.into_parts();
        let protection = self.auth.protection();
        if let Some(answer) = protection.intercept(&parts) {
            return answer;
        }
        let caller = match protection.admit(&mut parts).await {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        let read = protection
            .reads_body(&caller)
            .map(|limit| (limit, body.len()));
        if read.is_some_and(|(limit, length)| length > limit) {
            return protection.respond_too_large(&caller);
        }
        let seen = read.map(|_| body.as_ref());
        let passage = match protection.permit(caller, &parts, seen) {
            Ok(passage) => passage,
            Err(refusal) => return refusal,
        };
        self.reached.fetch_add(1, Ordering::SeqCst);
        let answer = (self.handler.0)(&Request::from_parts(parts, body));
        let (mut answer, body) = answer.into_parts();
        let body = match passage.finish(&mut answer) {
            Some(mut filter) => [filter.push(body), filter.end()].concat().into(),
            None => body,
        };
        Response::from_parts(answer, body)
    }

    /// Sends a GET request.
    ///
    /// # Panics
    ///
    /// If `path` makes no URL.
    pub async fn get(&self, path: &str) -> Response<Bytes> {
        let request = Request::get(self.url(path)).body(Bytes::new());
        self.send(request.expect("a path of a test is good")).await
    }

    /// Sends a JSON-RPC request to the MCP endpoint.
    ///
    /// # Panics
    ///
    /// If `token` cannot stand in a header.
    pub async fn call(&self, method: &str, params: Option<Value>, token: &str) -> Response<Bytes> {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.auth.resource().resource().as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(Bytes::from(message.to_string()));
        self.send(request.expect("a token can stand in a header"))
            .await
    }
}

fn is_initialize(body: &[u8]) -> bool {
    let message: Value = serde_json::from_slice(body).unwrap_or_default();
    message["method"] == "initialize"
}

impl Default for TestServer {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells what a handler sees of its caller.
fn say_who_calls(request: &Request<Bytes>) -> Response<Bytes> {
    let caller = request.extensions().get::<VerifiedToken>();
    let answer = json!({
        "subject": caller.map(|token| token.subject().as_str()),
        "scope": caller.map(|token| token.scope().to_string()),
        "client_id": caller.and_then(VerifiedToken::client_id).map(ClientId::as_str),
        "email": caller.and_then(VerifiedToken::identity).and_then(|who| who.email.clone()),
        "machine": caller.map(VerifiedToken::is_machine),
        "saw_authorization": request.headers().contains_key(AUTHORIZATION),
        "session": request.headers().get(SESSION_ID).map(|id| id.to_str().unwrap_or_default()),
    });
    let mut response = Response::new(Bytes::from(answer.to_string()));
    if is_initialize(request.body()) {
        let id = HeaderValue::from_static(TestServer::SESSION);
        response.headers_mut().insert(SESSION_ID, id);
    }
    response
}
