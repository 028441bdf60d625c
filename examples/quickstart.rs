//! An MCP server that asks people to sign in, in one file to copy.
//!
//! Type `cargo run --example quickstart --features axum,rmcp,sqlite`, then one of the commands it
//! prints. Sign-ins are kept in `quickstart.db`, so that they outlive a restart. In a package of
//! your own: `oauth-for-mcp` with the features `axum`, `rmcp` and `sqlite`, `rmcp` with
//! `transport-streamable-http-server`, `axum`, and `tokio` with `macros` and `rt-multi-thread`.

use std::{error::Error, net::SocketAddr, sync::Arc};

use oauth_for_mcp::{
    McpAuth,
    adapter::rmcp::caller,
    fetch::ReqwestFetch,
    model::{MasterKey, MasterKeys},
    store::SqliteStore,
    types::SystemEntropy,
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    service::RequestContext,
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpService, session::local::LocalSessionManager,
    },
};

const PUBLIC_URL: &str = "http://127.0.0.1:8080";

#[derive(Clone)]
struct Greeter;

#[tool_router]
impl Greeter {
    #[tool(description = "Greets you by name.")]
    async fn greet(&self, context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        Ok(format!("Hello, {}!", caller(&context)?.subject()))
    }
}

#[tool_handler]
impl ServerHandler for Greeter {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open("sqlite:quickstart.db").await?;
    // Opens what is sealed in the store: keep it apart from its backups.
    let key = MasterKey::load_or_create("quickstart.key", &SystemEntropy)?;
    let auth = McpAuth::builder(PUBLIC_URL)
        .store(Arc::new(store), Arc::new(MasterKeys::new(key)))
        .scope("greet", "Greet you by name")
        // Takes any name, on this machine only; elsewhere: `.identity_provider(…)`.
        .development_login()
        // Clients may be known by a document that they publish, which is read guarded.
        .client_documents(ReqwestFetch::public()?)
        .build()?;
    auth.prepare().await?;
    tokio::spawn(auth.sweeper()?.run(tokio::time::sleep));
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(|| Ok(Greeter), sessions, Default::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!(
        r#"The MCP server is at {PUBLIC_URL}/mcp. Connect a client, and sign in when it asks you to:
  Claude Code    claude mcp add --transport http quickstart {PUBLIC_URL}/mcp
  VS Code        code --add-mcp '{{"name":"quickstart","type":"http","url":"{PUBLIC_URL}/mcp"}}'
  MCP Inspector  npx @modelcontextprotocol/inspector  (transport "Streamable HTTP", the URL above)"#
    );
    // With the addresses of those who connect: requests are limited by address.
    let router: axum::Router = auth.router(service);
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, router).await?;
    Ok(())
}
