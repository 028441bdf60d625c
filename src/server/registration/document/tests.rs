use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::*;
use crate::fetch::{FetchError, FetchLimits};
use crate::idp::FixedIdentity;
use crate::jose::{Algorithm, Jwk, JwkSet, Jws, Signer as _, SigningKey, sign_compact};
use crate::model::{ClientKeys, Identity};
use crate::server::RegistrationConfig;
use crate::server::error::Outage;
use crate::store::Vault;
use crate::types::{Clock, Entropy, Issuer, ResourceUri, ScopeToken, Subject, SystemEntropy};

const URI: &str = "https://client.example.com/keys.json";

/// A host with one set of keys, or with something else in its place.
#[derive(Debug, Default)]
struct Host {
    answers: Mutex<HashMap<String, (u16, String)>>,
    limits: Mutex<Vec<FetchLimits>>,
}

impl Host {
    fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<Jwk> = keys.iter().map(|key| key.public_jwk().clone()).collect();
        self.answer(200, &json!({ "keys": keys }));
    }

    fn answer(&self, status: u16, body: &Value) {
        let answer = (status, body.to_string());
        self.answers.lock().unwrap().insert(URI.to_owned(), answer);
    }

    fn take_down(&self) {
        self.answers.lock().unwrap().clear();
    }

    fn fetches(&self) -> usize {
        self.limits.lock().unwrap().len()
    }
}

#[async_trait]
impl Fetch for Arc<Host> {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        limits: FetchLimits,
    ) -> Result<Response<Bytes>, FetchError> {
        self.limits.lock().unwrap().push(limits);
        let answers = self.answers.lock().unwrap();
        let found = answers.get(&request.uri().to_string());
        let (status, body) = found.ok_or_else(|| FetchError::failed("down"))?.clone();
        let response = Response::builder().status(status);
        let response = response.header("content-type", "application/jwk-set+json");
        Ok(response.body(body.into()).unwrap())
    }
}

#[derive(Debug)]
struct Movable(Mutex<Timestamp>);

impl Clock for Movable {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl Movable {
    fn advance(&self, seconds: u64) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(Duration::from_secs(seconds));
    }
}

struct Bench {
    host: Arc<Host>,
    clock: Arc<Movable>,
    server: AuthorizationServer,
}

impl Bench {
    fn new() -> Self {
        let host = Arc::new(Host::default());
        let documents = RegistrationConfig::new().documents(Arc::new(Arc::clone(&host)));
        Self::with(host, documents)
    }

    fn with(host: Arc<Host>, registration: RegistrationConfig) -> Self {
        let clock = Arc::new(Movable(Mutex::new(Timestamp::from_secs(1_790_000_000))));
        let vault = Vault::in_memory(Arc::<Movable>::clone(&clock), &SystemEntropy).unwrap();
        let alice = Identity::new("https://idp.example", Subject::parse("alice").unwrap());
        let server = AuthorizationServer::builder(
            Issuer::parse("https://mcp.example.com").unwrap(),
            ResourceUri::parse("https://mcp.example.com/mcp").unwrap(),
            vault,
            Arc::new(FixedIdentity::new(alice)),
        );
        let server = server
            .scope(ScopeToken::parse("notes:read").unwrap(), "Read")
            .clock(Arc::<Movable>::clone(&clock))
            .registration(registration)
            .build();
        Self {
            host,
            clock,
            server: server.unwrap(),
        }
    }

    async fn keys(
        &self,
        seen: Option<&Arc<VerifyingKeySet>>,
    ) -> Result<Arc<VerifyingKeySet>, Outage> {
        let keys = ClientKeys::Uri(URI.to_owned());
        self.server.client_keys(&keys, seen).await
    }
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256, &SystemEntropy as &dyn Entropy).unwrap()
}

async fn verifies(keys: &VerifyingKeySet, key: &SigningKey) -> bool {
    let token = sign_compact(key, "JWT", &json!({})).await.unwrap();
    keys.verify(&Jws::parse(&token).unwrap()).is_ok()
}

#[tokio::test]
async fn keys_in_a_document_are_at_hand_and_those_at_a_url_are_fetched_once() {
    let (bench, key) = (Bench::new(), key());
    bench.host.publish(&[&key]);
    let here = ClientKeys::Set(JwkSet::new(vec![key.public_jwk().clone()]));
    let keys = bench.server.client_keys(&here, None).await.unwrap();
    assert!(verifies(&keys, &key).await);
    assert_eq!(bench.host.fetches(), 0);
    for _ in 0..3 {
        assert!(verifies(&bench.keys(None).await.unwrap(), &key).await);
    }
    assert_eq!(bench.host.fetches(), 1);
    let limits = bench.host.limits.lock().unwrap()[0];
    assert_eq!(
        (limits.max_body_bytes, limits.timeout.as_secs()),
        (64 * 1024, 5)
    );
}

#[tokio::test]
async fn a_new_key_is_found_when_it_is_needed_and_not_more_often_than_twice_a_minute() {
    let (bench, old, new) = (Bench::new(), key(), key());
    bench.host.publish(&[&old]);
    let seen = bench.keys(None).await.unwrap();
    bench.host.publish(&[&old, &new]);
    assert!(!verifies(&seen, &new).await);
    let newer = bench.keys(Some(&seen)).await.unwrap();
    assert!(verifies(&newer, &new).await);
    for _ in 0..20 {
        bench.keys(Some(&newer)).await.unwrap();
    }
    assert_eq!(bench.host.fetches(), 2);
    bench.clock.advance(30);
    bench.keys(Some(&newer)).await.unwrap();
    assert_eq!(bench.host.fetches(), 3);
}

#[tokio::test]
async fn keys_serve_on_while_their_host_is_down_and_without_any_it_is_an_outage() {
    let (bench, key) = (Bench::new(), key());
    assert!(matches!(
        bench.keys(None).await,
        Err(Outage::ClientDocument(DocumentError::Unreachable(_)))
    ));
    bench.host.publish(&[&key]);
    bench.keys(None).await.unwrap();
    bench.host.take_down();
    bench.clock.advance(300 + 24 * 60 * 60 - 1);
    assert!(verifies(&bench.keys(None).await.unwrap(), &key).await);
    bench.clock.advance(1);
    assert!(bench.keys(None).await.is_err());
}

#[tokio::test]
async fn keys_that_are_no_good_or_out_of_reach_verify_nothing() {
    let private = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] });
    for (status, body) in [
        (404, json!({})),
        (302, json!({})),
        (200, json!([])),
        (200, json!({ "keys": [] })),
        (200, private),
    ] {
        let (bench, key) = (Bench::new(), key());
        bench.host.publish(&[&key]);
        bench.keys(None).await.unwrap();
        bench.host.answer(status, &body);
        bench.clock.advance(300);
        assert!(bench.keys(None).await.unwrap().is_empty(), "{body}");
    }
    let bench = Bench::new();
    for uri in ["https://127.0.0.1/keys", "https://[fd00::1]/keys"] {
        let keys = ClientKeys::Uri(uri.to_owned());
        let keys = bench.server.client_keys(&keys, None).await.unwrap();
        assert!(keys.is_empty());
    }
    assert_eq!(bench.host.fetches(), 0);
    // Without a way out nothing is fetched either.
    let bench = Bench::with(Arc::default(), RegistrationConfig::new());
    assert!(bench.keys(None).await.unwrap().is_empty());
}
