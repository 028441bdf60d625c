//! A session of a stateful transport belongs to whoever opened it.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response};
use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::endpoint::Protection;
use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::model::Identity;
use oauth_for_mcp::test_util::{SeededEntropy, TestClient, TestServer};
use oauth_for_mcp::types::Subject;

use super::support::{Answer, JSON, PING, expect_refusal, header, json, send, text};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;

/// Sends a request of somebody who holds `token`, if one is given, in the session.
async fn ask(
    server: &TestServer,
    token: Option<&str>,
    session: Option<&str>,
    (method, body): (&str, &str),
) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![JSON];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    headers.extend(session.map(|id| ("mcp-session-id", id)));
    send(server, (method, "/mcp"), &headers, body.to_owned()).await
}

/// Opens a session; its id as the client knows it.
async fn open(server: &TestServer, token: Option<&str>) -> String {
    let answer = ask(server, token, None, ("POST", INITIALIZE)).await;
    assert_eq!(answer.status(), 200);
    header(&answer, "mcp-session-id").to_owned()
}

/// A token of alice, and one of bob, who is somebody else at another replica.
async fn two_people(server: &TestServer) -> (String, String) {
    let alice = TestClient::register(server).await;
    let alice = alice.sign_in(server, "notes:read").await.access_token;
    let subject = Subject::parse("bob").expect("a name is a subject");
    let identity = Identity::new("https://idp.example.com", subject);
    let bobs =
        server.replica_with(|builder| builder.identity_provider(FixedIdentity::new(identity)));
    let client = TestClient::register(&bobs).await;
    let bob = client.sign_in(&bobs, "notes:read").await.access_token;
    (alice, bob)
}

/// B10
#[tokio::test]
async fn whoever_opened_a_session_uses_it_and_the_handler_knows_it_by_its_own_name() {
    let server = TestServer::new();
    let (alice, _) = two_people(&server).await;
    let session = open(&server, Some(&alice)).await;
    assert_ne!(session, TestServer::SESSION);
    for (method, body) in [("POST", PING), ("GET", ""), ("DELETE", "")] {
        let answer = ask(&server, Some(&alice), Some(&session), (method, body)).await;
        assert_eq!(json(&answer)["session"], TestServer::SESSION, "{method}");
    }
    let answer = ask(&server, Some(&alice), None, ("POST", PING)).await;
    assert!(json(&answer)["session"].is_null());
}

/// B10
#[tokio::test]
async fn a_session_outlives_its_token_but_not_the_person() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let first = client.sign_in(&server, "notes:read").await.access_token;
    let session = open(&server, Some(&first)).await;
    let second = client.sign_in(&server, "notes:write").await.access_token;
    let answer = ask(&server, Some(&second), Some(&session), ("POST", PING)).await;
    assert_eq!(json(&answer)["session"], TestServer::SESSION);
}

/// B10
#[tokio::test]
async fn nobody_else_uses_a_session() {
    let server = TestServer::new();
    let (alice, bob) = two_people(&server).await;
    let session = open(&server, Some(&alice)).await;
    let other_client = TestClient::register(&server).await;
    let other_client = other_client
        .sign_in(&server, "notes:read")
        .await
        .access_token;
    for (who, token) in [("bob", bob), ("another client of alice", other_client)] {
        for (method, body) in [("POST", PING), ("GET", ""), ("DELETE", "")] {
            let answer = ask(&server, Some(&token), Some(&session), (method, body)).await;
            expect_refusal(&answer, 404, "invalid_request", &format!("{who} {method}"));
            assert_eq!(header(&answer, "access-control-allow-origin"), "*");
        }
    }
}

/// B10
#[tokio::test]
async fn a_session_id_cannot_be_made_or_changed() {
    let server = TestServer::new();
    let (alice, _) = two_people(&server).await;
    let session = open(&server, Some(&alice)).await;
    let (id, signature) = session.rsplit_once('.').unwrap();
    let cut = &signature[..signature.len() - 1];
    for forged in [
        TestServer::SESSION.to_owned(),
        format!("session-2.{signature}"),
        format!("{id}."),
        format!("{id}.{cut}"),
        format!("{id}.{signature}="),
        format!(".{signature}"),
        signature.to_owned(),
        String::new(),
        format!("{session}.{signature}"),
    ] {
        let answer = ask(&server, Some(&alice), Some(&forged), ("POST", PING)).await;
        expect_refusal(&answer, 404, "invalid_request", &forged);
    }
}

/// B10
#[tokio::test]
async fn of_two_session_ids_none_counts() {
    let server = TestServer::new();
    let (alice, _) = two_people(&server).await;
    let session = open(&server, Some(&alice)).await;
    let bearer = format!("Bearer {alice}");
    let id = ("mcp-session-id", session.as_str());
    let headers = [JSON, ("authorization", bearer.as_str()), id, id];
    let answer = send(&server, ("POST", "/mcp"), &headers, PING).await;
    expect_refusal(&answer, 404, "invalid_request", "twice");
}

/// B10
#[tokio::test]
async fn replicas_with_the_same_master_key_know_each_others_sessions() {
    let server = TestServer::new();
    let (alice, bob) = two_people(&server).await;
    let session = open(&server, Some(&alice)).await;
    let replica = server.replica();
    let answer = ask(&replica, Some(&alice), Some(&session), ("POST", PING)).await;
    assert_eq!(json(&answer)["session"], TestServer::SESSION);
    let answer = ask(&replica, Some(&bob), Some(&session), ("POST", PING)).await;
    assert_eq!(answer.status(), 404);

    let other_keys = Arc::new(SeededEntropy::new(99));
    let stranger = TestServer::with(|builder| builder.entropy(other_keys));
    let (alice, _) = two_people(&stranger).await;
    let answer = ask(&stranger, Some(&alice), Some(&session), ("POST", PING)).await;
    assert_eq!(answer.status(), 404, "another master key");
}

/// B2, B10
#[tokio::test]
async fn a_session_that_nobody_opened_belongs_to_who_first_says_who_they_are() {
    fn mixed(builder: McpAuthBuilder) -> McpAuthBuilder {
        builder.public_method("initialize").public_method("ping")
    }
    let server = TestServer::with(mixed);
    let (alice, bob) = two_people(&server).await;
    let session = open(&server, None).await;
    for token in [None, None, Some(alice.as_str()), Some(&alice)] {
        let answer = ask(&server, token, Some(&session), ("POST", PING)).await;
        assert_eq!(json(&answer)["session"], TestServer::SESSION);
    }
    for token in [None, Some(bob.as_str())] {
        for (method, body) in [("POST", PING), ("GET", "")] {
            let answer = ask(&server, token, Some(&session), (method, body)).await;
            // Who is nobody may be somebody: whose it is shows once they say so.
            let expected = if token.is_none() { 401 } else { 404 };
            assert_eq!(answer.status(), expected, "{token:?} {method}");
        }
    }
    let of_alice = open(&server, Some(&alice)).await;
    let answer = ask(&server, None, Some(&of_alice), ("POST", PING)).await;
    assert_eq!(answer.status(), 401, "nobody is not alice, or not yet");
    assert!(header(&answer, "www-authenticate").contains("resource_metadata="));
}

/// The revision of 2026-07-28 has no sessions: an id that a client sends all the
/// same reaches no handler, and is no reason to refuse.
#[tokio::test]
async fn a_revision_without_sessions_is_shown_none() {
    let server = TestServer::new();
    let (alice, bob) = two_people(&server).await;
    let session = open(&server, Some(&alice)).await;
    let bearer = format!("Bearer {bob}");
    let cases: [(&[&str], bool); 9] = [
        (&["2026-07-28"], true),
        (&["2027-01-01"], true),
        (&["2025-11-25"], false),
        (&["2026-07-28x"], false),
        (&["x026-07-28"], false),
        (&["3"], false),
        (&[""], false),
        // A handler may go by the other one.
        (&["2026-07-28", "2025-11-25"], false),
        (&["2026-07-28", "2026-07-28"], false),
    ];
    for (versions, is_stateless) in cases {
        let mut headers = vec![
            JSON,
            ("authorization", bearer.as_str()),
            ("mcp-session-id", session.as_str()),
        ];
        let versions = versions.iter();
        headers.extend(versions.map(|version| ("mcp-protocol-version", *version)));
        let answer = send(&server, ("POST", "/mcp"), &headers, PING).await;
        let status = if is_stateless { 200 } else { 404 };
        assert_eq!(answer.status(), status, "{headers:?}");
        assert!(json(&answer)["session"].is_null(), "{answer:?}");
    }
}

/// B10
#[tokio::test]
async fn a_session_id_that_is_no_text_is_shown_to_nobody() {
    let server = TestServer::new().handler(|_| {
        let id = HeaderValue::from_bytes(b"caf\xe9").expect("it can stand in a header");
        let mut answer = Response::new(Bytes::new());
        answer.headers_mut().insert("mcp-session-id", id);
        answer
    });
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    let answer = ask(&server, Some(&token), None, ("POST", INITIALIZE)).await;
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("mcp-session-id"));
}

/// B10
#[tokio::test]
async fn events_are_read_again_within_a_session_alone() {
    let server = TestServer::new().handler(|request| {
        let seen = request.headers().get("last-event-id");
        let seen = seen.map_or(Bytes::new(), |id| Bytes::copy_from_slice(id.as_bytes()));
        let id = HeaderValue::from_static(TestServer::SESSION);
        let mut answer = Response::new(seen);
        answer.headers_mut().insert("mcp-session-id", id);
        answer
    });
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    let session = open(&server, Some(&token)).await;
    let bearer = format!("Bearer {token}");
    let cases = [
        ("2025-11-25", Some(session.as_str()), "1"),
        ("2025-11-25", None, ""),
        ("2026-07-28", Some(&session), ""),
        ("2026-07-28", None, ""),
    ];
    for (version, session, seen) in cases {
        let mut headers = vec![
            ("authorization", bearer.as_str()),
            ("mcp-protocol-version", version),
            ("last-event-id", "1"),
        ];
        headers.extend(session.map(|id| ("mcp-session-id", id)));
        let answer = send(&server, ("GET", "/mcp"), &headers, "").await;
        assert_eq!(text(&answer), seen, "{version} {session:?}");
    }
}

/// B10
#[tokio::test]
async fn another_endpoint_with_the_same_keys_does_not_know_the_session() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    let session = open(&server, Some(&token)).await;
    let alias = server.url("/mcp");
    let other =
        server.replica_with(|builder| builder.resource_path("/other").resource_alias(alias));
    for session in [None, Some(session.as_str())] {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![JSON, ("authorization", bearer.as_str())];
        headers.extend(session.map(|id| ("mcp-session-id", id)));
        let answer = send(&other, ("POST", "/other"), &headers, PING).await;
        let expected = if session.is_some() { 404 } else { 200 };
        assert_eq!(answer.status(), expected, "{answer:?}");
    }
}

/// B10
#[tokio::test]
async fn without_binding_ids_stay_as_the_handler_made_them() {
    let server = TestServer::new();
    let (alice, _) = two_people(&server).await;
    let protection = Protection::new(Arc::clone(server.auth().resource()));
    let protection = protection.dangerous_leave_sessions_unbound();
    let request = http::Request::post("/mcp")
        .header("authorization", format!("Bearer {alice}"))
        .header("mcp-session-id", "anything");
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    protection.admit(&mut parts).await.unwrap();
    assert_eq!(parts.headers["mcp-session-id"], "anything");
}
