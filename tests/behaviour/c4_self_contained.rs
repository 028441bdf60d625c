use std::sync::Arc;

use oauth_for_mcp::model::{MasterKey, MasterKeys};
use oauth_for_mcp::server::{DynamicRegistration, RegistrationConfig};
use oauth_for_mcp::store::MemoryStore;
use oauth_for_mcp::test_util::{TestClient, TestClock, TestServer};
use serde_json::{Value, json};

use super::support::{expect_page, expect_refusal, json, open, send};

fn server() -> TestServer {
    at(TestServer::PUBLIC_URL, 7)
}

/// A server under a master key of its own.
fn at(url: &str, key: u8) -> TestServer {
    TestServer::at(url, |builder| {
        let keys = MasterKeys::new(MasterKey::from_bytes(&[key; 32]));
        let registration = RegistrationConfig::new().dynamic(DynamicRegistration::SelfContained);
        builder
            .store(
                Arc::new(MemoryStore::with_clock(Arc::new(TestClock::default()))),
                Arc::new(keys),
            )
            .registration(registration)
    })
}

fn metadata(method: &str) -> Value {
    json!({
        "client_name": "Self-contained",
        "redirect_uris": [TestClient::REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": method,
        "scope": "notes:read",
    })
}

async fn is_known(server: &TestServer, client: &TestClient) -> bool {
    let page = open(server, client.authorization_parameters("notes:read")).await;
    page.status() == 200
}

/// C4
#[tokio::test]
async fn a_self_contained_client_signs_in_and_nothing_of_it_is_stored() {
    let server = server();
    for method in ["none", "client_secret_basic", "client_secret_post"] {
        let client = TestClient::register_with(&server, &metadata(method)).await;
        assert_eq!(client.client_secret.is_some(), method != "none");
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!(client.client_id.chars().all(unreserved), "{method}");
        let tokens = client.sign_in(&server, "").await;
        assert_eq!(tokens.scope, "notes:read", "what it registered for");
        let refresh_token = tokens.refresh_token.unwrap();
        let answer = client.refresh(&server, &refresh_token).await;
        let _ = answer.expect_tokens();
    }
    let stored = server.auth().server().vault().store();
    assert_eq!(stored.count_clients(10).await.unwrap(), 0);
}

/// C4
#[tokio::test]
async fn a_self_contained_client_proves_itself_like_any_other() {
    let server = server();
    let mut client = TestClient::register_with(&server, &metadata("client_secret_post")).await;
    let other = TestClient::register_with(&server, &metadata("client_secret_post")).await;
    let code = client.authorize(&server, "notes:read").await;
    let right = client.client_secret.clone();
    for wrong in [None, Some("x".to_owned()), other.client_secret] {
        client.client_secret = wrong;
        client
            .redeem(&server, &code)
            .await
            .expect_error("invalid_client");
    }
    client.client_secret = right;
    let _ = client.redeem(&server, &code).await.expect_tokens();
}

/// C4
#[tokio::test]
async fn nobody_makes_or_changes_an_identifier_but_the_server() {
    let server = server();
    let client = TestClient::register_with(&server, &metadata("none")).await;
    assert!(is_known(&server, &client).await);
    let id = client.client_id.clone();
    let last = id.len() - 1;
    let flipped = |at: usize| {
        let other = if &id[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &id[..at], &id[at + 1..])
    };
    let mut forged: Vec<_> = (5..last).step_by(7).map(flipped).collect();
    forged.extend([
        id[5..].to_owned(),
        id[..last].to_owned(),
        format!("{id}A"),
        "self.".to_owned(),
        "self.AAAA".to_owned(),
        "self.!".to_owned(),
        id.to_uppercase(),
    ]);
    for id in forged {
        let client = TestClient::known(&id, TestClient::REDIRECT_URI);
        let page = open(&server, client.authorization_parameters("notes:read")).await;
        expect_page(&page, 400, "not registered here", &id);
    }
}

/// C4
#[tokio::test]
async fn an_identifier_is_good_at_its_server_alone() {
    let here = server();
    let client = TestClient::register_with(&here, &metadata("none")).await;
    assert!(is_known(&at(TestServer::PUBLIC_URL, 7), &client).await);
    assert!(!is_known(&at(TestServer::PUBLIC_URL, 8), &client).await);
    assert!(!is_known(&at("https://other.example.com", 7), &client).await);
    let stored = here.replica_with(|builder| builder.registration(RegistrationConfig::new()));
    assert!(!is_known(&stored, &client).await);
    assert!(is_known(&here.replica(), &client).await);
}

/// C4
#[tokio::test]
async fn what_does_not_fit_into_an_identifier_is_refused() {
    let server = server();
    let uris: Vec<_> = (0..32)
        .map(|number| format!("https://client.example.com/{number}/{}", "x".repeat(50)))
        .collect();
    let mut long = metadata("none");
    long["redirect_uris"] = json!(uris);
    let answer = TestClient::try_register(&server, &long).await;
    expect_refusal(&answer, 400, "invalid_client_metadata", "long");
    let said = json(&answer)["error_description"].to_string();
    assert!(said.contains("shorten"), "{said}");
}

/// C4
#[tokio::test]
async fn a_self_contained_client_cannot_be_managed() {
    let server = server();
    let body = json(&TestClient::try_register(&server, &metadata("client_secret_post")).await);
    assert_eq!(body.get("registration_access_token"), None);
    let path = format!(
        "/register?client_id={}",
        body["client_id"].as_str().unwrap()
    );
    let headers = [("authorization", "Bearer x")];
    let answer = send(&server, ("GET", &path), &headers, "").await;
    expect_refusal(&answer, 401, "invalid_token", "self-contained");
}
