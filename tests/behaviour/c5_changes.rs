//! Documents that change, vanish or are kept.

use std::time::Duration;

use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use serde_json::json;

use super::support::{
    expect_error_redirect, expect_outage, expect_page, header, open, refresh_token, text,
};
use super::web::{URL, Web, client_at, document, document_with, refusals, server};

const DAY: u64 = 24 * 60 * 60;

fn wait(server: &TestServer, seconds: u64) {
    server.clock().advance(Duration::from_secs(seconds));
}

async fn status(server: &TestServer) -> u16 {
    let parameters = client_at(URL).authorization_parameters("notes:read");
    open(server, parameters).await.status().as_u16()
}

/// C5
#[tokio::test]
async fn a_document_is_kept_as_long_as_its_headers_say_within_bounds() {
    for (headers, fresh) in [
        (vec![("cache-control", "max-age=600")], 600),
        (vec![("cache-control", "max-age=600"), ("age", "200")], 400),
        (vec![("cache-control", "no-store")], 30),
        (vec![("cache-control", "max-age=1")], 30),
        (vec![("cache-control", "max-age=31536000")], DAY),
        (vec![], 300),
    ] {
        let web = Web::new();
        web.answer(URL, 200, &headers, document(URL).to_string());
        let server = server(&web);
        assert_eq!(status(&server).await, 200);
        wait(&server, fresh - 1);
        assert_eq!(status(&server).await, 200);
        assert_eq!(web.fetched().len(), 1, "{headers:?}");
        wait(&server, 1);
        assert_eq!(status(&server).await, 200);
        assert_eq!(web.fetched().len(), 2, "{headers:?}");
    }
}

/// C5
#[tokio::test]
async fn what_went_wrong_is_not_kept() {
    let web = Web::new();
    let server = server(&web);
    web.answer(URL, 404, &[("cache-control", "max-age=600")], "");
    assert_eq!(status(&server).await, 400);
    web.answer(URL, 200, &[("cache-control", "max-age=600")], "{}");
    assert_eq!(status(&server).await, 400);
    web.take_down(URL);
    assert_eq!(status(&server).await, 503);
    web.publish(URL, &document(URL));
    assert_eq!(status(&server).await, 200);
}

/// C5
#[tokio::test]
async fn a_copy_serves_for_a_day_while_the_host_is_down() {
    let web = Web::new();
    let server = server(&web);
    let client = client_at(URL);
    let tokens = client.sign_in(&server, "notes:read").await;
    web.take_down(URL);
    wait(&server, 300);
    let answer = client.refresh(&server, refresh_token(&tokens)).await;
    let tokens = answer.expect_tokens();
    wait(&server, DAY - 1);
    assert_eq!(status(&server).await, 200);
    wait(&server, 1);
    assert_eq!(status(&server).await, 503);
    let answer = client.refresh(&server, refresh_token(&tokens)).await;
    expect_outage(answer.response(), "no copy is left");
    web.publish(URL, &document(URL));
    let _tokens = client
        .refresh(&server, refresh_token(&tokens))
        .await
        .expect_tokens();
}

/// C5
#[tokio::test]
async fn a_document_that_was_withdrawn_or_spoiled_does_not_serve_on() {
    for spoil in [
        |web: &Web| web.answer(URL, 404, &[], ""),
        |web: &Web| web.answer(URL, 410, &[], ""),
        |web: &Web| web.answer(URL, 200, &[], "{}"),
        |web: &Web| web.publish(URL, &document_with("redirect_uris", json!([]))),
    ] {
        let web = Web::new();
        let server = server(&web);
        let client = client_at(URL);
        let tokens = client.sign_in(&server, "notes:read").await;
        spoil(&web);
        wait(&server, 300);
        let answer = client.refresh(&server, refresh_token(&tokens)).await;
        answer.expect_error("invalid_client");
        assert_eq!(status(&server).await, 400);
        // The host being down changes nothing about that.
        web.take_down(URL);
        assert_eq!(status(&server).await, 503);
        // The grant was not lost by it.
        web.publish(URL, &document(URL));
        let _tokens = client
            .refresh(&server, refresh_token(&tokens))
            .await
            .expect_tokens();
        assert_eq!(refusals(&server).len(), 2);
    }
}

/// Answers that say nothing of the document, such as those of a firewall.
const HICCUPS: [fn(&Web); 8] = [
    |web| web.answer(URL, 302, &[("location", "https://other.example/")], ""),
    |web| web.answer(URL, 401, &[], ""),
    |web| web.answer(URL, 403, &[], ""),
    |web| web.answer(URL, 418, &[], ""),
    |web| web.answer(URL, 200, &[("content-type", "text/html")], "<p>Back soon"),
    |web| web.answer(URL, 200, &[("content-encoding", "gzip")], "x"),
    |web| web.answer(URL, 200, &[], "x".repeat(6 * 1024)),
    |web| web.answer(URL, 500, &[], ""),
];

/// C5
#[tokio::test]
async fn a_hiccup_is_not_a_withdrawal() {
    for hiccup in HICCUPS {
        let web = Web::new();
        let server = server(&web);
        let client = client_at(URL);
        let tokens = client.sign_in(&server, "notes:read").await;
        hiccup(&web);
        wait(&server, 300);
        let answer = client.refresh(&server, refresh_token(&tokens)).await;
        let tokens = answer.expect_tokens();
        wait(&server, DAY - 1);
        assert_eq!(status(&server).await, 200);
        wait(&server, 1);
        let answer = client.refresh(&server, refresh_token(&tokens)).await;
        expect_outage(answer.response(), "no copy is left");
        web.publish(URL, &document(URL));
        let _tokens = client
            .refresh(&server, refresh_token(&tokens))
            .await
            .expect_tokens();
    }
}

/// C5
#[tokio::test]
async fn a_document_that_changed_is_judged_and_shown_anew() {
    let web = Web::new();
    let server = server(&web);
    let client = client_at(URL);
    client.sign_in(&server, "notes:read").await;
    web.publish(URL, &document_with("client_name", json!("Renamed client")));
    wait(&server, 300);
    let page = open(&server, client.authorization_parameters("notes:read")).await;
    assert!(text(&page).contains("Renamed client"), "{page:?}");
    web.publish(
        URL,
        &document_with("redirect_uris", json!(["https://client.example.com/new"])),
    );
    wait(&server, 300);
    let page = open(&server, client.authorization_parameters("notes:read")).await;
    expect_page(&page, 400, "may not receive the answer", "changed");
}

/// Agrees, and lets a change happen while the person signs in.
async fn change_while_signing_in(web: &Web, change: impl FnOnce(&Web)) -> super::support::Answer {
    let server = server(web);
    let browser = TestBrowser::new();
    let url = client_at(URL).authorization_url(&server, "notes:read");
    let page = browser.open(&server, &url).await;
    let answer = browser.decide(&server, &page, "approve").await;
    change(web);
    wait(&server, 300);
    browser.open(&server, header(&answer, "location")).await
}

/// C5
#[tokio::test]
async fn a_sign_in_whose_redirect_uri_was_withdrawn_ends_with_a_page() {
    let web = Web::new();
    let other = json!([format!("{}/", TestClient::REDIRECT_URI)]);
    let changed = document_with("redirect_uris", other);
    let answer = change_while_signing_in(&web, |web| web.publish(URL, &changed)).await;
    expect_page(&answer, 400, "may not receive the answer", "moved");
    let web = Web::new();
    let answer = change_while_signing_in(&web, |web| web.answer(URL, 404, &[], "")).await;
    expect_page(&answer, 400, "cannot be fetched", "withdrawn");
    // While the host is down or confused, the copy serves.
    for change in [|web: &Web| web.take_down(URL), HICCUPS[2]] {
        let web = Web::new();
        let answer = change_while_signing_in(&web, change).await;
        assert!(header(&answer, "location").contains("code="), "{answer:?}");
    }
    // And what is good changes nothing.
    let web = Web::new();
    let renamed = document_with("client_name", json!("Renamed client"));
    let answer = change_while_signing_in(&web, |web| web.publish(URL, &renamed)).await;
    assert!(header(&answer, "location").contains("code="), "{answer:?}");
}

/// C5
#[tokio::test]
async fn a_sign_in_at_a_replica_that_has_no_copy_is_told_to_the_client_as_an_outage() {
    for change in [|web: &Web| web.take_down(URL), HICCUPS[2]] {
        let web = Web::new();
        let server = server(&web);
        let browser = TestBrowser::new();
        let url = client_at(URL).authorization_url(&server, "notes:read");
        let page = browser.open(&server, &url).await;
        let answer = browser.decide(&server, &page, "approve").await;
        change(&web);
        let answer = browser
            .open(&server.replica(), header(&answer, "location"))
            .await;
        expect_error_redirect(&answer, "temporarily_unavailable", "down");
    }
}
