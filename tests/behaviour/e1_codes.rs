use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::json;

use super::support::{PING, expect_refusal, header, post_mcp};

fn replays(server: &TestServer) -> usize {
    let replayed = |event: &&Event| matches!(event, Event::CodeReplayed { .. });
    server.events().all().iter().filter(replayed).count()
}

/// E1
#[tokio::test]
async fn a_code_is_256_bits_and_good_for_a_minute() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let early = client.authorize(&server, "notes:read").await;
    let late = client.authorize(&server, "notes:read").await;
    assert_eq!(early.len(), 43);
    assert_ne!(early, late);
    server.clock().advance(Duration::from_secs(59));
    let _ = client.redeem(&server, &early).await.expect_tokens();
    server.clock().advance(Duration::from_secs(1));
    client
        .redeem(&server, &late)
        .await
        .expect_error("invalid_grant");
}

/// E1
#[tokio::test]
async fn a_wrong_request_gets_nothing_and_costs_nothing() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let stranger = TestClient::register(&server).await;
    let code = client.authorize(&server, "notes:read").await;
    let verifier = client.verifier.as_str();
    let wrong = "wrong-verifier-of-more-than-43-characters-in-it";
    let near = "https://CLIENT.example.com/callback";
    let longer = "https://client.example.com/callback/";
    let uri = TestClient::REDIRECT_URI;
    let cases = [
        (&stranger, code.as_str(), uri, verifier, "invalid_grant"),
        (&client, &code, uri, wrong, "invalid_grant"),
        (&client, &code, longer, verifier, "invalid_grant"),
        (&client, &code, near, verifier, "invalid_grant"),
        (
            &client,
            &code,
            "https://evil.example/",
            verifier,
            "invalid_grant",
        ),
        (&client, &code, "x", verifier, "invalid_grant"),
        (&client, &code[1..], uri, verifier, "invalid_grant"),
        (&client, "x", uri, verifier, "invalid_grant"),
        (&client, "", uri, verifier, "invalid_request"),
    ];
    for (client, code, redirect_uri, verifier, error) in cases {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let answer = client.token(&server, &form).await;
        expect_refusal(answer.response(), 400, error, redirect_uri);
    }
    let nobody = TestClient::known("nobody", uri);
    nobody
        .redeem(&server, &code)
        .await
        .expect_error("invalid_client");
    assert_eq!(replays(&server), 0);
    let _ = client.redeem(&server, &code).await.expect_tokens();
}

/// E1
#[tokio::test]
async fn a_request_that_fails_client_authentication_burns_nothing() {
    let server = TestServer::new();
    let asked = json!({
        "redirect_uris": [TestClient::REDIRECT_URI],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let client = TestClient::register_with(&server, &asked).await;
    let mut thief = client.clone();
    let code = client.authorize(&server, "notes:read").await;
    for secret in [None, Some("wrong".to_owned())] {
        thief.client_secret = secret;
        thief
            .redeem(&server, &code)
            .await
            .expect_error("invalid_client");
    }
    let tokens = client.redeem(&server, &code).await.expect_tokens();
    thief
        .redeem(&server, &code)
        .await
        .expect_error("invalid_client");
    assert_eq!(
        post_mcp(&server, &tokens.access_token, PING).await.status(),
        200
    );
    assert_eq!(replays(&server), 0);
}

/// E1
#[tokio::test]
async fn a_replay_by_the_same_client_revokes_the_grant() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server = TestServer::with(|builder| builder.access_token_format(format));
        let client = TestClient::register(&server).await;
        let code = client.authorize(&server, "notes:read").await;
        let tokens = client.redeem(&server, &code).await.expect_tokens();
        assert_eq!(
            post_mcp(&server, &tokens.access_token, PING).await.status(),
            200
        );

        client
            .redeem(&server, &code)
            .await
            .expect_error("invalid_grant");

        assert_eq!(replays(&server), 1);
        let answer = post_mcp(&server, &tokens.access_token, PING).await;
        expect_refusal(&answer, 401, "invalid_token", "revoked");
        let refresh_token = tokens.refresh_token.unwrap();
        client
            .refresh(&server, &refresh_token)
            .await
            .expect_error("invalid_grant");
    }
}

/// E1
#[tokio::test]
async fn a_replay_revokes_what_was_refreshed_since() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let code = client.authorize(&server, "notes:read").await;
    let first = client.redeem(&server, &code).await.expect_tokens();
    let refreshed = client
        .refresh(&server, &first.refresh_token.unwrap())
        .await
        .expect_tokens();

    client
        .redeem(&server, &code)
        .await
        .expect_error("invalid_grant");

    let answer = post_mcp(&server, &refreshed.access_token, PING).await;
    expect_refusal(&answer, 401, "invalid_token", "revoked");
    let refresh_token = refreshed.refresh_token.unwrap();
    client
        .refresh(&server, &refresh_token)
        .await
        .expect_error("invalid_grant");
}

/// E1
#[tokio::test]
async fn a_guess_by_anybody_else_revokes_nothing() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let stranger = TestClient::register(&server).await;
    let code = client.authorize(&server, "notes:read").await;
    let tokens = client.redeem(&server, &code).await.expect_tokens();

    stranger
        .redeem(&server, &code)
        .await
        .expect_error("invalid_grant");
    let nobody = TestClient::known("nobody", TestClient::REDIRECT_URI);
    nobody
        .redeem(&server, &code)
        .await
        .expect_error("invalid_client");

    assert_eq!(replays(&server), 0);
    assert_eq!(
        post_mcp(&server, &tokens.access_token, PING).await.status(),
        200
    );
    let _ = client
        .refresh(&server, &tokens.refresh_token.unwrap())
        .await
        .expect_tokens();
}

type Fields = &'static [(&'static str, &'static str)];
const VERIFIER: &str = "a-verifier-of-a-code-that-nobody-was-ever-given";

const MALFORMED: [(Fields, &str); 12] = [
    (&[], "invalid_request"),
    (&[("grant_type", "")], "invalid_request"),
    (
        &[("grant_type", "password"), ("username", "a")],
        "unsupported_grant_type",
    ),
    (
        &[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")],
        "unsupported_grant_type",
    ),
    (
        &[("grant_type", "AUTHORIZATION_CODE")],
        "unsupported_grant_type",
    ),
    (&[("grant_type", "authorization_code")], "invalid_request"),
    (
        &[("grant_type", "authorization_code"), ("code", "x")],
        "invalid_request",
    ),
    (&[("grant_type", "refresh_token")], "invalid_request"),
    (
        &[("grant_type", "refresh_token"), ("refresh_token", "")],
        "invalid_request",
    ),
    (
        &[
            ("grant_type", "refresh_token"),
            ("grant_type", "refresh_token"),
        ],
        "invalid_request",
    ),
    (
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", "x"),
            ("scope", "\""),
        ],
        "invalid_scope",
    ),
    (
        &[
            ("grant_type", "authorization_code"),
            ("code", "x"),
            ("code_verifier", VERIFIER),
        ],
        "invalid_grant",
    ),
];

/// E1
#[tokio::test]
async fn a_token_request_that_is_malformed_is_told_what_is_wrong() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for (form, error) in MALFORMED {
        let answer = client.token(&server, form).await;
        expect_refusal(answer.response(), 400, error, &format!("{form:?}"));
    }
}

/// E4
#[tokio::test]
async fn a_token_answer_is_kept_by_nobody_and_says_what_was_granted() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let code = client.authorize(&server, "notes:read unknown").await;
    let first = client.redeem(&server, &code).await;
    let refreshed = client
        .refresh(&server, &first.expect_tokens().refresh_token.unwrap())
        .await;
    for answer in [first, refreshed] {
        assert_eq!(header(answer.response(), "cache-control"), "no-store");
        assert_eq!(
            header(answer.response(), "content-type"),
            "application/json"
        );
        assert_eq!(answer.json()["token_type"], "Bearer");
        assert_eq!(answer.json()["scope"], "notes:read");
        assert_eq!(answer.json()["expires_in"], 600);
    }
}

/// E4
#[tokio::test]
async fn who_may_not_refresh_gets_no_refresh_token() {
    let server = TestServer::new();
    let asked = json!({ "redirect_uris": [TestClient::REDIRECT_URI] });
    let client = TestClient::register_with(&server, &asked).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    assert_eq!(tokens.refresh_token, None);
}
