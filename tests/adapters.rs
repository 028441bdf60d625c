//! The adapters move bytes: what the endpoints promise holds behind a router.
#![cfg(all(feature = "axum", feature = "test-util"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::any;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use oauth_for_mcp::adapter::axum::{protected, routes};
use oauth_for_mcp::endpoint::{Endpoints, PeerAddress};
use oauth_for_mcp::event::Event;
use oauth_for_mcp::limit::{Limit, Quota, RateLimits};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::{McpAuthBuilder, VerifiedToken};
use tower_service::Service;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

async fn who(caller: Option<VerifiedToken>, body: String) -> String {
    let name = caller.map_or_else(|| "nobody".to_owned(), |token| token.subject().to_string());
    format!("{name}: {} bytes", body.len())
}

async fn strictly(caller: VerifiedToken) -> String {
    caller.subject().to_string()
}

async fn ask(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().call(request).await.unwrap()
}

async fn get(router: &Router, path: &str) -> (u16, String) {
    read(ask(router, Request::get(path).body(Body::empty()).unwrap()).await).await
}

async fn call(router: &Router, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
    let mut request = Request::post(path).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    read(ask(router, request).await).await
}

async fn read(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn token(server: &TestServer, scope: &str) -> String {
    let client = TestClient::register(server).await;
    client.sign_in(server, scope).await.access_token
}

#[tokio::test]
async fn a_router_holds_the_mcp_endpoint_and_every_route_around_it() {
    for (url, below) in [
        ("https://mcp.example.com", ""),
        ("https://mcp.example.com/tenant", "/tenant"),
    ] {
        let server = TestServer::at(url, |builder| builder);
        let router: Router = server.auth().router(any(who));
        let mcp = format!("{below}/mcp");
        for path in [
            format!("/.well-known/oauth-protected-resource{mcp}"),
            "/.well-known/oauth-protected-resource".to_owned(),
            format!("/.well-known/oauth-authorization-server{below}"),
            format!("{below}/.well-known/openid-configuration"),
            format!("{below}/jwks"),
        ] {
            assert_eq!(get(&router, &path).await.0, 200, "{path}");
        }
        let (status, body) = get(&router, "/.well-known/oauth-protected-resource/other").await;
        assert_eq!(status, 404);
        assert!(body.starts_with('{'), "{body}");
        assert_eq!(get(&router, "/elsewhere").await.0, 404);
        assert_eq!(get(&router, &format!("{below}/token")).await.0, 405);
        assert_eq!(call(&router, &mcp, None, PING).await.0, 401);

        let token = token(&server, "notes:read").await;
        let (status, body) = call(&router, &mcp, Some(&token), PING).await;
        assert_eq!(
            (status, body),
            (200, format!("alice: {} bytes", PING.len()))
        );
        let add = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note"}}"#;
        assert_eq!(call(&router, &mcp, Some(&token), add).await.0, 403);
    }
}

#[tokio::test]
async fn a_public_operation_reaches_the_handler_with_nobody() {
    let public = |builder: McpAuthBuilder| builder.public_method("ping");
    let server = TestServer::with(public);
    let router: Router = server.auth().router(any(who));

    let (status, body) = call(&router, "/mcp", None, PING).await;

    assert_eq!(
        (status, body),
        (200, format!("nobody: {} bytes", PING.len()))
    );
}

#[tokio::test]
async fn a_handler_that_needs_a_caller_fails_closed_without_protection() {
    let router: Router = Router::new().route("/open", any(strictly));
    assert_eq!(get(&router, "/open").await.0, 500);
}

#[tokio::test]
async fn bodies_are_bounded_before_they_are_read_whole() {
    let server = TestServer::new();
    let router: Router = server.auth().router(any(who));
    let endless = || Body::from_stream(Endless);
    let request = Request::post("/token").body(endless()).unwrap();
    assert_eq!(ask(&router, request).await.status(), 413);

    let token = token(&server, "notes:read").await;
    let request = Request::post("/mcp")
        .header("authorization", format!("Bearer {token}"))
        .body(endless())
        .unwrap();
    assert_eq!(ask(&router, request).await.status(), 413);
    // Who is not let in is not listened to.
    let request = Request::post("/mcp").body(endless()).unwrap();
    assert_eq!(ask(&router, request).await.status(), 401);
}

/// Sends for ever.
struct Endless;

impl futures_core::Stream for Endless {
    type Item = Result<bytes::Bytes, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(Some(Ok(bytes::Bytes::from_static(&[b'x'; 4096]))))
    }
}

/// A body that comes when the test says so.
struct Pieces(tokio::sync::mpsc::UnboundedReceiver<&'static str>);

impl futures_core::Stream for Pieces {
    type Item = Result<bytes::Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let piece = self.0.poll_recv(context);
        piece.map(|piece| piece.map(|text| Ok(bytes::Bytes::from_static(text.as_bytes()))))
    }
}

#[tokio::test]
async fn lists_are_cut_while_a_stream_runs() {
    let server = TestServer::with(McpAuthBuilder::filtered_lists);
    let (send, pieces) = tokio::sync::mpsc::unbounded_channel();
    let pieces = Arc::new(std::sync::Mutex::new(Some(pieces)));
    let router: Router = server.auth().router(any(move || {
        let pieces = pieces.lock().unwrap().take().unwrap();
        let body = Body::from_stream(Pieces(pieces));
        async {
            Response::builder()
                .header("content-type", "text/event-stream")
                .body(body)
                .unwrap()
        }
    }));
    let token = token(&server, "notes:read").await;
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let request = Request::post("/mcp")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(list))
        .unwrap();
    let mut body = ask(&router, request).await.into_body();

    send.send("data: {\"method\":\"notifications/progress\"}\n\ndata: {\"result\":")
        .unwrap();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "data: {\"method\":\"notifications/progress\"}\n\n");
    send.send("{\"tools\":[{\"name\":\"add_note\"}").unwrap();
    send.send(",{\"name\":\"list_notes\"}]}}\n\n").unwrap();
    let second = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(
        second,
        "data: {\"result\":{\"tools\":[{\"name\":\"list_notes\"}]}}\n\n"
    );
    send.send(": the end").unwrap();
    drop(send);
    let third = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(third, ": the end");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_guard_alone_leaves_the_paths_of_other_servers_to_the_host() {
    let server = TestServer::new();
    let endpoints = Arc::new(Endpoints::for_resource(server.auth().resource()));
    let host = Router::new().route(
        "/.well-known/openid-configuration",
        any(|| async { "the host's own" }),
    );
    let guarded = protected("/mcp", server.auth().protection().clone(), any(who));
    // In either order: the guard of one path is not the fallback of all.
    for router in [
        host.clone()
            .merge(routes(Arc::clone(&endpoints)))
            .merge(guarded.clone()),
        guarded.merge(routes(endpoints)).merge(host),
    ] {
        let (status, body) = get(&router, "/.well-known/openid-configuration").await;
        assert_eq!((status, body.as_str()), (200, "the host's own"));
        assert_eq!(
            get(&router, "/.well-known/oauth-protected-resource")
                .await
                .0,
            200
        );
        assert_eq!(get(&router, "/elsewhere").await.0, 404);
        assert_eq!(call(&router, "/mcp", None, PING).await.0, 401);
    }
}

#[tokio::test]
async fn documents_answer_to_head() {
    let server = TestServer::new();
    let router: Router = server.auth().router(any(who));
    for path in ["/jwks", "/.well-known/oauth-authorization-server"] {
        let request = Request::head(path).body(Body::empty()).unwrap();
        assert_eq!(ask(&router, request).await.status(), 200, "{path}");
    }
}

/// Registers over a router that was told of this peer, if of any.
async fn register(router: &Router, peer: Option<&str>, own: Option<&str>) -> u16 {
    let mut request = Request::post("/register").header("content-type", "application/json");
    if let Some(peer) = peer {
        request = request.extension(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
    }
    if let Some(own) = own {
        request = request.extension(PeerAddress(own.parse().unwrap()));
    }
    let metadata = r#"{"redirect_uris":["https://client.example.com/cb"]}"#;
    let answer = ask(router, request.body(Body::from(metadata)).unwrap()).await;
    answer.status().as_u16()
}

#[tokio::test]
async fn the_address_of_the_connection_is_the_one_that_limits_go_by() {
    let quota = Quota::new(1, 1).unwrap();
    let limits = RateLimits::off().with(Limit::RegisterByAddress, quota);
    let server = TestServer::with(|builder| builder.rate_limits(limits));
    let router: Router = server.auth().router(any(who));

    assert_eq!(register(&router, Some("203.0.113.7:1000"), None).await, 201);
    assert_eq!(register(&router, Some("203.0.113.7:2000"), None).await, 429);
    assert_eq!(register(&router, Some("203.0.113.8:1000"), None).await, 201);
    let told = register(&router, Some("203.0.113.8:1000"), Some("203.0.113.9")).await;
    assert_eq!(told, 201, "what the host set itself");
    assert_eq!(
        server.events().all().len(),
        4,
        "three clients and a refusal"
    );

    for _ in 0..3 {
        assert_eq!(register(&router, None, None).await, 201, "not told");
    }
    assert!(server.events().all().contains(&Event::PeerAddressUnknown));
}
