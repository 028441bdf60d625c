//! Clients that sign with keys which they publish at a `jwks_uri`.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use oauth_for_mcp::fetch::{Fetch, FetchError, FetchLimits};
use oauth_for_mcp::jose::{JwkSet, Signer as _, SigningKey};
use oauth_for_mcp::server::PreregisteredClient;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::{McpAuth, McpAuthBuilder};
use serde_json::{Value, json};

use super::c6_assertions::{claims, present, signed};
use super::support::{Answer, expect_outage, expect_refusal, json, key};

const KEYS_URI: &str = "https://client.example.com/jwks.json";
const DOCUMENT: &str = "https://client.example.com/client.json";

/// What the client publishes, if its host can be reached, and how often its keys
/// were fetched.
#[derive(Clone, Debug, Default)]
struct Host(Arc<Mutex<(Option<Value>, usize)>>);

impl Host {
    fn publish(&self, keys: &[&SigningKey]) {
        let keys = keys.iter().map(|key| key.public_jwk().clone()).collect();
        self.state().0 = Some(json!(JwkSet::new(keys)));
    }

    fn take_down(&self) {
        self.state().0 = None;
    }

    fn fetches(&self) -> usize {
        self.state().1
    }

    fn state(&self) -> MutexGuard<'_, (Option<Value>, usize)> {
        self.0.lock().expect("no test panics while it looks")
    }

    fn answer(&self, url: &str) -> Result<Value, FetchError> {
        let mut state = self.state();
        let up = state.0.clone();
        let keys = up.ok_or_else(|| FetchError::failed("db.internal: no such host"))?;
        if url == DOCUMENT {
            return Ok(metadata(json!({ "client_id": DOCUMENT })));
        }
        state.1 += 1;
        Ok(keys)
    }
}

#[async_trait]
impl Fetch for Host {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        _: FetchLimits,
    ) -> Result<Response<Bytes>, FetchError> {
        let body = self.answer(&request.uri().to_string())?.to_string();
        let response = Response::builder().header("content-type", "application/json");
        Ok(response.body(body.into()).expect("the answer is good"))
    }
}

/// What a client says of itself that publishes its keys.
fn metadata(mut more: Value) -> Value {
    let members = more.as_object_mut().expect("it is an object");
    for (name, value) in [
        ("client_name", json!("Desk")),
        ("redirect_uris", json!([TestClient::REDIRECT_URI])),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("jwks_uri", json!(KEYS_URI)),
    ] {
        members.insert(name.to_owned(), value);
    }
    more
}

fn desk() -> PreregisteredClient {
    let desk = metadata(json!({ "client_id": "desk" }));
    serde_json::from_value(desk).expect("the client is good")
}

/// Authenticates as `client`, with an assertion that is used for nothing else.
async fn authenticate(server: &TestServer, client: &str, key: &SigningKey, jti: &str) -> Answer {
    let mut claims = claims(server, client);
    claims["jti"] = json!(jti);
    let assertion = signed(key, &claims).await;
    present(server, "/revoke", &assertion, "").await
}

/// C6
#[tokio::test]
async fn every_kind_of_client_signs_with_keys_that_are_fetched() {
    let (host, key) = (Host::default(), key(1));
    host.publish(&[&key]);
    let server = TestServer::with(|builder| builder.client_documents(host.clone()).client(desk()));
    let registered = TestClient::register_with(&server, &metadata(json!({}))).await;
    for client in ["desk", DOCUMENT, &registered.client_id] {
        let answer = authenticate(&server, client, &key, "one").await;
        assert_eq!(answer.status(), 200, "{client}: {answer:?}");
        let again = authenticate(&server, client, &key, "one").await;
        expect_refusal(&again, 401, "invalid_client", client);
    }
    assert_eq!(host.fetches(), 1, "they are kept");
}

/// C6
#[tokio::test]
async fn a_key_that_is_unknown_is_looked_for_once() {
    let host = Host::default();
    let [old, new, stranger] = [key(1), key(2), key(3)];
    host.publish(&[&old]);
    let server = TestServer::with(|builder| builder.client_documents(host.clone()).client(desk()));
    let status = async |key: &SigningKey, jti: &str| {
        let answer = authenticate(&server, "desk", key, jti).await;
        answer.status().as_u16()
    };
    assert_eq!(status(&old, "1").await, 200);

    host.publish(&[&new]);
    server.clock().advance(Duration::from_secs(60));
    assert_eq!(status(&new, "2").await, 200, "the client changed its key");
    assert_eq!(host.fetches(), 2);
    assert_eq!(status(&old, "3").await, 401, "the old one is gone");

    let before = host.fetches();
    for number in 0..20 {
        assert_eq!(status(&stranger, &format!("x{number}")).await, 401);
    }
    assert!(host.fetches() <= before + 1, "{}", host.fetches());
}

/// C6, E8
#[tokio::test]
async fn keys_that_cannot_be_fetched_are_an_outage_and_no_refusal() {
    let (host, key) = (Host::default(), key(1));
    let server = TestServer::with(|builder| builder.client_documents(host.clone()).client(desk()));
    expect_outage(&authenticate(&server, "desk", &key, "1").await, "down");

    host.publish(&[&key]);
    server.clock().advance(Duration::from_secs(60));
    let answer = authenticate(&server, "desk", &key, "1").await;
    assert_eq!(answer.status(), 200, "nothing was used up: {answer:?}");

    host.take_down();
    let answer = authenticate(&server, "desk", &key, "2").await;
    assert_eq!(answer.status(), 200, "known keys stay good: {answer:?}");
}

/// Registers a client whose keys are at the host of somebody else.
async fn register_at(server: &TestServer, number: usize) -> String {
    let mut metadata = metadata(json!({ "client_name": format!("Desk {number}") }));
    metadata["jwks_uri"] = json!(format!("https://victim.example/jwks?{number}"));
    TestClient::register_with(server, &metadata).await.client_id
}

/// C6
#[tokio::test]
async fn assertions_that_are_no_good_make_nobody_fetch_keys() {
    let (host, key) = (Host::default(), key(1));
    host.publish(&[&key]);
    let server = TestServer::with(|builder| builder.client_documents(host.clone()));
    let client = register_at(&server, 0).await;
    let spoiled = |name: &str, value: Value| {
        let mut claims = claims(&server, &client);
        claims[name] = value;
        claims
    };
    for claims in [
        json!({ "sub": client }),
        spoiled("iss", json!("another")),
        spoiled("aud", json!("https://other.example")),
        spoiled("exp", json!(server.now().as_secs() - 61)),
        spoiled("exp", json!(server.now().as_secs() + 3600)),
        spoiled("jti", json!("")),
        spoiled("jti", json!(7)),
    ] {
        let answer = present(&server, "/token", &signed(&key, &claims).await, "").await;
        expect_refusal(&answer, 401, "invalid_client", &claims.to_string());
    }
    assert_eq!(host.fetches(), 0);
    let answer = authenticate(&server, &client, &key, "1").await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(host.fetches(), 1);
}

/// C6
#[tokio::test]
async fn clients_that_sign_nothing_cannot_turn_the_server_against_a_host() {
    let host = Host::default();
    let [owner, stranger] = [key(1), key(2)];
    host.publish(&[&owner]);
    let server = TestServer::with(|builder| builder.client_documents(host.clone()));
    for number in 0..200 {
        let client = register_at(&server, number).await;
        for jti in ["1", "2"] {
            let answer = authenticate(&server, &client, &stranger, jti).await;
            assert_ne!(answer.status(), 200, "{answer:?}");
        }
        assert!(host.fetches() <= 60, "{}", host.fetches());
    }
    assert_eq!(host.fetches(), 60);
    server.clock().advance(Duration::from_secs(60));
    for number in 200..300 {
        let client = register_at(&server, number).await;
        let answer = authenticate(&server, &client, &owner, "1").await;
        assert_eq!(answer.status(), 200, "who signs is no flood: {number}");
    }
}

/// C6
#[tokio::test]
async fn keys_that_were_of_use_are_fetched_while_their_host_is_flooded() {
    let host = Host::default();
    let [owner, new, stranger] = [key(1), key(2), key(3)];
    host.publish(&[&owner]);
    let server = TestServer::with(|builder| builder.client_documents(host.clone()));
    let client = register_at(&server, 0).await;
    let answer = authenticate(&server, &client, &owner, "1").await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    server.clock().advance(Duration::from_secs(30));
    for number in 1..100 {
        let other = register_at(&server, number).await;
        authenticate(&server, &other, &stranger, "1").await;
    }
    let other = register_at(&server, 100).await;
    let answer = authenticate(&server, &other, &owner, "1").await;
    expect_outage(&answer, "the host has a pause");
    host.publish(&[&new]);
    let answer = authenticate(&server, &client, &new, "2").await;
    assert_eq!(answer.status(), 200, "{answer:?}");
}

/// C6
#[tokio::test]
async fn keys_are_fetched_where_documents_are_not() {
    let (host, key) = (Host::default(), key(1));
    host.publish(&[&key]);
    let server = TestServer::with(|builder| builder.client_keys(host).client(desk()));
    let answer = authenticate(&server, "desk", &key, "1").await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let document = authenticate(&server, DOCUMENT, &key, "1").await;
    expect_refusal(&document, 401, "invalid_client", "documents are off");
    let metadata = json(&server.get("/.well-known/oauth-authorization-server").await);
    let listed = metadata.get("client_id_metadata_document_supported");
    assert_eq!(listed, None);
}

/// C6
#[tokio::test]
async fn where_nothing_is_fetched_nobody_registers_with_a_jwks_uri() {
    let server = TestServer::new();
    let answer = TestClient::try_register(&server, &metadata(json!({}))).await;
    expect_refusal(&answer, 400, "invalid_client_metadata", "registration");
    let description = json(&answer)["error_description"].to_string();
    assert!(description.contains("jwks_uri"), "{description}");

    let builder = McpAuth::builder("http://127.0.0.1:8080").scope("notes:read", "Read");
    let built = McpAuthBuilder::client(builder.development_login(), desk()).build();
    let refused = built.unwrap_err().to_string();
    assert!(refused.contains("jwks_uri"), "{refused}");
}
