//! A site that makes its name point to this machine gets nothing from a server
//! on loopback; a site of any name gets no consent out of a browser.

use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::test_util::{TestClient, TestServer};

use super::support::{
    FORM, JSON, PING, cookie, expect_page, expect_refusal, header, hidden, open, send,
};

const LOOPBACK: &str = "http://127.0.0.1:8080";

#[tokio::test]
async fn a_server_on_loopback_answers_to_loopback_names_only() {
    let server = TestServer::at(LOOPBACK, |builder| builder);
    for (method, path) in [
        ("GET", "/authorize"),
        ("POST", "/oauth/consent"),
        ("GET", "/oauth/callback"),
        ("POST", "/token"),
        ("POST", "/register"),
        ("GET", "/.well-known/oauth-authorization-server"),
        ("GET", "/.well-known/oauth-nothing"),
        ("POST", "/mcp"),
    ] {
        for host in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
        ] {
            let answer = send(&server, (method, path), &[("host", host)], "").await;
            expect_refusal(&answer, 421, "invalid_request", &format!("{path} {host}"));
            assert_eq!(header(&answer, "access-control-allow-origin"), "", "{path}");
        }
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
            let answer = send(&server, (method, path), &[("host", host)], "").await;
            assert_ne!(answer.status(), 421, "{path} {host}");
        }
    }
}

#[tokio::test]
async fn a_public_server_leaves_names_to_the_proxy_before_it() {
    let server = TestServer::new();
    let headers = [("host", "internal:8080"), JSON];
    let answer = send(&server, ("POST", "/mcp"), &headers, PING).await;
    assert_eq!(answer.status(), 401);
}

/// D3
#[tokio::test]
async fn no_other_site_can_send_the_consent_form() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let page = open(&server, client.authorization_parameters("notes:read")).await;
    let form = Form::from_iter([
        ("request", hidden(&page, "request")),
        ("token", hidden(&page, "token")),
        ("decision", "approve".to_owned()),
    ]);
    let browser = cookie(&page);
    for (origin, ours) in [
        ("https://evil.example", false),
        ("https://mcp.example.com.evil.example", false),
        ("http://mcp.example.com", false),
        ("https://mcp.example.com:8443", false),
        ("https://mcp.example.com", true),
        ("null", true),
    ] {
        let headers = [FORM, ("cookie", browser.as_str()), ("origin", origin)];
        let answer = send(&server, ("POST", "/oauth/consent"), &headers, form.encode()).await;
        if ours {
            assert_eq!(answer.status(), 303, "{origin}");
        } else {
            expect_page(&answer, 400, "too old", origin);
        }
    }
}

/// A5
#[tokio::test]
async fn a_preflight_allows_the_mirrored_parameters_that_were_asked_for() {
    let server = TestServer::new();
    let headers = [
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "mcp-param-path, x-other,MCP-Param-Id",
        ),
    ];
    let answer = send(&server, ("OPTIONS", "/mcp"), &headers, "").await;
    let allowed = header(&answer, "access-control-allow-headers");
    let allowed: Vec<_> = allowed.split(", ").collect();
    assert!(allowed.contains(&"mcp-param-path") && allowed.contains(&"mcp-param-id"));
    assert!(!allowed.contains(&"x-other"), "{allowed:?}");

    let many: Vec<_> = (0..1000)
        .map(|number| format!("mcp-param-{}", number % 500))
        .collect();
    let many = many.join(",");
    let headers = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", many.as_str()),
    ];
    let answer = send(&server, ("OPTIONS", "/mcp"), &headers, "").await;
    let allowed = header(&answer, "access-control-allow-headers");
    assert!(allowed.len() < 2000, "bounded");
}
