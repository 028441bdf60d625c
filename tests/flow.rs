//! Whole flows in process.
#![cfg(feature = "test-util")]

use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::idp::OpenIdProvider;
use oauth_for_mcp::test_util::{
    FakeOpenIdProvider, SeededEntropy, TestBrowser, TestClient, TestClock, TestServer,
};
use oauth_for_mcp::types::{ClientId, Issuer, Secret};
use url::Url;

#[tokio::test]
async fn a_client_registers_signs_a_person_in_and_calls_a_tool() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;

    let answer = server.call("tools/list", None, &tokens.access_token).await;

    assert_eq!(answer.status(), 200);
    let seen: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(seen["subject"], "alice");
    assert_eq!(seen["email"], "alice@example.com");
    assert_eq!(seen["scope"], "notes:read");
    assert_eq!(seen["saw_authorization"], false);
}

#[tokio::test]
async fn a_token_of_our_own_is_over_to_the_second() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let status = async || {
        let answer = server.call("tools/list", None, &tokens.access_token).await;
        answer.status().as_u16()
    };

    let lifetime = Duration::from_secs(tokens.expires_in);
    server.clock().advance(lifetime - Duration::from_secs(1));
    assert_eq!(status().await, 200);

    server.clock().advance(Duration::from_secs(1));
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn a_person_signs_in_at_an_openid_provider_upstream() {
    let issuer = Issuer::parse("https://idp.example.com").unwrap();
    let (clock, entropy) = (TestClock::default(), SeededEntropy::new(2));
    let upstream = FakeOpenIdProvider::new(issuer.clone(), Arc::new(clock), Arc::new(entropy));
    upstream.register(
        "ours",
        "secret",
        &format!("{}/oauth/callback", TestServer::PUBLIC_URL),
    );
    let provider = OpenIdProvider::builder(
        issuer,
        ClientId::parse("ours").unwrap(),
        Secret::new("secret"),
    )
    .fetch(Arc::new(upstream.clone()))
    .clock(Arc::new(TestClock::default()))
    .build()
    .unwrap();
    let server = TestServer::with(|builder| builder.identity_provider(provider));
    let client = TestClient::register(&server).await;
    let browser = TestBrowser::new();

    let url = client.authorization_url(&server, "notes:read");
    let sent_upstream = browser.agree(&server, &url).await.unwrap();
    let back = upstream.sign_in(&Url::parse(&sent_upstream).unwrap(), "bob", "Bob");
    let answer = browser.agree(&server, back.as_str()).await.unwrap();
    let answer = Url::parse(&answer).unwrap();
    let (_, code) = answer
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap();
    let tokens = client.redeem(&server, &code).await.expect_tokens();

    let seen = server.call("tools/list", None, &tokens.access_token).await;
    let seen: serde_json::Value = serde_json::from_slice(seen.body()).unwrap();
    assert_eq!(seen["subject"], "bob");
}
