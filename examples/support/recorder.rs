//! Tells every HTTP exchange of a server as it is answered, secrets shortened.
//!
//! It stands on the server's side, as an axum middleware: there it sees the client
//! and the browser alike, byte for byte, whatever library they use.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header, request, response},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;

use crate::redact;

const MAX_BODY: usize = 4 * 1024 * 1024;
const MAX_EVENT: usize = 64 * 1024;

const TOLD_HEADERS: [HeaderName; 8] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::LOCATION,
    header::SET_COOKIE,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("mcp-session-id"),
];

type Listener = Arc<dyn Fn(Exchange) + Send + Sync>;

/// One request and its answer, fit to be shown: secrets are shortened already.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// Whom the request went to.
    pub(crate) server: &'static str,
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) request_headers: Vec<(HeaderName, String)>,
    pub(crate) request_body: String,
    pub(crate) status: StatusCode,
    pub(crate) response_headers: Vec<(HeaderName, String)>,
    /// For a stream of events, its first message.
    pub(crate) response_body: String,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "to {}: {} {}", self.server, self.method, self.target)?;
        write_message(f, '>', &self.request_headers, &self.request_body)?;
        writeln!(f, "    < {}", self.status)?;
        write_message(f, '<', &self.response_headers, &self.response_body)
    }
}

fn write_message(
    f: &mut fmt::Formatter<'_>,
    side: char,
    headers: &[(HeaderName, String)],
    body: &str,
) -> fmt::Result {
    for (name, value) in headers {
        writeln!(f, "    {side} {name}: {value}")?;
    }
    if !body.is_empty() {
        writeln!(f, "    {side} {body}")?;
    }
    Ok(())
}

/// Hands each exchange to a listener before the other side sees the answer.
///
/// Install with `axum::middleware::from_fn_with_state(recorder, recorder::record)`,
/// outermost.
#[derive(Clone)]
pub(crate) struct Recorder {
    server: &'static str,
    listener: Listener,
}

impl Recorder {
    /// Records what goes to `server`.
    pub(crate) fn new(
        server: &'static str,
        listener: impl Fn(Exchange) + Send + Sync + 'static,
    ) -> Self {
        Self {
            server,
            listener: Arc::new(listener),
        }
    }
}

/// The middleware: reads the request, lets it run, tells both.
pub(crate) async fn record(
    State(recorder): State<Recorder>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut exchange = begin(recorder.server, &head, &body);
    let answer = next.run(Request::from_parts(head, Body::from(body))).await;
    let (head, body) = answer.into_parts();
    exchange.status = head.status;
    exchange.response_headers = told(&head.headers);
    if is_event_stream(&head) {
        return tell_stream(&recorder, exchange, head, body);
    }
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    exchange.response_body = redact::body(&head.headers, &body);
    (recorder.listener)(exchange);
    Response::from_parts(head, Body::from(body))
}

fn begin(server: &'static str, head: &request::Parts, body: &[u8]) -> Exchange {
    Exchange {
        server,
        method: head.method.clone(),
        target: redact::target(&head.uri),
        request_headers: told(&head.headers),
        request_body: redact::body(&head.headers, body),
        status: StatusCode::OK,
        response_headers: Vec::new(),
        response_body: String::new(),
    }
}

fn told(headers: &HeaderMap) -> Vec<(HeaderName, String)> {
    headers
        .iter()
        .filter(|(name, _)| TOLD_HEADERS.contains(name))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.clone(), redact::header(name, &value))
        })
        .collect()
}

fn is_event_stream(head: &response::Parts) -> bool {
    head.headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// Passes a stream on as it comes; waiting for its end could mean for ever. The
/// stream of a GET is told at once, since it may never carry anything.
fn tell_stream(
    recorder: &Recorder,
    mut exchange: Exchange,
    head: response::Parts,
    body: Body,
) -> Response {
    if exchange.method == Method::GET {
        exchange.response_body = "(a stream of events, kept open)".to_owned();
        (recorder.listener)(exchange);
        return Response::from_parts(head, body);
    }
    let told = ToldStream {
        inner: body,
        seen: Vec::new(),
        untold: Some((Arc::clone(&recorder.listener), exchange)),
    };
    Response::from_parts(head, Body::new(told.map_err(axum::Error::new)))
}

/// A stream of events that tells its exchange just before the first message passes.
struct ToldStream {
    inner: Body,
    seen: Vec<u8>,
    untold: Option<(Listener, Exchange)>,
}

impl ToldStream {
    fn watch(&mut self, data: &[u8]) {
        if self.untold.is_none() || self.seen.len() > MAX_EVENT {
            return;
        }
        self.seen.extend_from_slice(data);
        if let Some(message) = first_message(&self.seen) {
            self.tell(redact::json(message.as_bytes()));
        }
    }

    fn tell(&mut self, body: String) {
        if let Some((listener, mut exchange)) = self.untold.take() {
            exchange.response_body = body;
            listener(exchange);
        }
    }
}

/// The first event with data, once it is complete.
fn first_message(events: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(events).ok()?;
    let (complete, _) = text.rsplit_once("\n\n")?;
    complete
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(str::trim)
        .find(|data| !data.is_empty())
        .map(str::to_owned)
}

impl HttpBody for ToldStream {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match frame.as_ref().and_then(|frame| frame.as_ref().ok()) {
            Some(frame) => {
                if let Some(data) = frame.data_ref() {
                    self.watch(data);
                }
            }
            None => self.tell("(ended without a message)".to_owned()),
        }
        Poll::Ready(frame)
    }
}
