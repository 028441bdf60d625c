use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::Value;

use super::protocol::REGISTRATION_REQUEST;

#[tokio::test]
async fn rfc_7591_section_3_2_1_the_answer_to_a_registration_request() {
    let server = TestServer::new();
    let request = serde_json::from_str(REGISTRATION_REQUEST).unwrap();
    let response = TestClient::try_register(&server, &request).await;
    let body: Value = serde_json::from_slice(response.body()).unwrap();

    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(body["client_id"].is_string());
    assert!(body["client_secret"].is_string());
    assert_eq!(body["client_id_issued_at"], server.now().as_secs());
    assert_eq!(body["client_secret_expires_at"], 0);
    assert_eq!(body["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(
        body["grant_types"],
        serde_json::json!(["authorization_code"])
    );
    for echoed in ["redirect_uris", "client_name"] {
        assert_eq!(body[echoed], request[echoed], "{echoed}");
    }
}

/// The members of the example that a server has to have, for its issuer.
#[tokio::test]
async fn rfc_8414_section_3_2_a_metadata_document() {
    let server = TestServer::at("https://server.example.com", |builder| builder);
    let response = server.get("/.well-known/oauth-authorization-server").await;
    let body: Value = serde_json::from_slice(response.body()).unwrap();

    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(body["issuer"], "https://server.example.com");
    assert_eq!(
        body["authorization_endpoint"],
        "https://server.example.com/authorize"
    );
    assert_eq!(body["token_endpoint"], "https://server.example.com/token");
    assert_eq!(
        body["registration_endpoint"],
        "https://server.example.com/register"
    );
    assert_eq!(body["jwks_uri"], "https://server.example.com/jwks");
    assert_eq!(
        body["response_types_supported"],
        serde_json::json!(["code"])
    );
    let methods = body["token_endpoint_auth_methods_supported"]
        .as_array()
        .unwrap();
    assert!(methods.contains(&"client_secret_basic".into()));
}
