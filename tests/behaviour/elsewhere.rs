//! An authorization server elsewhere, and a resource that trusts its tokens.

use std::sync::Arc;

use http::{Request, StatusCode};
use oauth_for_mcp::endpoint::Protection;
use oauth_for_mcp::jose::{JwkSet, Signer as _, SigningKey};
use oauth_for_mcp::resource::verifier::{FirstOf, JwtVerifier, JwtVerifierBuilder};
use oauth_for_mcp::resource::{
    ResourceServer, ResourceServerBuilder, TokenVerifier, VerifiedToken,
};
use oauth_for_mcp::test_util::TestClock;
use oauth_for_mcp::types::{Clock as _, Issuer, ResourceUri};
use serde_json::{Value, json};

use super::support::{Answer, expect_refusal, forge, key};
use super::web::Web;

pub(super) const ISSUER: &str = "https://auth.example.com/tenant";
pub(super) const KEYS_URI: &str = "https://auth.example.com/keys";
pub(super) const RESOURCE: &str = "https://mcp.example.com/mcp";

/// The server, what it publishes, and a resource that trusts it.
pub(super) struct Elsewhere {
    pub(super) key: Arc<SigningKey>,
    pub(super) web: Web,
    pub(super) clock: Arc<TestClock>,
    protection: Protection,
}

impl Elsewhere {
    /// A server that publishes one key at [`KEYS_URI`].
    pub(super) fn new() -> Self {
        Self::with(Web::default(), |verifier| verifier.keys_uri(KEYS_URI))
    }

    pub(super) fn with(
        web: Web,
        configure: impl FnOnce(JwtVerifierBuilder) -> JwtVerifierBuilder,
    ) -> Self {
        let verifier = JwtVerifier::builder(issuer(ISSUER), Arc::new(web.clone()));
        let verifier = configure(verifier).build().expect("the settings are good");
        Self::trusting(web, vec![Arc::new(verifier)], |resource| resource)
    }

    /// A resource that trusts what one of these verifiers vouches for.
    pub(super) fn trusting(
        web: Web,
        verifiers: Vec<Arc<dyn TokenVerifier>>,
        configure: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Self {
        let (key, clock) = (key(7), Arc::new(TestClock::default()));
        publish(&web, &[&key]);
        let resource = ResourceUri::parse(RESOURCE).expect("a resource");
        let verifier = Arc::new(FirstOf::new(verifiers));
        let resource = ResourceServer::builder(resource, vec![issuer(ISSUER)], verifier)
            .clock(Arc::clone(&clock) as _)
            .without_token_cache();
        let resource = configure(resource).build().expect("the settings are good");
        Self {
            key,
            web,
            clock,
            protection: Protection::new(Arc::new(resource)),
        }
    }

    pub(super) fn header(&self) -> Value {
        header_of(&self.key)
    }

    pub(super) fn claims(&self) -> Value {
        let now = self.clock.now().as_secs();
        json!({
            "iss": ISSUER, "sub": "alice", "aud": RESOURCE, "exp": now + 600, "iat": now,
            "jti": "1", "client_id": "client-1", "scope": "notes:read",
        })
    }

    /// A good token.
    pub(super) async fn token(&self) -> String {
        self.token_of(&self.key).await
    }

    /// A token in which everything is good, signed by `key`.
    pub(super) async fn token_of(&self, key: &SigningKey) -> String {
        let claims = self.claims().to_string();
        forge(key, &header_of(key).to_string(), &claims).await
    }

    /// Shows a token to the resource.
    pub(super) async fn show(&self, token: &str) -> Result<VerifiedToken, Answer> {
        let request = Request::post(RESOURCE)
            .header("authorization", format!("Bearer {token}"))
            .body(());
        let (mut parts, ()) = request.expect("a test's request is good").into_parts();
        let caller = self.protection.admit(&mut parts).await?;
        Ok(caller.token().expect("there is a token").clone())
    }

    pub(super) async fn status(&self, token: &str) -> StatusCode {
        let shown = self.show(token).await;
        shown.map_or_else(|answer| answer.status(), |_| StatusCode::OK)
    }

    pub(super) async fn expect_invalid(&self, token: &str, case: &str) {
        match self.show(token).await {
            Ok(token) => panic!("{case}: {token:?}"),
            Err(answer) => expect_refusal(&answer, 401, "invalid_token", case),
        }
    }

    /// How often the keys were fetched.
    pub(super) fn key_fetches(&self) -> usize {
        let fetched = self.web.fetched();
        fetched.iter().filter(|url| *url == KEYS_URI).count()
    }
}

pub(super) fn issuer(text: &str) -> Issuer {
    Issuer::parse(text).expect("an issuer")
}

pub(super) fn header_of(key: &SigningKey) -> Value {
    json!({ "alg": key.algorithm(), "typ": "at+jwt", "kid": key.key_id() })
}

/// Publishes these keys and no others.
pub(super) fn publish(web: &Web, keys: &[&SigningKey]) {
    let keys = keys.iter().map(|key| key.public_jwk().clone()).collect();
    web.publish(KEYS_URI, &json!(JwkSet::new(keys)));
}

/// `object` with one member changed, or left out for `null`.
pub(super) fn changed(mut object: Value, name: &str, value: &Value) -> String {
    let members = object.as_object_mut().expect("it is an object");
    members.remove(name);
    if !value.is_null() {
        members.insert(name.to_owned(), value.clone());
    }
    object.to_string()
}
