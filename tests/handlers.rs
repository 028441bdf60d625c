//! What is asked of a handler behind the protection, and what reaches it.
#![cfg(all(feature = "axum", feature = "test-util"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::any;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use oauth_for_mcp::adapter::axum::{protect, protected};
use oauth_for_mcp::adapter::tower::{EndpointService, ProtectLayer, ProtectService};
use oauth_for_mcp::endpoint::Protection;
use oauth_for_mcp::resource::api_key::{ApiKeyPrefix, StaticApiKeys};
use oauth_for_mcp::resource::{ResourceServer, ScopePolicy};
use oauth_for_mcp::test_util::{SeededEntropy, TestClient, TestServer};
use oauth_for_mcp::types::{ResourceUri, Scope, Secret};
use serde_json::json;
use tower_service::Service;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note"}}"#;

/// Takes one request, after it was asked whether it is ready; no copy is ready.
#[derive(Default)]
struct Careful {
    is_ready: bool,
}

impl Clone for Careful {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<B> Service<Request<B>> for Careful {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(self.is_ready, "nobody asked whether it is ready");
        self.is_ready = false;
        ready(Ok(Response::new(Body::from("done"))))
    }
}

/// Nobody may ask whether it is ready.
#[derive(Clone)]
struct Asleep;

impl<B> Service<Request<B>> for Asleep {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        panic!("somebody asked whether it is ready");
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        panic!("somebody called it");
    }
}

/// A body of which nothing comes.
struct Stalled;

impl http_body::Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

fn post(token: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post("/mcp").header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(body.into()).unwrap()
}

async fn ask<S>(service: &mut S, request: Request<Body>) -> S::Response
where
    S: Service<Request<Body>, Error = Infallible>,
{
    poll_fn(|context| service.poll_ready(context))
        .await
        .unwrap();
    service.call(request).await.unwrap()
}

async fn token(server: &TestServer, scope: &str) -> String {
    let client = TestClient::register(server).await;
    client.sign_in(server, scope).await.access_token
}

#[tokio::test]
async fn a_handler_takes_a_request_only_after_it_said_that_it_is_ready() {
    let server = TestServer::new();
    let token = token(&server, "notes:read").await;
    let protection = server.auth().protection().clone();
    let mut service = ProtectService::new(protection, Careful::default());
    // One after another, and two before the first is answered.
    let mut begun = Vec::new();
    for _ in 0..3 {
        poll_fn(|context| Service::<Request<Body>>::poll_ready(&mut service, context))
            .await
            .unwrap();
        begun.push(service.call(post(Some(&token), PING)));
    }
    for answer in begun {
        assert_eq!(answer.await.unwrap().status(), 200);
    }
}

/// What has few places gives none of them to who is refused, or has not said all yet.
#[tokio::test]
async fn a_handler_waits_for_nobody_who_is_not_let_in() {
    let server = TestServer::with(|builder| builder.tool("add_note", ["notes:write"]));
    let token = token(&server, "notes:read").await;
    let protection = server.auth().protection();
    let mut service = ProtectService::new(protection.clone(), Asleep);
    let mut router: Router = protected("/mcp", protection.clone(), Asleep);
    for (token, status) in [(None, 401), (Some("bad"), 401), (Some(&*token), 403)] {
        let answer = ask(&mut service, post(token, CALL)).await;
        assert_eq!(answer.status(), status, "{token:?}");
        let answer = ask(&mut router, post(token, CALL)).await;
        assert_eq!(answer.status(), status, "{token:?}");
    }
    let mut asked = pin!(ask(&mut router, post(Some(&token), Body::new(Stalled))));
    let mut context = Context::from_waker(Waker::noop());
    assert!(asked.as_mut().poll(&mut context).is_pending());
}

/// How long an answer says that its content is, and the content.
async fn read<B>(answer: Response<B>) -> (Option<usize>, Bytes)
where
    B: http_body::Body<Data = bytes::Bytes, Error: Debug>,
{
    let (parts, body) = answer.into_parts();
    let length = parts.headers.get("content-length");
    let length = length.map(|length| length.to_str().unwrap().parse().unwrap());
    (length, body.collect().await.unwrap().to_bytes())
}

/// Servers of HTTP/2 send what they are given.
#[tokio::test]
async fn an_answer_to_head_says_how_long_its_content_would_be() {
    let request = |method: &Method, path: &str| {
        let request = Request::builder().method(method).uri(path);
        request.body(Body::empty()).unwrap()
    };
    let server = TestServer::new();
    let mut endpoints = EndpointService::new(Arc::clone(server.auth().endpoints()));
    let refuse = guard(ScopePolicy::new(Scope::empty()));
    let mut refuse = ProtectService::new(refuse, any(|| async { "notes" }));
    let document = "/.well-known/oauth-protected-resource/mcp";

    let (_, content) = read(ask(&mut endpoints, request(&Method::GET, document)).await).await;
    assert!(!content.is_empty());
    let head = read(ask(&mut endpoints, request(&Method::HEAD, document)).await).await;
    assert_eq!(head, (Some(content.len()), Bytes::new()));

    let mut handler = protected(
        "/mcp",
        guard(ScopePolicy::new(Scope::empty())),
        Careful::default(),
    );
    for (method, content) in [(Method::GET, "done"), (Method::HEAD, "")] {
        let mut request = post(Some(key(2).expose()), "");
        *request.method_mut() = method;
        let answer = read(ask(&mut handler, request).await).await;
        let length = content.is_empty().then_some("done".len());
        assert_eq!(answer, (length, Bytes::from(content)));
    }

    let (_, content) = read(ask(&mut refuse, request(&Method::GET, "/mcp")).await).await;
    assert!(!content.is_empty());
    let head = read(ask(&mut refuse, request(&Method::HEAD, "/mcp")).await).await;
    assert_eq!(head, (Some(content.len()), Bytes::new()));
}

/// How long a list will be that is cut down, nobody knows before.
#[tokio::test]
async fn an_answer_to_head_tells_no_length_of_a_list_that_is_cut_down() {
    let policy = ScopePolicy::builder().tool("add_note", "notes:write");
    let filtered = guard(policy.build().unwrap()).filter_lists();
    let mut handler = protected(
        "/mcp",
        filtered,
        any(|| async { ([("content-type", "application/json")], "{}") }),
    );
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let mut request = post(Some(key(2).expose()), list);
    *request.method_mut() = Method::HEAD;
    let answer = read(ask(&mut handler, request).await).await;
    assert_eq!(answer, (None, Bytes::new()));
}

/// Whoever adds a route beside a protected handler learns that it would be open.
#[test]
#[should_panic(expected = "conflict")]
fn no_route_is_added_beside_a_protected_handler() {
    let policy = ScopePolicy::new(Scope::empty());
    let guarded: Router = protected("/mcp", guard(policy), any(|| async {}));
    drop(guarded.route("/mcp", any(|| async { "open" })));
}

fn key(seed: u64) -> Secret {
    let prefix = ApiKeyPrefix::default();
    prefix.generate(&SeededEntropy::new(seed)).unwrap()
}

/// Lets in two keys: the first reads notes, the second may do nothing.
fn guard(policy: ScopePolicy) -> Protection {
    let resource = ResourceUri::parse("https://mcp.example.com/mcp").unwrap();
    let entry = |seed: u64, scopes: &[&str]| {
        json!({
            "name": seed.to_string(),
            "subject": "importer",
            "scopes": scopes,
            "key_sha256": key(seed).hash(),
        })
    };
    let file = json!([entry(1, &["notes:read"]), entry(2, &[])]).to_string();
    let keys = StaticApiKeys::from_json(file.as_bytes(), &resource).unwrap();
    let server = ResourceServer::for_api_keys(resource, Arc::new(keys)).scope_policy(policy);
    Protection::new(Arc::new(server.build().unwrap()))
}

/// However axum is told to protect a handler, nobody gets there without a scope, with
/// or without a body, and with one the body does.
///
/// B8
#[tokio::test]
async fn every_way_to_protect_a_handler_in_axum_does_the_same() {
    let connect = Scope::parse("notes:read").unwrap();
    let table = ScopePolicy::builder().connect("notes:read");
    let table = table.tool("add_note", "notes:write").build().unwrap();
    let echo = || any(|body: String| async { body });
    let plain = || Router::new().route("/mcp", echo());
    for (policy, call) in [(table, 403), (ScopePolicy::new(connect), 200)] {
        let protection = guard(policy);
        let ways = [
            protected("/mcp", protection.clone(), echo()),
            plain().route_layer(protect(protection.clone())),
            plain().route_layer(ProtectLayer::new(protection)),
        ];
        for (way, mut router) in ways.into_iter().enumerate() {
            for (method, body, reads) in [
                (Method::POST, CALL, call),
                (Method::POST, PING, 200),
                (Method::GET, "", 200),
                (Method::DELETE, "", 200),
                (Method::HEAD, "", 200),
            ] {
                let case = format!("{way} {call} {method} {body}");
                for (token, status) in [(None, 401), (Some(key(1)), reads), (Some(key(2)), 403)] {
                    let mut request = post(token.as_ref().map(Secret::expose), body);
                    *request.method_mut() = method.clone();
                    let answer = ask(&mut router, request).await;
                    assert_eq!(answer.status(), status, "{case}");
                    let length = answer.headers().get("content-length");
                    let is_zero = length.is_some_and(|length| length == "0");
                    assert_eq!(is_zero, status == 200 && body.is_empty(), "{case}");
                    let answered = answer.into_body().collect().await.unwrap().to_bytes();
                    assert!(status != 200 || answered == body, "{case}");
                    let is_empty = answered.is_empty();
                    assert!(method != Method::HEAD || is_empty, "{case}");
                }
            }
        }
    }
}
