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
use crate::jose::{Algorithm, Jwk, JwkSet, Jws, KeySetError, SigningKey, sign_compact};
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
        let keys: Vec<Jwk> = keys.iter().map(|key| key.jwk().clone()).collect();
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
