//! The official Rust client acts for itself, over real sockets: with a secret and
//! with a key of its own.
#![cfg(all(
    feature = "jwt-aws-lc",
    feature = "reqwest",
    feature = "server",
    feature = "tower"
))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/support/mcp_service.rs"]
mod mcp_service;
#[path = "../examples/support/notes.rs"]
mod notes;
#[path = "../examples/support/rmcp_client.rs"]
mod rmcp_client;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth_for_mcp::McpAuth;
use oauth_for_mcp::jose::{Algorithm, Signer as _, SigningKey};
use oauth_for_mcp::server::PreregisteredClient;
use oauth_for_mcp::types::SystemEntropy;
use rmcp::model::JsonObject;
use rmcp::transport::auth::{ClientCredentialsConfig, JwtSigningAlgorithm};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use rmcp_client::{SignedIn, Transport, connect_as_machine};

/// A note book that knows two machines.
struct Server {
    resource: Url,
    _running: DropGuard,
}

impl Server {
    /// The machine `signing` signs with `key`.
    async fn start(key: &SigningKey) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", listener.local_addr().unwrap());
        let secret = json!({
            "client_id": "robot",
            "client_secret": "a secret, with :odd% characters",
            "grant_types": ["client_credentials"],
            "scope": "notes:read notes:write",
        });
        let signing = json!({
            "client_id": "signing robot",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [key.public_jwk()] },
            "grant_types": ["client_credentials"],
        });
        let auth = McpAuth::builder(&public_url)
            .scope("notes:read", "Read your notes")
            .scope("notes:write", "Add notes for you")
            .covers("notes:write", "notes:read")
            .tool("add_note", "notes:write")
            .development_login()
            .client(client(secret))
            .client(client(signing))
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

    fn with_secret(&self, secret: &str, scopes: &[&str]) -> ClientCredentialsConfig {
        ClientCredentialsConfig::ClientSecret {
            client_id: "robot".to_owned(),
            client_secret: secret.to_owned(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            resource: Some(self.resource.to_string()),
        }
    }

    fn with_key(&self, key: &SigningKey) -> ClientCredentialsConfig {
        ClientCredentialsConfig::PrivateKeyJwt {
            client_id: "signing robot".to_owned(),
            signing_key: pem(key).into_bytes(),
            signing_algorithm: JwtSigningAlgorithm::ES256,
            token_endpoint_audience: None,
            scopes: vec!["notes:read".to_owned()],
            resource: Some(self.resource.to_string()),
        }
    }
}

fn client(client: Value) -> PreregisteredClient {
    serde_json::from_value(client).unwrap()
}

fn new_key() -> SigningKey {
    // With two libraries compiled in, the client cannot tell which one to take.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    SigningKey::generate(Algorithm::Es256, &SystemEntropy).unwrap()
}

fn pem(key: &SigningKey) -> String {
    let body = STANDARD.encode(key.to_pkcs8_der());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

async fn call(client: &SignedIn, tool: &'static str, arguments: Value) -> Value {
    let arguments: JsonObject = serde_json::from_value(arguments).unwrap();
    let answer = client.call(tool, arguments).await.unwrap();
    answer.structured_content.unwrap()
}

const TRANSPORTS: [Transport; 2] = [Transport::Stateful, Transport::Stateless];
const TOOLS: [&str; 3] = ["add_note", "list_notes", "whoami"];

#[tokio::test]
async fn a_machine_with_a_secret_lists_the_tools_and_uses_them() {
    let server = Server::start(&new_key()).await;
    for (transport, notes) in TRANSPORTS.into_iter().zip(1..) {
        let robot = server.with_secret("a secret, with :odd% characters", &[]);
        let client = connect_as_machine(&server.resource, robot, transport);
        let client = client.await.unwrap();

        let mut tools = client.tools().await.unwrap();
        tools.sort();
        assert_eq!(tools, TOOLS);
        assert_eq!(
            call(&client, "whoami", json!({})).await,
            json!({
                "subject": "robot",
                "client_id": "robot",
                "scopes": ["notes:read", "notes:write"],
                "issuer": server.resource.origin().ascii_serialization(),
            })
        );
        let added = call(&client, "add_note", json!({ "text": "buy oil" })).await;
        assert_eq!(added, json!({ "count": notes }));
        client.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_machine_with_a_key_lists_the_tools() {
    let key = new_key();
    let server = Server::start(&key).await;
    for transport in TRANSPORTS {
        let client = connect_as_machine(&server.resource, server.with_key(&key), transport);
        let client = client.await.unwrap();

        let mut tools = client.tools().await.unwrap();
        tools.sort();
        assert_eq!(tools, TOOLS);
        let whoami = call(&client, "whoami", json!({})).await;
        assert_eq!(whoami["subject"], "signing robot");
        assert_eq!(whoami["scopes"], json!(["notes:read"]));
        let denied = client.call("add_note", JsonObject::new()).await;
        let denied = denied.unwrap_err();
        assert!(
            denied
                .auth_challenge()
                .unwrap()
                .contains("insufficient_scope")
        );
        client.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_machine_that_does_not_prove_itself_does_not_connect() {
    let server = Server::start(&new_key()).await;
    let stranger = new_key();
    for (credentials, reason) in [
        (server.with_secret("wrong", &[]), "invalid_client"),
        (server.with_key(&stranger), "invalid_client"),
        (
            server.with_secret("a secret, with :odd% characters", &["unknown"]),
            "invalid_scope",
        ),
    ] {
        let refused = connect_as_machine(&server.resource, credentials, Transport::Stateless).await;
        let refused = format!("{:?}", refused.err().unwrap());
        assert!(refused.contains(reason), "{reason}: {refused}");
    }
}
