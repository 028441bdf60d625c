//! The note book on actix-web: sign-in, protected tools, and one `configure`.
//!
//! Type `cargo run --example actix_server --features actix`; the server is then at
//! <http://127.0.0.1:8080/mcp>. In a package of your own: `oauth-for-mcp` with the
//! features `actix` and `rmcp`, `rmcp` with `transport-streamable-http-server`, and
//! `actix-web`.

#[path = "support/notes.rs"]
mod notes;

use std::error::Error;

use actix_web::{App, HttpServer, rt::System};
use notes::NoteBook;
use oauth_for_mcp::{McpAuth, adapter::actix::tower_service};
use rmcp::transport::streamable_http_server::{
    StreamableHttpService, session::local::LocalSessionManager,
};

const PUBLIC_URL: &str = "http://127.0.0.1:8080";

fn main() -> Result<(), Box<dyn Error>> {
    let auth = McpAuth::builder(PUBLIC_URL)
        .scope("notes:read", "Read your notes")
        .scope("notes:write", "Add notes for you")
        .covers("notes:write", "notes:read")
        .tool("add_note", "notes:write")
        // Takes any name, on this machine only; elsewhere: `.identity_provider(…)`.
        .development_login()
        .build()?;
    let book = NoteBook::new();
    let service = StreamableHttpService::new(
        move || Ok(book.clone()),
        LocalSessionManager::default().into(),
        Default::default(),
    );
    // Made once for each worker; they share the sessions and the notes.
    let app = move || App::new().configure(auth.configure(tower_service(service.clone())));
    println!("The MCP server is at {PUBLIC_URL}/mcp.");
    System::new().block_on(async { HttpServer::new(app).bind("127.0.0.1:8080")?.run().await })?;
    Ok(())
}
