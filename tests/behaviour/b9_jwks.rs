//! Keys that an authorization server elsewhere publishes, and what becomes of
//! requests when it does so badly or not at all.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::jose::Signer as _;
use oauth_for_mcp::resource::verifier::{InvalidJwtVerifier, JwtVerifier};
use oauth_for_mcp::test_util::RecordedEvents;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::elsewhere::{Elsewhere, ISSUER, KEYS_URI, changed, issuer, publish};
use super::support::{base64url, expect_outage, key};
use super::web::Web;

const OAUTH_METADATA: &str =
    "https://auth.example.com/.well-known/oauth-authorization-server/tenant";
const OPENID_METADATA: &str = "https://auth.example.com/tenant/.well-known/openid-configuration";

/// The time after which keys are fetched again, and that after which they count no
/// more.
const FRESH: Duration = Duration::from_secs(15 * 60);
const USABLE: Duration = Duration::from_secs(24 * 60 * 60);
const PAUSE: Duration = Duration::from_secs(30);

fn metadata() -> Value {
    json!({ "issuer": ISSUER, "jwks_uri": KEYS_URI, "token_endpoint": "ignored" })
}

/// A server whose keys its metadata leads to.
fn discovered() -> Elsewhere {
    Elsewhere::with(Web::default(), |verifier| verifier)
}

/// A token that names a key which nobody has; nobody signed it.
fn of_unknown_key(server: &Elsewhere, name: usize) -> String {
    let head = changed(server.header(), "kid", &json!(format!("unknown-{name}")));
    let (head, body) = (base64url(head), base64url(server.claims().to_string()));
    format!("{head}.{body}.{}", base64url([1_u8; 64]))
}

async fn expect_unavailable(server: &Elsewhere, case: &str) {
    let token = server.token().await;
    match server.show(&token).await {
        Ok(token) => panic!("{case}: {token:?}"),
        Err(answer) => expect_outage(&answer, case),
    }
}

/// What a server may answer with that is no set of keys anybody can use.
fn answers_of_no_use() -> Vec<(u16, String)> {
    let encryption = {
        let mut jwk = json!(key(7).public_jwk());
        jwk["use"] = json!("enc");
        json!({ "keys": [jwk] }).to_string()
    };
    let many = json!({ "keys": vec![json!(key(7).public_jwk()); 101] }).to_string();
    let good = json!({ "keys": [key(7).public_jwk()] }).to_string();
    vec![
        (500, good.clone()),
        (503, String::new()),
        (429, good.clone()),
        (404, good.clone()),
        (301, good.clone()),
        (204, String::new()),
        (200, String::new()),
        (200, "<html>".to_owned()),
        (200, "[]".to_owned()),
        (200, "{}".to_owned()),
        (200, format!("[{good}]")),
        (200, format!("{good}x")),
        (200, good[..good.len() - 1].to_owned()),
        (200, json!({ "keys": [] }).to_string()),
        (
            200,
            json!({ "keys": [{ "kty": "oct", "k": "AQAB" }, 7] }).to_string(),
        ),
        (200, encryption),
        (200, many),
        (200, format!("{}{good}", " ".repeat(300 * 1024))),
    ]
}

/// B9
#[tokio::test]
async fn keys_are_fetched_once_and_then_kept() {
    let server = Elsewhere::new();
    let token = server.token().await;
    assert_eq!(server.key_fetches(), 0);
    for _ in 0..100 {
        assert_eq!(server.status(&token).await, 200);
    }
    assert_eq!(server.key_fetches(), 1);
    server.clock.advance(FRESH);
    let token = server.token().await;
    for _ in 0..100 {
        assert_eq!(server.status(&token).await, 200);
    }
    assert_eq!(server.key_fetches(), 2);
}

/// B9
#[tokio::test]
async fn a_hundred_requests_at_once_share_one_fetch() {
    let gate = Arc::new(Semaphore::new(0));
    let server = Arc::new(Elsewhere::with(Web::behind(&gate), |verifier| {
        verifier.keys_uri(KEYS_URI)
    }));
    let token = server.token().await;
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let (server, token) = (Arc::clone(&server), token.clone());
            tokio::spawn(async move { server.status(&token).await })
        })
        .collect();
    tokio::task::yield_now().await;
    gate.add_permits(100);
    for request in requests {
        assert_eq!(request.await.expect("no panic"), 200);
    }
    assert_eq!(server.key_fetches(), 1);
}

/// B9
#[tokio::test]
async fn a_new_key_is_fetched_at_once_and_a_withdrawn_one_counts_until_then() {
    let server = Elsewhere::new();
    let old = server.token().await;
    assert_eq!(server.status(&old).await, 200);

    let next = key(8);
    publish(&server.web, &[&next]);
    assert_eq!(server.status(&old).await, 200, "nobody asked yet");
    assert_eq!(server.status(&server.token_of(&next).await).await, 200);
    server.expect_invalid(&old, "withdrawn").await;
    assert_eq!(server.key_fetches(), 2);
}

/// B9
#[tokio::test]
async fn a_withdrawn_key_counts_no_more_once_keys_are_fetched_again() {
    let server = Elsewhere::new();
    assert_eq!(server.status(&server.token().await).await, 200);
    publish(&server.web, &[&key(8)]);
    server.clock.advance(FRESH);
    let token = server.token().await;
    server.expect_invalid(&token, "withdrawn").await;
}

/// B9
#[tokio::test]
async fn ten_thousand_tokens_of_unknown_keys_lead_to_two_fetches() {
    for is_known in [true, false] {
        let server = Elsewhere::new();
        if is_known {
            assert_eq!(server.status(&server.token().await).await, 200);
        }
        for name in 0..10_000 {
            let token = of_unknown_key(&server, name);
            server.expect_invalid(&token, "unknown").await;
        }
        assert_eq!(server.key_fetches(), 2, "{is_known}");
        assert_eq!(server.status(&server.token().await).await, 200);
        server.clock.advance(PAUSE);
        server
            .expect_invalid(&of_unknown_key(&server, 0), "later")
            .await;
        assert_eq!(
            server.key_fetches(),
            3,
            "they are asked for again, but not before"
        );
    }
}

/// B9
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_tokens_of_unknown_keys_at_once_lead_to_two_fetches() {
    let server = Arc::new(Elsewhere::new());
    let tasks: Vec<_> = (0..100)
        .map(|task| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                for name in 0..100 {
                    let token = of_unknown_key(&server, task * 100 + name);
                    server.expect_invalid(&token, "unknown").await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("each is refused");
    }
    assert!(server.key_fetches() <= 2, "{}", server.key_fetches());
}

/// Begins to show a token, and leaves before there is an answer.
fn show_and_leave(server: &Elsewhere, token: &str) {
    let mut shown = pin!(server.show(token));
    let mut context = Context::from_waker(Waker::noop());
    let polled = shown.as_mut().poll(&mut context);
    assert!(polled.is_pending(), "the keys are not there yet");
}

fn behind(gate: &Arc<Semaphore>) -> Elsewhere {
    Elsewhere::with(Web::behind(gate), |verifier| verifier.keys_uri(KEYS_URI))
}

/// B9
#[tokio::test]
async fn a_stranger_who_leaves_keeps_no_new_key_out() {
    let gate = Arc::new(Semaphore::new(1));
    let server = behind(&gate);
    assert_eq!(server.status(&server.token().await).await, 200);
    let next = key(8);
    publish(&server.web, &[&next]);
    show_and_leave(&server, &of_unknown_key(&server, 0));
    gate.add_permits(1);
    assert_eq!(server.status(&server.token_of(&next).await).await, 200);
    assert_eq!(server.key_fetches(), 2, "it went on with what was left");
}

/// B9
#[tokio::test]
async fn ten_thousand_strangers_who_leave_lead_to_two_fetches() {
    let gate = Arc::new(Semaphore::new(0));
    let server = behind(&gate);
    for name in 0..5_000 {
        show_and_leave(&server, &of_unknown_key(&server, name));
    }
    gate.add_permits(1);
    assert_eq!(server.status(&server.token().await).await, 200);
    for name in 0..5_000 {
        show_and_leave(&server, &of_unknown_key(&server, name));
    }
    publish(&server.web, &[&key(8)]);
    gate.add_permits(1);
    assert_eq!(server.status(&server.token_of(&key(8)).await).await, 200);
    assert_eq!(server.key_fetches(), 2);
}

/// B9
#[tokio::test]
async fn a_fetch_that_was_left_long_ago_is_begun_anew() {
    let gate = Arc::new(Semaphore::new(0));
    let server = behind(&gate);
    show_and_leave(&server, &server.token().await);
    server.clock.advance(Duration::from_secs(10));
    gate.add_permits(1);
    assert_eq!(server.status(&server.token().await).await, 200);
    assert_eq!(server.key_fetches(), 2);
}

/// B9
#[tokio::test]
async fn a_key_that_was_published_just_after_a_fetch_is_unknown_until_the_next() {
    let events = Arc::new(RecordedEvents::default());
    let server = Elsewhere::with(Web::default(), |verifier| {
        verifier.keys_uri(KEYS_URI).events(Arc::clone(&events) as _)
    });
    assert_eq!(server.status(&server.token().await).await, 200);
    let unknown = of_unknown_key(&server, 0);
    server.expect_invalid(&unknown, "fetched again").await;
    publish(&server.web, &[&key(7), &key(8)]);
    let next = server.token_of(&key(8)).await;
    server.expect_invalid(&next, "fetched a moment ago").await;
    server.clock.advance(PAUSE);
    assert_eq!(server.status(&server.token_of(&key(8)).await).await, 200);
    assert_eq!(events.all(), [], "it is no outage");
}

/// B9
#[tokio::test]
async fn keys_that_moved_are_found_by_the_metadata_at_once() {
    const MOVED: &str = "https://auth.example.com/moved";
    for status in [404, 410] {
        let server = discovered();
        server.web.publish(OAUTH_METADATA, &metadata());
        assert_eq!(server.status(&server.token().await).await, 200);
        let moved: Value = serde_json::from_str(&changed(metadata(), "jwks_uri", &json!(MOVED)))
            .expect("it was made so");
        server.web.publish(OAUTH_METADATA, &moved);
        server.web.answer(KEYS_URI, status, &[], "gone");
        let keys = json!({ "keys": [key(8).public_jwk()] });
        server.web.publish(MOVED, &keys);
        let next = server.token_of(&key(8)).await;
        assert_eq!(server.status(&next).await, 200, "{status}");
    }
}

/// B9
#[tokio::test]
async fn an_issuer_whose_keys_are_gone_is_asked_where_they_are_once_in_a_while() {
    for status in [404, 410, 503, 301] {
        let server = discovered();
        server.web.publish(OAUTH_METADATA, &metadata());
        server.web.answer(KEYS_URI, status, &[], "gone");
        for _ in 0..100 {
            expect_unavailable(&server, "gone").await;
        }
        let asked = if [404, 410].contains(&status) { 3 } else { 2 };
        assert_eq!(server.web.fetched().len(), asked, "{status}");
    }
}

/// B9
#[tokio::test]
async fn without_any_keys_nobody_is_refused_and_the_server_is_spared() {
    for (status, body) in answers_of_no_use() {
        let server = Elsewhere::new();
        let case = format!("{status} {}", body.chars().take(60).collect::<String>());
        server.web.answer(KEYS_URI, status, &[], body);
        for _ in 0..100 {
            expect_unavailable(&server, &case).await;
        }
        assert_eq!(server.key_fetches(), 1, "{case}");

        publish(&server.web, &[&server.key]);
        server.clock.advance(PAUSE);
        assert_eq!(server.status(&server.token().await).await, 200, "{case}");
    }
    let server = Elsewhere::new();
    server.web.take_down(KEYS_URI);
    expect_unavailable(&server, "down").await;
    expect_unavailable(&server, "still down").await;
    assert_eq!(server.key_fetches(), 1);
}

/// B9
#[tokio::test]
async fn the_last_good_set_serves_on_for_a_day() {
    for (status, body) in answers_of_no_use() {
        let server = Elsewhere::new();
        assert_eq!(server.status(&server.token().await).await, 200);
        let case = format!("{status} {}", body.chars().take(60).collect::<String>());
        server.web.answer(KEYS_URI, status, &[], body);
        server.clock.advance(FRESH);
        for _ in 0..10 {
            assert_eq!(server.status(&server.token().await).await, 200, "{case}");
        }
        assert_eq!(server.key_fetches(), 2, "{case}");
        server
            .clock
            .advance(USABLE - FRESH - Duration::from_secs(1));
        assert_eq!(server.status(&server.token().await).await, 200, "{case}");
        server.clock.advance(PAUSE);
        expect_unavailable(&server, &case).await;
    }
}

/// B9
#[tokio::test]
async fn a_key_that_may_be_new_is_no_refusal_while_keys_cannot_be_fetched() {
    let server = Elsewhere::new();
    let old = server.token().await;
    assert_eq!(server.status(&old).await, 200);
    server.web.take_down(KEYS_URI);
    let next = server.token_of(&key(8)).await;
    for _ in 0..100 {
        let answer = server.show(&next).await.expect_err("it cannot be verified");
        expect_outage(&answer, "down");
        assert_eq!(server.status(&old).await, 200);
    }
    assert_eq!(server.key_fetches(), 2);

    // What is known to be wrong is refused all the same.
    let wrong = format!("{}AAAA", &old[..old.len() - 4]);
    server.expect_invalid(&wrong, "signature").await;

    publish(&server.web, &[&key(8)]);
    server.clock.advance(PAUSE);
    assert_eq!(server.status(&server.token_of(&key(8)).await).await, 200);
}

/// B9
#[tokio::test]
async fn the_operator_hears_of_keys_that_cannot_be_renewed_though_nobody_is_refused() {
    let events = Arc::new(RecordedEvents::default());
    let server = Elsewhere::with(Web::default(), |verifier| {
        verifier.keys_uri(KEYS_URI).events(Arc::clone(&events) as _)
    });
    assert_eq!(server.status(&server.token().await).await, 200);
    assert_eq!(events.all(), []);
    server.web.answer(KEYS_URI, 503, &[], "secret");
    server.clock.advance(FRESH);
    for _ in 0..10 {
        assert_eq!(server.status(&server.token().await).await, 200);
    }
    let told = events.all();
    assert_eq!(told.len(), 1, "once for each fetch: {told:?}");
    assert!(matches!(told[0], Event::Outage { .. }), "{told:?}");
    let text = format!("{told:?}");
    assert!(text.contains("503") && !text.contains("secret"), "{text}");
}

/// B9
#[tokio::test]
async fn a_slow_answer_delays_nobody_who_can_be_served_without() {
    let gate = Arc::new(Semaphore::new(1));
    let server = Arc::new(Elsewhere::with(Web::behind(&gate), |verifier| {
        verifier.keys_uri(KEYS_URI)
    }));
    assert_eq!(server.status(&server.token().await).await, 200);
    server.clock.advance(FRESH);
    let token = server.token().await;
    let waiting = {
        let (server, token) = (Arc::clone(&server), token.clone());
        tokio::spawn(async move { server.status(&token).await })
    };
    while server.key_fetches() < 2 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        assert_eq!(server.status(&token).await, 200);
    }
    assert!(!waiting.is_finished());
    gate.add_permits(1);
    assert_eq!(waiting.await.expect("no panic"), 200);
    for (_, limits) in server.web.requests() {
        assert!(limits.timeout <= Duration::from_secs(10), "{limits:?}");
        assert!(limits.max_body_bytes <= 256 * 1024, "{limits:?}");
    }
}

/// B9
#[tokio::test]
async fn one_unusable_key_spoils_no_good_one() {
    let server = Elsewhere::new();
    let good = json!(server.key.public_jwk());
    for bad in [
        json!({ "kty": "oct", "k": "AQAB" }),
        json!({ "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA" }),
        json!({ "kty": "new" }),
        json!(null),
        json!("key"),
    ] {
        server
            .web
            .publish(KEYS_URI, &json!({ "keys": [bad, good] }));
        server.clock.advance(FRESH);
        assert_eq!(server.status(&server.token().await).await, 200, "{bad}");
    }
}

/// B9
#[tokio::test]
async fn keys_are_found_by_the_metadata_of_the_issuer() {
    for (place, tried) in [(OAUTH_METADATA, 1), (OPENID_METADATA, 2)] {
        let server = discovered();
        server.web.answer(OAUTH_METADATA, 404, &[], "not found");
        server.web.publish(place, &metadata());
        for _ in 0..10 {
            assert_eq!(server.status(&server.token().await).await, 200, "{place}");
        }
        let mut expected = vec![OAUTH_METADATA, OPENID_METADATA][..tried].to_vec();
        expected.push(KEYS_URI);
        assert_eq!(server.web.fetched(), expected);
    }
}

/// B9
#[tokio::test]
async fn a_page_in_place_of_metadata_is_passed_over() {
    let server = discovered();
    server.web.answer(
        OAUTH_METADATA,
        200,
        &[("content-type", "text/html")],
        "<html>",
    );
    server.web.publish(OPENID_METADATA, &metadata());
    assert_eq!(server.status(&server.token().await).await, 200);
}

/// B9
#[tokio::test]
async fn metadata_of_another_or_with_keys_in_the_clear_is_no_metadata() {
    let changes = [
        ("issuer", json!("https://auth.example.com/tenant/")),
        ("issuer", json!("https://auth.example.com/other-tenant")),
        ("issuer", json!("https://evil.example")),
        ("issuer", json!([ISSUER])),
        ("issuer", Value::Null),
        ("jwks_uri", json!("http://auth.example.com/keys")),
        ("jwks_uri", json!("http://127.0.0.1/keys")),
        ("jwks_uri", json!("file:///etc/passwd")),
        (
            "jwks_uri",
            json!("https://user:password@auth.example.com/keys"),
        ),
        ("jwks_uri", json!("/keys")),
        ("jwks_uri", json!(7)),
        ("jwks_uri", Value::Null),
    ];
    for (name, value) in changes {
        let server = discovered();
        let other = changed(metadata(), name, &value);
        for place in [OAUTH_METADATA, OPENID_METADATA] {
            server.web.answer(place, 200, &[], other.clone());
        }
        expect_unavailable(&server, &other).await;
        let fetched = server.web.fetched();
        assert_eq!(fetched, [OAUTH_METADATA, OPENID_METADATA], "{other}");
    }
}

/// B9
#[tokio::test]
async fn while_metadata_cannot_be_fetched_nobody_is_refused_and_the_server_is_spared() {
    let server = discovered();
    server.web.answer(OAUTH_METADATA, 503, &[], "");
    for _ in 0..100 {
        expect_unavailable(&server, "down").await;
    }
    assert_eq!(
        server.web.fetched(),
        [OAUTH_METADATA],
        "no other place is tried"
    );

    server.web.publish(OAUTH_METADATA, &metadata());
    server.clock.advance(PAUSE);
    assert_eq!(server.status(&server.token().await).await, 200);

    // Metadata that was found once leads to new keys while it is down.
    server.web.take_down(OAUTH_METADATA);
    publish(&server.web, &[&key(8)]);
    server.clock.advance(Duration::from_secs(2 * 60 * 60));
    assert_eq!(server.status(&server.token_of(&key(8)).await).await, 200);
}

/// B9
#[tokio::test]
async fn ten_thousand_tokens_of_unknown_keys_lead_to_one_fetch_of_metadata() {
    let server = discovered();
    server.web.publish(OAUTH_METADATA, &metadata());
    for name in 0..10_000 {
        let token = of_unknown_key(&server, name);
        server.expect_invalid(&token, "unknown").await;
    }
    assert_eq!(server.web.fetched(), [OAUTH_METADATA, KEYS_URI, KEYS_URI]);
}

/// B9
#[test]
fn settings_that_lead_to_no_keys_are_refused() {
    let verifier = |uri: &str| {
        let web = Arc::new(Web::default());
        let verifier = JwtVerifier::builder(issuer(ISSUER), web).keys_uri(uri);
        verifier.build().err()
    };
    assert_eq!(verifier(KEYS_URI), None);
    for uri in [
        "http://auth.example.com/keys",
        "http://127.0.0.1/keys",
        "/keys",
        "",
    ] {
        assert_eq!(verifier(uri), Some(InvalidJwtVerifier::KeysUri), "{uri}");
    }
    let none = JwtVerifier::with_keys(issuer(ISSUER), &Default::default()).build();
    assert_eq!(none.err(), Some(InvalidJwtVerifier::NoUsableKey));
}
