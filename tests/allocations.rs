//! What the whole way of a known token through the guard allocates.
#![cfg(all(feature = "axum", feature = "test-util"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/support/idle_layer.rs"]
mod idle_layer;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, post};
use oauth_for_mcp::adapter::axum::{protect, protected};
use oauth_for_mcp::adapter::tower::ProtectLayer;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use tower_service::Service as _;

use idle_layer::IdleLayer;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note"}}"#;
/// How many more than whoever reads the body has anyway.
const MOST: u64 = 3;

fn idle_handler() -> MethodRouter {
    post(|_: Bytes| async { ([("content-type", "application/json")], "{}") })
}

fn idle_router() -> Router {
    Router::new().route("/mcp", idle_handler())
}

fn request(token: &str) -> Request {
    Request::post("https://mcp.example.com/mcp")
        .header("host", "mcp.example.com")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "add_note")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(CALL))
        .unwrap()
}

/// How often one request to `router` allocates, which must not have to wait.
fn allocations(router: &mut Router, token: &str) -> u64 {
    let request = request(token);
    let mut answer = None;
    let counted = allocation_counter::measure(|| {
        let asked = pin!(router.call(request));
        answer = Some(asked.poll(&mut Context::from_waker(Waker::noop())));
    });
    let Some(Poll::Ready(Ok(answer))) = answer else {
        panic!("it had to wait");
    };
    assert_eq!(answer.into_response().status(), 200);
    counted.count_total
}

/// B8
#[tokio::test]
async fn a_known_token_costs_at_most_three_allocations_over_reading_the_body() {
    let server = TestServer::with(|builder| {
        builder
            .prompt("draft", ["notes:write"])
            .resource("notes://private", ["notes:write"])
            .otherwise(["notes:read"])
    });
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:write").await.access_token;
    let protection = server.auth().protection().clone();
    let mut idle = idle_router().route_layer(IdleLayer);
    let guarded = [
        protected("/mcp", protection.clone(), idle_handler()),
        idle_router().route_layer(protect(protection.clone())),
        idle_router().route_layer(ProtectLayer::new(protection)),
    ];

    allocations(&mut idle, &token);
    let theirs = allocations(&mut idle, &token);
    assert!(theirs > 0, "nothing was counted");
    for (way, mut guarded) in guarded.into_iter().enumerate() {
        let first = allocations(&mut guarded, &token);
        let ours = allocations(&mut guarded, &token);
        // So that the test could fail: a token that nobody has seen costs more.
        assert!(way > 0 || first > theirs + MOST, "{first}, {theirs}");
        assert!(ours <= theirs + MOST, "{way}: {ours}, {theirs}");
    }
}
