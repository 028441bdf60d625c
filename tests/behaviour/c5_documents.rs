//! Clients that are known by the document at their identifier.

use std::time::Duration;

use oauth_for_mcp::server::PreregisteredClient;
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use oauth_for_mcp::types::ClientId;
use serde_json::{Value, json};

use super::support::{expect_outage, expect_page, expect_refusal, json, open, refresh_token, text};
use super::web::{URL, Web, client_at, document, document_with, outages, refusals, server};

/// C5
#[tokio::test]
async fn a_client_signs_in_by_its_document_and_is_stored_nowhere() {
    let web = Web::new();
    let server = server(&web);
    let client = client_at(URL);

    let tokens = client.sign_in(&server, "notes:read").await;
    let answer = server.call("ping", None, &tokens.access_token).await;
    assert_eq!(json(&answer)["client_id"], URL);
    let again = client.refresh(&server, refresh_token(&tokens)).await;
    let gone = client
        .revoke(&server, &again.expect_tokens().access_token)
        .await;
    assert_eq!(gone.status(), 200);

    let requests = web.requests();
    let [(request, limits)] = requests.as_slice() else {
        panic!("one fetch is enough: {requests:?}");
    };
    assert_eq!(
        (
            request.method().as_str(),
            request.uri().to_string().as_str()
        ),
        ("GET", URL)
    );
    assert_eq!(request.headers()["accept"], "application/json");
    assert_eq!(request.headers().len(), 1);
    assert_eq!(
        (limits.max_body_bytes, limits.timeout.as_secs()),
        (5 * 1024, 5)
    );
    let id = ClientId::parse(URL).expect("it is one");
    let stored = server
        .auth()
        .server()
        .vault()
        .store()
        .find_client(&id)
        .await;
    assert!(stored.expect("the store works").is_none());
}

/// C5
#[tokio::test]
async fn documents_are_advertised_only_while_they_are_on() {
    let member = "client_id_metadata_document_supported";
    for (server, expected) in [
        (server(&Web::new()), Value::Bool(true)),
        (TestServer::new(), Value::Null),
    ] {
        let metadata = server.get("/.well-known/oauth-authorization-server").await;
        assert_eq!(json(&metadata)[member], expected);
    }
    // Where they are off, a URL is an identifier that nobody has.
    let server = TestServer::new();
    let parameters = client_at(URL).authorization_parameters("notes:read");
    expect_page(&open(&server, parameters).await, 400, "not registered", URL);
}

/// C5
#[tokio::test]
async fn the_consent_page_says_whose_document_it_is() {
    let web = Web::new();
    let server = server(&web);
    let parameters = client_at(URL).authorization_parameters("notes:read");
    let page = text(&open(&server, parameters).await);
    assert!(
        page.contains("Whoever runs <strong>client.example.com</strong>"),
        "{page}"
    );
    assert!(page.contains("Document client"), "{page}");
    assert!(
        page.contains("https:&#x2f;&#x2f;client.example.com&#x2f;about"),
        "{page}"
    );
    assert!(!page.contains("Nobody"), "{page}");

    let url = "https://xn--80ak6aa92e.example:8443/client.json";
    web.publish(url, &document(url));
    let page = text(
        &open(
            &server,
            client_at(url).authorization_parameters("notes:read"),
        )
        .await,
    );
    let host = "Whoever runs <strong>xn--80ak6aa92e.example:8443</strong>";
    assert!(page.contains(host), "{page}");
    // The page of another host is not shown as the client's.
    assert!(!page.contains("about"), "{page}");

    let registered = TestClient::register(&server).await;
    let page = text(&open(&server, registered.authorization_parameters("notes:read")).await);
    assert!(page.contains("Nobody"), "{page}");
}

/// C5
#[tokio::test]
async fn a_client_of_the_operator_comes_before_its_document() {
    let web = Web::new();
    let configured = json!({
        "client_id": URL,
        "client_name": "Known client",
        "redirect_uris": ["https://known.example.com/callback"],
    });
    let configured: PreregisteredClient = serde_json::from_value(configured).expect("it is one");
    let server =
        TestServer::with(|builder| builder.client(configured).client_documents(web.clone()));
    let client = TestClient::known(URL, "https://known.example.com/callback");
    client.sign_in(&server, "notes:read").await;
    assert_eq!(web.fetched(), Vec::<String>::new());
}

/// C5
#[tokio::test]
async fn a_client_that_offers_to_sign_has_to_sign() {
    let web = Web::new();
    let server = server(&web);
    let client = client_at(URL);
    let keys = "https://client.example.com/keys.json";
    let mut signs = document_with("token_endpoint_auth_method", json!("private_key_jwt"));
    signs["token_endpoint_auth_methods_supported"] = json!(["none", "private_key_jwt"]);
    signs["jwks_uri"] = json!(keys);
    web.publish(URL, &signs);
    let code = client.authorize(&server, "notes:read").await;
    client
        .redeem(&server, &code)
        .await
        .expect_error("invalid_client");
    // The keys are for whoever has something to verify.
    assert_eq!(web.fetched(), [URL]);
}

/// C5
#[tokio::test]
async fn a_client_without_keys_gets_in_if_it_offers_to_be_public() {
    for (method, supported) in [
        (Value::Null, Value::Null),
        (json!("none"), Value::Null),
        (json!("none"), json!(["private_key_jwt"])),
        (json!("private_key_jwt"), json!(["none", "private_key_jwt"])),
        (
            Value::Null,
            json!(["client_secret_basic", "none", "tls_client_auth"]),
        ),
    ] {
        let web = Web::new();
        let mut document = document_with("token_endpoint_auth_method", method.clone());
        document["token_endpoint_auth_methods_supported"] = supported.clone();
        web.publish(URL, &document);
        let server = server(&web);
        let tokens = client_at(URL).sign_in(&server, "notes:read").await;
        assert_eq!(tokens.scope, "notes:read", "{method} {supported}");
    }
}

/// C5
#[tokio::test]
async fn an_identifier_that_looks_like_a_url_and_is_no_documents_is_refused_unfetched() {
    let web = Web::new();
    let server = server(&web);
    for (id, reason) in [
        (
            "http://client.example.com/oauth/client.json",
            "its scheme is not https",
        ),
        ("https://client.example.com", "it has no path"),
        ("https://client.example.com/", "it has no path"),
        (
            "https://u@client.example.com/client.json",
            "it has a user name or a password",
        ),
        (
            "https://client.example.com/client.json#x",
            "it has a fragment",
        ),
        (
            "https://client.example.com/../client.json",
            "it has dot segments, a backslash or an encoded slash",
        ),
        (
            "https://CLIENT.example.com/oauth/client.json",
            "it is not written in its canonical form",
        ),
    ] {
        let parameters = client_at(id).authorization_parameters("notes:read");
        expect_page(
            &open(&server, parameters).await,
            400,
            "unusable identifier",
            id,
        );
        let answer = client_at(id).redeem(&server, "x").await;
        expect_refusal(answer.response(), 401, "invalid_client", id);
        let expected = format!("the client_id is no URL of a document: {reason}");
        assert_eq!(refusals(&server).last(), Some(&expected), "{id}");
        assert!(!text(answer.response()).contains(reason), "{id}");
    }
    assert_eq!(web.fetched(), Vec::<String>::new());
    // One that is no URL at all is unknown, as it always was.
    let parameters = client_at("nobody").authorization_parameters("notes:read");
    expect_page(
        &open(&server, parameters).await,
        400,
        "not registered",
        "nobody",
    );
}

/// C5
#[tokio::test]
async fn a_host_that_cannot_be_reached_is_an_outage_and_never_a_no() {
    let web = Web::new();
    let server = server(&web);
    for (status, cause) in [
        (None, "resolver.internal: no such host"),
        (Some(500), "500 Internal Server Error for now"),
        (Some(503), "503 Service Unavailable for now"),
        (Some(429), "429 Too Many Requests for now"),
        (Some(408), "408 Request Timeout for now"),
    ] {
        match status {
            Some(status) => web.answer(URL, status, &[], "{}"),
            None => web.take_down(URL),
        }
        let parameters = client_at(URL).authorization_parameters("notes:read");
        let page = open(&server, parameters).await;
        expect_page(&page, 503, "cannot be done right now", cause);
        let answer = client_at(URL).redeem(&server, "x").await;
        expect_outage(answer.response(), cause);
        for answer in [&page, answer.response()] {
            assert!(!text(answer).contains("resolver.internal"), "{answer:?}");
        }
        let reported = outages(&server);
        let last = reported.last().expect("it was reported");
        assert!(last.contains(cause), "{last}");
    }
    assert_eq!(refusals(&server), Vec::<String>::new());
    web.publish(URL, &document(URL));
    // It was asked in vain so often that it is left alone for a minute.
    server.clock().advance(Duration::from_secs(60));
    client_at(URL).sign_in(&server, "notes:read").await;
}

/// C5
#[tokio::test]
async fn a_code_outlives_an_outage_of_the_clients_host() {
    let web = Web::new();
    let server = server(&web);
    let code = client_at(URL).authorize(&server, "notes:read").await;
    // Another replica has no copy.
    let replica = server.replica();
    web.take_down(URL);
    expect_outage(
        client_at(URL).redeem(&replica, &code).await.response(),
        "down",
    );
    web.publish(URL, &document(URL));
    let _tokens = client_at(URL).redeem(&replica, &code).await.expect_tokens();
}

/// C5
#[tokio::test]
async fn every_authorization_asks_the_person_anew() {
    let web = Web::new();
    let server = server(&web);
    let client = client_at(URL);
    let browser = TestBrowser::new();
    for _ in 0..2 {
        let url = client.authorization_url(&server, "notes:read");
        let page = browser.open(&server, &url).await;
        assert!(text(&page).contains("Allow"), "{page:?}");
        browser
            .agree(&server, &url)
            .await
            .expect("the client gets an answer");
    }
}
