//! The official Rust client signs a person in, known in each of the three ways,
//! over real sockets. Only the document is served by a script.
#![cfg(all(
    feature = "jwt-aws-lc",
    feature = "reqwest",
    feature = "test-util",
    feature = "tower"
))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/support/mcp_service.rs"]
mod mcp_service;
#[path = "../examples/support/notes.rs"]
mod notes;
#[path = "../examples/support/rmcp_client.rs"]
mod rmcp_client;
mod support;

use oauth_for_mcp::McpAuth;
use oauth_for_mcp::test_util::profiles::ProfileDocuments;
use rmcp::model::JsonObject;
use rmcp::transport::auth::AuthorizationRequest;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use rmcp_client::{Transport, sign_in};
use support::browser::Browser;

const CALLBACK: &str = "http://localhost:53682/callback";
const DOCUMENT: &str = "https://claude.ai/oauth/claude-code-client-metadata";

struct Server {
    resource: Url,
    _running: DropGuard,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let known = json!({
            "client_id": "known",
            "client_secret": "a secret, with :odd% characters",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let auth = McpAuth::builder(&public_url)
            .scope("notes:read", "Read your notes")
            .development_login()
            .client_documents(ProfileDocuments)
            .client(serde_json::from_value(known).unwrap())
            .build()
            .unwrap();
        let shutdown = CancellationToken::new();
        let routes = mcp_service::routes(&auth, &shutdown);
        tokio::spawn(mcp_service::serve(listener, routes, shutdown.clone()));
        Self {
            resource: auth.resource().resource().as_str().parse().unwrap(),
            _running: shutdown.drop_guard(),
        }
    }
}

/// Signs somebody in with each transport, lists the tools, and tells which client
/// the server takes this one for.
async fn client_of(request: AuthorizationRequest) -> Vec<String> {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for transport in [Transport::Stateful, Transport::Stateless] {
        let mut person = Browser::new().fill("name", "bob").press("approve");
        let browser = async |url: String| {
            let url = Url::parse(&url)?;
            Ok(person.open(&url, CALLBACK).await?.into())
        };
        let client = sign_in(&server.resource, request.clone(), transport, browser).await;
        let client = client.unwrap();
        assert_eq!(client.tools().await.unwrap().len(), 3);
        let whoami = client.call("whoami", JsonObject::new()).await.unwrap();
        let whoami: Value = whoami.structured_content.unwrap();
        assert_eq!(whoami["subject"], "bob");
        ids.push(whoami["client_id"].as_str().unwrap().to_owned());
        client.close().await.unwrap();
    }
    ids
}

#[tokio::test]
async fn a_client_with_a_document_signs_a_person_in() {
    let request = AuthorizationRequest::new(CALLBACK).with_client_metadata_url(DOCUMENT);
    assert_eq!(client_of(request).await, [DOCUMENT, DOCUMENT]);
}

#[tokio::test]
async fn a_client_that_registers_signs_a_person_in() {
    let request = AuthorizationRequest::new(CALLBACK).with_client_name("Stranger");
    let ids = client_of(request).await;
    assert_eq!(ids[0], ids[1], "the same client registered twice");
    assert_ne!(ids[0], DOCUMENT);
}

#[tokio::test]
async fn a_preregistered_client_signs_a_person_in() {
    let request = AuthorizationRequest::new(CALLBACK)
        .with_preregistered_client("known")
        .with_client_secret("a secret, with :odd% characters");
    assert_eq!(client_of(request).await, ["known", "known"]);
}
