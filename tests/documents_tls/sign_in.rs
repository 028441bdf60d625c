//! A client whose document is on a real server signs in.

use oauth_for_mcp::fetch::ReqwestFetch;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::{Value, json};

use crate::tls::{Authority, Server, whole};

pub(crate) const NAME: &str = "client.example";
pub(crate) const URL: &str = "https://client.example/oauth/client.json";

pub(crate) fn document() -> Value {
    json!({
        "client_id": URL,
        "client_name": "Document client",
        "redirect_uris": [TestClient::REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    })
}

/// A server that trusts `authority`, and reaches [`NAME`] at `host`.
pub(crate) fn server(authority: &Authority, host: &Server) -> TestServer {
    let fetch = ReqwestFetch::public_builder()
        .dangerous_allow(NAME, host.address())
        .root_certificate_pem(authority.pem().as_bytes())
        .build();
    TestServer::with(|builder| builder.client_documents(fetch.unwrap()))
}

#[tokio::test]
async fn a_client_signs_in_by_its_document_on_a_real_server() {
    let authority = Authority::new();
    let answer = |_: &str| {
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("cache-control", "public, max-age=600"),
        ];
        whole("200 OK", &headers, document().to_string().as_bytes())
    };
    let host = Server::start(authority.vouch_for(NAME), answer).await;
    let server = server(&authority, &host);
    let client = TestClient::known(URL, TestClient::REDIRECT_URI);

    let tokens = client.sign_in(&server, "notes:read").await;
    let refresh_token = tokens.refresh_token.unwrap();
    let tokens = client
        .refresh(&server, &refresh_token)
        .await
        .expect_tokens();
    let answer = server.call("ping", None, &tokens.access_token).await;
    assert_eq!(answer.status(), 200);

    let requests = host.requests();
    assert_eq!((host.connections(), requests.len()), (1, 1), "{requests:?}");
    let request = requests[0].to_lowercase();
    assert!(
        request.starts_with("get /oauth/client.json http/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("\r\naccept: application/json\r\n"),
        "{request}"
    );
    for header in ["cookie", "authorization", "referer", "accept-encoding"] {
        assert!(!request.contains(header), "{request}");
    }
}
