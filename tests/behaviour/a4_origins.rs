//! Which hosts a server answers to, and the pages of which sites may use it.

use oauth_for_mcp::test_util::TestServer;

use super::support::{JSON, PING, expect_refusal, send};

const LOOPBACK: &str = "http://127.0.0.1:8080";

/// The status of a request to the MCP endpoint with these headers.
async fn status(server: &TestServer, headers: &[(&str, &str)]) -> u16 {
    let headers = [&[JSON], headers].concat();
    let answer = send(server, ("POST", "/mcp"), &headers, PING).await;
    answer.status().as_u16()
}

/// A4
#[tokio::test]
async fn a_server_on_loopback_is_for_pages_from_loopback() {
    let server = TestServer::at(LOOPBACK, |builder| builder);
    for origin in [
        "https://evil.example",
        "http://evil.example:8080",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "http://192.168.0.1",
        "null",
        "localhost",
        "",
        "file://",
        "http://127.0.0.1:8080, https://evil.example",
    ] {
        for method in ["POST", "GET", "DELETE", "OPTIONS"] {
            let headers = [JSON, ("origin", origin)];
            let answer = send(&server, (method, "/mcp"), &headers, PING).await;
            let case = format!("{method} {origin}");
            expect_refusal(&answer, 403, "invalid_request", &case);
        }
    }
    for origin in [
        "http://localhost:6274",
        "http://127.0.0.1",
        "https://[::1]:1",
    ] {
        assert_eq!(
            status(&server, &[("origin", origin)]).await,
            401,
            "{origin}"
        );
    }
    assert_eq!(status(&server, &[]).await, 401, "a client that is no page");
}

/// A4
#[tokio::test]
async fn one_foreign_origin_among_several_is_enough() {
    let server = TestServer::at(LOOPBACK, |builder| builder);
    let (ours, theirs) = ("http://localhost:1", "https://evil.example");
    for origins in [[ours, theirs], [theirs, ours]] {
        let headers = origins.map(|origin| ("origin", origin));
        assert_eq!(status(&server, &headers).await, 403);
    }
}

/// A4, A5
#[tokio::test]
async fn a_public_server_is_for_pages_of_every_origin() {
    let server = TestServer::new();
    for origin in ["https://app.example", "http://localhost:6274", "null"] {
        assert_eq!(
            status(&server, &[("origin", origin)]).await,
            401,
            "{origin}"
        );
    }
}

/// A4
#[tokio::test]
async fn origins_can_be_listed() {
    let origins = ["https://App.example", "http://localhost:6274"];
    let server = TestServer::with(|builder| builder.allowed_origins(origins));
    for (origin, expected) in [
        ("https://app.example", 401),
        ("http://localhost:6274", 401),
        ("http://localhost", 403),
        ("http://app.example", 403),
        ("https://app.example:444", 403),
        ("https://app.example.evil.example", 403),
        ("null", 403),
    ] {
        assert_eq!(
            status(&server, &[("origin", origin)]).await,
            expected,
            "{origin}"
        );
    }
    assert_eq!(status(&server, &[]).await, 401);
}

/// A4
#[tokio::test]
async fn hosts_can_be_listed_for_every_endpoint() {
    let hosts = ["mcp.example.com", "Internal:8080"];
    let server = TestServer::with(|builder| builder.allowed_hosts(hosts));
    for (host, expected) in [
        ("mcp.example.com", 401),
        ("mcp.example.com:443", 401),
        ("internal:8080", 401),
        ("internal", 421),
        ("internal:8081", 421),
        ("evil.example", 421),
        ("mcp.example.com.evil.example", 421),
        ("127.0.0.1", 421),
        ("", 421),
    ] {
        assert_eq!(status(&server, &[("host", host)]).await, expected, "{host}");
        let metadata = "/.well-known/oauth-authorization-server";
        let answer = send(&server, ("GET", metadata), &[("host", host)], "").await;
        assert_eq!(answer.status() == 421, expected == 421, "{host}");
    }
}

/// A4
#[tokio::test]
async fn a_server_on_loopback_can_be_given_other_names() {
    let server = TestServer::at(LOOPBACK, |builder| {
        builder
            .allowed_hosts(["dev.example", "127.0.0.1:8080"])
            .allowed_origins(["https://dev.example"])
    });
    let ours = [("host", "dev.example"), ("origin", "https://dev.example")];
    assert_eq!(status(&server, &ours).await, 401);
    assert_eq!(status(&server, &[("host", "localhost")]).await, 421);
    let origin = [("origin", "http://localhost")];
    assert_eq!(status(&server, &origin).await, 403);
}
