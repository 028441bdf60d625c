use std::net::{SocketAddr, TcpListener};

use axum::Router;
use axum::routing::any_service;
use oauth_for_mcp::McpAuth;
use tokio_util::sync::CancellationToken;

use super::Shared;

pub(super) fn serve(
    listener: TcpListener,
    auth: Option<McpAuth>,
    service: Shared,
    end: CancellationToken,
) {
    let router = match auth {
        Some(auth) => auth.router(service),
        None => Router::new().route("/mcp", any_service(service)),
    };
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let server = axum::serve(listener, router).into_future();
    tokio::spawn(async move {
        tokio::select! {
            ended = server => ended.unwrap(),
            () = end.cancelled() => {}
        }
    });
}
