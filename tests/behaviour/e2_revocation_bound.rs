//! Verified tokens are remembered, and how long what is revoked may still count.

use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::model::Identity;
use oauth_for_mcp::resource::TokenCacheConfig;
use oauth_for_mcp::server::{AccessTokenFormat, Lifetimes};
use oauth_for_mcp::test_util::{TestClient, TestServer, Tokens};
use oauth_for_mcp::types::Subject;
use serde_json::json;

use super::faulty_store::{FaultyStore, master_keys};
use super::support::{PING, expect_outage, expect_refusal, post_mcp, refresh_token};

const FORMATS: [AccessTokenFormat; 2] = [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque];

/// Somebody who has used their token at this server already.
async fn known_at(server: &TestServer) -> (TestClient, Tokens) {
    let client = TestClient::register(server).await;
    let tokens = client.sign_in(server, "notes:read").await;
    expect_good(server, &tokens).await;
    (client, tokens)
}

async fn expect_good(server: &TestServer, tokens: &Tokens) {
    let answer = post_mcp(server, &tokens.access_token, PING).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
}

async fn expect_refused(server: &TestServer, tokens: &Tokens, case: &str) {
    let answer = post_mcp(server, &tokens.access_token, PING).await;
    expect_refusal(&answer, 401, "invalid_token", case);
}

fn remembering(config: TokenCacheConfig, format: AccessTokenFormat) -> TestServer {
    TestServer::with(|builder| builder.token_cache(config).access_token_format(format))
}

/// E2
#[tokio::test]
async fn what_this_server_revokes_ends_at_once() {
    for format in FORMATS {
        let server = TestServer::with(|builder| builder.access_token_format(format));
        let (client, tokens) = known_at(&server).await;
        client.revoke(&server, refresh_token(&tokens)).await;
        expect_refused(&server, &tokens, "by the client").await;

        let (_, tokens) = known_at(&server).await;
        let subject = Subject::parse("alice").unwrap();
        assert_eq!(
            server
                .auth()
                .grants()
                .revoke_subject(&subject)
                .await
                .unwrap(),
            1
        );
        expect_refused(&server, &tokens, "by the host").await;

        let (client, tokens) = known_at(&server).await;
        client.refresh(&server, refresh_token(&tokens)).await;
        server.clock().advance(Duration::from_secs(31));
        expect_good(&server, &tokens).await;
        client.refresh(&server, refresh_token(&tokens)).await;
        expect_refused(&server, &tokens, "by a refresh token that was used again").await;

        let client = TestClient::register(&server).await;
        let code = client.authorize(&server, "notes:read").await;
        let tokens = client.redeem(&server, &code).await.expect_tokens();
        expect_good(&server, &tokens).await;
        client.redeem(&server, &code).await;
        expect_refused(&server, &tokens, "by a code that was used again").await;
    }
}

/// E2
#[tokio::test]
async fn what_is_revoked_while_it_is_looked_up_ends_with_that_request() {
    for format in FORMATS {
        let store = FaultyStore::new();
        let kept = Arc::new(store.clone());
        let server = TestServer::with(|builder| {
            let builder = builder.store(kept, master_keys());
            let builder = builder.token_cache(TokenCacheConfig::default());
            builder.access_token_format(format)
        });
        let client = TestClient::register(&server).await;
        let tokens = client.sign_in(&server, "notes:read").await;
        let held = store.hold_next_read().await;
        let (first, answer) = tokio::join!(
            post_mcp(&server, &tokens.access_token, PING),
            held.meanwhile(client.revoke(&server, refresh_token(&tokens)))
        );
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!(first.status(), 200, "it was good when it was read");
        expect_refused(&server, &tokens, "what was read is not believed again").await;
    }
}

/// E2
#[tokio::test]
async fn what_is_revoked_does_not_take_others_along() {
    let server = TestServer::new();
    let (client, tokens) = known_at(&server).await;
    let (_, others) = known_at(&server).await;
    client.revoke(&server, refresh_token(&tokens)).await;
    expect_good(&server, &others).await;
}

/// E2
#[tokio::test]
async fn what_another_replica_revokes_ends_within_the_bound() {
    for format in FORMATS {
        let config = TokenCacheConfig::default();
        let bound = config.revocation_bound;
        let server = remembering(config, format);
        let replica = server.replica();
        let (client, tokens) = known_at(&server).await;
        client.revoke(&replica, refresh_token(&tokens)).await;
        expect_refused(&replica, &tokens, "where it was revoked").await;
        server.clock().advance(bound - Duration::from_secs(1));
        expect_good(&server, &tokens).await;
        server.clock().advance(Duration::from_secs(1));
        expect_refused(&server, &tokens, "elsewhere, when the bound is over").await;
    }
}

/// E2
#[tokio::test]
async fn using_a_token_does_not_move_its_bound() {
    let server = remembering(TokenCacheConfig::default(), AccessTokenFormat::Jwt);
    let replica = server.replica();
    let (client, tokens) = known_at(&server).await;
    client.revoke(&replica, refresh_token(&tokens)).await;
    for _ in 0..9 {
        server.clock().advance(Duration::from_secs(1));
        expect_good(&server, &tokens).await;
    }
    server.clock().advance(Duration::from_secs(1));
    expect_refused(&server, &tokens, "ten seconds after it was verified").await;
}

/// E2
#[tokio::test]
async fn every_replica_knows_at_once_if_it_is_told_to_remember_nothing() {
    let server = TestServer::with(McpAuthBuilder::without_token_cache);
    let replica = server.replica();
    let (client, tokens) = known_at(&server).await;
    client.revoke(&replica, refresh_token(&tokens)).await;
    expect_refused(&server, &tokens, "at once").await;
}

/// E2
#[tokio::test]
async fn with_a_store_that_may_be_shared_nothing_is_remembered_by_default() {
    let store = Arc::new(FaultyStore::new());
    let server = TestServer::with(|builder| builder.store(store, master_keys()));
    let replica = server.replica();
    let (client, tokens) = known_at(&server).await;
    client.revoke(&replica, refresh_token(&tokens)).await;
    expect_refused(&server, &tokens, "at once").await;
}

/// E2
#[tokio::test]
async fn no_token_is_remembered_beyond_its_end() {
    for format in FORMATS {
        let config = TokenCacheConfig {
            revocation_bound: Duration::from_secs(24 * 60 * 60),
            ..TokenCacheConfig::default()
        };
        let server = remembering(config, format);
        let (_, tokens) = known_at(&server).await;
        let life = Lifetimes::default().access_token;
        server.clock().advance(life - Duration::from_secs(1));
        expect_good(&server, &tokens).await;
        server.clock().advance(Duration::from_secs(1));
        expect_refused(&server, &tokens, "it has expired").await;
    }
}

/// E2
#[tokio::test]
async fn a_cache_without_room_or_time_remembers_nothing() {
    for (seconds, capacity) in [(0, 10_000), (10, 0)] {
        let config = TokenCacheConfig {
            revocation_bound: Duration::from_secs(seconds),
            capacity,
        };
        let server = remembering(config, AccessTokenFormat::Jwt);
        let replica = server.replica();
        let (client, tokens) = known_at(&server).await;
        client.revoke(&replica, refresh_token(&tokens)).await;
        expect_refused(&server, &tokens, "at once").await;
    }
}

#[tokio::test]
async fn a_token_for_which_too_much_would_have_to_be_kept_is_not_remembered() {
    for (format, length, status) in [
        (AccessTokenFormat::Jwt, 1, 200),
        (AccessTokenFormat::Jwt, 32 * 1024, 503),
        (AccessTokenFormat::Opaque, 1, 200),
        (AccessTokenFormat::Opaque, 32 * 1024, 503),
    ] {
        let mut ada = Identity::new("https://idp.example.com", Subject::parse("ada").unwrap());
        let told = json!("a".repeat(length));
        ada.claims.insert("told".to_owned(), told);
        let store = FaultyStore::new();
        let kept = Arc::new(store.clone());
        let server = TestServer::with(|builder| {
            let builder = builder.store(kept, master_keys());
            let builder = builder.identity_provider(FixedIdentity::new(ada));
            builder
                .access_token_format(format)
                .token_cache(TokenCacheConfig {
                    capacity: 16,
                    ..TokenCacheConfig::default()
                })
        });
        let (_, tokens) = known_at(&server).await;
        store.set_down(true);
        let answer = post_mcp(&server, &tokens.access_token, PING).await;
        assert_eq!(answer.status(), status, "{format:?}, {length}");
    }
}

/// E2, E8
#[tokio::test]
async fn an_outage_of_the_store_is_bridged_within_the_bound_and_heard_after_it() {
    let store = FaultyStore::new();
    let kept = Arc::new(store.clone());
    let server = TestServer::with(|builder| {
        let builder = builder.store(kept, master_keys());
        builder.token_cache(TokenCacheConfig::default())
    });
    let (_, tokens) = known_at(&server).await;
    store.set_down(true);
    expect_good(&server, &tokens).await;
    server.clock().advance(Duration::from_secs(10));
    let answer = post_mcp(&server, &tokens.access_token, PING).await;
    expect_outage(&answer, "the bound is over");
    store.set_down(false);
    expect_good(&server, &tokens).await;
}

/// B4, E2
#[tokio::test]
async fn a_token_that_differs_in_one_character_is_not_the_one_that_is_remembered() {
    let server = TestServer::new();
    let (_, mut tokens) = known_at(&server).await;
    let last = tokens.access_token.pop().unwrap();
    tokens
        .access_token
        .push(if last == 'A' { 'Q' } else { 'A' });
    expect_refused(&server, &tokens, "another token").await;
}
