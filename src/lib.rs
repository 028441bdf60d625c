//! OAuth 2.1 for MCP servers.

pub mod adapter;
pub mod endpoint;
pub mod event;
pub mod fetch;
pub mod idp;
pub mod jose;
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
