//! An MCP server with two tools, made with rmcp, that counts how often they run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::model::{ServerCapabilities, ServerConfig};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, tool, tool_handler, tool_router};

/// How often each tool ran.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    add_note: Arc<AtomicU64>,
    list_notes: Arc<AtomicU64>,
}

impl Runs {
    pub(crate) fn of_add_note(&self) -> u64 {
        self.add_note.load(Ordering::SeqCst)
    }

    pub(crate) fn of_list_notes(&self) -> u64 {
        self.list_notes.load(Ordering::SeqCst)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Counting {
    runs: Runs,
    tool_router: ToolRouter<Self>,
}

#[tool_router]
impl Counting {
    #[tool(description = "Needs a scope.")]
    async fn add_note(&self) -> String {
        self.runs.add_note.fetch_add(1, Ordering::SeqCst);
        "added".to_owned()
    }

    #[tool(description = "Needs no more than to connect.")]
    async fn list_notes(&self) -> String {
        self.runs.list_notes.fetch_add(1, Ordering::SeqCst);
        "listed".to_owned()
    }
}

#[tool_handler(router = self.tool_router)]
impl ServerHandler for Counting {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

pub(crate) type Service = StreamableHttpService<Counting, LocalSessionManager>;

/// How a handler answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answers {
    /// In JSON and without sessions, so that every request stands alone.
    Alone,
    /// By event stream, in sessions that have to be opened first.
    InSessions,
}

pub(crate) fn handler(runs: &Runs, answers: Answers) -> Service {
    let runs = runs.clone();
    let is_alone = matches!(answers, Answers::Alone);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(!is_alone)
        .with_json_response(is_alone)
        .with_allowed_hosts(["mcp.example.com".to_owned()]);
    let new = move || {
        Ok(Counting {
            runs: runs.clone(),
            tool_router: Counting::tool_router(),
        })
    };
    StreamableHttpService::new(new, Arc::new(LocalSessionManager::default()), config)
}
