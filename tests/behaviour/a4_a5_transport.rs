use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::model::Identity;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::types::Subject;
use oauth_for_mcp::{McpAuth, McpAuthBuilder};

use super::support::{FORM, JSON, header, json, send};

fn builder(public_url: &str) -> McpAuthBuilder {
    let alice = Identity::new("idp", Subject::parse("alice").expect("a name"));
    McpAuth::builder(public_url)
        .scope("notes:read", "Read")
        .identity_provider(FixedIdentity::new(alice))
}

/// A4
#[tokio::test]
async fn what_the_request_says_of_its_host_changes_nothing() {
    let server = TestServer::new();
    let hostile = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-original-url", "/evil"),
    ];
    let client = TestClient::register(&server).await;
    let authorize = client.authorization_url(&server, "notes:read");
    let authorize = authorize.strip_prefix(TestServer::PUBLIC_URL).unwrap();
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
        "/mcp",
        "/authorize?client_id=none",
        authorize,
    ] {
        let answer = send(&server, ("GET", path), &hostile, "").await;
        let plain = send(&server, ("GET", path), &[], "").await;

        assert_eq!(answer.status(), plain.status(), "{path}");
        assert!(!super::support::text(&answer).contains("evil"), "{path}");
        assert!(
            !format!("{:?}", answer.headers()).contains("evil"),
            "{path}"
        );
        assert_eq!(
            header(&answer, "www-authenticate"),
            header(&plain, "www-authenticate")
        );
    }
}

/// A4
#[test]
fn a_public_url_that_is_not_https_or_loopback_is_refused_when_built() {
    for url in [
        "http://mcp.example.com",
        "http://10.0.0.1:8080",
        "http://0.0.0.0:8080",
        "http://192.168.1.5",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://[::2]:8080",
        "http://[::ffff:10.0.0.1]",
        "ftp://mcp.example.com",
        "ws://localhost",
        "mcp.example.com",
        "//mcp.example.com",
        "",
        "https://",
        "https://user@mcp.example.com",
        "https://mcp.example.com?tenant=1",
        "https://mcp.example.com#top",
        "https://mcp.example.com/ ",
        " https://mcp.example.com",
        "https://mcp.exam\nple.com",
        "https://mcp.example.com\u{e9}",
    ] {
        assert!(builder(url).build().is_err(), "{url:?}");
    }
}

/// A4
#[test]
fn plain_http_is_for_loopback_or_on_demand() {
    for url in [
        "http://localhost:8080",
        "http://127.0.0.1:1",
        "http://127.8.9.1",
        "http://[::1]:2",
    ] {
        assert!(builder(url).build().is_ok(), "{url}");
    }
    let demanded = builder("http://mcp.internal")
        .dangerous_allow_http()
        .build();
    assert!(demanded.is_ok());
}

/// A5
#[tokio::test]
async fn an_unknown_well_known_path_answers_json_404_that_scripts_can_read() {
    let server = TestServer::at("https://mcp.example.com/tenant", |builder| builder);
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/other",
        "/.well-known/oauth-authorization-server/tenant/mcp",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/oauth-protected-resource/tenant/mcp/x",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/x",
        "/other/.well-known/openid-configuration",
        "/tenant/mcp/.well-known/oauth-protected-resource",
    ] {
        for method in ["GET", "OPTIONS"] {
            let url = format!("https://mcp.example.com{path}");
            let request = http::Request::builder().method(method).uri(url);
            let request = request.header("access-control-request-method", "GET");
            let answer = server
                .send(request.body(bytes::Bytes::new()).unwrap())
                .await;

            assert_eq!(
                header(&answer, "access-control-allow-origin"),
                "*",
                "{path}"
            );
            // A preflight that fails would hide the 404 from the script.
            let expected = if method == "GET" { 404 } else { 204 };
            assert_eq!(answer.status(), expected, "{method} {path}");
            if method == "GET" {
                assert_eq!(header(&answer, "content-type"), "application/json");
                assert!(json(&answer)["error"].is_string(), "{path}");
            }
        }
    }
}

const FOR_SCRIPTS: [&str; 8] = [
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/jwks",
    "/token",
    "/register",
    "/revoke",
];

/// A5
#[tokio::test]
async fn a_preflight_needs_no_token_and_allows_what_mcp_clients_send() {
    let server = TestServer::new();
    for path in FOR_SCRIPTS.into_iter().chain(["/mcp"]) {
        let headers = [
            ("origin", "https://inspector.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization"),
        ];
        let answer = send(&server, ("OPTIONS", path), &headers, "").await;

        assert_eq!(answer.status(), 204, "{path}");
        assert_eq!(
            header(&answer, "access-control-allow-origin"),
            "*",
            "{path}"
        );
        assert_eq!(
            header(&answer, "access-control-allow-headers"),
            "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, Mcp-Name, \
             Mcp-Session-Id, Last-Event-ID",
            "{path}"
        );
        for method in ["GET", "POST"] {
            let allowed = header(&answer, "access-control-allow-methods");
            assert!(allowed.contains(method), "{path}");
        }
        assert_eq!(
            header(&answer, "access-control-allow-credentials"),
            "",
            "{path}"
        );
        assert_eq!(header(&answer, "www-authenticate"), "", "{path}");
    }
}

/// A5: it is asked for by OPTIONS alone, so that no message is answered as one.
#[tokio::test]
async fn a_message_is_no_preflight_whatever_its_headers_say() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    let bearer = format!("Bearer {token}");
    let asks = ("access-control-request-method", "POST");

    let headers = [JSON, asks, ("authorization", bearer.as_str())];
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let answer = send(&server, ("POST", "/mcp"), &headers, ping).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(server.reached(), 1);

    let answer = send(&server, ("POST", "/mcp"), &[JSON, asks], ping).await;
    assert_eq!(answer.status(), 401, "{answer:?}");
}

/// A5
#[tokio::test]
async fn scripts_can_read_every_answer_good_or_bad() {
    let server = TestServer::new();
    let long = "x".repeat(65 * 1024);
    let mut cases = vec![];
    for path in FOR_SCRIPTS.into_iter().chain(["/mcp"]) {
        cases.extend(["GET", "POST", "PUT", "DELETE"].map(|method| (method, path, JSON, "{}")));
        cases.push(("POST", path, FORM, "grant_type=x&client_id=nobody"));
        cases.push(("POST", path, FORM, "a=1&a=2"));
        cases.push(("POST", path, FORM, long.as_str()));
    }
    for (method, path, media_type, body) in cases {
        let answer = send(&server, (method, path), &[media_type], body.to_owned()).await;
        let case = format!("{method} {path} {}", answer.status());
        assert_eq!(
            header(&answer, "access-control-allow-origin"),
            "*",
            "{case}"
        );
        assert_eq!(
            header(&answer, "access-control-expose-headers"),
            "WWW-Authenticate, Mcp-Session-Id, Retry-After",
            "{case}"
        );
        assert_eq!(
            header(&answer, "access-control-allow-credentials"),
            "",
            "{case}"
        );
    }
}

/// A5
#[tokio::test]
async fn scripts_of_other_sites_get_nothing_from_the_pages_of_people() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let url = client.authorization_url(&server, "notes:read");
    let good = url.strip_prefix(TestServer::PUBLIC_URL).unwrap();
    let long = "x".repeat(65 * 1024);
    let cases = [
        ("GET", good, ""),
        ("GET", "/authorize", ""),
        ("GET", "/authorize?client_id=nobody", ""),
        ("POST", "/authorize", "client_id=nobody"),
        ("POST", "/authorize", long.as_str()),
        ("PUT", "/authorize", ""),
        ("OPTIONS", "/authorize", ""),
        ("POST", "/oauth/consent", "request=x"),
        ("GET", "/oauth/consent", ""),
        ("OPTIONS", "/oauth/consent", ""),
        ("GET", "/oauth/callback?state=x", ""),
        ("POST", "/oauth/callback", ""),
        ("OPTIONS", "/oauth/callback", ""),
    ];
    for (method, path, body) in cases {
        let headers = [
            FORM,
            ("origin", "https://evil.example"),
            ("access-control-request-method", "POST"),
        ];
        let answer = send(&server, (method, path), &headers, body.to_owned()).await;
        let names = answer.headers().keys().map(http::HeaderName::as_str);
        let cors: Vec<_> = names
            .filter(|name| name.starts_with("access-control"))
            .collect();
        assert!(cors.is_empty(), "{method} {path}: {cors:?}");
        assert_ne!(answer.status(), 204, "{method} {path}");
    }
}
