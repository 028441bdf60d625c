//! Whole flows in process, without sockets and without waiting: for the tests
//! of this crate and of the servers that use it.
//!
//! ```
//! use oauth_for_mcp::test_util::{TestClient, TestServer};
//!
//! # async fn example() {
//! let server = TestServer::new();
//! let client = TestClient::register(&server).await;
//! let tokens = client.sign_in(&server, "notes:read").await;
//! let answer = server.call("tools/list", None, &tokens.access_token).await;
//! assert_eq!(answer.status(), 200);
//! # }
//! ```

mod browser;
mod client;
mod clock;
mod entropy;
mod events;
mod openid_provider;
pub mod profiles;
mod server;

pub use browser::TestBrowser;
pub use client::{TestClient, TokenAnswer, Tokens};
pub use clock::TestClock;
pub use entropy::SeededEntropy;
pub use events::RecordedEvents;
pub use openid_provider::{FakeEndpoint, FakeOpenIdProvider, Fault};
pub use server::TestServer;
