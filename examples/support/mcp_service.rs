//! Streamable HTTP in front of the note book: mounting and shutting down.

#![allow(dead_code, reason = "each example uses its part of this file")]

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    middleware::map_request,
};
use oauth_for_mcp::{
    McpAuth,
    adapter::tower::{EndpointService, ProtectService},
    endpoint::PeerAddress,
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::notes::NoteBook;

/// How long running requests may take once the server is to end.
const PATIENCE: Duration = Duration::from_secs(5);

type NoteService = StreamableHttpService<NoteBook, LocalSessionManager>;

/// The note book over Streamable HTTP, for every revision of MCP.
///
/// Requests of revision 2026-07-28 stand alone; those of earlier revisions get a
/// session. rmcp tells them apart request by request. Cancelling `shutdown` ends
/// sessions and open event streams, without which a graceful shutdown would wait
/// for clients to hang up.
fn note_service(public_url: &Url, shutdown: &CancellationToken) -> NoteService {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(true)
        .with_json_response(true)
        .with_allowed_hosts(allowed_hosts(public_url))
        .with_cancellation_token(shutdown.child_token());
    let book = NoteBook::new();
    StreamableHttpService::new(
        move || Ok(book.clone()),
        Arc::new(LocalSessionManager::default()),
        config,
    )
}

/// The `Host` values to answer to, which keeps DNS rebinding out. An entry
/// without a port allows any, since a proxy in front may use another.
fn allowed_hosts(public_url: &Url) -> Vec<String> {
    let host = public_url.host_str().unwrap_or_default();
    if ["localhost", "127.0.0.1", "[::1]"].contains(&host) {
        return ["localhost", "127.0.0.1", "::1"]
            .map(str::to_owned)
            .to_vec();
    }
    vec![host.to_owned()]
}

/// The note book behind `auth`, and everything else that clients and browsers need.
///
/// With the feature `axum`, `auth.router(service)` does the same; the services of
/// `adapter::tower` fit any framework, and the examples run with the default features.
pub(crate) fn routes(auth: &McpAuth, shutdown: &CancellationToken) -> Router {
    let service = note_service(&auth.server().issuer().url(), shutdown);
    let protected = ProtectService::new(auth.protection().clone(), service);
    Router::new()
        .route_service(auth.resource().resource().path(), protected)
        .fallback_service(EndpointService::new(Arc::clone(auth.endpoints())))
        .layer(map_request(with_peer))
}

/// Tells where the request comes from: limits go by address.
async fn with_peer(ConnectInfo(peer): ConnectInfo<SocketAddr>, mut request: Request) -> Request {
    request.extensions_mut().insert(PeerAddress(peer.ip()));
    request
}

/// Serves until `shutdown` is cancelled and the running requests are answered, or
/// took too long to.
///
/// # Errors
///
/// What the socket reports.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let out_of_patience = shutdown.clone();
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned());
    tokio::select! {
        ended = server => ended,
        () = async {
            out_of_patience.cancelled().await;
            tokio::time::sleep(PATIENCE).await;
        } => Ok(()),
    }
}

/// Cancels `shutdown` at the first SIGTERM or ctrl-c.
///
/// # Errors
///
/// If the signal handlers cannot be installed.
#[cfg(unix)]
pub(crate) fn shut_down_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    // Installed before the first await, so that no early signal kills the process.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        shutdown.cancel();
    });
    Ok(())
}

/// Cancels `shutdown` at ctrl-c.
///
/// # Errors
///
/// None here; the signature is that of the other platforms.
#[cfg(not(unix))]
pub(crate) fn shut_down_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    tokio::spawn(async move {
        // Without a handler for ctrl-c the platform ends the process itself.
        if tokio::signal::ctrl_c().await.is_ok() {
            shutdown.cancel();
        }
    });
    Ok(())
}
