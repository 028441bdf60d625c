use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use url::Url;

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

    async fn keys(&self) -> Result<Arc<PublishedKeys>, Outage> {
        self.server.client_keys(&there(), None).await
    }

    async fn newer(&self, seen: &Arc<PublishedKeys>) -> Arc<PublishedKeys> {
        let seen = Arc::clone(seen);
        self.server.newer_client_keys(&there(), seen).await
    }
}

fn there() -> ClientKeys {
    ClientKeys::Uri(URI.to_owned())
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256, &SystemEntropy as &dyn Entropy).unwrap()
}

async fn verifies(keys: &PublishedKeys, key: &SigningKey) -> bool {
    let token = sign_compact(key, "JWT", &json!({})).await.unwrap();
    keys.set().verify(&Jws::parse(&token).unwrap()).is_ok()
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
        assert!(verifies(&bench.keys().await.unwrap(), &key).await);
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
    let seen = bench.keys().await.unwrap();
    bench.host.publish(&[&old, &new]);
    assert!(!verifies(&seen, &new).await);
    let newer = bench.newer(&seen).await;
    assert!(verifies(&newer, &new).await);
    for _ in 0..20 {
        bench.newer(&newer).await;
    }
    assert_eq!(bench.host.fetches(), 2);
    bench.clock.advance(30);
    bench.newer(&newer).await;
    assert_eq!(bench.host.fetches(), 3);
}

#[tokio::test]
async fn keys_serve_on_while_their_host_is_down_and_without_any_it_is_an_outage() {
    let (bench, key) = (Bench::new(), key());
    assert!(matches!(
        bench.keys().await,
        Err(Outage::ClientDocument(DocumentError::Unreachable(_)))
    ));
    bench.host.publish(&[&key]);
    bench.keys().await.unwrap();
    bench.host.take_down();
    bench.clock.advance(300 + 24 * 60 * 60 - 1);
    assert!(verifies(&bench.keys().await.unwrap(), &key).await);
    bench.clock.advance(1);
    assert!(bench.keys().await.is_err());
}

#[tokio::test]
async fn keys_that_are_no_good_or_out_of_reach_verify_nothing() {
    let private = json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] });
    for (status, body) in [
        (404, json!({})),
        (410, json!({})),
        (200, json!([])),
        (200, json!({ "keys": [] })),
        (200, private),
    ] {
        let (bench, key) = (Bench::new(), key());
        bench.host.publish(&[&key]);
        bench.keys().await.unwrap();
        bench.host.answer(status, &body);
        bench.clock.advance(300);
        assert!(bench.keys().await.unwrap().set().is_empty(), "{body}");
    }
    let bench = Bench::new();
    for uri in ["https://127.0.0.1/keys", "https://[fd00::1]/keys"] {
        let keys = ClientKeys::Uri(uri.to_owned());
        let keys = bench.server.client_keys(&keys, None).await.unwrap();
        assert!(keys.set().is_empty());
    }
    assert_eq!(bench.host.fetches(), 0);
    // Without a way out nothing is fetched either.
    let bench = Bench::with(Arc::default(), RegistrationConfig::new());
    assert!(bench.keys().await.unwrap().set().is_empty());
}

#[tokio::test]
async fn a_hiccup_takes_no_keys_back_and_without_any_it_is_an_outage() {
    for status in [302, 401, 403, 418, 500] {
        let (bench, key) = (Bench::new(), key());
        bench.host.answer(status, &json!({}));
        assert!(bench.keys().await.is_err(), "{status}");
        bench.host.publish(&[&key]);
        bench.keys().await.unwrap();
        bench.host.answer(status, &json!({}));
        bench.clock.advance(300);
        let keys = bench.keys().await.unwrap();
        assert!(verifies(&keys, &key).await, "{status}");
    }
}

#[tokio::test]
async fn keys_that_were_fetched_for_a_request_are_not_old_for_it() {
    let (bench, key) = (Bench::new(), key());
    bench.host.publish(&[&key]);
    let asked_at = bench.clock.now();
    let keys = bench.keys().await.unwrap();
    assert!(!keys.may_be_old(asked_at));
    bench.clock.advance(1);
    assert!(keys.may_be_old(bench.clock.now()));
    let here = ClientKeys::Set(JwkSet::new(vec![key.public_jwk().clone()]));
    let here = bench.server.client_keys(&here, None).await.unwrap();
    assert!(!here.may_be_old(bench.clock.now()));
}

#[tokio::test]
async fn a_set_of_keys_counts_against_its_host_until_it_is_of_use() {
    for of_use in [true, false] {
        let bench = Bench::new();
        let url = Url::parse(URI).unwrap();
        let documents = bench.server.documents.as_ref().unwrap();
        bench.host.publish(&[&key()]);
        let keys = bench.keys().await.unwrap();
        if of_use {
            bench.server.keys_were_of_use(&there(), &keys);
        }
        let now = bench.clock.now();
        let begun = (0..100).filter(|_| documents.begin(&url, false, now).is_ok());
        assert_eq!(begun.count(), if of_use { 60 } else { 59 });
        assert_eq!(documents.keys.was_good(&URI.to_owned()), of_use);
        bench.clock.advance(300);
        bench.host.answer(404, &json!({}));
        bench.keys().await.unwrap();
        assert!(!documents.keys.was_good(&URI.to_owned()), "withdrawn");
    }
}
