use bytes::Bytes;
use http::{HeaderValue, Request};
use oauth_for_mcp::VerifiedToken;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::json;

use super::support::{
    Answer, JSON, PING, expect_refusal, forge, header, json, key, post_mcp, send,
};
use super::support::{claims, server_with};

const METADATA: &str =
    r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#;

type Headers = &'static [(&'static str, &'static str)];

async fn with_header(server: &TestServer, values: &[&[u8]]) -> Answer {
    let mut request = Request::post(server.url("/mcp"))
        .body(Bytes::from_static(PING.as_bytes()))
        .expect("the request is good");
    for value in values {
        let value = HeaderValue::from_bytes(value).expect("a header can carry it");
        request.headers_mut().append("authorization", value);
    }
    server.send(request).await
}

/// B1, B2
#[tokio::test]
async fn who_shows_no_credentials_is_told_where_to_begin_and_of_no_error() {
    let server = TestServer::new();
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;
    let cases: [(&str, &str, Headers, &str); 9] = [
        ("POST", "/mcp", &[JSON], initialize),
        (
            "POST",
            "/mcp",
            &[JSON],
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
        ),
        ("POST", "/mcp", &[JSON], "not even JSON"),
        ("GET", "/mcp", &[], ""),
        ("DELETE", "/mcp", &[], ""),
        ("POST", "/mcp?access_token=abc", &[JSON], initialize),
        (
            "POST",
            "/mcp",
            &[("authorization", "Basic YTpi")],
            initialize,
        ),
        ("POST", "/mcp", &[("authorization", "DPoP abc")], initialize),
        ("POST", "/mcp", &[("x-api-key", "abc")], initialize),
    ];
    for (method, path, headers, body) in cases {
        let answer = send(&server, (method, path), headers, body).await;
        let expected = format!(r#"Bearer scope="notes:read", {METADATA}"#);
        assert_eq!(answer.status(), 401, "{method} {path} {body}");
        assert_eq!(
            header(&answer, "www-authenticate"),
            expected,
            "{method} {path} {body}"
        );
    }
}

/// B1
#[tokio::test]
async fn a_good_token_in_the_query_or_a_form_does_not_count() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    let path = format!("/mcp?access_token={token}");
    let form = format!("access_token={token}");
    for (path, body) in [(path.as_str(), "{}"), ("/mcp", form.as_str())] {
        let headers = [super::support::FORM];
        let answer = send(&server, ("POST", path), &headers, body.to_owned()).await;
        assert_eq!(answer.status(), 401);
        assert!(!header(&answer, "www-authenticate").contains("error"));
    }
}

/// B1
#[tokio::test]
async fn a_bad_token_is_called_invalid_in_the_same_challenge() {
    let server = TestServer::new();
    for token in ["abc", "a.b.c", "AAAA=", &"a".repeat(43)] {
        let answer = post_mcp(&server, token, PING).await;
        expect_refusal(&answer, 401, "invalid_token", token);
        let challenge = header(&answer, "www-authenticate");
        assert!(
            challenge.starts_with(r#"Bearer error="invalid_token", "#),
            "{challenge}"
        );
        assert!(challenge.contains(r#"scope="notes:read""#), "{challenge}");
        assert!(challenge.ends_with(METADATA), "{challenge}");
        assert_eq!(
            answer.headers().get_all("www-authenticate").iter().count(),
            1
        );
    }
}

/// B1, B6
#[tokio::test]
async fn two_credentials_or_malformed_ones_are_a_bad_request() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    let good = format!("Bearer {token}");
    let good = good.as_bytes();
    let twice = format!("Bearer {token}, Bearer {token}");
    let cases: [&[&[u8]]; 14] = [
        &[good, good],
        &[good, b"Basic YTpi"],
        &[b"Basic YTpi", good],
        &[b"DPoP x", good],
        &[twice.as_bytes()],
        &[b"Bearer"],
        &[b"Bearer "],
        &[b"Bearer a b"],
        &[b"Bearer a\tb"],
        &[b"Bearer \"abc\""],
        &[b"Bearer a=b"],
        &[b"Bearer a%20b"],
        &[b"Bearer \xff\xfe"],
        &["Bearer é".as_bytes()],
    ];
    for values in cases {
        let answer = with_header(&server, values).await;
        expect_refusal(&answer, 400, "invalid_request", &format!("{values:?}"));
    }
}

/// B6
#[tokio::test]
async fn the_scheme_is_matched_in_any_case_with_any_number_of_spaces() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR    "] {
        let value = format!("{scheme}{token}");
        let answer = with_header(&server, &[value.as_bytes()]).await;
        assert_eq!(answer.status(), 200, "{scheme}");
    }
    for scheme in ["Bearer", "Bearer\t", "Bearer:", "Bear er "] {
        let value = format!("{scheme}{token}");
        let answer = with_header(&server, &[value.as_bytes()]).await;
        assert_eq!(answer.status(), 401, "{scheme}");
        assert!(
            !header(&answer, "www-authenticate").contains("error"),
            "{scheme}"
        );
    }
}

fn with_more_scopes() -> TestServer {
    TestServer::with(|builder| {
        builder
            .scope("notes:admin", "Everything")
            .scope("mail:send", "Send mail")
            .tool("send_note", "mail:send")
            .covers("notes:admin", "notes:write")
    })
}

fn call(tool: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}}).to_string()
}

/// B3
#[tokio::test]
async fn one_challenge_names_all_that_is_needed_together_with_what_is_held() {
    let server = with_more_scopes();
    let client = TestClient::register(&server).await;
    let both = format!("[{},{}]", call("add_note"), call("send_note"));
    let cases = [
        ("notes:read", call("add_note"), "notes:read notes:write"),
        (
            "notes:write",
            call("send_note"),
            "mail:send notes:read notes:write",
        ),
        (
            "notes:admin",
            call("send_note"),
            "mail:send notes:admin notes:read",
        ),
        (
            "notes:read",
            both.clone(),
            "mail:send notes:read notes:write",
        ),
        ("mail:send", call("send_note"), "mail:send notes:read"),
        (
            "mail:send notes:read",
            both,
            "mail:send notes:read notes:write",
        ),
    ];
    for (held, body, needed) in cases {
        let token = client.sign_in(&server, held).await.access_token;
        let answer = post_mcp(&server, &token, &body).await;
        expect_refusal(&answer, 403, "insufficient_scope", held);
        let challenge = header(&answer, "www-authenticate");
        assert!(
            challenge.starts_with(r#"Bearer error="insufficient_scope", "#),
            "{challenge}"
        );
        assert!(
            challenge.contains(&format!(r#"scope="{needed}""#)),
            "{held}: {challenge}"
        );
        assert!(challenge.ends_with(METADATA), "{challenge}");
        assert_eq!(
            answer.headers().get_all("www-authenticate").iter().count(),
            1
        );
    }
}

/// B3
#[tokio::test]
async fn a_broader_scope_covers_narrower_ones() {
    let server = with_more_scopes();
    let client = TestClient::register(&server).await;
    for (held, tool) in [
        ("notes:write", "list_notes"),
        ("notes:write", "add_note"),
        ("notes:admin", "add_note"),
        ("notes:admin", "list_notes"),
        ("mail:send notes:admin", "send_note"),
    ] {
        let token = client.sign_in(&server, held).await.access_token;
        let answer = post_mcp(&server, &token, &call(tool)).await;
        assert_eq!(answer.status(), 200, "{held} {tool}");
    }
}

/// B3
#[tokio::test]
async fn a_token_with_no_scope_claim_has_no_scopes() {
    let key = key(7);
    let server = server_with(&key);
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    let mut body = claims(&token);
    body.as_object_mut().unwrap().remove("scope");
    let head = forge_header(&token);
    let bare = forge(&key, &head, &body.to_string()).await;

    let answer = post_mcp(&server, &bare, &call("list_notes")).await;

    expect_refusal(&answer, 403, "insufficient_scope", "no scope claim");
    assert!(header(&answer, "www-authenticate").contains(r#"scope="notes:read""#));
}

fn forge_header(token: &str) -> String {
    use base64::Engine as _;
    let part = token.split('.').next().expect("a token has a header");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
    String::from_utf8(bytes.expect("base64url")).expect("text")
}

/// B7
#[tokio::test]
async fn the_handler_gets_the_identity_and_not_the_raw_token() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    let seen = json(&post_mcp(&server, &token, &call("list_notes")).await);
    assert_eq!(seen["saw_authorization"], false);
    assert_eq!(seen["subject"], "alice");
    assert_eq!(seen["client_id"], client.client_id);

    let bearer = format!("Bearer {token}");
    let parts = || {
        Request::post("/mcp")
            .header("authorization", &bearer)
            .body(())
    };
    let protection = server.auth().protection().clone();
    let (mut removed, ()) = parts().unwrap().into_parts();
    protection.admit(&mut removed).await.unwrap();
    let identity = removed.extensions.get::<VerifiedToken>().unwrap();
    assert_eq!(identity.subject().as_str(), "alice");
    assert!(!removed.headers.contains_key("authorization"));

    let (mut kept, ()) = parts().unwrap().into_parts();
    let keeping = protection.dangerous_keep_authorization_header();
    keeping.admit(&mut kept).await.unwrap();
    assert!(kept.headers.contains_key("authorization"));
}
