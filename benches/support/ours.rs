//! The server of this crate, as a host would build it.

use std::sync::Arc;

use oauth_for_mcp::McpAuth;
use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::limit::RateLimits;
use oauth_for_mcp::model::{Identity, MasterKey, MasterKeys};
use oauth_for_mcp::server::PreregisteredClient;
use oauth_for_mcp::store::{MemoryLimits, MemoryStore};
use oauth_for_mcp::types::Subject;
use serde_json::json;

use crate::walk::{CLIENT_ID, CLIENT_NAME, REDIRECT_URI};

/// Our server at `origin`, at which everybody signs in as `alice`.
pub(crate) fn server(origin: &str) -> McpAuth {
    let client: PreregisteredClient = serde_json::from_value(json!({
        "client_id": CLIENT_ID,
        "client_name": CLIENT_NAME,
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    }))
    .expect("a client");
    let alice = Subject::parse("alice").expect("a subject");
    // A benchmark signs in more often in a minute than a service with these limits.
    let store = MemoryStore::new().with_limits(MemoryLimits {
        pending: usize::MAX,
        codes: usize::MAX,
        grants: usize::MAX,
        ..MemoryLimits::default()
    });
    let keys = MasterKeys::new(MasterKey::from_bytes(&[7; 32]));
    McpAuth::builder(origin)
        .store(Arc::new(store), Arc::new(keys))
        .scope("notes:read", "Read your notes")
        .scope("notes:write", "Add notes for you")
        .identity_provider(FixedIdentity::new(Identity::new("idp", alice)))
        .client(client)
        // One grant is refreshed more often in a minute than any client would.
        .rate_limits(RateLimits::off())
        .build()
        .expect("the settings are good")
}
