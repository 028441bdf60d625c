//! Whole flows in process.
#![cfg(feature = "test-util")]

use oauth_for_mcp::test_util::{TestClient, TestServer};

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

    let lifetime = std::time::Duration::from_secs(tokens.expires_in);
    server
        .clock()
        .advance(lifetime - std::time::Duration::from_secs(1));
    assert_eq!(status().await, 200);

    server.clock().advance(std::time::Duration::from_secs(1));
    assert_eq!(status().await, 401);
}
