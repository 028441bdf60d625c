//! Signing keys that cannot be read, or that are not known yet.

use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::jose::{Algorithm, Signer as _};
use oauth_for_mcp::model::{MasterKey, MasterKeys};
use oauth_for_mcp::store::{KeySchedule, SigningKeyStore as _};
use oauth_for_mcp::test_util::{TestClient, TestServer, Tokens};

use super::faulty_store::{CAUSE, FaultyStore, master_keys};
use super::support::{
    PING, claims, expect_outage, expect_refusal, forge, key, kid, post_mcp, published,
    refresh_token,
};

const OVERLAP: Duration = Duration::from_secs(1_200);
const SCHEDULE: KeySchedule = KeySchedule {
    algorithm: Algorithm::Es256,
    period: Some(Duration::from_secs(3_600)),
    overlap: OVERLAP,
};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

struct Flow {
    store: FaultyStore,
    server: TestServer,
    client: TestClient,
    tokens: Tokens,
}

impl Flow {
    /// Somebody signed in, so that the server knows its keys.
    async fn new() -> Self {
        let store = FaultyStore::new();
        let shared = Arc::new(store.clone());
        let server =
            TestServer::with(|builder| builder.store(shared, master_keys()).key_schedule(SCHEDULE));
        let client = TestClient::register(&server).await;
        let tokens = client.sign_in(&server, "notes:read").await;
        Self {
            store,
            server,
            client,
            tokens,
        }
    }

    /// A token like a good one, by a key that this server never had.
    async fn foreign(&self) -> String {
        let stranger = key(9);
        let head = format!(
            r#"{{"alg":"ES256","typ":"at+jwt","kid":"{}"}}"#,
            stranger.key_id()
        );
        let body = claims(&self.tokens.access_token);
        forge(&stranger, &head, &body.to_string()).await
    }

    fn outages(&self) -> usize {
        let outage =
            |event: &&Event| matches!(event, Event::Outage { cause } if cause.contains(CAUSE));
        self.server.events().all().iter().filter(outage).count()
    }
}

/// E7
#[tokio::test]
async fn however_many_tokens_name_an_unknown_key_the_store_is_read_every_five_seconds() {
    let flow = Flow::new().await;
    let foreign = flow.foreign().await;
    let flood = async |case: &str| {
        let before = flow.store.key_reads();
        for _ in 0..50 {
            let answer = post_mcp(&flow.server, &foreign, PING).await;
            expect_refusal(&answer, 401, "invalid_token", case);
        }
        flow.store.key_reads() - before
    };
    assert_eq!(flood("the keys were just read").await, 0);
    for _ in 0..3 {
        flow.server.clock().advance(seconds(4));
        assert_eq!(flood("not yet").await, 0);
        flow.server.clock().advance(seconds(1));
        assert_eq!(flood("once").await, 1);
    }
}

/// E7
#[tokio::test]
async fn while_keys_cannot_be_read_an_unknown_key_is_no_refusal_and_the_store_is_spared() {
    let flow = Flow::new().await;
    let foreign = flow.foreign().await;
    flow.store.set_keys_down(true);
    flow.server.clock().advance(seconds(5));
    let before = flow.store.key_reads();
    for _ in 0..50 {
        expect_outage(&post_mcp(&flow.server, &foreign, PING).await, "unknown");
        let answer = post_mcp(&flow.server, &flow.tokens.access_token, PING).await;
        assert_eq!(answer.status(), 200, "known");
    }
    assert_eq!(flow.store.key_reads() - before, 1);

    flow.store.set_keys_down(false);
    flow.server.clock().advance(seconds(5));
    let answer = post_mcp(&flow.server, &foreign, PING).await;
    expect_refusal(&answer, 401, "invalid_token", "now it is known");
}

/// E7
#[tokio::test]
async fn a_key_that_another_server_made_out_of_turn_is_found_at_once() {
    let flow = Flow::new().await;
    // An operator threw the key away, and a server was started.
    flow.store.remove_signing_key(1).await.unwrap();
    let other = flow.server.replica();
    let tokens = flow.client.sign_in(&other, "notes:read").await;
    assert_ne!(kid(&tokens.access_token), kid(&flow.tokens.access_token));

    flow.server.clock().advance(seconds(5));
    let answer = post_mcp(&flow.server, &tokens.access_token, PING).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(published(&flow.server).await, published(&other).await);
}

/// E7
#[tokio::test]
async fn a_server_that_was_idle_refuses_nobody_while_it_reads_the_new_keys() {
    let flow = Flow::new().await;
    let idle = flow.server.replica();
    assert_eq!(published(&idle).await.len(), 1);
    for _ in 0..4 {
        flow.server.clock().advance(seconds(1_200));
        published(&flow.server).await;
    }
    let tokens = flow.client.sign_in(&flow.server, "notes:read").await;
    assert_ne!(kid(&tokens.access_token), kid(&flow.tokens.access_token));

    let held = flow.store.hold_key_reads().await;
    let call = || post_mcp(&idle, &tokens.access_token, PING);
    let spent = refresh_token(&tokens);
    let (first, second, refreshed, ()) =
        tokio::join!(call(), call(), flow.client.refresh(&idle, spent), async {
            drop(held)
        });
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (200, 200)
    );
    let refreshed = refreshed.expect_tokens().access_token;
    assert_eq!(
        kid(&refreshed),
        kid(&tokens.access_token),
        "no old key signs"
    );
}

/// E7, E8
#[tokio::test]
async fn known_keys_verify_and_are_published_while_the_store_cannot_give_them() {
    let flow = Flow::new().await;
    let keys = published(&flow.server).await;
    flow.store.set_keys_down(true);
    for _ in 0..9 {
        flow.server.clock().advance(seconds(60));
        let answer = post_mcp(&flow.server, &flow.tokens.access_token, PING).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(published(&flow.server).await, keys);
    }
    assert_eq!(flow.outages(), 9, "the operator hears of it");
    flow.store.set_down(true);
    flow.server.clock().advance(seconds(3_600));
    assert_eq!(published(&flow.server).await, keys);
    let answer = post_mcp(&flow.server, &flow.tokens.access_token, PING).await;
    expect_refusal(&answer, 401, "invalid_token", "it has expired, down or not");
}

/// E7, E8
#[tokio::test]
async fn keys_that_another_may_have_followed_do_not_sign() {
    let flow = Flow::new().await;
    flow.store.set_keys_down(true);
    flow.server.clock().advance(OVERLAP - seconds(1));
    let answer = flow
        .client
        .refresh(&flow.server, refresh_token(&flow.tokens))
        .await;
    let tokens = answer.expect_tokens();

    flow.server.clock().advance(seconds(1));
    let answer = flow
        .client
        .refresh(&flow.server, refresh_token(&tokens))
        .await;
    expect_outage(answer.response(), "too old");
    let answer = post_mcp(&flow.server, &tokens.access_token, PING).await;
    assert_eq!(answer.status(), 200, "they still verify");

    flow.store.set_keys_down(false);
    flow.server.clock().advance(seconds(5));
    let answer = flow
        .client
        .refresh(&flow.server, refresh_token(&tokens))
        .await;
    let _ = answer.expect_tokens();
}

/// E7, E8
#[tokio::test]
async fn a_server_that_starts_during_an_outage_refuses_nobody() {
    let flow = Flow::new().await;
    let code = flow.client.authorize(&flow.server, "notes:read").await;
    let started = flow.server.replica();
    let token = &flow.tokens.access_token;
    let refresh = refresh_token(&flow.tokens);
    for keys_only in [true, false] {
        flow.store.set_keys_down(keys_only);
        flow.store.set_down(!keys_only);
        expect_outage(&started.get("/jwks").await, "keys");
        expect_outage(&post_mcp(&started, token, PING).await, "resource");
        expect_outage(&flow.client.revoke(&started, token).await, "revoke");
        expect_outage(
            flow.client.refresh(&started, refresh).await.response(),
            "refresh",
        );
        expect_outage(flow.client.redeem(&started, &code).await.response(), "code");
        assert!(started.auth().prepare().await.is_err());
    }
    flow.store.set_keys_down(false);
    flow.store.set_down(false);
    assert_eq!(post_mcp(&started, token, PING).await.status(), 200);
    let _ = flow.client.refresh(&started, refresh).await.expect_tokens();
    let _ = flow.client.redeem(&started, &code).await.expect_tokens();
}

/// E7, E8
#[tokio::test]
async fn of_many_requests_at_the_start_one_waits_for_a_store_that_is_down() {
    let flow = Flow::new().await;
    let started = flow.server.replica();
    flow.store.set_keys_down(true);
    let before = flow.store.key_reads();
    let held = flow.store.hold_key_reads().await;
    let get = || started.get("/jwks");
    let (first, second, third, ()) = tokio::join!(get(), get(), get(), async { drop(held) });
    for answer in [first, second, third] {
        expect_outage(&answer, "keys");
    }
    assert_eq!(flow.store.key_reads() - before, 1);
}

/// E7, E8
#[tokio::test]
async fn a_missing_master_key_is_named_at_the_start_and_never_a_refusal() {
    let flow = Flow::new().await;
    let code = flow.client.authorize(&flow.server, "notes:read").await;
    let (shared, wrong) = (
        Arc::new(flow.store.clone()),
        MasterKey::from_bytes(&[8; 32]),
    );
    let server = flow
        .server
        .replica_with(|builder| builder.store(shared, Arc::new(MasterKeys::new(wrong))));
    let outage = server.auth().prepare().await.unwrap_err();
    let mut causes = vec![outage.to_string()];
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&outage);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let missing = master_keys().active_id().to_string();
    assert!(causes.concat().contains(&missing), "{causes:?}");

    let token = &flow.tokens.access_token;
    let refresh = refresh_token(&flow.tokens);
    expect_outage(&server.get("/jwks").await, "keys");
    expect_outage(&post_mcp(&server, token, PING).await, "resource");
    expect_outage(
        flow.client.refresh(&server, refresh).await.response(),
        "refresh",
    );
    expect_outage(flow.client.redeem(&server, &code).await.response(), "code");

    let answer = post_mcp(&flow.server, token, PING).await;
    assert_eq!(answer.status(), 200, "nothing was spoilt");
    let _ = flow
        .client
        .refresh(&flow.server, refresh)
        .await
        .expect_tokens();
    let _ = flow
        .client
        .redeem(&flow.server, &code)
        .await
        .expect_tokens();
}

/// E7
#[tokio::test]
async fn a_server_that_signs_nothing_is_told_of_a_missing_master_key_too() {
    let flow = Flow::new().await;
    let (shared, wrong) = (
        Arc::new(flow.store.clone()),
        MasterKey::from_bytes(&[8; 32]),
    );
    let ring = oauth_for_mcp::jose::KeyRing::new(key(7)).unwrap();
    let server = flow.server.replica_with(|builder| {
        let keys = Arc::new(MasterKeys::new(wrong));
        builder.store(shared, keys).keys(Arc::new(ring))
    });
    assert!(
        server.auth().prepare().await.is_err(),
        "a grant does not open"
    );
    flow.store.set_down(true);
    assert!(server.auth().prepare().await.is_err(), "the store is down");
}
