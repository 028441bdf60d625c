use std::net::{IpAddr, TcpListener};
use std::sync::Arc;

use http::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use oauth_for_mcp::McpAuth;
use oauth_for_mcp::adapter::tower::{EndpointService, ProtectService};
use oauth_for_mcp::endpoint::PeerAddress;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use super::shared::{Body, Shared, boxed};

pub(super) fn serve(
    listener: TcpListener,
    auth: Option<McpAuth>,
    service: Shared,
    end: CancellationToken,
) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let accept = async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let (auth, service) = (auth.clone(), service.clone());
            let answer = service_fn(move |request| {
                let answer = respond(auth.clone(), service.clone(), request, peer.ip());
                async move { Ok::<_, std::convert::Infallible>(answer.await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), answer);
            tokio::spawn(connection);
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            () = accept => {}
            () = end.cancelled() => {}
        }
    });
}

async fn respond(
    auth: Option<McpAuth>,
    mut service: Shared,
    mut request: Request<Incoming>,
    peer: IpAddr,
) -> Response<Body> {
    let Some(auth) = auth else {
        let Ok(answer) = service.call(request).await;
        return answer;
    };
    request.extensions_mut().insert(PeerAddress(peer));
    if request.uri().path() == "/mcp" {
        let mut protected = ProtectService::new(auth.protection().clone(), service);
        let Ok(answer) = protected.call(request).await;
        return answer.map(boxed);
    }
    let mut endpoints = EndpointService::new(Arc::clone(auth.endpoints()));
    let Ok(answer) = endpoints.call(request).await;
    answer.map(boxed)
}
