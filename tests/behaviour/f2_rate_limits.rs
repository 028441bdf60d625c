use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::jose::{Signer as _, SigningKey};
use oauth_for_mcp::limit::{Limit, LimitKey, Quota, RateLimiter, RateLimits, TooMany};
use oauth_for_mcp::server::{DynamicRegistration, PreregisteredClient, RegistrationConfig};
use oauth_for_mcp::store::MemoryLimits;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::json;

use super::c6_assertions::{self, present, signed};
use super::support::{
    Answer, FORM, authorize_url, expect_page, expect_refusal, header, hidden, key, post_form,
    refresh_token, send, with,
};

/// One of the addresses that are for documentation.
fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, number)
}

/// A server at which only `limit` is on, with this quota.
fn limited(limit: Limit, burst: u32, per_minute: u32) -> TestServer {
    let quota = Quota::new(burst, per_minute).expect("neither is zero");
    let limits = RateLimits::off().with(limit, quota);
    TestServer::with(|builder| builder.rate_limits(limits))
}

async fn register(server: &TestServer) -> Answer {
    register_as(server, "Always the same").await
}

async fn register_as(server: &TestServer, name: &str) -> Answer {
    let metadata = json!({ "client_name": name, "redirect_uris": [TestClient::REDIRECT_URI] });
    TestClient::try_register(server, &metadata).await
}

/// Asks to authorize, without a browser.
async fn authorize(server: &TestServer, client_id: &str) -> Answer {
    let client = TestClient::known(client_id, TestClient::REDIRECT_URI);
    let url = client.authorization_url(server, "notes:read");
    let path = url.strip_prefix(TestServer::PUBLIC_URL);
    let path = path.expect("it is at the server");
    send(server, ("GET", path), &[], "").await
}

/// Makes sure that a refresh token is good, and not limited.
async fn expect_good(client: &TestClient, server: &TestServer, token: &str) {
    let answer = client.refresh(server, token).await;
    assert!(answer.tokens().is_some(), "{answer:?}");
}

/// Makes sure that a client is told to wait this long, and nothing else.
#[track_caller]
fn expect_too_many(answer: &Answer, seconds: &str, case: &str) {
    expect_refusal(answer, 429, "temporarily_unavailable", case);
    assert_eq!(header(answer, "retry-after"), seconds, "{case}");
    assert_eq!(header(answer, "access-control-allow-origin"), "*", "{case}");
    assert_eq!(header(answer, "www-authenticate"), "", "{case}");
}

/// Makes sure that a person sees a page and is sent nowhere.
#[track_caller]
fn expect_too_many_page(answer: &Answer, seconds: &str, case: &str) {
    expect_page(answer, 429, "Too many attempts", case);
    assert_eq!(header(answer, "retry-after"), seconds, "{case}");
    assert_eq!(header(answer, "set-cookie"), "", "{case}");
    assert_eq!(header(answer, "access-control-allow-origin"), "", "{case}");
}

fn limits_told(server: &TestServer) -> Vec<Event> {
    let mut events = server.events().all();
    events.retain(|event| matches!(event, Event::RateLimited { .. }));
    events
}

/// F2
#[tokio::test]
async fn sixty_registrations_of_one_address_are_let_in_and_then_one_a_second() {
    let server = TestServer::new();
    let one = server.from_address(address(1));
    for number in 0..60 {
        assert_eq!(register(&one).await.status(), 201, "{number}");
    }
    for _ in 0..100 {
        expect_too_many(&register(&one).await, "1", "the next");
    }
    let nonsense = send(&one, ("POST", "/register"), &[FORM], "x").await;
    expect_too_many(&nonsense, "1", "whatever it says");
    assert_eq!(
        register(&server.from_address(address(2))).await.status(),
        201
    );
    assert_eq!(
        register(&server).await.status(),
        201,
        "nobody knows from where"
    );

    server.clock().advance(Duration::from_secs(1));
    assert_eq!(register(&one).await.status(), 201);
    expect_too_many(&register(&one).await, "1", "one a second");
    server.clock().advance(Duration::from_secs(3600));
    for number in 0..60 {
        assert_eq!(register(&one).await.status(), 201, "{number} after an hour");
    }
}

/// F2, C4
#[tokio::test]
async fn new_clients_of_all_addresses_together_are_limited() {
    let server = limited(Limit::NewClients, 10, 7);
    for number in 0..10 {
        let from = server.from_address(address(number));
        let answer = register_as(&from, &format!("Client {number}")).await;
        assert_eq!(answer.status(), 201, "{number}");
    }
    let stranger = server.from_address(address(11));
    expect_too_many(&register_as(&stranger, "Eleven").await, "9", "a stranger");
    expect_too_many(&register_as(&server, "Twelve").await, "9", "from nowhere");
    let mut own = json!({ "redirect_uris": [TestClient::REDIRECT_URI] });
    own["token_endpoint_auth_method"] = json!("client_secret_basic");
    let own = TestClient::try_register(&server, &own).await;
    expect_too_many(&own, "9", "a client of its own");

    for _ in 0..20 {
        let again = register_as(&stranger, "Client 3").await;
        assert_eq!(again.status(), 201, "who is known stores nothing");
    }
    let broken = TestClient::try_register(&server, &json!({})).await;
    expect_refusal(
        &broken,
        400,
        "invalid_redirect_uri",
        "nor does what is refused",
    );
    server.clock().advance(Duration::from_secs(9));
    assert_eq!(register_as(&server, "Thirteen").await.status(), 201);
    expect_too_many(
        &register_as(&server, "Fourteen").await,
        "9",
        "one in nine seconds",
    );
}

/// F2, C4
#[tokio::test]
async fn clients_that_are_sealed_into_their_identifiers_use_up_nothing_of_others() {
    let quota = Quota::new(2, 60).unwrap();
    let limits = RateLimits::off().with(Limit::NewClients, quota);
    let server = TestServer::with(|builder| {
        let registration =
            RegistrationConfig::default().dynamic(DynamicRegistration::SelfContained);
        builder.registration(registration).rate_limits(limits)
    });
    for number in 0..20 {
        assert_eq!(register(&server).await.status(), 201, "{number}");
    }
}

/// F2
#[tokio::test]
async fn a_client_that_asks_to_authorize_too_often_is_a_page_for_the_person() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let one = server.from_address(address(1));
    for number in 0..120 {
        let page = authorize(&one, &client.client_id).await;
        assert_eq!(page.status(), 200, "{number}");
    }
    expect_too_many_page(&authorize(&one, &client.client_id).await, "1", "GET");
    let broken = with(
        client.authorization_parameters("notes:read"),
        "code_challenge",
        None,
    );
    let url = authorize_url(&server, broken);
    let (_, query) = url.split_once('?').unwrap();
    let posted = post_form(&one, "/authorize", query).await;
    expect_too_many_page(&posted, "1", "a POST that would be redirected");

    let other = TestClient::register(&server).await;
    assert_eq!(
        authorize(&one, &other.client_id).await.status(),
        200,
        "another client"
    );
}

/// F2
#[tokio::test]
async fn a_stranger_cannot_lock_others_out_of_a_client_they_share() {
    let server = TestServer::new();
    let hosted = TestClient::register(&server).await;
    let stranger = server.from_address(address(66));
    for _ in 0..120 {
        authorize(&stranger, &hosted.client_id).await;
    }
    let refused = authorize(&stranger, &hosted.client_id).await;
    expect_too_many_page(&refused, "1", "the stranger");

    assert_eq!(authorize(&server, &hosted.client_id).await.status(), 200);
    for number in 0..60 {
        let person = server.from_address(address(number));
        let page = authorize(&person, &hosted.client_id).await;
        assert_eq!(page.status(), 200, "{number}");
    }
}

/// F2
#[tokio::test]
async fn an_address_that_asks_to_authorize_too_often_is_a_page_for_the_person() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let one = server.from_address(address(1));
    let page = authorize(&one, &client.client_id).await;
    let form = format!("request={}", hidden(&page, "request"));
    for number in 1..600 {
        let page = authorize(&one, &format!("made-up-{number}")).await;
        expect_page(&page, 400, "not registered", "a client that is none");
    }
    expect_too_many_page(&authorize(&one, "another").await, "1", "GET");
    let nameless = send(&one, ("GET", "/authorize?a=1&a=2"), &[], "").await;
    expect_too_many_page(&nameless, "1", "a request that names nobody");
    let consent = send(&one, ("POST", "/oauth/consent"), &[FORM], form.clone()).await;
    expect_too_many_page(&consent, "1", "a consent");

    let two = server.from_address(address(2));
    assert_eq!(authorize(&two, &client.client_id).await.status(), 200);
    let consent = send(&two, ("POST", "/oauth/consent"), &[FORM], form).await;
    assert_eq!(
        consent.status(),
        400,
        "from another browser, and not limited"
    );
}

/// F2, E3
#[tokio::test]
async fn token_requests_of_one_grant_are_limited_and_burn_nothing() {
    let server = limited(Limit::TokenByGrant, 3, 60);
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let first = refresh_token(&tokens);

    let second = client.refresh(&server, first).await.expect_tokens();
    let third = client
        .refresh(&server, refresh_token(&second))
        .await
        .expect_tokens();
    let fourth = client
        .refresh(&server, refresh_token(&third))
        .await
        .expect_tokens();
    for token in [first, refresh_token(&third), refresh_token(&fourth)] {
        for _ in 0..5 {
            let answer = client.refresh(&server, token).await;
            expect_too_many(answer.response(), "1", "any token of the grant");
        }
    }
    // A wait longer than the grace: had one of these been counted as a use, or had
    // the old one been looked at, the grant would be gone.
    server.clock().advance(Duration::from_secs(40));
    expect_good(&client, &server, refresh_token(&fourth)).await;
}

/// F2, E1
#[tokio::test]
async fn a_code_that_was_refused_for_being_too_often_is_still_good() {
    let server = limited(Limit::TokenByGrant, 2, 60);
    let client = TestClient::register(&server).await;
    let code = client.authorize(&server, "notes:read").await;
    let mut wrong = client.clone();
    wrong.verifier = "another-verifier-of-more-than-forty-three-characters".to_owned();
    for _ in 0..2 {
        wrong
            .redeem(&server, &code)
            .await
            .expect_error("invalid_grant");
    }
    expect_too_many(
        client.redeem(&server, &code).await.response(),
        "1",
        "the right one",
    );
    client.sign_in(&server, "notes:read").await;

    server.clock().advance(Duration::from_secs(1));
    let tokens = client.redeem(&server, &code).await.expect_tokens();
    expect_good(&client, &server, refresh_token(&tokens)).await;
}

/// F2
#[tokio::test]
async fn who_knows_the_name_of_a_grant_cannot_use_up_its_quota() {
    let server = limited(Limit::TokenByGrant, 3, 60);
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let grant = refresh_token(&tokens).split('.').next().unwrap();
    let (guess, part) = ("A".repeat(43), "B".repeat(43));
    for forged in [
        format!("{grant}.{guess}.{part}"),
        format!("{grant}.{guess}"),
        format!("{grant}."),
        grant.to_owned(),
    ] {
        for _ in 0..10 {
            client.refresh(&server, &forged).await;
        }
        let refused = client.refresh(&server, &forged).await;
        expect_too_many(refused.response(), "1", "the guess");
    }
    expect_good(&client, &server, refresh_token(&tokens)).await;
}

/// F2
#[tokio::test]
async fn who_knows_the_name_of_a_client_cannot_use_up_its_quota() {
    let server = limited(Limit::TokenByGrant, 3, 60);
    let form = "grant_type=client_credentials&client_id=robot&client_secret=guess";
    let stranger = server.from_address(address(66));
    for _ in 0..3 {
        let answer = post_form(&stranger, "/token", form).await;
        expect_refusal(&answer, 401, "invalid_client", "a guess");
    }
    expect_too_many(
        &post_form(&stranger, "/token", form).await,
        "1",
        "one more guess",
    );

    let robot = server.from_address(address(1));
    expect_refusal(
        &post_form(&robot, "/token", form).await,
        401,
        "invalid_client",
        "not limited",
    );
    let nowhere = post_form(&server, "/token", form).await;
    expect_refusal(&nowhere, 401, "invalid_client", "not limited");
}

/// F2
#[tokio::test]
async fn an_address_is_a_ceiling_for_tokens_and_revocations_together() {
    let server = limited(Limit::TokenByAddress, 4, 60);
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let connector = server.from_address(address(1));

    let next = client
        .refresh(&connector, refresh_token(&tokens))
        .await
        .expect_tokens();
    assert_eq!(client.revoke(&connector, "unknown").await.status(), 200);
    post_form(&connector, "/token", "grant_type=nonsense").await;
    post_form(
        &connector,
        "/token",
        "client_id=nobody&grant_type=refresh_token",
    )
    .await;
    let answer = client.refresh(&connector, refresh_token(&next)).await;
    expect_too_many(answer.response(), "1", "a refresh");
    let revocation = client.revoke(&connector, refresh_token(&next)).await;
    expect_too_many(&revocation, "1", "a revocation");
    let stranger = post_form(&connector, "/token", "client_id=nobody").await;
    expect_too_many(&stranger, "1", "before it is known who asks");

    let elsewhere = server.from_address(address(2));
    expect_good(&client, &elsewhere, refresh_token(&next)).await;
}

/// A client that registered itself and signs with this key.
async fn register_signing(server: &TestServer, key: &SigningKey) -> String {
    let metadata = json!({
        "redirect_uris": [TestClient::REDIRECT_URI],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key.public_jwk()] },
    });
    TestClient::register_with(server, &metadata).await.client_id
}

/// The assertion `number` of a client.
async fn assertion(server: &TestServer, client: &str, key: &SigningKey, number: u32) -> String {
    let mut claims = c6_assertions::claims(server, client);
    claims["jti"] = json!(number.to_string());
    signed(key, &claims).await
}

/// F2, C6
#[tokio::test]
async fn a_client_that_signs_too_often_waits_and_nobody_else_does() {
    let server = limited(Limit::AssertionByClient, 3, 60);
    let (own, foreign) = (key(1), key(2));
    let busy = register_signing(&server, &own).await;
    let other = register_signing(&server, &foreign).await;
    for number in 0..10 {
        let forged = assertion(&server, &busy, &foreign, number).await;
        let answer = present(&server, "/revoke", &forged, "").await;
        expect_refusal(&answer, 401, "invalid_client", "signed by somebody else");
    }
    for number in 0..3 {
        let good = assertion(&server, &busy, &own, number).await;
        let answer = present(&server, "/revoke", &good, "").await;
        assert_eq!(answer.status(), 200, "{number}");
    }
    let refused = server.events().all().len();
    let fourth = assertion(&server, &busy, &own, 3).await;
    for path in ["/revoke", "/token"].repeat(5) {
        expect_too_many(&present(&server, path, &fourth, "").await, "1", path);
    }
    let told = Event::RateLimited {
        endpoint: "/token",
        limit: "assertion_by_client",
        address: None,
        more: 0,
    };
    assert_eq!(server.events().all()[refused..], [told]);
    let another = assertion(&server, &other, &foreign, 0).await;
    let answer = present(&server, "/revoke", &another, "").await;
    assert_eq!(answer.status(), 200, "another client");

    server.clock().advance(Duration::from_secs(1));
    let answer = present(&server, "/revoke", &fourth, "").await;
    assert_eq!(answer.status(), 200, "it was not used up");
}

/// F2, C6
#[tokio::test]
async fn a_client_of_the_operator_signs_as_often_as_it_likes() {
    let robot = key(1);
    let quota = Quota::new(1, 1).expect("neither is zero");
    let limits = RateLimits::off().with(Limit::AssertionByClient, quota);
    let client = json!({
        "client_id": "robot",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [robot.public_jwk()] },
        "grant_types": ["client_credentials"],
    });
    let client: PreregisteredClient = serde_json::from_value(client).unwrap();
    let server = TestServer::with(|builder| builder.client(client).rate_limits(limits));
    for number in 0..20 {
        let good = assertion(&server, "robot", &robot, number).await;
        let answer = present(&server, "/token", &good, "").await;
        assert_eq!(answer.status(), 200, "{number}");
    }
}

/// F2, C6
#[test]
fn one_client_never_fills_the_memory_of_assertions() {
    let quota = RateLimits::default().quota(Limit::AssertionByClient);
    let quota = quota.expect("it is on by default");
    // Five minutes, one for clocks that differ, and two until nobody would take it.
    let minutes = 8;
    let most = quota.burst.get() + minutes * quota.per_minute.get();
    assert!(most as usize <= MemoryLimits::default().replays / 5);
}

/// F2
#[tokio::test]
async fn what_a_narrow_limit_refuses_does_not_use_up_the_wide_one() {
    let quota = |burst| Quota::new(burst, 60).unwrap();
    let limits = RateLimits::off()
        .with(Limit::TokenByGrant, quota(2))
        .with(Limit::TokenByAddress, quota(10))
        .with(Limit::AuthorizeByClient, quota(2))
        .with(Limit::AuthorizeByAddress, quota(10));
    let server = TestServer::with(|builder| builder.rate_limits(limits));
    let connector = server.from_address(address(1));
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    for _ in 0..100 {
        client.refresh(&connector, "in-circles").await;
        authorize(&connector, "in-circles").await;
    }
    expect_good(&client, &connector, refresh_token(&tokens)).await;
    assert_eq!(authorize(&connector, &client.client_id).await.status(), 200);
}

/// F2
#[tokio::test]
async fn without_the_address_of_the_peer_nobody_is_locked_out_and_the_operator_hears_of_it() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for _ in 0..700 {
        assert_eq!(authorize(&server, &client.client_id).await.status(), 200);
    }
    let told = |server: &TestServer| {
        let events = server.events().all();
        events
            .iter()
            .filter(|event| **event == Event::PeerAddressUnknown)
            .count()
    };
    assert_eq!(told(&server), 1);

    let wired = TestServer::new();
    register(&wired.from_address(address(1))).await;
    assert_eq!(told(&wired), 0);
    let unlimited = TestServer::with(|builder| builder.rate_limits(RateLimits::off()));
    register(&unlimited).await;
    assert_eq!(told(&unlimited), 0, "nothing is missed");
}

/// F2
#[tokio::test]
async fn one_event_a_minute_tells_of_a_limit_and_none_holds_a_secret() {
    let server = limited(Limit::TokenByGrant, 1, 1);
    let from = server.from_address(address(7));
    let client = TestClient::register(&server).await;
    let told = |more| Event::RateLimited {
        endpoint: "/token",
        limit: "token_by_grant",
        address: Some(oauth_for_mcp::types::ClientAddress::of(address(7).into())),
        more,
    };
    for _ in 0..500 {
        client.refresh(&from, "a-secret-token").await;
    }
    assert_eq!(limits_told(&server), [told(0)]);
    server.clock().advance(Duration::from_secs(59));
    client.refresh(&from, "a-secret-token").await;
    assert_eq!(limits_told(&server), [told(0)]);

    server.clock().advance(Duration::from_secs(1));
    for _ in 0..5 {
        client.refresh(&from, "a-secret-token").await;
    }
    assert_eq!(limits_told(&server), [told(0), told(499)]);
    assert!(!format!("{:?}", server.events().all()).contains("a-secret-token"));
}

/// F2
#[tokio::test]
async fn every_limit_can_be_switched_off() {
    let server = TestServer::with(|builder| builder.rate_limits(RateLimits::off()));
    let from = server.from_address(address(1));
    let client = TestClient::register(&from).await;
    for number in 0..1_100 {
        assert_eq!(register(&from).await.status(), 201, "{number}");
        let page = authorize(&from, &client.client_id).await;
        assert_eq!(page.status(), 200, "{number}");
        client
            .refresh(&from, "unknown")
            .await
            .expect_error("invalid_grant");
    }
    let one_off = RateLimits::default().without(Limit::RegisterByAddress);
    let server = TestServer::with(|builder| builder.rate_limits(one_off));
    let from = server.from_address(address(1));
    for number in 0..1_000 {
        let answer = register_as(&from, &format!("Client {number}")).await;
        assert_eq!(answer.status(), 201, "{number}");
    }
    let answer = register_as(&from, "One more").await;
    expect_too_many(&answer, "1", "the others hold");
}

/// F2, C3
#[tokio::test]
async fn what_is_normal_use_is_never_limited() {
    let server = TestServer::new();
    let office = server.from_address(address(1));
    for minute in 0..10 {
        for _ in 0..15 {
            assert_eq!(register(&office).await.status(), 201, "minute {minute}");
        }
        let client = TestClient::register(&office).await;
        for _ in 0..40 {
            let tokens = client.sign_in(&office, "notes:read").await;
            expect_good(&client, &office, refresh_token(&tokens)).await;
        }
        server.clock().advance(Duration::from_secs(60));
    }
    assert!(limits_told(&server).is_empty());
}

/// Refuses registrations and nothing else.
#[derive(Debug)]
struct ClosedDoor;

#[async_trait::async_trait]
impl RateLimiter for ClosedDoor {
    async fn admit(&self, limit: Limit, _: &LimitKey) -> Result<(), TooMany> {
        if limit == Limit::NewClients {
            let retry_after = Duration::from_millis(6_001);
            return Err(TooMany { retry_after });
        }
        Ok(())
    }
}

/// F2
#[tokio::test]
async fn a_host_may_count_by_itself() {
    let server = TestServer::with(|builder| builder.rate_limiter(Arc::new(ClosedDoor)));
    expect_too_many(&register(&server).await, "7", "rounded up");
    let page = authorize(&server.from_address(address(1)), "nobody").await;
    assert_eq!(page.status(), 400);
}
