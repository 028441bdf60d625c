//! OAuth 2.1 for MCP servers: who calls, and what they may do.
//!
//! Pick a role, and mount it in your own router:
//!
//! | you say | you use | you get |
//! |---|---|---|
//! | "People sign in at our identity provider, and MCP clients get tokens from me" | [`McpAuth`] | the whole flow: registration, consent, sign-in, tokens, and the guard |
//! | "I have an authorization server already" | [`resource::ResourceServer`] | metadata, the check of tokens, scope challenges |
//! | "I want to put it together myself" | [`server::AuthorizationServer`], [`resource::ResourceServer`], [`endpoint`] | the parts that [`McpAuth`] is made of |
//!
#![cfg_attr(
    feature = "server",
    doc = r#"
```
use oauth_for_mcp::McpAuth;

let auth = McpAuth::builder("http://127.0.0.1:8080")
    .scope("notes:read", "Read your notes")
    .scope("notes:write", "Add notes for you")
    .covers("notes:write", "notes:read")
    .tool("add_note", "notes:write")
    .development_login()
    .build()?;
# Ok::<_, oauth_for_mcp::McpAuthError>(())
```
"#
)]
//!
//! An adapter ([`adapter`]) then fits `auth` into a server: with axum,
//! `auth.router(mcp_service)` is all of it, and with actix-web
//! `App::new().configure(auth.configure(mcp_handler))`.
//!
//! # Layers
//!
//! Data flows one way: request → adapter → endpoint → role → rules on values →
//! store, identity provider, network → response. Below the adapters there is no
//! framework, no socket and no runtime; time, randomness and network are handed in.
//!
//! | layer | modules |
//! |---|---|
//! | 6 | [`adapter`]: moves bytes |
//! | 5 | [`endpoint`]: HTTP in, HTTP out |
//! | 4 | [`server`], [`resource`]: the roles |
//! | 3 | [`store`], [`idp`]: ports to implement |
//! | 2 | [`model`], [`event`], [`fetch`], [`limit`] |
//! | 1 | [`protocol`], [`jose`]: wire shapes, signatures |
//! | 0 | [`types`]: values valid by construction |
#![cfg_attr(
    not(feature = "server"),
    expect(
        rustdoc::broken_intra_doc_links,
        reason = "the tables name what is switched off"
    )
)]

pub mod adapter;
pub mod endpoint;
pub mod event;
pub mod fetch;
pub mod idp;
pub mod jose;
#[cfg(feature = "server")]
pub mod limit;
#[cfg(feature = "server")]
mod mcp_auth;
pub mod model;
pub mod protocol;
pub mod resource;
#[cfg(feature = "server")]
pub mod server;
pub mod store;
#[cfg(feature = "test-util")]
pub mod test_util;
pub mod types;

#[cfg(feature = "server")]
pub use mcp_auth::{McpAuth, McpAuthBuilder, McpAuthError};
pub use resource::VerifiedToken;

#[cfg(all(
    feature = "server",
    not(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))
))]
compile_error!(
    "the feature `server` signs tokens: enable `jwt-aws-lc` or `jwt-rust-crypto` as well"
);

/// The examples of the README, as tests.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The examples of the documents, as tests.
#[cfg(all(doctest, feature = "sqlite", feature = "reqwest"))]
#[doc = include_str!("../docs/storage.md")]
#[doc = include_str!("../docs/deployment.md")]
#[doc = include_str!("../docs/registration.md")]
#[doc = include_str!("../docs/providers.md")]
#[doc = include_str!("../docs/api-keys.md")]
struct Documents;

/// The examples of the document for hosts that have an authorization server.
#[cfg(all(doctest, feature = "axum", feature = "reqwest"))]
#[doc = include_str!("../docs/resource-server.md")]
struct ResourceServerDocument;

/// The examples of the document about scopes, as tests.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../docs/scopes.md")]
struct Scopes;
