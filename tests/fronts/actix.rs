use std::net::TcpListener;
use std::thread;

use actix_web::rt::System;
use actix_web::{App, HttpServer, web};
use oauth_for_mcp::McpAuth;
use oauth_for_mcp::adapter::actix::tower_service;
use tokio_util::sync::CancellationToken;

use super::Shared;

/// Serves on a thread of its own, since actix-web brings its own runtime.
pub(super) fn serve(
    listener: TcpListener,
    auth: Option<McpAuth>,
    service: Shared,
    end: CancellationToken,
) {
    let run = async move {
        let app = move || {
            let handler = tower_service(service.clone());
            let open = web::resource("/mcp");
            match &auth {
                Some(auth) => App::new().configure(auth.configure(handler)),
                None => App::new().service(open.to(handler)),
            }
        };
        let server = HttpServer::new(app).workers(1).disable_signals();
        let server = server.listen(listener).unwrap().run();
        let handle = server.handle();
        actix_web::rt::spawn(async move {
            end.cancelled().await;
            handle.stop(false).await;
        });
        server.await.unwrap();
    };
    thread::spawn(|| System::new().block_on(run));
}
