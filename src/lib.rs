//! OAuth 2.1 for MCP servers.

pub mod adapter;
pub mod endpoint;
pub mod event;
pub mod fetch;
pub mod idp;
pub mod jose;
pub mod model;
pub mod protocol;
pub mod resource;
#[cfg(feature = "server")]
pub mod server;
pub mod store;
pub mod types;
