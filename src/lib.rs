//! OAuth 2.1 for MCP servers.

pub mod event;
pub mod fetch;
pub mod idp;
pub mod jose;
pub mod model;
pub mod protocol;
pub mod store;
#[cfg(feature = "test-util")]
pub mod test_util;
pub mod types;
