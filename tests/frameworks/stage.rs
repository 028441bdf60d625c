//! A server behind a framework, a handler that tells what it sees, and raw requests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full};
use oauth_for_mcp::{McpAuth, McpAuthBuilder, VerifiedToken};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::DropGuard;

use crate::agent::{Agent, tokens};
use crate::fronts::{Body, Front, Place, Shared};
use crate::wire::Wire;

/// Longer than anything takes that works.
pub(super) const LIMIT: Duration = Duration::from_secs(20);
pub(super) const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
pub(super) const ADD_NOTE: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note"}}"#;

/// Runs each case behind each framework.
macro_rules! behind_each_framework {
    ($($case:ident)*) => {
        mod axum {
            $(#[tokio::test] async fn $case() { super::$case(crate::fronts::Front::Axum).await })*
        }
        mod hyper {
            $(#[tokio::test] async fn $case() { super::$case(crate::fronts::Front::Hyper).await })*
        }
        mod actix {
            $(#[tokio::test] async fn $case() { super::$case(crate::fronts::Front::Actix).await })*
        }
    };
}
pub(super) use behind_each_framework;

/// What the handler tells the test, and the test the handler.
#[derive(Default)]
pub(super) struct Probe {
    pub(super) calls: AtomicUsize,
    pub(super) go_on: Notify,
}

pub(super) struct Stage {
    pub(super) address: SocketAddr,
    pub(super) wire: Wire,
    pub(super) probe: Arc<Probe>,
    _running: DropGuard,
}

/// What a server answered, up to where it hung up.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Stage {
    /// A server whose tool `add_note` needs more than to connect.
    pub(super) fn new(front: Front) -> Self {
        Self::with(front, |builder| builder.tool("add_note", "notes:write"))
    }

    pub(super) fn with(
        front: Front,
        configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder,
    ) -> Self {
        let probe = Arc::new(Probe::default());
        let shared = Arc::clone(&probe);
        let service = Shared::new(move |request| answer(Arc::clone(&shared), request));
        Self::serving(front, configure, service, probe)
    }

    pub(super) fn serving(
        front: Front,
        configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder,
        service: Shared,
        probe: Arc<Probe>,
    ) -> Self {
        let place = Place::new();
        let builder = McpAuth::builder(&place.url)
            .scope("notes:read", "Read your notes")
            .scope("notes:write", "Add notes for you")
            .covers("notes:write", "notes:read")
            .development_login();
        let auth = configure(builder).build().unwrap();
        let (address, url) = (place.address, place.url.clone());
        Self {
            address,
            wire: Wire::new(&url, vec![url.clone()]),
            probe,
            _running: front.serve(place, Some(auth), service),
        }
    }

    /// The whole way of a client to the access token of somebody of this name.
    pub(super) async fn token(&self, name: &str, scope: &str) -> String {
        let agent = Agent::register(&self.wire, "none").await.unwrap();
        let code = agent.authorize(&self.wire, name, scope).await.unwrap();
        let reply = agent.redeem(&self.wire, &code).await.unwrap();
        tokens(&reply).unwrap().access
    }

    pub(super) fn calls(&self) -> usize {
        self.probe.calls.load(Ordering::SeqCst)
    }

    /// Sends a request with these header lines to the MCP endpoint.
    pub(super) async fn post(&self, headers: &[&str], body: &str) -> Raw {
        let mut lines = vec!["Content-Type: application/json".to_owned()];
        lines.push(format!("Content-Length: {}", body.len()));
        lines.extend(headers.iter().map(|line| (*line).to_owned()));
        let head = self.head("POST /mcp", &lines);
        self.raw(format!("{head}{body}").as_bytes()).await
    }

    /// A head for this server; lines may bring another `Host`.
    pub(super) fn head(&self, line: &str, headers: &[String]) -> String {
        let mut head = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|line| line.starts_with("Host:")) {
            head.push_str(&format!("Host: {}\r\n", self.address));
        }
        for line in headers {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head + "\r\n"
    }

    /// Sends these bytes and reads until the server hangs up.
    pub(super) async fn raw(&self, request: &[u8]) -> Raw {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        read(&mut stream).await
    }

    /// A request without a body.
    pub(super) async fn bare(&self, line: &str, headers: &[&str]) -> Raw {
        let headers: Vec<_> = headers.iter().map(|line| (*line).to_owned()).collect();
        self.raw(self.head(line, &headers).as_bytes()).await
    }
}

impl Raw {
    fn parse(bytes: &[u8]) -> Self {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Self {
            status: status.unwrap_or_default(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The value of a header, whichever the case of its name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let (_, value) = lines.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}

/// Reads a whole answer, or what there is of it when the other side hangs up.
pub(super) async fn read(stream: &mut TcpStream) -> Raw {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let answer = Raw::parse(&all);
        // The connection may stay open for the rest of a body that nobody reads.
        let length = answer.header("content-length");
        let length = length.and_then(|length| length.parse().ok());
        if length.is_some_and(|length: usize| answer.body.chars().count() >= length) {
            return answer;
        }
        let read = timeout(LIMIT, stream.read(&mut piece)).await;
        match read.expect("the server neither answers nor hangs up") {
            Ok(0) | Err(_) => return answer,
            Ok(length) => all.extend_from_slice(&piece[..length]),
        }
    }
}

async fn answer(probe: Arc<Probe>, request: Request<Body>) -> Response<Body> {
    probe.calls.fetch_add(1, Ordering::SeqCst);
    let task = request.headers().get("x-task").cloned();
    match task.as_ref().map(HeaderValue::as_bytes) {
        Some(b"stream") => Response::builder()
            .header(CONTENT_TYPE, "text/event-stream")
            .body(two_events(probe).boxed_unsync())
            .unwrap(),
        Some(b"echo") => Response::new(request.into_body()),
        _ => tell(request).await,
    }
}

/// Tells what a handler sees of its request.
async fn tell(request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let caller = parts.extensions.get::<VerifiedToken>();
    let twice: Vec<_> = parts.headers.get_all("x-twice").iter().collect();
    let twice: Vec<_> = twice.iter().map(|value| value.as_bytes()).collect();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let seen = json!({
        "method": parts.method.as_str(),
        "uri": parts.uri.to_string(),
        "subject": caller.map(|token| token.subject().as_str()),
        "authorization": parts.headers.contains_key(AUTHORIZATION),
        "twice": twice,
        "body": body.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok(),
    });
    let text = Full::new(Bytes::from(seen.to_string()));
    let mut answer = Response::new(text.map_err(Into::into).boxed_unsync());
    for value in [&b"one"[..], b"two \xe9"] {
        let value = HeaderValue::from_bytes(value).unwrap();
        answer.headers_mut().append("x-answer", value);
    }
    answer
}

struct Events(mpsc::Receiver<Bytes>);

/// An event, and another one when the test says so.
fn two_events(probe: Arc<Probe>) -> impl http_body::Body<Data = Bytes, Error = BoxError> {
    let (sender, events) = mpsc::channel(1);
    tokio::spawn(async move {
        let _gone = sender.send(Bytes::from_static(b"data: 1\n\n")).await;
        probe.go_on.notified().await;
        let _gone = sender.send(Bytes::from_static(b"data: 2\n\n")).await;
    });
    Events(events).map_err(Into::into)
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.poll_recv(context);
        next.map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
