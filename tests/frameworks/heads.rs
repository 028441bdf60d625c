//! What is decided by the head of a request, and what of it reaches the handler.

use oauth_for_mcp::limit::{Limit, Quota, RateLimits};
use reqwest::Method;
use serde_json::json;

use super::stage::{ADD_NOTE, PING, Stage, behind_each_framework};
use crate::fronts::Front;

behind_each_framework! {
    who_signed_in_reaches_the_handler_and_the_raw_token_does_not
    without_a_good_token_there_is_a_challenge_and_no_call
    a_tool_without_its_scope_is_refused_before_the_handler
    what_is_public_reaches_the_handler_with_nobody
    repeated_and_odd_headers_arrive_as_they_were_sent
    a_preflight_is_answered_before_any_token
    a_foreign_host_is_misdirected
    a_page_of_a_foreign_origin_is_refused
    scripts_can_read_what_a_handler_answers
    every_route_is_there_and_unknown_documents_are_json
    limits_go_by_the_address_of_the_connection
    a_path_with_escapes_is_found
}

async fn who_signed_in_reaches_the_handler_and_the_raw_token_does_not(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    let bearer = format!("Authorization: Bearer {token}");

    let answer = stage.post(&[&bearer], PING).await;

    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = answer.json();
    assert_eq!(seen["subject"], "alice");
    assert_eq!(seen["authorization"], false);
    assert_eq!(seen["body"], PING);
    assert_eq!(seen["method"], "POST");

    let answer = stage.bare("GET /mcp?a=%20b", &[&bearer]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["uri"], "/mcp?a=%20b");
    assert_eq!(answer.json()["body"], "");
}

async fn without_a_good_token_there_is_a_challenge_and_no_call(front: Front) {
    let stage = Stage::new(front);

    let none = stage.post(&[], PING).await;
    let bad = stage.post(&["Authorization: Bearer abc"], PING).await;
    let two = stage
        .post(
            &["Authorization: Bearer a", "Authorization: Bearer b"],
            PING,
        )
        .await;

    assert_eq!((none.status, bad.status, two.status), (401, 401, 400));
    let challenge = none.header("www-authenticate").unwrap();
    assert!(challenge.contains("/.well-known/oauth-protected-resource/mcp"));
    assert!(!challenge.contains("error="));
    let challenge = bad.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"invalid_token\""));
    assert_eq!(stage.calls(), 0);
}

async fn a_tool_without_its_scope_is_refused_before_the_handler(front: Front) {
    let stage = Stage::new(front);
    let reader = stage.token("alice", "notes:read").await;
    let writer = stage.token("alice", "notes:write").await;

    let bearer = format!("Authorization: Bearer {reader}");
    let refused = stage.post(&[&bearer], ADD_NOTE).await;

    assert_eq!(refused.status, 403, "{refused:?}");
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    assert_eq!(stage.calls(), 0);
    let bearer = format!("Authorization: Bearer {writer}");
    assert_eq!(stage.post(&[&bearer], ADD_NOTE).await.status, 200);
}

async fn what_is_public_reaches_the_handler_with_nobody(front: Front) {
    let stage = Stage::with(front, |builder| builder.public_method("ping"));

    let answer = stage.post(&[], PING).await;

    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["subject"], json!(null));
    assert_eq!(answer.json()["body"], PING);
    assert_eq!(stage.post(&[], ADD_NOTE).await.status, 401);
}

async fn repeated_and_odd_headers_arrive_as_they_were_sent(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    let head = stage.head("GET /mcp", &[format!("Authorization: Bearer {token}")]);
    let mut request = head.trim_end().as_bytes().to_vec();
    request.extend_from_slice(b"\r\nX-Twice: first, \xe9\r\nx-twice: second\r\n\r\n");

    let answer = stage.raw(&request).await;

    let seen = answer.json();
    assert_eq!(seen["twice"], json!([b"first, \xe9", b"second"]));
    let lines: Vec<_> = answer.head.lines().collect();
    let answered = |value: &str| {
        let mut lines = lines.iter().filter_map(|line| line.split_once(": "));
        lines.any(|(name, found)| name.eq_ignore_ascii_case("x-answer") && found == value)
    };
    assert!(answered("one") && answered("two \u{e9}"), "{answer:?}");
}

async fn a_preflight_is_answered_before_any_token(front: Front) {
    let stage = Stage::new(front);
    for path in [
        "/mcp",
        "/token",
        "/.well-known/oauth-protected-resource/mcp",
    ] {
        let line = format!("OPTIONS {path}");
        let headers = [
            "Origin: http://localhost:6274",
            "Access-Control-Request-Method: POST",
        ];
        let answer = stage.bare(&line, &headers).await;
        assert!([200, 204].contains(&answer.status), "{path}: {answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    assert_eq!(stage.calls(), 0);
}

async fn a_foreign_host_is_misdirected(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    let bearer = format!("Authorization: Bearer {token}");
    for host in ["evil.example", "127.0.0.1.evil.example:80"] {
        let host = format!("Host: {host}");
        let answer = stage.post(&[&bearer, &host], PING).await;
        assert_eq!(answer.status, 421, "{host}: {answer:?}");
        assert_eq!(stage.bare("GET /jwks", &[&host]).await.status, 421);
    }
    // Two names: which one a router goes by is nobody's guess.
    let hosts = ["Host: localhost", "Host: evil.example", bearer.as_str()];
    let answer = stage.post(&hosts, PING).await;
    assert!([400, 421].contains(&answer.status), "{answer:?}");
    assert_eq!(stage.calls(), 0);
    let answer = stage.post(&[&bearer, "Host: localhost"], PING).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn a_page_of_a_foreign_origin_is_refused(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    let bearer = format!("Authorization: Bearer {token}");
    for origin in [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
    ] {
        let origin = format!("Origin: {origin}");
        let answer = stage.post(&[&bearer, &origin], PING).await;
        assert_eq!(answer.status, 403, "{origin}: {answer:?}");
    }
    assert_eq!(stage.calls(), 0);
}

/// A5
async fn scripts_can_read_what_a_handler_answers(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    let bearer = format!("Authorization: Bearer {token}");
    let (origin, mode) = ("Origin: http://localhost:6274", "Sec-Fetch-Mode: cors");
    for (line, headers, is_marked) in [
        ("POST /mcp", vec![origin, mode], true),
        // A proxy may have taken out the other one.
        ("POST /mcp", vec![origin], true),
        ("POST /mcp", vec![mode], true),
        ("POST /mcp", vec![], false),
        // A browser may keep it, and give it to a script later.
        ("GET /mcp", vec![], true),
    ] {
        let headers = [vec![&*bearer], headers].concat();
        let answer = if line.starts_with("POST") {
            stage.post(&headers, PING).await
        } else {
            stage.bare(line, &headers).await
        };
        assert_eq!(answer.status, 200, "{answer:?}");
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed == Some("*"), is_marked, "{line} {headers:?}");
        let exposed = answer.header("access-control-expose-headers");
        let exposes = exposed.is_some_and(|names| names.contains("Mcp-Session-Id"));
        assert_eq!(exposes, is_marked, "{line} {headers:?}");
    }
}

async fn every_route_is_there_and_unknown_documents_are_json(front: Front) {
    let stage = Stage::new(front);
    for path in [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/jwks",
    ] {
        let answer = stage.bare(&format!("GET {path}"), &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        let head = stage.bare(&format!("HEAD {path}"), &[]).await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
    }
    for family in [
        "oauth-protected-resource",
        "oauth-authorization-server",
        "openid-configuration",
    ] {
        let answer = stage
            .bare(&format!("GET /.well-known/{family}/a/b"), &[])
            .await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["error"], "invalid_request", "{family}");
    }
    let answer = stage.bare("PUT /token", &[]).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(stage.bare("GET /elsewhere", &[]).await.status, 404);
    assert_eq!(stage.calls(), 0);
}

async fn limits_go_by_the_address_of_the_connection(front: Front) {
    let quota = Quota::new(1, 1).unwrap();
    let limits = RateLimits::off().with(Limit::RegisterByAddress, quota);
    let stage = Stage::with(front, |builder| builder.rate_limits(limits));
    let mut answers = Vec::new();
    for forwarded in ["203.0.113.1", "203.0.113.2"] {
        let metadata = json!({ "redirect_uris": ["https://client.example.com/cb"] });
        let request = stage
            .wire
            .request(Method::POST, "/register")
            .json(&metadata);
        let request = request.header("x-forwarded-for", forwarded);
        answers.push(stage.wire.send(request).await.unwrap().status.as_u16());
    }
    assert_eq!(answers, [201, 429]);
}

/// At the issuer and at the resource; the three escapes are those that routers keep.
async fn a_path_with_escapes_is_found(front: Front) {
    if front == Front::Hyper {
        // There the host compares paths itself.
        return;
    }
    for path in ["/caf%C3%A9", "/a%2Fb%25%2b", "/a%252Fb", "/a+b~"] {
        let stage = Stage::with(front, |builder| builder.resource_path(path));
        let metadata = format!("GET /.well-known/oauth-protected-resource{path}");
        assert_eq!(stage.bare(&metadata, &[]).await.status, 200, "{path}");
        let answer = stage.bare(&format!("GET {path}"), &[]).await;
        assert_eq!(answer.status, 401, "{path}: {answer:?}");
    }
}
