use oauth_for_mcp::test_util::TestServer;

use super::support::{FORM, JSON, expect_refusal, header, post_form, send};

/// F1
#[tokio::test]
async fn a_body_of_more_than_64_kib_is_refused() {
    let server = TestServer::new();
    let (most, more) = ("x".repeat(64 * 1024), "x".repeat(64 * 1024 + 1));
    for path in [
        "/token",
        "/revoke",
        "/register",
        "/authorize",
        "/oauth/consent",
    ] {
        let answer = send(&server, ("POST", path), &[FORM], more.clone()).await;
        expect_refusal(&answer, 413, "invalid_request", path);
        let answer = send(&server, ("POST", path), &[FORM], most.clone()).await;
        assert_ne!(answer.status(), 413, "{path}");
    }
}

/// F1
#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = TestServer::new();
    let cases = [
        ("/.well-known/oauth-authorization-server", "GET, HEAD"),
        ("/.well-known/oauth-protected-resource/mcp", "GET, HEAD"),
        ("/jwks", "GET, HEAD"),
        ("/oauth/callback", "GET"),
        ("/authorize", "GET, POST"),
        ("/oauth/consent", "POST"),
        ("/token", "POST"),
        ("/register", "POST"),
        ("/revoke", "POST"),
    ];
    for (path, allowed) in cases {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            if allowed.contains(method) {
                continue;
            }
            let answer = send(&server, (method, path), &[FORM], "").await;
            expect_refusal(&answer, 405, "invalid_request", &format!("{method} {path}"));
            assert_eq!(header(&answer, "allow"), allowed, "{method} {path}");
        }
    }
}

/// F1
#[tokio::test]
async fn a_form_is_read_only_if_it_says_that_it_is_one() {
    let server = TestServer::new();
    let body = "grant_type=refresh_token&refresh_token=x&client_id=nobody&token=x";
    let bad = [
        JSON,
        ("content-type", "text/plain"),
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-type", "application/x-www-form-urlencoded-x"),
        ("content-type", "x; application/x-www-form-urlencoded"),
        ("content-type", ""),
        ("x-content-type", "application/x-www-form-urlencoded"),
    ];
    for path in ["/token", "/revoke"] {
        for media_type in bad {
            let answer = send(&server, ("POST", path), &[media_type], body).await;
            expect_refusal(
                &answer,
                400,
                "invalid_request",
                &format!("{path} {media_type:?}"),
            );
        }
        for value in [
            "application/x-www-form-urlencoded; charset=utf-8",
            "Application/X-WWW-Form-Urlencoded",
        ] {
            let headers = [("content-type", value)];
            let answer = send(&server, ("POST", path), &headers, body).await;
            expect_refusal(&answer, 401, "invalid_client", value);
        }
    }
}

/// F1
#[tokio::test]
async fn a_form_that_is_malformed_or_endless_is_refused() {
    let server = TestServer::new();
    let many: Vec<_> = (0..65).map(|number| format!("p{number}=1")).collect();
    let bodies = [
        "grant_type=a&grant_type=b".to_owned(),
        "client_id=a&client_id=".to_owned(),
        "client_id=a&client%5fid=a".to_owned(),
        "token=%ff".to_owned(),
        "%c3%28=x".to_owned(),
        many.join("&"),
    ];
    for path in ["/token", "/revoke"] {
        for body in &bodies {
            let answer = post_form(&server, path, body).await;
            expect_refusal(&answer, 400, "invalid_request", body);
        }
    }
}

/// F1
#[tokio::test]
async fn parameters_in_the_query_of_a_token_request_do_not_count() {
    let server = TestServer::new();
    let path = "/token?grant_type=refresh_token&refresh_token=x&client_id=nobody";
    let answer = send(&server, ("POST", path), &[FORM], "").await;
    expect_refusal(&answer, 401, "invalid_client", "query");
}
