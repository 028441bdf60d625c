//! Who may be known by a document, and how much is fetched for strangers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oauth_for_mcp::server::{
    DocumentHosts, PolicyError, RegistrationAttempt, RegistrationPolicy, RegistrationWay,
};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use tokio::sync::Semaphore;

use super::support::{expect_outage, expect_page, open};
use super::web::{URL, Web, client_at, document, outages, refusals, server, server_with};

async fn status(server: &TestServer, url: &str) -> u16 {
    let parameters = client_at(url).authorization_parameters("notes:read");
    open(server, parameters).await.status().as_u16()
}

/// C5
#[tokio::test]
async fn only_documents_of_chosen_hosts_are_fetched() {
    let web = Web::new();
    let hosts = DocumentHosts::only(["client.example.com", "*.apps.example"]);
    let server = server_with(&web, |registration| registration.policy(hosts));
    let below = "https://one.apps.example/client.json";
    web.publish(below, &document(below));
    for good in [URL, below] {
        assert_eq!(status(&server, good).await, 200, "{good}");
    }
    for bad in [
        "https://apps.example/client.json",
        "https://client.example.com.evil.example/client.json",
        "https://evil.example/client.example.com",
    ] {
        web.publish(bad, &document(bad));
        let parameters = client_at(bad).authorization_parameters("notes:read");
        expect_page(&open(&server, parameters).await, 400, "not admitted", bad);
        client_at(bad)
            .redeem(&server, "x")
            .await
            .expect_error("invalid_client");
    }
    assert_eq!(web.fetched(), [URL, below]);
    let reason = "the policy of this server does not admit the client";
    assert_eq!(refusals(&server), [reason; 6]);
    // Who registers is none of their business.
    TestClient::register(&server).await;
}

/// Says no to names, or nothing at all.
#[derive(Debug)]
struct Fussy {
    works: bool,
}

#[async_trait]
impl RegistrationPolicy for Fussy {
    async fn admits(&self, attempt: &RegistrationAttempt<'_>) -> Result<bool, PolicyError> {
        if !self.works {
            return Err(PolicyError::new("ldap.internal is down"));
        }
        let RegistrationWay::Document(url) = attempt.way else {
            return Ok(false);
        };
        assert_eq!(url.as_str(), URL);
        Ok(attempt.name != Some("Document client"))
    }
}

/// C5
#[tokio::test]
async fn a_policy_sees_what_is_in_a_document_and_its_failure_is_an_outage() {
    let web = Web::new();
    let server = server_with(&web, |registration| {
        registration.policy(Fussy { works: true })
    });
    assert_eq!(status(&server, URL).await, 400);
    assert_eq!(web.fetched(), [URL]);
    let server = server_with(&web, |registration| {
        registration.policy(Fussy { works: false })
    });
    assert_eq!(status(&server, URL).await, 503);
    expect_outage(
        client_at(URL).redeem(&server, "x").await.response(),
        "policy",
    );
    assert_eq!(web.fetched(), [URL]);
    assert!(outages(&server)[0].ends_with("ldap.internal is down"));
}

/// C5
#[tokio::test]
async fn a_host_is_not_flooded_by_fetches_that_are_of_no_use() {
    let web = Web::new();
    let server = server(&web);
    let known = "https://target.example/known.json";
    web.publish(known, &document(known));
    assert_eq!(status(&server, known).await, 200);
    let url = |number| format!("https://target.example/{number}");
    for number in 0..60 {
        // Whether it fails or is nonsense.
        if number % 2 == 0 {
            web.answer(&url(number), 404, &[], "");
        }
        assert_ne!(status(&server, &url(number)).await, 200);
    }
    let before = web.fetched().len();
    assert_eq!(
        status(&server, "https://target.example./client.json").await,
        503
    );
    assert_eq!(
        status(&server, "https://target.example:8443/client.json").await,
        503
    );
    for number in 60..200 {
        assert_eq!(status(&server, &url(number)).await, 503, "{number}");
        let answer = client_at(&url(number)).redeem(&server, "x").await;
        expect_outage(answer.response(), "paused");
    }
    assert_eq!(web.fetched().len(), before);
    // Others are not in it: another host, and what is known of this one.
    assert_eq!(status(&server, URL).await, 200);
    server.clock().advance(Duration::from_secs(59));
    assert_eq!(status(&server, known).await, 200);
    server.clock().advance(Duration::from_secs(1));
    web.publish(&url(7), &document(&url(7)));
    assert_eq!(status(&server, &url(7)).await, 200);
}

/// C5
#[tokio::test]
async fn a_known_document_is_looked_after_while_its_host_is_flooded() {
    let web = Web::new();
    let server = server(&web);
    assert_eq!(status(&server, URL).await, 200);
    server.clock().advance(Duration::from_secs(300));
    for number in 0..70 {
        let url = format!("https://client.example.com/{number}");
        assert_eq!(status(&server, &url).await, 503);
    }
    let before = web.fetched().len();
    assert_eq!(status(&server, URL).await, 200);
    assert_eq!(web.fetched()[before..], [URL]);
}

/// C5
#[tokio::test]
async fn documents_of_use_are_no_flood() {
    let web = Web::new();
    let server = server(&web);
    for number in 0..100 {
        let url = format!("https://client.example.com/connector/{number}");
        web.publish(&url, &document(&url));
        assert_eq!(status(&server, &url).await, 200, "{number}");
    }
}

/// C5
#[tokio::test]
async fn a_document_that_was_good_is_fetched_anew_while_its_host_is_flooded() {
    let web = Web::new();
    let server = server(&web);
    assert_eq!(status(&server, URL).await, 200);
    // Its copy is good for nothing any more.
    server
        .clock()
        .advance(Duration::from_secs(300 + 24 * 60 * 60));
    for number in 0..70 {
        let url = format!("https://client.example.com/{number}");
        assert_eq!(status(&server, &url).await, 503);
    }
    let before = web.fetched().len();
    assert_eq!(status(&server, URL).await, 200);
    assert_eq!(web.fetched()[before..], [URL]);
}

/// C5
#[tokio::test]
async fn a_document_that_was_withdrawn_counts_as_unknown_again() {
    let web = Web::new();
    let server = server(&web);
    assert_eq!(status(&server, URL).await, 200);
    web.answer(URL, 404, &[], "");
    server.clock().advance(Duration::from_secs(300));
    for _ in 0..61 {
        assert_eq!(status(&server, URL).await, 400);
    }
    assert_eq!(status(&server, URL).await, 503, "its host has a pause");
}

/// C5
#[tokio::test]
async fn strangers_with_slow_hosts_leave_eight_fetches_to_known_documents() {
    let gate = Arc::new(Semaphore::new(1));
    let web = Web::behind(&gate);
    let server = Arc::new(server(&web));
    assert_eq!(status(&server, URL).await, 200);
    server.clock().advance(Duration::from_secs(300));
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..40 {
        let server = Arc::clone(&server);
        waiting.spawn(async move {
            status(&server, &format!("https://h{number}.example/client.json")).await
        });
    }
    while web.fetched().len() < 25 {
        tokio::task::yield_now().await;
    }
    for number in 40..50 {
        let url = format!("https://h{number}.example/client.json");
        assert_eq!(status(&server, &url).await, 503);
    }
    assert_eq!(web.fetched().len(), 25);
    let (known, renews) = (Arc::clone(&server), web.clone());
    let known = tokio::spawn(async move { status(&known, URL).await });
    while renews.fetched().len() < 26 {
        tokio::task::yield_now().await;
    }
    assert_eq!(web.fetched()[25], URL);
    gate.add_permits(100);
    assert_eq!(known.await.expect("it ran"), 200);
}

/// C5
#[tokio::test]
async fn nobody_waits_behind_more_than_twenty_four_fetches_of_strangers() {
    let gate = Arc::new(Semaphore::new(0));
    let web = Web::behind(&gate);
    let server = Arc::new(server(&web));
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..24 {
        let (server, web) = (Arc::clone(&server), web.clone());
        waiting.spawn(async move {
            let url = format!("https://h{number}.example/client.json");
            web.publish(&url, &document(&url));
            status(&server, &url).await
        });
    }
    while web.fetched().len() < 24 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&server, URL).await, 503);
    assert_eq!(web.fetched().len(), 24);
    gate.add_permits(100);
    while let Some(status) = waiting.join_next().await {
        assert_eq!(status.expect("it ran"), 200);
    }
    assert_eq!(status(&server, URL).await, 200);
}

/// C5
#[tokio::test]
async fn many_who_come_at_once_share_one_fetch() {
    let gate = Arc::new(Semaphore::new(0));
    let web = Web::behind(&gate);
    let server = Arc::new(server(&web));
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let server = Arc::clone(&server);
        waiting.spawn(async move { status(&server, URL).await });
    }
    while web.fetched().is_empty() {
        tokio::task::yield_now().await;
    }
    gate.add_permits(100);
    while let Some(status) = waiting.join_next().await {
        assert_eq!(status.expect("it ran"), 200);
    }
    assert_eq!(web.fetched(), [URL]);
}
