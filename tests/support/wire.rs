//! Plain HTTP to one server or several replicas of it, request by request in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::header::{COOKIE, HOST, HeaderMap, LOCATION, RETRY_AFTER, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use serde_json::Value;

/// The way to the server; clones count together and take turns together.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    http: Client,
    route: Arc<Route>,
}

#[derive(Debug)]
struct Route {
    public_url: String,
    addresses: Vec<String>,
    sent: AtomicUsize,
    cut: AtomicUsize,
    busy: AtomicUsize,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What a request came to is unknown: it may have been carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lost {
    /// The connection broke, or there was none.
    Cut,
    /// The server said that it cannot answer now (503).
    Busy,
}

pub(crate) type Answer = Result<Reply, Lost>;

impl Wire {
    /// The way to the replicas of `public_url` at `addresses`.
    pub(crate) fn new(public_url: &str, addresses: Vec<String>) -> Self {
        let http = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("an HTTP client without settings can be built");
        let route = Route {
            public_url: public_url.to_owned(),
            addresses,
            sent: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
        };
        Self {
            http,
            route: Arc::new(route),
        }
    }

    /// The same way with connections of its own.
    pub(crate) fn fork(&self) -> Self {
        let fresh = Self::new("", Vec::new());
        Self {
            http: fresh.http,
            route: Arc::clone(&self.route),
        }
    }

    /// The issuer identifier, which starts every address of the server's own.
    pub(crate) fn public_url(&self) -> &str {
        &self.route.public_url
    }

    /// How many requests were sent, were cut off, and were answered with 503.
    pub(crate) fn counts(&self) -> [usize; 3] {
        let Route {
            sent, cut, busy, ..
        } = &*self.route;
        [sent, cut, busy].map(|count| count.load(Ordering::Relaxed))
    }

    /// A request to the replica whose turn it is; `path` may be one of our own URLs.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let route = &self.route;
        let turn = route.sent.fetch_add(1, Ordering::Relaxed);
        let address = &route.addresses[turn % route.addresses.len()];
        let path = path.strip_prefix(self.public_url()).unwrap_or(path);
        let host = self.public_url().rsplit('/').next().unwrap_or_default();
        self.http
            .request(method, format!("{address}{path}"))
            .header(HOST, host)
    }

    /// Sends `request` and reads the whole answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = async {
            let answer = request.send().await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = answer.text().await?;
            Ok::<_, reqwest::Error>(Reply {
                status,
                headers,
                body,
            })
        };
        let Ok(reply) = answer.await else {
            self.route.cut.fetch_add(1, Ordering::Relaxed);
            return Err(Lost::Cut);
        };
        if reply.status == StatusCode::SERVICE_UNAVAILABLE {
            assert!(
                reply.headers.contains_key(RETRY_AFTER),
                "503 without Retry-After: {reply:?}"
            );
            return Err(self.busy());
        }
        Ok(reply)
    }

    /// Counts an answer that means the same as 503.
    pub(crate) fn busy(&self) -> Lost {
        self.route.busy.fetch_add(1, Ordering::Relaxed);
        Lost::Busy
    }

    /// Requests a page as a browser with this cookie.
    pub(crate) async fn get(&self, path: &str, cookie: Option<&str>) -> Answer {
        let request = self.request(Method::GET, path);
        self.send(with_cookie(request, cookie)).await
    }

    /// Posts a form as a browser with this cookie, or as a client without one.
    pub(crate) async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        cookie: Option<&str>,
    ) -> Answer {
        let request = self.request(Method::POST, path).form(form);
        self.send(with_cookie(request, cookie)).await
    }
}

fn with_cookie(request: RequestBuilder, cookie: Option<&str>) -> RequestBuilder {
    match cookie {
        Some(cookie) => request.header(COOKIE, cookie),
        None => request,
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Where it redirects to.
    pub(crate) fn location(&self) -> Option<String> {
        let location = self.headers.get(LOCATION)?;
        Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
    }

    /// The `name=value` of the cookie it sets.
    pub(crate) fn cookie(&self) -> Option<String> {
        let cookie = self.headers.get(SET_COOKIE)?.to_str().ok()?;
        cookie.split(';').next().map(str::to_owned)
    }

    /// The value of the hidden field `name` in its page.
    pub(crate) fn hidden(&self, name: &str) -> Option<String> {
        let marker = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&marker)?;
        let (value, _) = rest.split_once('"')?;
        Some(
            value
                .replace("&#x2f;", "/")
                .replace("&#x27;", "'")
                .replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&"),
        )
    }
}
