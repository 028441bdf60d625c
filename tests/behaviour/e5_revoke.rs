use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::test_util::{TestClient, TestServer};

use super::support::{FORM, PING, expect_refusal, header, key, post_form, post_mcp, send};
use super::support::{claims, forge, server_with};

/// E5
#[tokio::test]
async fn any_token_of_a_grant_ends_the_grant() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        for which in ["access", "refresh", "spent refresh"] {
            let server = TestServer::with(|builder| builder.access_token_format(format));
            let client = TestClient::register(&server).await;
            let first = client.sign_in(&server, "notes:read").await;
            let spent = first.refresh_token.unwrap();
            let tokens = client.refresh(&server, &spent).await.expect_tokens();
            let refresh_token = tokens.refresh_token.clone().unwrap();
            let token = match which {
                "access" => &tokens.access_token,
                "refresh" => &refresh_token,
                _ => &spent,
            };

            let answer = client.revoke(&server, token).await;

            assert_eq!(answer.status(), 200, "{which}");
            for access_token in [&first.access_token, &tokens.access_token] {
                let answer = post_mcp(&server, access_token, PING).await;
                expect_refusal(&answer, 401, "invalid_token", which);
            }
            client
                .refresh(&server, &refresh_token)
                .await
                .expect_error("invalid_grant");
            let revoked = |event: &&Event| matches!(event, Event::GrantRevoked { .. });
            assert_eq!(server.events().all().iter().filter(revoked).count(), 1);
        }
    }
}

/// E5
#[tokio::test]
async fn another_clients_token_is_left_alone_and_nobody_can_tell() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server = TestServer::with(|builder| builder.access_token_format(format));
        let client = TestClient::register(&server).await;
        let stranger = TestClient::register(&server).await;
        let code = client.authorize(&server, "notes:read").await;
        let tokens = client.sign_in(&server, "notes:read").await;
        let refresh_token = tokens.refresh_token.clone().unwrap();
        let unknown = stranger.revoke(&server, "unknown").await;
        for token in [&tokens.access_token, &refresh_token, &code] {
            let answer = stranger.revoke(&server, token).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.body(), unknown.body());
            assert_eq!(answer.headers(), unknown.headers());
        }
        assert_eq!(
            post_mcp(&server, &tokens.access_token, PING).await.status(),
            200
        );
        let _ = client
            .refresh(&server, &refresh_token)
            .await
            .expect_tokens();
        let _ = client.redeem(&server, &code).await.expect_tokens();
    }
}

/// E5
#[tokio::test]
async fn an_unknown_token_is_no_error() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let long = "x".repeat(10_000);
    for token in [
        "x",
        ".",
        "a.b",
        "a.b.c",
        "e30.e30.e30",
        "\u{e9}",
        long.as_str(),
    ] {
        let answer = client.revoke(&server, token).await;
        assert_eq!(answer.status(), 200, "{token}");
    }
    for hint in ["access_token", "refresh_token", "unknown", ""] {
        let form = [("token", "x"), ("token_type_hint", hint)];
        assert_eq!(
            client.post(&server, "/revoke", &form).await.status(),
            200,
            "{hint}"
        );
    }
}

/// E5
#[tokio::test]
async fn a_wrong_hint_does_not_hide_a_token() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let refresh_token = tokens.refresh_token.unwrap();
    let form = [
        ("token", refresh_token.as_str()),
        ("token_type_hint", "access_token"),
    ];
    client.post(&server, "/revoke", &form).await;
    client
        .refresh(&server, &refresh_token)
        .await
        .expect_error("invalid_grant");
}

/// E5
#[tokio::test]
async fn a_revocation_without_a_client_or_a_token_is_refused() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let token = &tokens.access_token;
    let id = &client.client_id;
    for (body, status, error) in [
        (String::new(), 401, "invalid_client"),
        (format!("token={token}"), 401, "invalid_client"),
        (
            format!("token={token}&client_id=nobody"),
            401,
            "invalid_client",
        ),
        (
            format!("token={token}&client_id={id}&client_secret=x"),
            401,
            "invalid_client",
        ),
        (format!("client_id={id}"), 400, "invalid_request"),
        (format!("client_id={id}&token="), 400, "invalid_request"),
        (
            format!("client_id={id}&token={token}&token=x"),
            400,
            "invalid_request",
        ),
    ] {
        let answer = post_form(&server, "/revoke", &body).await;
        expect_refusal(&answer, status, error, &body);
    }
    let query = format!("/revoke?token={token}&client_id={id}");
    let answer = send(&server, ("POST", &query), &[FORM], "").await;
    expect_refusal(&answer, 401, "invalid_client", "query");
    let answer = send(&server, ("GET", &query), &[], "").await;
    expect_refusal(&answer, 405, "invalid_request", "GET");
    assert_eq!(header(&answer, "allow"), "POST");
    assert_eq!(post_mcp(&server, token, PING).await.status(), 200);
}

/// E5
#[tokio::test]
async fn a_forged_token_revokes_nothing() {
    let server_key = key(7);
    let server = server_with(&server_key);
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let stranger = TestClient::register(&server).await;
    let mut body = claims(&tokens.access_token);
    body["client_id"] = stranger.client_id.clone().into();
    let kid = {
        use oauth_for_mcp::jose::Signer as _;
        server_key.key_id().to_owned()
    };
    let head = format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#);
    let forged = forge(&key(8), &head, &body.to_string()).await;
    assert_eq!(stranger.revoke(&server, &forged).await.status(), 200);
    assert_eq!(
        post_mcp(&server, &tokens.access_token, PING).await.status(),
        200
    );
}

/// E5
#[tokio::test]
async fn an_expired_access_token_still_ends_its_grant() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    server.clock().advance(Duration::from_secs(3600));
    client.revoke(&server, &tokens.access_token).await;
    let refresh_token = tokens.refresh_token.unwrap();
    client
        .refresh(&server, &refresh_token)
        .await
        .expect_error("invalid_grant");
}

/// E5, A4
#[tokio::test]
async fn a_server_of_plain_http_revokes_alike() {
    let server = TestServer::at("http://mcp.example.com", |builder| {
        builder.dangerous_allow_http()
    });
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let call = || post_mcp(&server, &tokens.access_token, PING);
    assert_eq!(call().await.status(), 200);
    assert_eq!(
        client.revoke(&server, &tokens.access_token).await.status(),
        200
    );
    assert_eq!(call().await.status(), 401);
}
