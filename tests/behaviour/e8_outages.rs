use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::test_util::{SeededEntropy, TestBrowser, TestClient, TestServer};
use oauth_for_mcp::types::{Entropy, EntropyError};
use serde_json::json;

use super::faulty_store::{CAUSE, FaultyStore, master_keys};
use super::support::{Answer, PING, expect_outage, expect_page, header, open, post_mcp, text};

fn server_on(store: &FaultyStore, format: AccessTokenFormat) -> TestServer {
    let store = Arc::new(store.clone());
    TestServer::with(|builder| {
        builder
            .store(store, master_keys())
            .access_token_format(format)
    })
}

fn expect_outage_page(answer: &Answer, case: &str) {
    expect_page(answer, 503, "cannot be done right now", case);
    assert!(!header(answer, "retry-after").is_empty(), "{case}");
    assert!(!text(answer).contains("db.internal"), "{case}");
}

/// E8, B1
#[tokio::test]
async fn while_the_store_is_down_nobody_hears_a_definitive_no() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let store = FaultyStore::new();
        let server = server_on(&store, format);
        let client = TestClient::register(&server).await;
        let code = client.authorize(&server, "notes:read").await;
        let tokens = client.sign_in(&server, "notes:read").await;
        let refresh_token = tokens.refresh_token.clone().unwrap();
        let metadata = json!({ "redirect_uris": [TestClient::REDIRECT_URI] });

        store.set_down(true);
        expect_outage(client.redeem(&server, &code).await.response(), "code");
        expect_outage(
            client.redeem(&server, "unknown").await.response(),
            "unknown code",
        );
        expect_outage(
            client.refresh(&server, &refresh_token).await.response(),
            "refresh",
        );
        expect_outage(
            &client.revoke(&server, &refresh_token).await,
            "revoke refresh",
        );
        expect_outage(
            &client.revoke(&server, &tokens.access_token).await,
            "revoke access",
        );
        expect_outage(
            &TestClient::try_register(&server, &metadata).await,
            "register",
        );
        expect_outage(
            &post_mcp(&server, &tokens.access_token, PING).await,
            "resource",
        );
        let page = open(&server, client.authorization_parameters("notes:read")).await;
        expect_outage_page(&page, "authorize");
        let outage =
            |event: &&Event| matches!(event, Event::Outage { cause } if cause.contains(CAUSE));
        assert_eq!(server.events().all().iter().filter(outage).count(), 8);

        store.set_down(false);
        let _ = client.redeem(&server, &code).await.expect_tokens();
        assert_eq!(
            post_mcp(&server, &tokens.access_token, PING).await.status(),
            200
        );
        let _ = client
            .refresh(&server, &refresh_token)
            .await
            .expect_tokens();
    }
}

/// E8
#[tokio::test]
async fn while_the_store_is_down_people_see_a_page_and_can_go_on_afterwards() {
    let store = FaultyStore::new();
    let server = server_on(&store, AccessTokenFormat::Jwt);
    let client = TestClient::register(&server).await;
    let browser = TestBrowser::new();
    let url = client.authorization_url(&server, "notes:read");
    let page = browser.open(&server, &url).await;

    store.set_down(true);
    let answer = browser.decide(&server, &page, "approve").await;
    expect_outage_page(&answer, "consent");
    store.set_down(false);
    let answer = browser.decide(&server, &page, "approve").await;
    let callback = header(&answer, "location").to_owned();

    store.set_down(true);
    expect_outage_page(&browser.open(&server, &callback).await, "callback");
    store.set_down(false);
    let answer = browser.open(&server, &callback).await;
    assert!(header(&answer, "location").contains("code="));
}

/// E8
#[tokio::test]
async fn a_client_that_is_known_without_the_store_hears_no_definitive_no_either() {
    let known = json!({
        "client_id": "known",
        "redirect_uris": [TestClient::REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let known = serde_json::from_value(known).unwrap();
    let store = FaultyStore::new();
    let shared = Arc::new(store.clone());
    let server = TestServer::with(|builder| builder.store(shared, master_keys()).client(known));
    let client = TestClient::known("known", TestClient::REDIRECT_URI);
    let code = client.authorize(&server, "notes:read").await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let refresh_token = tokens.refresh_token.unwrap();

    store.set_down(true);
    expect_outage(client.redeem(&server, &code).await.response(), "code");
    expect_outage(
        client.refresh(&server, &refresh_token).await.response(),
        "refresh",
    );
    expect_outage(&client.revoke(&server, &refresh_token).await, "revoke");

    store.set_down(false);
    let _ = client.redeem(&server, &code).await.expect_tokens();
    let _ = client
        .refresh(&server, &refresh_token)
        .await
        .expect_tokens();
}

/// E8
#[tokio::test]
async fn documents_and_keys_need_no_store() {
    let store = FaultyStore::new();
    let server = server_on(&store, AccessTokenFormat::Jwt);
    store.set_down(true);
    let keys = server.get("/jwks").await;
    expect_outage(&keys, "keys that were never read");
    store.set_down(false);
    assert_eq!(server.get("/jwks").await.status(), 200);

    store.set_down(true);
    server.clock().advance(Duration::from_secs(3600));
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/mcp",
        "/jwks",
    ] {
        assert_eq!(server.get(path).await.status(), 200, "{path}");
    }
    let answer = super::support::send(&server, ("POST", "/mcp"), &[], "{}").await;
    assert_eq!(answer.status(), 401, "who shows no token can be told so");
}

/// Randomness that can run out.
#[derive(Debug)]
struct Tap {
    source: SeededEntropy,
    dry: AtomicBool,
}

impl Entropy for Tap {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        if self.dry.load(Ordering::SeqCst) {
            return Err(EntropyError);
        }
        self.source.fill(bytes)
    }
}

/// E8
#[tokio::test]
async fn without_randomness_nothing_is_issued_and_nothing_is_lost() {
    let tap = Arc::new(Tap {
        source: SeededEntropy::new(1),
        dry: AtomicBool::new(false),
    });
    let shared = Arc::clone(&tap);
    let server = TestServer::with(|builder| builder.entropy(shared));
    let client = TestClient::register(&server).await;
    let code = client.authorize(&server, "notes:read").await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let refresh_token = tokens.refresh_token.unwrap();
    let metadata = json!({
        "redirect_uris": [TestClient::REDIRECT_URI],
        "token_endpoint_auth_method": "client_secret_basic",
    });

    tap.dry.store(true, Ordering::SeqCst);
    expect_outage(client.redeem(&server, &code).await.response(), "code");
    expect_outage(
        client.refresh(&server, &refresh_token).await.response(),
        "refresh",
    );
    expect_outage(
        &TestClient::try_register(&server, &metadata).await,
        "register",
    );
    let page = open(&server, client.authorization_parameters("notes:read")).await;
    expect_outage_page(&page, "authorize");

    tap.dry.store(false, Ordering::SeqCst);
    let _ = client.redeem(&server, &code).await.expect_tokens();
    let _ = client
        .refresh(&server, &refresh_token)
        .await
        .expect_tokens();
}

/// E8
#[tokio::test]
async fn an_outage_does_not_use_up_the_grace_or_count_as_reuse() {
    let store = FaultyStore::new();
    let server = server_on(&store, AccessTokenFormat::Jwt);
    let client = TestClient::register(&server).await;
    let first = client
        .sign_in(&server, "notes:read")
        .await
        .refresh_token
        .unwrap();
    for _ in 0..3 {
        store.set_down(true);
        expect_outage(client.refresh(&server, &first).await.response(), "down");
        store.set_down(false);
        server.clock().advance(Duration::from_secs(60));
    }
    let _ = client.refresh(&server, &first).await.expect_tokens();
    let reused = |event: &Event| matches!(event, Event::RefreshTokenReused { .. });
    assert!(!server.events().all().iter().any(reused));
}
