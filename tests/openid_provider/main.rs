//! Sign-in at an OpenID provider, and what an attacker may try on the way.
//!
//! The attacks, each a test below:
//!
//! - an ID token of another issuer, client, sign-in or time; of several issuers or
//!   recipients; about the wrong access token; an access token in its place
//! - a signature that is missing, made with a shared secret or by a stranger, or
//!   that is older than the payload; a key that is unknown or for something else
//! - an answer of another provider (mix-up), or one that hides where it is from
//! - metadata of another issuer, endpoints in the clear, documents without end,
//!   redirects, garbage; userinfo about somebody else
//! - floods of unknown keys, to make us fetch for every sign-in
//! - texts of a provider that would reach the person or the client through us

#![cfg(all(
    feature = "test-util",
    any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")
))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answer;
mod id_token;
mod remote;
mod sign_in;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use oauth_for_mcp::fetch::Fetch;
use oauth_for_mcp::idp::{
    IdentityProvider, IdpError, InvalidOpenIdProvider, Login, LoginStep, OpenIdClientAuth,
    OpenIdProvider,
};
use oauth_for_mcp::model::Identity;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::test_util::{FakeEndpoint, FakeOpenIdProvider, Fault};
use oauth_for_mcp::types::{
    ClientId, Clock, CodeVerifier, Entropy, EntropyError, Issuer, Secret, Timestamp,
};
use serde_json::{Value, json};
use url::Url;

const NOW: u64 = 1_800_000_000;
const CALLBACK: &str = "https://auth.example/callback";
/// Every character that has to be encoded on its way through a header.
const CLIENT_ID: &str = "our id:%+/";
const SECRET: &str = "s3cret :%+&=/é~";

#[derive(Debug)]
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// Never gives the same bytes twice.
#[derive(Debug, Default)]
struct Counter(AtomicUsize);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        bytes.fill(1);
        for (byte, of_count) in bytes.iter_mut().zip(count.to_le_bytes()) {
            *byte = of_count;
        }
        Ok(())
    }
}

struct Scene {
    clock: Arc<TestClock>,
    fake: FakeOpenIdProvider,
    provider: OpenIdProvider,
}

impl Scene {
    fn new() -> Self {
        Self::at("https://op.example")
    }

    fn at(issuer: &str) -> Self {
        let clock = Arc::new(TestClock(AtomicU64::new(NOW)));
        let issuer = Issuer::parse(issuer).unwrap();
        let fake = FakeOpenIdProvider::new(issuer, clock.clone(), Arc::new(Counter::default()));
        fake.register(CLIENT_ID, SECRET, CALLBACK);
        let provider = provider(&fake, &clock, |builder| builder);
        Self {
            clock,
            fake,
            provider,
        }
    }

    fn advance(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    async fn begin(&self) -> Result<Url, IdpError> {
        match self.provider.begin(&login()).await? {
            LoginStep::Redirect(url) => Ok(url),
            LoginStep::Page(_) => panic!("a page instead of a redirect"),
        }
    }

    /// A whole sign-in of Alice.
    async fn sign_in(&self) -> Result<Identity, IdpError> {
        let url = self.begin().await?;
        self.finish(&self.fake.sign_in(&url, "alice", "Alice"))
            .await
    }

    async fn finish(&self, callback: &Url) -> Result<Identity, IdpError> {
        let query = callback.query().unwrap();
        let answer = Form::parse(query.as_bytes()).unwrap();
        self.provider.finish(&login(), &answer).await
    }

    async fn with_fault(fault: Fault) -> Result<Identity, IdpError> {
        let scene = Self::new();
        scene.fake.set_fault(fault);
        scene.sign_in().await
    }

    async fn with_claim(name: &str, value: Value) -> Result<Identity, IdpError> {
        let scene = Self::new();
        scene.fake.set_claim(name, value);
        scene.sign_in().await
    }

    async fn with_metadata(name: &str, value: Value) -> Result<Identity, IdpError> {
        let scene = Self::new();
        scene.fake.set_metadata(name, value);
        scene.sign_in().await
    }
}

fn provider(
    fake: &FakeOpenIdProvider,
    clock: &Arc<TestClock>,
    change: impl FnOnce(
        oauth_for_mcp::idp::OpenIdProviderBuilder,
    ) -> oauth_for_mcp::idp::OpenIdProviderBuilder,
) -> OpenIdProvider {
    let client_id = ClientId::parse(CLIENT_ID).unwrap();
    let builder = OpenIdProvider::builder(fake.issuer().clone(), client_id, Secret::new(SECRET))
        .fetch(Arc::new(fake.clone()) as Arc<dyn Fetch>)
        .clock(clock.clone());
    change(builder).build().unwrap()
}

fn login() -> Login {
    Login {
        state: Secret::new("the state"),
        nonce: Secret::new("the nonce"),
        verifier: CodeVerifier::parse(&"v".repeat(43)).unwrap(),
        callback: CALLBACK.to_owned(),
    }
}

/// The refusal with all its causes, as an operator sees it.
fn refused(result: Result<Identity, IdpError>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, IdpError::Refused(_)), "{error:?}");
    let told = "the identity provider's answer was refused";
    assert_eq!(error.to_string(), told);
    causes(&error)
}

fn causes(error: &IdpError) -> String {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(current) = cause {
        text.push_str(&format!("{current}; "));
        cause = current.source();
    }
    text
}

#[track_caller]
fn assert_unavailable<T: std::fmt::Debug>(result: Result<T, IdpError>) {
    let error = result.unwrap_err();
    assert!(matches!(error, IdpError::Unavailable(_)), "{error:?}");
    assert_eq!(error.to_string(), "the identity provider cannot be reached");
}
