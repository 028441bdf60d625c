//! A server that listens, and clients with and without the scope.

use std::net::SocketAddr;

use oauth_for_mcp::test_util::{TestClient, TestServer};
use tokio_util::sync::DropGuard;

use crate::attacks::{self, Attack, attack};
use crate::fronts::{Front, Place, Shared};
use crate::handler::{Answers, Runs, handler};
use crate::http1;
use crate::http2;

/// How a body travels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Travel {
    AtOnce,
    /// In three pieces, without a length.
    Chunked,
    /// Byte by byte, each on its own.
    Slow,
    /// Its end never comes.
    BrokenOff,
}

impl Travel {
    /// How long each piece of `body` is.
    pub(crate) fn piece(self, body: &[u8]) -> usize {
        match self {
            Self::AtOnce | Self::BrokenOff => body.len().max(1),
            Self::Chunked => body.len().div_ceil(3).max(1),
            Self::Slow => 1,
        }
    }

    /// The length that the head tells.
    pub(crate) fn length(self, body: &[u8]) -> Option<usize> {
        match self {
            Self::AtOnce => Some(body.len()),
            Self::BrokenOff => Some(body.len() + 1),
            Self::Chunked | Self::Slow => None,
        }
    }
}

/// What the client speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    Http1,
    /// Without TLS, and without asking first.
    Http2,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The content type.
    pub(crate) kind: String,
    /// The head as well, where that is text.
    pub(crate) text: String,
}

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) runs: Runs,
    /// Has no more than the scope to connect.
    pub(crate) reader: Holder,
    /// May run every tool.
    pub(crate) writer: Holder,
    protocol: Protocol,
    http2: reqwest::Client,
    _running: DropGuard,
}

/// Who holds a token, and a session if the handler has any.
pub(crate) struct Holder {
    pub(crate) token: String,
    pub(crate) session: Option<String>,
}

impl World {
    pub(crate) async fn new(front: Front, protocol: Protocol, answers: Answers) -> Self {
        let server = TestServer::with(|builder| attacks::table(builder).filtered_lists());
        let client = TestClient::register(&server).await;
        let runs = Runs::default();
        let place = Place::new();
        let address = place.address;
        let service = Shared::of(handler(&runs, answers));
        let running = front.serve(place, Some(server.auth().clone()), service);
        let mut world = Self {
            address,
            runs,
            reader: Holder::new(client.sign_in(&server, "notes:read").await.access_token),
            writer: Holder::new(client.sign_in(&server, "notes:write").await.access_token),
            protocol,
            http2: http2::client(address),
            _running: running,
        };
        if matches!(answers, Answers::InSessions) {
            world.reader.session = Some(world.open(&world.reader).await);
            world.writer.session = Some(world.open(&world.writer).await);
        }
        world
    }

    /// Opens a session.
    async fn open(&self, who: &Holder) -> String {
        let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}"#;
        let hello = attack("a session", hello, &[]);
        let (head, _) = http1::ask(self.address, who, &hello, Travel::AtOnce).await;
        let session = header(&head, "mcp-session-id");
        let session = session.expect("a session was opened").to_owned();
        let begun = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let begun = attack("begun", begun, &[]).with("mcp-session-id", &session);
        let status = self.send(who, &begun, Travel::AtOnce).await;
        assert_eq!(status, Some(202));
        session
    }

    /// The status of the answer; `None` if the server hung up instead.
    pub(crate) async fn send(&self, who: &Holder, attack: &Attack, travel: Travel) -> Option<u16> {
        let answer = self.ask(who, attack, travel).await;
        answer.map(|answer| answer.status)
    }

    /// The answer; `None` if the server hung up instead.
    pub(crate) async fn ask(&self, who: &Holder, attack: &Attack, travel: Travel) -> Option<Reply> {
        match self.protocol {
            Protocol::Http1 => {
                let (text, is_whole) = http1::ask(self.address, who, attack, travel).await;
                // A server that has answered already need not read on.
                assert!(!text.is_empty() || !is_whole || travel == Travel::BrokenOff);
                let status = text.get(9..12)?.parse().ok()?;
                let kind = header(&text, "content-type").unwrap_or_default().to_owned();
                Some(Reply { status, kind, text })
            }
            Protocol::Http2 => http2::ask(&self.http2, who, attack, travel).await,
        }
    }
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = answer.lines().filter_map(|line| line.split_once(": "));
    let header = lines.find(|header| header.0.eq_ignore_ascii_case(name));
    header.map(|(_, value)| value)
}

impl Holder {
    const fn new(token: String) -> Self {
        Self {
            token,
            session: None,
        }
    }

    /// The headers that every request of theirs has.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("accept", "application/json, text/event-stream".to_owned()),
            ("authorization", format!("Bearer {}", self.token)),
        ];
        let session = self.session.as_ref();
        headers.extend(session.map(|session| ("mcp-session-id", session.clone())));
        headers
    }
}
