//! An adapter that calls the protection in a wrong way opens nothing, and no request
//! makes more work than its size is worth.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, Request};
use oauth_for_mcp::endpoint::{Caller, Endpoints, Protection};
use oauth_for_mcp::event::Event;
use oauth_for_mcp::resource::{InvalidMessage, Operation, ResourceError};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::types::Scope;
use oauth_for_mcp::{McpAuthBuilder, VerifiedToken};

use super::support::{JSON, PING, header, send};

fn public(builder: McpAuthBuilder) -> McpAuthBuilder {
    builder.public_method("ping")
}

async fn admitted(protection: &Protection, method: Method, token: Option<&str>) -> (Parts, Caller) {
    let mut request = Request::builder().method(method).uri("/mcp");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(()).expect("a request");
    let (mut parts, ()) = request.into_parts();
    let caller = protection.admit(&mut parts).await;
    (parts, caller.expect("it is let in"))
}

async fn reader(server: &TestServer) -> String {
    let client = TestClient::register(server).await;
    client.sign_in(server, "notes:read").await.access_token
}

/// B8
#[tokio::test]
async fn a_body_that_decides_has_to_be_handed_over() {
    let server = TestServer::with(public);
    let token = reader(&server).await;
    let protection = server.auth().protection();
    for (method, token, empty) in [
        (Method::POST, Some(token.as_str()), 400),
        (Method::POST, None, 400),
        (Method::GET, Some(&token), 200),
    ] {
        let (parts, caller) = admitted(protection, method.clone(), token).await;
        let refusal = protection.permit(caller, &parts, None).unwrap_err();
        assert_eq!(refusal.status(), 500, "{method} {token:?}");
        let (parts, caller) = admitted(protection, method.clone(), token).await;
        let passage = protection.permit(caller, &parts, Some(b""));
        let status = passage.map_or_else(|refusal| refusal.status().as_u16(), |_| 200);
        assert_eq!(status, empty, "{method} {token:?}");
    }
    let headers = HeaderMap::new();
    let undecided = server.auth().resource().authorize(None, &headers, None);
    assert!(matches!(undecided, Err(ResourceError::BodyNotRead)));
    let told = |event: &Event| matches!(event, Event::Outage { cause } if cause.contains("body"));
    assert!(server.events().all().iter().any(told), "the operator hears");
}

/// B8
#[tokio::test]
async fn a_caller_is_good_for_the_protection_that_admitted_it() {
    let (server, other) = (TestServer::new(), TestServer::new());
    let token = reader(&server).await;
    let (ours, theirs) = (server.auth().protection(), other.auth().protection());
    let changed = ours.clone().filter_lists();
    for (protection, status) in [
        (ours, 200),
        (&ours.clone(), 200),
        (theirs, 500),
        (&changed, 500),
    ] {
        let (parts, caller) = admitted(ours, Method::POST, Some(&token)).await;
        let passage = protection.permit(caller, &parts, Some(PING.as_bytes()));
        let answer = passage.map_or_else(|refusal| refusal.status().as_u16(), |_| 200);
        assert_eq!(answer, status);
    }
}

/// B2
#[tokio::test]
async fn who_comes_without_a_token_is_not_taken_for_who_came_before() {
    let server = TestServer::with(public);
    let token = reader(&server).await;
    let protection = server.auth().protection();
    let (before, _) = admitted(protection, Method::POST, Some(&token)).await;
    let stale = before.extensions.get::<VerifiedToken>().unwrap().clone();
    let (mut parts, ()) = Request::post("/mcp").body(()).unwrap().into_parts();
    parts.extensions.insert(stale);

    let caller = protection.admit(&mut parts).await.unwrap();

    assert!(caller.token().is_none());
    assert!(parts.extensions.get::<VerifiedToken>().is_none());
}

/// B7
#[tokio::test]
async fn whoever_is_refused_leaves_nobody_in_the_request() {
    let server = TestServer::with(public);
    let token = reader(&server).await;
    let protection = server.auth().protection();
    let (mut parts, _) = admitted(protection, Method::POST, Some(&token)).await;
    assert!(parts.extensions.get::<VerifiedToken>().is_some());
    parts
        .headers
        .insert(AUTHORIZATION, "Bearer bad".parse().unwrap());

    let refusal = protection.admit(&mut parts).await.unwrap_err();

    assert_eq!(refusal.status(), 401);
    assert!(parts.extensions.get::<VerifiedToken>().is_none());
}

/// B2
#[tokio::test]
async fn who_has_no_token_sends_little_or_is_asked_for_one() {
    let server = TestServer::with(public);
    let token = reader(&server).await;
    let bearer = format!("Bearer {token}");
    let ping = |length: usize| format!("{PING}{}", " ".repeat(length - PING.len()));
    let most = Protection::MAX_ANONYMOUS_BODY;
    let answer = send(&server, ("POST", "/mcp"), &[JSON], ping(most)).await;
    assert_eq!(answer.status(), 200);
    let answer = send(&server, ("POST", "/mcp"), &[JSON], ping(most + 1)).await;
    assert_eq!(answer.status(), 401);
    assert!(header(&answer, "www-authenticate").contains("resource_metadata="));
    let headers = [JSON, ("authorization", bearer.as_str())];
    let answer = send(&server, ("POST", "/mcp"), &headers, ping(most + 1)).await;
    assert_eq!(answer.status(), 200);
}

/// B2
#[tokio::test]
async fn who_has_no_token_never_sends_more_than_who_has_one() {
    let server = TestServer::with(public);
    let most = Protection::MAX_ANONYMOUS_BODY;
    for (cap, read) in [(1000, 1000), (most, most), (most + 1, most)] {
        let protection = server.auth().protection().clone().max_body(cap);
        let (_, caller) = admitted(&protection, Method::POST, None).await;
        assert_eq!(protection.reads_body(&caller), Some(read), "{cap}");
    }
}

/// A5
#[tokio::test]
async fn scripts_can_read_why_a_body_was_not_read() {
    let server = TestServer::new();
    let token = reader(&server).await;
    let protection = server.auth().protection();
    let (_, caller) = admitted(protection, Method::POST, Some(&token)).await;
    for (answer, status) in [
        (protection.respond_incomplete(), 400),
        (protection.respond_too_large(&caller), 413),
    ] {
        assert_eq!(answer.status(), status);
        assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    }
}

fn listen(uris: usize) -> String {
    let uris = vec![r#""notes://a""#; uris].join(",");
    format!(
        r#"{{"method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":[{uris}]}}}}}}"#
    )
}

/// B8
#[tokio::test]
async fn a_batch_lists_no_more_resources_than_one_message() {
    let server = TestServer::new();
    let guard = server.auth().resource();
    for (first, second, too_many) in [(500, 500, false), (500, 501, true), (1000, 1, true)] {
        let batch = format!("[{},{}]", listen(first), listen(second));
        let refused = guard.authorize(None, &HeaderMap::new(), Some(batch.as_bytes()));
        let is_over = matches!(
            refused,
            Err(ResourceError::Message(InvalidMessage::TooManyTargets))
        );
        assert_eq!(is_over, too_many, "{first} {second}: {refused:?}");
    }
}

/// B8
#[tokio::test]
async fn behind_a_message_that_is_refused_none_is_looked_at() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = TestServer::with(move |builder| {
        public(builder).rule(move |_: &Operation<'_>| {
            counter.fetch_add(1, Ordering::SeqCst);
            Scope::empty()
        })
    });
    let token = reader(&server).await;
    let protection = server.auth().protection();
    let call = r#"{"method":"tools/call","params":{"name":"add_note"}}"#;
    let batch = format!("[{PING},{}]", vec![call; 99].join(","));
    // To name all that is lacking, every message is looked at once again.
    for (token, expected) in [(None, 2), (Some(token.as_str()), 102)] {
        asked.store(0, Ordering::SeqCst);
        let (parts, caller) = admitted(protection, Method::POST, token).await;
        let refused = protection.permit(caller, &parts, Some(batch.as_bytes()));
        assert!(refused.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), expected, "{token:?}");
    }
}

/// A4
#[tokio::test]
async fn what_the_host_said_of_its_names_holds_in_every_order() {
    let server = TestServer::new();
    let auth = server.auth();
    let ours = ["mcp.example.com"];
    let before = Endpoints::for_resource(auth.resource())
        .allowed_hosts(ours)
        .with_server(auth.server());
    let after = Endpoints::for_resource(auth.resource())
        .with_server(auth.server())
        .allowed_hosts(ours);
    for endpoints in [before, after] {
        for (host, status) in [("evil.example", 421), ("mcp.example.com", 200)] {
            let request = Request::get("/jwks").header("host", host);
            let request = request.body(bytes::Bytes::new()).unwrap();
            assert_eq!(endpoints.respond(request).await.status(), status, "{host}");
        }
    }
}
