//! Requests of HTTP/2.
//!
//! Everything in the table can be said in it but how a body of HTTP/1.1 is framed: a
//! chunk becomes a frame, and a body breaks off by ending before its length.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Client, Method, Version};

use crate::attacks::Attack;
use crate::world::{Holder, Reply, Travel};

const HOST: &str = "mcp.example.com";
/// These belong to a connection of HTTP/1.1 ([RFC 9113, section 8.2.2]).
///
/// [RFC 9113, section 8.2.2]: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2
const UNSAYABLE: [&str; 5] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// A client for whatever listens at `server`.
pub(crate) fn client(server: SocketAddr) -> Client {
    Client::builder()
        .http2_prior_knowledge()
        .no_proxy()
        .resolve(HOST, server)
        .build()
        .unwrap()
}

/// The answer; `None` if the server reset the stream instead.
pub(crate) async fn ask(
    client: &Client,
    who: &Holder,
    attack: &Attack,
    travel: Travel,
) -> Option<Reply> {
    let method: Method = attack.method.parse().unwrap();
    let url = format!("http://{HOST}/mcp");
    let mut request = client.request(method, url).version(Version::HTTP_2);
    for (name, value) in who.headers().iter().chain(&attack.headers) {
        assert!(!UNSAYABLE.contains(name), "{name}: {}", attack.name);
        request = request.header(*name, value);
    }
    if let Some(length) = travel.length(&attack.body) {
        request = request.header("content-length", length);
    }
    let body = reqwest::Body::wrap(Pieces::new(&attack.body, travel));
    let answer = request.body(body).send().await.ok()?;
    assert_eq!(answer.version(), Version::HTTP_2);
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type");
    let kind = kind.map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
    let kind = kind.unwrap_or_default();
    let text = answer.text().await.unwrap_or_default();
    Some(Reply { status, kind, text })
}

/// A body whose pieces travel each on its own.
struct Pieces(VecDeque<Bytes>);

impl Pieces {
    /// Servers hang up on who sends many frames that are almost empty.
    const MOST: usize = 64;

    fn new(body: &Bytes, travel: Travel) -> Self {
        let size = travel.piece(body).max(body.len().div_ceil(Self::MOST));
        Self(body.chunks(size).map(Bytes::copy_from_slice).collect())
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
