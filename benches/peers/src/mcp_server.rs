//! A small MCP server on rmcp, of the revision without sessions.

use std::sync::Arc;

use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};

/// Someone with two notes.
#[derive(Clone)]
pub(crate) struct Notes;

#[tool_router]
impl Notes {
    #[tool(description = "Lists your notes.")]
    async fn list_notes(&self) -> String {
        "milk\nbread".to_owned()
    }
}

#[tool_handler]
impl ServerHandler for Notes {}

pub(crate) type NotesService = StreamableHttpService<Notes, LocalSessionManager>;

pub(crate) fn service() -> NotesService {
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_allowed_hosts(["mcp.example.com"]);
    let sessions = Arc::new(LocalSessionManager::default());
    StreamableHttpService::new(|| Ok(Notes), sessions, config)
}

/// What a client sends to call the tool, beside its token.
pub(crate) const HEADERS: &str =
    "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: list_notes\r\n";
pub(crate) const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
