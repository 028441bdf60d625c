use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::model::Identity;
use oauth_for_mcp::server::PreregisteredClient;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::types::Subject;
use oauth_for_mcp::{McpAuth, McpAuthError};
use serde_json::json;

use super::pairs::{PAIRS, Verdict};
use super::support::{expect_page, expect_refusal, json as body, open, with};

const GOOD: [&str; 14] = [
    "https://claude.ai/api/mcp/auth_callback",
    "https://chatgpt.com/connector/oauth/AbC-123",
    "https://vscode.dev/redirect",
    "https://client.example.com/cb?keep=1",
    "https://client.example.com:8443/cb",
    "https://client.example.com",
    "http://localhost/callback",
    "http://localhost:6274/oauth/callback",
    "http://127.0.0.1:33418",
    "http://127.0.0.1/",
    "http://127.200.0.9:1/cb",
    "http://[::1]:8080/cb",
    "cursor://anysphere.cursor-retrieval/oauth/user-abc/callback",
    "com.example.app:/oauth2redirect",
];

const BAD: [&str; 48] = [
    "",
    " ",
    "/callback",
    "callback",
    "//client.example.com/cb",
    "https://",
    "https:client.example.com/cb",
    "https:/client.example.com/cb",
    "https://client.example.com/cb#fragment",
    "https://client.example.com/cb#",
    "https://user@client.example.com/cb",
    "https://user:secret@client.example.com/cb",
    "https://@client.example.com/cb",
    "https://:@client.example.com/cb",
    "https://client.example.com\\@evil.example/cb",
    "https://client.example.com/\\evil.example",
    "https:\\\\client.example.com/cb",
    "https://client.example.com/../cb",
    "https://client.example.com/a/./cb",
    "https://client.example.com/..",
    "https://client.example.com/%2e%2e/cb",
    "https://client.example.com/%2E./cb",
    "https://client.example.com/.%2e/cb",
    "https://client.example.com/%252e%252e/cb",
    "https://client.example.com/a%2fb",
    "https://client.example.com/a%5cb",
    "https://client.example.com/a%00b",
    "https://client.example.com/a%0d%0ab",
    "https://client.example.com/a b",
    "https://client.example.com/a\nb",
    "https://client.example.com/\u{e9}",
    "https://\u{43a}lient.example.com/cb",
    "http://client.example.com/cb",
    "http://localhost.evil.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://10.0.0.1/cb",
    "http://0.0.0.0/cb",
    "http://[::2]/cb",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "javascript%3aalert(1)",
    "data:text/html,x",
    "vbscript:x",
    "blob:https://client.example.com/x",
    "file:///etc/passwd",
    "about:blank",
    "app:../cb",
];

fn metadata(uri: &str) -> serde_json::Value {
    json!({ "client_name": "Test", "redirect_uris": [uri] })
}

/// C1, C2
#[tokio::test]
async fn what_registration_accepts_the_authorization_endpoint_accepts() {
    let server = TestServer::new();
    for uri in GOOD {
        let client = TestClient::register_with(&server, &metadata(uri)).await;
        assert_eq!(client.redirect_uri, uri, "echoed byte for byte");
        let page = open(&server, client.authorization_parameters("notes:read")).await;
        assert_eq!(page.status(), 200, "{uri}");
    }
}

/// C2
#[tokio::test]
async fn a_redirect_uri_that_is_not_safe_is_refused_at_registration() {
    let server = TestServer::new();
    for uri in BAD {
        let answer = TestClient::try_register(&server, &metadata(uri)).await;
        expect_refusal(&answer, 400, "invalid_redirect_uri", uri);

        let beside = json!({ "redirect_uris": [GOOD[0], uri] });
        let answer = TestClient::try_register(&server, &beside).await;
        expect_refusal(&answer, 400, "invalid_redirect_uri", uri);
    }
    let long = format!("https://client.example.com/{}", "x".repeat(2048));
    let layered = format!("https://client.example.com/%{}2e", "25".repeat(600));
    for uri in [long, layered] {
        let answer = TestClient::try_register(&server, &metadata(&uri)).await;
        expect_refusal(&answer, 400, "invalid_redirect_uri", &uri);
    }
}

/// C1
#[tokio::test]
async fn a_redirect_uri_that_is_not_safe_is_refused_when_the_operator_configures_it() {
    for (uris, expected) in [(&GOOD[..], true), (&BAD[..], false)] {
        for uri in uris {
            let client = json!({ "client_id": "known", "redirect_uris": [uri] });
            let client: PreregisteredClient = serde_json::from_value(client).unwrap();
            let alice = Identity::new("idp", Subject::parse("alice").unwrap());
            let built: Result<McpAuth, McpAuthError> = McpAuth::builder(TestServer::PUBLIC_URL)
                .scope("notes:read", "Read")
                .identity_provider(FixedIdentity::new(alice))
                .client(client)
                .build();
            assert_eq!(built.is_ok(), expected, "{uri}");
        }
    }
}

/// C2
#[tokio::test]
async fn a_private_use_redirect_uri_is_for_public_clients_only() {
    let server = TestServer::new();
    for method in ["client_secret_basic", "client_secret_post"] {
        let client = json!({
            "redirect_uris": ["cursor://anysphere.cursor-retrieval/cb"],
            "token_endpoint_auth_method": method,
        });
        let answer = TestClient::try_register(&server, &client).await;
        expect_refusal(&answer, 400, "invalid_redirect_uri", method);
    }
}

/// C2
#[tokio::test]
async fn a_loopback_redirect_uri_matches_with_any_port() {
    let server = TestServer::new();
    for (registered, presented) in [
        (
            "http://localhost/callback",
            "http://localhost:53211/callback",
        ),
        (
            "http://localhost:8787/callback",
            "http://localhost:53211/callback",
        ),
        (
            "http://localhost:8787/callback",
            "http://localhost/callback",
        ),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.2:5/cb?a=1", "http://127.0.0.2:6/cb?a=1"),
        ("http://[::1]/cb", "http://[::1]:65535/cb"),
    ] {
        let client = TestClient::register_with(&server, &metadata(registered)).await;
        let parameters = client.authorization_parameters("notes:read");
        let page = open(&server, with(parameters, "redirect_uri", Some(presented))).await;
        assert_eq!(page.status(), 200, "{registered} {presented}");
    }
}

/// C2, D1
#[tokio::test]
async fn a_redirect_uri_that_differs_in_one_byte_is_never_redirected_to() {
    let server = TestServer::new();
    let cases = [
        ("https://a.example/cb", "https://a.example/cb/"),
        ("https://a.example/cb", "https://a.example/CB"),
        ("https://a.example/cb", "https://A.example/cb"),
        ("https://a.example/cb", "HTTPS://a.example/cb"),
        ("https://a.example/cb", "https://a.example:443/cb"),
        ("https://a.example/cb", "https://a.example:8443/cb"),
        ("https://a.example/cb", "https://a.example/cb?x=1"),
        ("https://a.example/cb", "https://a.example/cb%20"),
        ("https://a.example/cb", "https://a.example/c%62"),
        ("https://a.example/cb", "https://a.example/cb/../cb"),
        ("https://a.example/cb", "https://a.example.evil.example/cb"),
        (
            "https://a.example/cb",
            "https://evil.example/https://a.example/cb",
        ),
        ("https://a.example/cb", "https://a.example@evil.example/cb"),
        ("https://a.example/cb", "https://a.example/cb#x"),
        ("https://a.example/cb", "http://a.example/cb"),
        ("https://a.example/cb?x=1", "https://a.example/cb?x=2"),
        ("https://a.example/cb?x=1", "https://a.example/cb"),
        ("http://localhost/cb", "http://127.0.0.1/cb"),
        ("http://localhost/cb", "http://[::1]/cb"),
        ("http://127.0.0.1/cb", "http://localhost/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.2/cb"),
        ("http://[::1]/cb", "http://127.0.0.1/cb"),
        ("http://localhost:1/cb", "http://localhost:1/other"),
        ("http://localhost:1/cb", "https://localhost:1/cb"),
        (
            "http://localhost:1/cb",
            "http://localhost:1@evil.example/cb",
        ),
        (
            "http://localhost:1/cb",
            "http://localhost:1.evil.example/cb",
        ),
        ("http://localhost:1/cb", "http://localhost:x/cb"),
        ("http://localhost:1/cb", "http://localhost:99999/cb"),
        ("cursor://x/cb", "cursor://x:1/cb"),
        ("cursor://x/cb", "cursor://y/cb"),
        ("cursor://x/cb", "vscode://x/cb"),
    ];
    for (registered, presented) in cases {
        let client = TestClient::register_with(&server, &metadata(registered)).await;
        let parameters = client.authorization_parameters("notes:read");
        let page = open(&server, with(parameters, "redirect_uri", Some(presented))).await;
        let case = format!("{registered} {presented}");
        expect_page(&page, 400, "may not receive the answer", &case);
    }
}

/// C2
#[tokio::test]
async fn the_endpoints_judge_every_pair_of_the_table_as_it_says() {
    let server = TestServer::new();
    for (registered, presented, expected) in PAIRS {
        let case = format!("{registered} {presented}");
        let answer = TestClient::try_register(&server, &metadata(registered)).await;
        if expected == Verdict::NotRegistered {
            expect_refusal(&answer, 400, "invalid_redirect_uri", &case);
            continue;
        }
        assert_eq!(answer.status(), 201, "{case}");
        // A parameter without a value is absent, and then there is nothing to judge.
        if presented.is_empty() {
            continue;
        }
        let id = body(&answer)["client_id"].as_str().unwrap().to_owned();
        let client = TestClient::known(&id, presented);
        let page = open(&server, client.authorization_parameters("notes:read")).await;
        if expected == Verdict::Same {
            assert_eq!(page.status(), 200, "{case}");
        } else {
            expect_page(&page, 400, "may not receive the answer", &case);
        }
    }
}
