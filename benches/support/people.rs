//! People who sign in at a server in process, each with a client that registered
//! itself, as the clients of an MCP server do.

use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::event::{Event, EventSink};
use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::limit::RateLimits;
use oauth_for_mcp::model::{Identity, MasterKey, MasterKeys};
use oauth_for_mcp::server::RegistrationConfig;
use oauth_for_mcp::store::{MemoryLimits, MemoryStore, Sweep};
use oauth_for_mcp::test_util::{TestClient, TestClock, TestServer};
use oauth_for_mcp::types::{Clock, Subject};
use serde_json::{Value, json};

use crate::ready::ready;

const SCOPE: &str = "notes:read notes:write";
/// How long a code is remembered, and how long the answer to a spent refresh
/// token: after this, only what lasts is left.
const SETTLED: Duration = Duration::from_secs(301);

/// A server with its store in memory, and everybody who uses it.
///
/// What is kept here of each of them takes its place before anything is counted.
pub(crate) struct People {
    server: TestServer,
    clock: Arc<TestClock>,
    store: Arc<MemoryStore>,
    clients: Vec<[u8; 32]>,
    tokens: Vec<[u8; 110]>,
}

/// Events would be counted as memory.
#[derive(Debug)]
struct Silence;

impl EventSink for Silence {
    fn emit(&self, _event: &Event) {}
}

impl People {
    /// A server that expects so many.
    pub(crate) fn new(number: usize) -> Self {
        let clock = Arc::new(TestClock::default());
        let store = MemoryStore::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let store = Arc::new(store.with_limits(MemoryLimits {
            clients: usize::MAX,
            pending: usize::MAX,
            codes: usize::MAX,
            ..MemoryLimits::default()
        }));
        let keys = MasterKeys::new(MasterKey::from_bytes(&[7; 32]));
        let server = TestServer::with(|builder| {
            builder
                .identity_provider(FixedIdentity::new(ada()))
                .store(Arc::clone(&store) as Arc<_>, Arc::new(keys))
                .clock(Arc::clone(&clock) as Arc<dyn Clock>)
                .events(Arc::new(Silence))
                // More register in a minute than anybody should have to serve.
                .rate_limits(RateLimits::off())
                .registration(RegistrationConfig::new().most_clients(usize::MAX))
        });
        // What is made when it is first needed is no cost of those who follow.
        ready(async {
            let client = TestClient::register(&server).await;
            client.sign_in(&server, "notes:read").await;
        });
        let people = Self {
            server,
            clock,
            store,
            clients: Vec::with_capacity(number),
            tokens: Vec::with_capacity(number),
        };
        people.settle();
        people
    }

    /// Everybody's client registers.
    pub(crate) fn register(&mut self) {
        for number in 0..self.clients.capacity() {
            let client = ready(TestClient::register_with(&self.server, &claude(number)));
            let id = client.client_id.as_bytes().try_into();
            self.clients
                .push(id.expect("an identifier of 32 characters"));
        }
    }

    /// Everybody signs in, with the client that is theirs, a few in every second:
    /// nobody's code is remembered for long.
    pub(crate) fn sign_in(&mut self) {
        for (number, id) in self.clients.iter().enumerate() {
            if number % 8 == 0 {
                self.clock.advance(Duration::from_secs(1));
            }
            let tokens = ready(client(id).sign_in(&self.server, SCOPE));
            self.tokens.push(stored(tokens.refresh_token));
        }
        self.settle();
    }

    /// Every client refreshes once.
    pub(crate) fn refresh(&mut self) {
        for (id, token) in self.clients.iter().zip(&mut self.tokens) {
            let answer = ready(client(id).refresh(&self.server, text(token)));
            *token = stored(answer.expect_tokens().refresh_token);
        }
    }

    /// Time passes until codes and kept answers are forgotten.
    pub(crate) fn settle(&self) {
        self.clock.advance(SETTLED);
        ready(self.store.sweep(self.clock.now(), usize::MAX)).expect("memory");
    }
}

/// What Claude registers with, under a name of the same length: the same client
/// would be one record.
fn claude(number: usize) -> Value {
    json!({
        "client_name": format!("{number:06}"),
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": SCOPE,
    })
}

/// A person as most identity providers tell of them.
fn ada() -> Identity {
    let subject = Subject::parse("auth0|64f0c3a1b2c3d4e5f6a7b8c9").expect("a subject");
    let mut identity = Identity::new("https://example.eu.auth0.com/", subject);
    identity.email = Some("ada.lovelace@example.com".to_owned());
    identity.email_verified = true;
    identity.name = Some("Ada Lovelace".to_owned());
    identity
}

fn client(id: &[u8]) -> TestClient {
    TestClient::known(text(id), "https://claude.ai/api/mcp/auth_callback")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("base64url")
}

fn stored(token: Option<String>) -> [u8; 110] {
    let token = token.expect("a refresh token");
    token.as_bytes().try_into().expect("110 characters")
}
