use std::time::Duration;

use async_trait::async_trait;
use oauth_for_mcp::server::{
    Decision, Lifetimes, LoginAttempt, LoginPolicy, PolicyError, RegistrationConfig,
};
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use serde_json::{Value, json};

use super::support::{expect_outage, expect_page, header, json, open};

const DAY: Duration = Duration::from_secs(86_400);

/// What a native client sends that listens on `port`.
fn native(port: u16) -> Value {
    json!({
        "client_name": "Native",
        "redirect_uris": [format!("http://localhost:{port}/callback")],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    })
}

fn named(name: &str) -> Value {
    json!({ "client_name": name, "redirect_uris": [TestClient::REDIRECT_URI] })
}

/// Lets nobody in.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl LoginPolicy for Nobody {
    async fn decide(&self, _: &LoginAttempt<'_>) -> Result<Decision, PolicyError> {
        Ok(Decision::Refuse)
    }
}

async fn is_known(server: &TestServer, client: &TestClient) -> bool {
    let page = open(server, client.authorization_parameters("notes:read")).await;
    page.status() == 200
}

/// C4
#[tokio::test]
async fn whoever_registers_the_same_public_client_gets_the_same_identifier() {
    let server = TestServer::new();
    let replica = server.replica();
    let first = json(&TestClient::try_register(&server, &native(4000)).await);
    for (server, port) in [(&server, 4000), (&server, 4001), (&replica, 4002)] {
        let again = json(&TestClient::try_register(server, &native(port)).await);
        assert_eq!(again["client_id"], first["client_id"], "{port}");
        let uri = format!("http://localhost:{port}/callback");
        assert_eq!(again["redirect_uris"], json!([uri]), "as it was sent");
    }
    let stored = server.auth().server().vault().store();
    assert_eq!(stored.count_clients(10).await.unwrap(), 1);
}

/// C4
#[tokio::test]
async fn a_shared_client_signs_in_on_any_port_and_names_it() {
    let server = TestServer::new();
    TestClient::register_with(&server, &native(4000)).await;
    let client = TestClient::register_with(&server, &native(4001)).await;
    assert_eq!(client.redirect_uri, "http://localhost:4001/callback");
    client.sign_in(&server, "notes:read").await;

    // Nobody can guess where it listens now.
    let mut parameters = client.authorization_parameters("notes:read");
    parameters.retain(|(name, _)| name != "redirect_uri");
    let page = open(&server, parameters).await;
    expect_page(&page, 400, "may not receive the answer", "no redirect_uri");
}

/// C4
#[tokio::test]
async fn a_client_that_proves_itself_is_never_shared() {
    let server = TestServer::new();
    for method in ["client_secret_basic", "client_secret_post"] {
        let mut metadata = named("Same");
        metadata["token_endpoint_auth_method"] = json!(method);
        let one = json(&TestClient::try_register(&server, &metadata).await);
        let two = json(&TestClient::try_register(&server, &metadata).await);
        for member in ["client_id", "client_secret", "registration_access_token"] {
            assert!(one[member].is_string(), "{member}");
            assert_ne!(one[member], two[member], "{member}");
        }
    }
}

/// C4
#[tokio::test]
async fn nobody_can_change_what_others_share() {
    let server = TestServer::new();
    let shared = json(&TestClient::try_register(&server, &named("Shared")).await);
    assert_eq!(shared.get("registration_access_token"), None);
    assert_eq!(shared.get("registration_client_uri"), None);
}

/// C4
#[tokio::test]
async fn a_full_store_takes_no_new_client_and_those_it_knows_get_in() {
    let server =
        TestServer::with(|builder| builder.registration(RegistrationConfig::new().most_clients(2)));
    let known = TestClient::register_with(&server, &native(4000)).await;
    TestClient::register_with(&server, &named("Second")).await;
    let mut confidential = named("Third");
    confidential["token_endpoint_auth_method"] = json!("client_secret_post");
    for metadata in [named("Third"), confidential] {
        let answer = TestClient::try_register(&server, &metadata).await;
        expect_outage(&answer, "full");
    }

    let again = TestClient::register_with(&server, &native(4001)).await;
    assert_eq!(again.client_id, known.client_id);
    again.sign_in(&server, "notes:read").await;

    // There is room again when what nobody used is forgotten.
    server.clock().advance(DAY);
    TestClient::register_with(&server, &named("Third")).await;
}

/// C4
#[tokio::test]
async fn a_client_with_which_nobody_signs_in_is_forgotten_after_a_day() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    server.clock().advance(DAY - Duration::from_secs(1));
    TestClient::register(&server).await;
    assert!(is_known(&server, &client).await);
    server.clock().advance(Duration::from_secs(1));
    TestClient::register(&server).await;
    assert!(!is_known(&server, &client).await);
}

/// C4
#[tokio::test]
async fn registering_again_keeps_a_client_for_another_day() {
    let server = TestServer::new();
    let client = TestClient::register_with(&server, &native(4000)).await;
    for _ in 0..5 {
        server.clock().advance(DAY * 2 / 3);
        let again = TestClient::register_with(&server, &native(4001)).await;
        assert_eq!(again.client_id, client.client_id);
        TestClient::register(&server).await;
        assert!(is_known(&server, &client).await);
    }
}

/// C4
#[tokio::test]
async fn a_client_that_was_used_is_kept_past_the_end_of_its_last_grant() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let mut token = client.sign_in(&server, "notes:read").await.refresh_token;
    // Longer than the 90 days after which a client that is not used is forgotten.
    for _ in 0..6 {
        server.clock().advance(DAY * 20);
        let text = token.unwrap();
        token = client
            .refresh(&server, &text)
            .await
            .expect_tokens()
            .refresh_token;
    }
    let revoked = client.revoke(&server, &token.unwrap()).await;
    assert_eq!(revoked.status(), 200);

    server.clock().advance(DAY * 45);
    TestClient::register(&server).await;
    assert!(is_known(&server, &client).await);
    server.clock().advance(DAY * 46);
    TestClient::register(&server).await;
    assert!(!is_known(&server, &client).await);
}

/// C4
#[tokio::test]
async fn a_client_is_not_forgotten_between_the_sign_in_and_its_tokens() {
    let server = TestServer::with(|builder| {
        builder.lifetimes(Lifetimes {
            unclaimed_client: Duration::from_secs(60),
            ..Lifetimes::default()
        })
    });
    let client = TestClient::register(&server).await;
    let browser = TestBrowser::new();
    let url = client.authorization_url(&server, "notes:read");
    let page = browser.open(&server, &url).await;
    let upstream = browser.decide(&server, &page, "approve").await;
    server.clock().advance(Duration::from_secs(59));
    let answer = browser.open(&server, header(&upstream, "location")).await;
    let location = header(&answer, "location").to_owned();
    let code = super::support::parameter(&location, "code").expect("a code");

    server.clock().advance(Duration::from_secs(30));
    TestClient::register(&server).await;
    let _ = client.redeem(&server, &code).await.expect_tokens();
}

/// C4
#[tokio::test]
async fn a_client_whose_sign_ins_come_to_nothing_is_forgotten_after_a_day() {
    let server = TestServer::with(|builder| builder.policy(Nobody));
    let client = TestClient::register(&server).await;
    for _ in 0..3 {
        let browser = TestBrowser::new();
        let url = client.authorization_url(&server, "notes:read");
        let page = browser.open(&server, &url).await;
        let upstream = browser.decide(&server, &page, "approve").await;
        let answer = browser.open(&server, header(&upstream, "location")).await;
        super::support::expect_error_redirect(&answer, "access_denied", "nobody signed in");
    }
    server.clock().advance(DAY);
    TestClient::register(&server).await;
    assert!(!is_known(&server, &client).await);
}

/// C4
#[tokio::test]
async fn the_only_port_that_was_registered_need_not_be_named_until_there_is_another() {
    let server = TestServer::new();
    let client = TestClient::register_with(&server, &native(4000)).await;
    let mut unnamed = client.authorization_parameters("notes:read");
    unnamed.retain(|(name, _)| name != "redirect_uri");
    assert_eq!(open(&server, unnamed.clone()).await.status(), 200);
    TestClient::register_with(&server, &native(4000)).await;
    assert_eq!(open(&server, unnamed.clone()).await.status(), 200);
    TestClient::register_with(&server, &native(4001)).await;
    let page = open(&server, unnamed).await;
    expect_page(&page, 400, "may not receive the answer", "two ports");
}
