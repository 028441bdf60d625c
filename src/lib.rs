//! OAuth 2.1 for MCP servers.

pub mod jose;
pub mod types;
