//! How much one address makes the server fetch.

use std::net::Ipv4Addr;
use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::jose::Signer as _;
use oauth_for_mcp::limit::{Limit, Quota, RateLimits};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::json;

use super::c6_assertions::{claims, present, signed};
use super::support::{Answer, expect_outage, expect_page, key, open};
use super::web::{self, URL, Web, client_at, document};

/// One of the addresses that are for documentation.
fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, number)
}

async fn authorize(server: &TestServer, url: &str) -> Answer {
    open(
        server,
        client_at(url).authorization_parameters("notes:read"),
    )
    .await
}

fn told(server: &TestServer) -> Vec<Event> {
    let mut events = server.events().all();
    events.retain(|event| matches!(event, Event::RateLimited { .. }));
    events
}

fn url(number: usize) -> String {
    format!("https://h{number}.example/client.json")
}

/// Lets an address use up its fetches, at whichever endpoint.
async fn use_up_fetches(web: &Web, one: &TestServer) {
    for number in 0..30 {
        web.publish(&url(number), &document(&url(number)));
        let client = client_at(&url(number));
        let answer = match number % 3 {
            0 => authorize(one, &url(number)).await,
            1 => client.revoke(one, "x").await,
            _ => client.redeem(one, "x").await.response().clone(),
        };
        assert_ne!(answer.status(), 503, "{number}");
    }
}

/// F2, C5
#[tokio::test]
async fn an_address_makes_the_server_fetch_thirty_documents_and_then_one_in_two_seconds() {
    let web = Web::new();
    let server = web::server(&web);
    let one = server.from_address(address(1));
    use_up_fetches(&web, &one).await;
    let fetched = web.fetched().len();
    for number in 30..130 {
        let client = client_at(&url(number));
        let page = authorize(&one, &url(number)).await;
        expect_page(&page, 503, "Try again", "a page");
        let answer = client.redeem(&one, "x").await;
        expect_outage(answer.response(), "at /token");
        expect_outage(&client.revoke(&one, "x").await, "at /revoke");
    }
    assert_eq!(web.fetched().len(), fetched);
    server.clock().advance(Duration::from_secs(2));
    web.publish(&url(300), &document(&url(300)));
    assert_eq!(authorize(&one, &url(300)).await.status(), 200);
    assert_eq!(authorize(&one, &url(301)).await.status(), 503);

    let told = told(&server);
    let [
        Event::RateLimited {
            limit, endpoint, ..
        },
    ] = told.as_slice()
    else {
        panic!("{told:?}");
    };
    assert_eq!((*limit, *endpoint), ("fetch_by_address", "*"));
}

/// F2, C5
#[tokio::test]
async fn an_address_that_used_up_its_fetches_goes_on_with_what_is_known_and_others_with_all() {
    let web = Web::new();
    let server = web::server(&web);
    assert_eq!(authorize(&server, URL).await.status(), 200);
    let one = server.from_address(address(1));
    use_up_fetches(&web, &one).await;
    let other = server.from_address(address(2));
    web.publish(&url(200), &document(&url(200)));
    assert_eq!(authorize(&one, &url(200)).await.status(), 503);
    assert_eq!(authorize(&other, &url(200)).await.status(), 200);
    for _ in 0..40 {
        assert_eq!(authorize(&one, URL).await.status(), 200);
    }
}

/// F2, C5
#[tokio::test]
async fn a_copy_that_is_renewed_counts_for_nobody() {
    let quota = Quota::new(1, 1).expect("neither is zero");
    let limits = RateLimits::off().with(Limit::FetchByAddress, quota);
    let web = Web::new();
    let server =
        TestServer::with(|builder| builder.client_documents(web.clone()).rate_limits(limits));
    let one = server.from_address(address(1));
    assert_eq!(authorize(&one, URL).await.status(), 200);
    for _ in 0..5 {
        assert_eq!(authorize(&one, URL).await.status(), 200);
        web.publish(
            "https://h.example/client.json",
            &document("https://h.example/client.json"),
        );
        server.clock().advance(Duration::from_secs(300));
        assert_eq!(authorize(&one, URL).await.status(), 200);
    }
    assert_eq!(web.fetched().len(), 6);
}

/// F2, C6
#[tokio::test]
async fn an_address_makes_the_server_fetch_so_many_keys_and_no_more() {
    let web = Web::new();
    let server = web::server(&web);
    let one = server.from_address(address(1));
    let key = key(1);
    let set = json!({ "keys": [key.public_jwk()] });
    for number in 0..40 {
        let uri = format!("https://h{number}.example/jwks.json");
        web.publish(&uri, &set);
        let metadata = json!({
            "client_name": format!("Desk {number}"),
            "redirect_uris": [TestClient::REDIRECT_URI],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": uri,
        });
        let client = TestClient::register_with(&server, &metadata)
            .await
            .client_id;
        let assertion = signed(&key, &claims(&server, &client)).await;
        let answer = present(&one, "/revoke", &assertion, "").await;
        if number < 30 {
            assert_eq!(answer.status(), 200, "{number}: {answer:?}");
        } else {
            expect_outage(&answer, "one more set of keys");
            let answer = present(&server, "/revoke", &assertion, "").await;
            assert_eq!(answer.status(), 200, "nothing was used up: {answer:?}");
        }
    }
}
