use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response};

use crate::protocol::form::Form;
use crate::test_util::TestServer;

/// A person's browser: keeps cookies, follows redirects, submits the forms of
/// this crate's pages.
#[derive(Debug, Default)]
pub struct TestBrowser {
    cookie: Mutex<Option<String>>,
}

impl TestBrowser {
    /// A browser without cookies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens `url` and shows what comes, without following it.
    ///
    /// # Panics
    ///
    /// If `url` is none.
    pub async fn open(&self, server: &TestServer, url: &str) -> Response<Bytes> {
        let request = self.with_cookie(Request::get(url)).body(Bytes::new());
        self.keep(server.send(request.expect("a location is a URL")).await)
    }

    /// Submits a form of our pages to `path`.
    ///
    /// # Panics
    ///
    /// If `path` makes no URL.
    pub async fn submit(&self, server: &TestServer, path: &str, form: &Form) -> Response<Bytes> {
        let request = self
            .with_cookie(Request::post(server.url(path)))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(form.encode()));
        self.keep(
            server
                .send(request.expect("a path of a test is good"))
                .await,
        )
    }

    /// Presses a button (`approve`, `deny`) on the consent page.
    pub async fn decide(
        &self,
        server: &TestServer,
        page: &Response<Bytes>,
        decision: &str,
    ) -> Response<Bytes> {
        let html = String::from_utf8_lossy(page.body());
        let field = |name| hidden_field(&html, name).unwrap_or_default();
        let form = Form::from_iter([
            ("request", field("request")),
            ("token", field("token")),
            ("decision", decision.to_owned()),
        ]);
        self.submit(server, crate::server::paths::CONSENT, &form)
            .await
    }

    /// Agrees to everything from `url` on, and tells where the browser is sent
    /// away to.
    ///
    /// # Errors
    ///
    /// The last answer, if it sends the browser nowhere.
    pub async fn agree(&self, server: &TestServer, url: &str) -> Result<String, Response<Bytes>> {
        let page = self.open(server, url).await;
        let mut response = match location(&page) {
            Some(_) => page,
            None => self.decide(server, &page, "approve").await,
        };
        loop {
            let Some(next) = location(&response) else {
                return Err(response);
            };
            if !next.starts_with(&server.url("/")) {
                return Ok(next);
            }
            response = self.open(server, &next).await;
        }
    }

    fn with_cookie(&self, request: http::request::Builder) -> http::request::Builder {
        match &*self.cookie.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    fn keep(&self, response: Response<Bytes>) -> Response<Bytes> {
        let set = response
            .headers()
            .get(SET_COOKIE)
            .and_then(|value| value.to_str().ok());
        if let Some(pair) = set.and_then(|value| value.split(';').next()) {
            let mut cookie = self.cookie.lock().unwrap_or_else(PoisonError::into_inner);
            *cookie = Some(pair.to_owned());
        }
        response
    }
}

/// Where an answer sends the browser.
pub(super) fn location(response: &Response<Bytes>) -> Option<String> {
    response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}

/// The value of a hidden field on one of our own pages.
fn hidden_field(html: &str, name: &str) -> Option<String> {
    let marker = format!("name=\"{name}\" value=\"");
    let (_, rest) = html.split_once(&marker)?;
    let (value, _) = rest.split_once('"')?;
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
    ]
    .iter()
    .fold(value.to_owned(), |text, (escaped, plain)| {
        text.replace(escaped, plain)
    });
    Some(plain.replace("&amp;", "&"))
}
