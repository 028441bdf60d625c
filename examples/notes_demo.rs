//! The note book without protection: both transports of MCP in one process.
//!
//! Type `cargo run --example notes_demo`. It shows that what a layer puts on one HTTP
//! request reaches the tool that this request calls, session or not.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use rmcp::{
    ClientServiceExt,
    model::{CallToolRequestParams, JsonObject},
    service::{RoleClient, RunningService},
    transport::StreamableHttpClientTransport,
};
use rmcp_client::{Failure, Transport};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

#[path = "support/mcp_service.rs"]
mod mcp_service;
#[path = "support/notes.rs"]
mod notes;
#[path = "support/recorder.rs"]
mod recorder;
#[path = "support/redact.rs"]
mod redact;
#[path = "support/rmcp_client.rs"]
mod rmcp_client;

/// Stands where the protecting layer will: the client id tells the requests apart.
async fn identify(
    State(count): State<Arc<AtomicUsize>>,
    mut request: Request,
    next: Next,
) -> Response {
    let number = count.fetch_add(1, Ordering::Relaxed) + 1;
    request.extensions_mut().insert(notes::Caller {
        subject: "ada".to_owned(),
        upstream_subject: None,
        email: Some("ada@example.com".to_owned()),
        client_id: format!("request-{number}"),
        scopes: vec!["notes:read".to_owned()],
        issuer: "http://127.0.0.1".to_owned(),
    });
    next.run(request).await
}

fn routes(public_url: &Url, shutdown: &CancellationToken) -> Router {
    let recorder = recorder::Recorder::new(|exchange| println!("{exchange}"));
    mcp_service::mcp_routes(mcp_service::note_service(public_url, shutdown))
        .layer(from_fn_with_state(Arc::default(), identify))
        .layer(from_fn_with_state(recorder, recorder::record))
}

async fn call(
    client: &RunningService<RoleClient, ()>,
    tool: &'static str,
    arguments: Value,
) -> Result<Value, Failure> {
    let arguments: JsonObject = serde_json::from_value(arguments)?;
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    let result = client.call_tool(request).await?;
    Ok(result
        .structured_content
        .ok_or("the tool returned nothing structured")?)
}

async fn visit(url: &Url, transport: Transport) -> Result<(), Failure> {
    println!("--- {transport:?}\n");
    let wire = StreamableHttpClientTransport::from_uri(url.as_str());
    let client = ().serve_with_lifecycle(wire, transport.lifecycle()).await?;
    let first = call(&client, "whoami", json!({})).await?;
    call(
        &client,
        "add_note",
        json!({ "text": format!("by {transport:?}") }),
    )
    .await?;
    let second = call(&client, "whoami", json!({})).await?;
    if first["client_id"] == second["client_id"] {
        return Err("two requests arrived with the extensions of one".into());
    }
    println!("notes: {}\n", call(&client, "list_notes", json!({})).await?);
    client.cancel().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = Url::parse(&format!("http://{}/mcp", listener.local_addr()?))?;
    let shutdown = CancellationToken::new();
    mcp_service::shut_down_on_signal(shutdown.clone())?;
    let server = mcp_service::serve(listener, routes(&url, &shutdown), shutdown.clone());
    let server = tokio::spawn(server);
    visit(&url, Transport::Stateful).await?;
    visit(&url, Transport::Stateless).await?;
    shutdown.cancel();
    server.await??;
    Ok(())
}
