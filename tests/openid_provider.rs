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
    match result.unwrap_err() {
        error @ IdpError::Refused(_) => {
            assert_eq!(
                error.to_string(),
                "the identity provider's answer was refused"
            );
            causes(&error)
        }
        other => panic!("not refused but {other:?}"),
    }
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

#[tokio::test]
async fn a_person_signs_in() {
    let identity = Scene::new().sign_in().await.unwrap();
    assert_eq!(identity.provider, "https://op.example");
    assert_eq!(identity.subject.as_str(), "alice");
    assert_eq!(identity.email.as_deref(), Some("alice@example.com"));
    assert!(identity.email_verified);
    assert_eq!(identity.name.as_deref(), Some("Alice"));
    assert!(identity.claims.is_empty(), "{:?}", identity.claims);
}

#[tokio::test]
async fn an_issuer_with_a_path_and_a_slash_is_kept_byte_for_byte() {
    let scene = Scene::at("https://op.example/tenant/");
    let identity = scene.sign_in().await.unwrap();
    assert_eq!(identity.provider, "https://op.example/tenant/");
}

#[tokio::test]
async fn the_secret_is_sent_in_the_way_the_provider_takes_it_or_the_operator_says() {
    let name = "token_endpoint_auth_methods_supported";
    for methods in [
        json!(["client_secret_basic"]),
        json!(["client_secret_post"]),
    ] {
        Scene::with_metadata(name, methods).await.unwrap();
    }
    let only_keys = Scene::with_metadata(name, json!(["private_key_jwt"])).await;
    assert!(refused(only_keys).contains("neither by basic nor by post"));
    let mut scene = Scene::new();
    scene.fake.set_metadata(name, json!(["private_key_jwt"]));
    scene.provider = provider(&scene.fake, &scene.clock, |builder| {
        builder.client_auth(OpenIdClientAuth::Post)
    });
    scene.sign_in().await.unwrap();
}

#[tokio::test]
async fn the_authorization_request_keeps_the_query_of_the_endpoint_and_names_no_resource() {
    let scene = Scene::new();
    let endpoint = "https://op.example/authorize?tenant=a%20b";
    scene
        .fake
        .set_metadata("authorization_endpoint", json!(endpoint));
    let url = scene.begin().await.unwrap();
    assert!(url.as_str().starts_with(&format!("{endpoint}&")));
    let request = Form::parse(url.query().unwrap().as_bytes()).unwrap();
    let challenge = login().verifier.challenge().to_string();
    for (name, value) in [
        ("tenant", "a b"),
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email profile"),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(request.value(name), Some(value), "{name}");
    }
    assert_eq!(request.value("resource"), None);
}

#[tokio::test]
async fn an_id_token_of_another_issuer_is_refused() {
    for issuer in [
        json!("https://evil.example"),
        json!("https://op.example/"),
        json!(""),
    ] {
        let error = refused(Scene::with_claim("iss", issuer).await);
        assert!(error.contains("another issuer"), "{error}");
    }
    for issuer in [json!(["https://op.example"]), json!(7), Value::Null] {
        let error = refused(Scene::with_claim("iss", issuer).await);
        assert!(error.contains("claims it must have"), "{error}");
    }
}

#[tokio::test]
async fn an_id_token_for_another_audience_is_refused() {
    for audience in [json!("another"), json!([]), json!(["another"])] {
        let error = refused(Scene::with_claim("aud", audience).await);
        assert!(error.contains("another audience"), "{error}");
    }
    refused(Scene::with_claim("aud", Value::Null).await);
    Scene::with_claim("aud", json!([CLIENT_ID])).await.unwrap();
}

#[tokio::test]
async fn an_id_token_for_several_clients_counts_only_if_we_asked_for_it() {
    let scene = Scene::new();
    scene.fake.set_claim("aud", json!([CLIENT_ID, "another"]));
    let error = refused(scene.sign_in().await);
    assert!(error.contains("another client"), "{error}");
    scene.fake.set_claim("azp", json!("another"));
    refused(scene.sign_in().await);
    scene.fake.set_claim("azp", json!(CLIENT_ID));
    scene.sign_in().await.unwrap();
    let error = refused(Scene::with_claim("azp", json!("another")).await);
    assert!(error.contains("another client"), "{error}");
}

#[tokio::test]
async fn an_id_token_of_another_time_is_refused_but_a_minute_is_forgiven() {
    for (name, good, bad) in [
        ("exp", NOW - 59, NOW - 60),
        ("iat", NOW + 60, NOW + 61),
        ("nbf", NOW + 60, NOW + 61),
    ] {
        Scene::with_claim(name, json!(good)).await.unwrap();
        refused(Scene::with_claim(name, json!(bad)).await);
        refused(Scene::with_claim(name, json!(good.to_string())).await);
    }
    for name in ["exp", "iat"] {
        refused(Scene::with_claim(name, Value::Null).await);
    }
}

#[tokio::test]
async fn an_id_token_of_another_sign_in_is_refused() {
    let error = refused(Scene::with_fault(Fault::WrongNonce).await);
    assert!(error.contains("another sign-in"), "{error}");
    for nonce in [Value::Null, json!(""), json!("THE NONCE")] {
        let error = refused(Scene::with_claim("nonce", nonce).await);
        assert!(error.contains("another sign-in"), "{error}");
    }
    refused(Scene::with_claim("nonce", json!(["the nonce"])).await);
}

#[tokio::test]
async fn an_id_token_without_a_valid_subject_is_refused() {
    for subject in [
        Value::Null,
        json!(""),
        json!(7),
        json!("a\nb"),
        json!("a".repeat(256)),
    ] {
        refused(Scene::with_claim("sub", subject).await);
    }
}

#[tokio::test]
async fn an_id_token_that_the_provider_did_not_sign_is_refused() {
    for (fault, reason) in [
        (Fault::UnsignedIdToken, "algorithm is not allowed"),
        (Fault::SharedSecretIdToken, "algorithm is not allowed"),
        (Fault::PublicKeyIdToken, "algorithm is not allowed"),
        (Fault::ForeignIdToken, "signature is invalid"),
        (Fault::ChangedIdToken, "signature is invalid"),
        (Fault::UnknownKeyId, "no key of the provider"),
        (Fault::KeyForEncryption, "no key of the provider"),
        (Fault::AccessTokenType, "another kind of token"),
        (Fault::WrongAccessTokenHash, "another access token"),
    ] {
        let error = refused(Scene::with_fault(fault).await);
        assert!(error.contains(reason), "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn an_id_token_without_a_key_name_is_verified_by_the_only_key() {
    let scene = Scene::new();
    scene.fake.set_fault(Fault::NoKeyId);
    scene.sign_in().await.unwrap();
    // Its key is not told apart from a new one, which is looked for.
    scene.fake.rotate_key();
    scene.sign_in().await.unwrap();
    scene.fake.set_fault(Fault::ForeignIdToken);
    refused(scene.sign_in().await);
}

#[tokio::test]
async fn an_id_token_without_an_access_token_hash_is_fine() {
    Scene::with_claim("at_hash", Value::Null).await.unwrap();
}

#[tokio::test]
async fn keys_that_cannot_be_used_do_not_stand_in_the_way() {
    Scene::with_fault(Fault::UnusableKeys).await.unwrap();
}

#[tokio::test]
async fn an_answer_of_another_provider_is_refused_before_its_error_or_code_counts() {
    let error = refused(Scene::with_fault(Fault::WrongAnswerIssuer).await);
    assert!(error.contains("names another issuer"), "{error}");
    let scene = Scene::new();
    scene.fake.set_fault(Fault::WrongAnswerIssuer);
    let url = scene.begin().await.unwrap();
    let denied = scene.fake.refuse(&url, "access_denied");
    let error = refused(scene.finish(&denied).await);
    assert!(error.contains("names another issuer"), "{error}");
    assert_eq!(scene.fake.fetches(FakeEndpoint::Token), 0);
}

#[tokio::test]
async fn an_answer_has_to_name_its_issuer_if_the_provider_promises_it() {
    let error = refused(Scene::with_fault(Fault::NoAnswerIssuer).await);
    assert!(error.contains("does not name its issuer"), "{error}");
    let scene = Scene::new();
    scene.fake.set_fault(Fault::NoAnswerIssuer);
    let promise = "authorization_response_iss_parameter_supported";
    scene.fake.set_metadata(promise, json!(false));
    scene.sign_in().await.unwrap();
}

#[tokio::test]
async fn an_error_in_the_answer_says_whether_it_is_a_no_or_a_not_now() {
    let scene = Scene::new();
    let url = scene.begin().await.unwrap();
    for error in [
        "access_denied",
        "login_required",
        "consent_required",
        "interaction_required",
    ] {
        let answer = scene.finish(&scene.fake.refuse(&url, error)).await;
        assert!(matches!(answer, Err(IdpError::AccessDenied)), "{error}");
    }
    for error in ["temporarily_unavailable", "server_error"] {
        assert_unavailable(scene.finish(&scene.fake.refuse(&url, error)).await);
    }
    let answer = scene
        .finish(&scene.fake.refuse(&url, "invalid_scope"))
        .await;
    let error = refused(answer);
    assert!(error.contains("invalid_scope"), "{error}");
    assert!(!error.contains("A text of the provider"), "{error}");
}

#[tokio::test]
async fn a_text_of_the_provider_is_not_passed_on_even_if_it_stands_for_a_code() {
    let scene = Scene::new();
    let url = scene.begin().await.unwrap();
    for text in [
        "<b>Call 555</b>",
        "please call 555",
        "a\nb",
        &"a".repeat(65),
    ] {
        let error = refused(scene.finish(&scene.fake.refuse(&url, text)).await);
        assert!(error.contains("(no known code)"), "{error}");
        assert!(!error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_a_code_is_refused() {
    let scene = Scene::new();
    let url = Url::parse(&format!("{CALLBACK}?state=x&iss=https://op.example")).unwrap();
    let error = refused(scene.finish(&url).await);
    assert!(error.contains("no code"), "{error}");
}

#[tokio::test]
async fn a_code_counts_once_and_only_with_its_verifier() {
    let scene = Scene::new();
    let url = scene.begin().await.unwrap();
    let callback = scene.fake.sign_in(&url, "alice", "Alice");
    scene.finish(&callback).await.unwrap();
    let error = refused(scene.finish(&callback).await);
    assert!(error.contains("invalid_grant"), "{error}");

    let callback = scene.fake.sign_in(&url, "alice", "Alice");
    let mut other = login();
    other.verifier = CodeVerifier::parse(&"w".repeat(43)).unwrap();
    let answer = Form::parse(callback.query().unwrap().as_bytes()).unwrap();
    let error = refused(scene.provider.finish(&other, &answer).await);
    assert!(error.contains("invalid_grant"), "{error}");
}

#[tokio::test]
async fn a_token_endpoint_that_fails_is_an_outage_and_one_that_refuses_is_a_no() {
    for fault in [Fault::TokenUnavailable, Fault::TokenBusy] {
        assert_unavailable(Scene::with_fault(fault).await);
    }
    for (fault, reason) in [
        (Fault::TokenRefused, "invalid_grant"),
        (Fault::TokenGarbage, "not what it should be"),
        (Fault::TokenRedirect, "307"),
    ] {
        let error = refused(Scene::with_fault(fault).await);
        assert!(error.contains(reason), "{error}");
        assert!(!error.contains("A text of the provider"), "{error}");
    }
}

#[tokio::test]
async fn no_error_shows_a_code_a_token_or_the_secret() {
    for fault in [Fault::TokenRefused, Fault::TokenGarbage, Fault::WrongNonce] {
        let scene = Scene::new();
        scene.fake.set_fault(fault);
        let url = scene.begin().await.unwrap();
        let callback = scene.fake.sign_in(&url, "alice", "Alice");
        let error = scene.finish(&callback).await.unwrap_err();
        let code = callback.query_pairs().find(|(name, _)| name == "code");
        let printed = format!("{error} {error:?} {:?}", scene.provider);
        for secret in [&code.unwrap().1, "s3cret", "the nonce", "access_token"] {
            assert!(!printed.contains(secret), "{secret}: {printed}");
        }
    }
}

#[tokio::test]
async fn metadata_that_cannot_be_relied_on_is_refused() {
    for (fault, reason) in [
        (Fault::MetadataGarbage, "not what it should be"),
        (Fault::MetadataOversized, "larger than"),
    ] {
        let error = refused(Scene::with_fault(fault).await);
        assert!(error.contains(reason), "{error}");
    }
    let other = json!("https://evil.example");
    let error = refused(Scene::with_metadata("issuer", other).await);
    assert!(error.contains("another issuer"), "{error}");
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let plain = json!("http://op.example/x");
        let error = refused(Scene::with_metadata(name, plain).await);
        assert!(error.contains("no https URL"), "{error}");
        refused(Scene::with_metadata(name, Value::Null).await);
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_an_outage() {
    for fault in [
        Fault::NetworkDown,
        Fault::MetadataUnavailable,
        Fault::KeysUnavailable,
    ] {
        assert_unavailable(Scene::with_fault(fault).await);
    }
}

#[tokio::test]
async fn metadata_is_fetched_once_an_hour_and_serves_on_while_it_cannot_be() {
    let scene = Scene::new();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Metadata), 0);
    scene.sign_in().await.unwrap();
    scene.advance(3_599);
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Metadata), 1);
    scene.advance(1);
    scene.fake.set_fault(Fault::MetadataUnavailable);
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Metadata), 2);
}

#[tokio::test]
async fn stale_keys_are_used_while_there_are_no_others() {
    let scene = Scene::new();
    scene.sign_in().await.unwrap();
    scene.fake.set_fault(Fault::KeysUnavailable);
    scene.advance(4 * 60 * 60);
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Keys), 2);
    scene.advance(24 * 60 * 60);
    assert_unavailable(scene.sign_in().await);
}

#[tokio::test]
async fn a_new_key_is_found_at_once() {
    let scene = Scene::new();
    scene.sign_in().await.unwrap();
    scene.fake.rotate_key();
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Keys), 2);
}

#[tokio::test]
async fn a_hundred_unknown_keys_cost_one_more_fetch() {
    let scene = Scene::new();
    scene.sign_in().await.unwrap();
    scene.fake.set_fault(Fault::UnknownKeyId);
    for _ in 0..100 {
        refused(scene.sign_in().await);
    }
    assert_eq!(scene.fake.fetches(FakeEndpoint::Keys), 2);
    scene.advance(30);
    refused(scene.sign_in().await);
    assert_eq!(scene.fake.fetches(FakeEndpoint::Keys), 3);
}

#[tokio::test]
async fn the_userinfo_tells_an_address_that_the_id_token_does_not() {
    let scene = Scene::new();
    scene.sign_in().await.unwrap();
    assert_eq!(scene.fake.fetches(FakeEndpoint::Userinfo), 0);
    let identity = Scene::with_fault(Fault::EmailInUserinfoOnly).await.unwrap();
    assert_eq!(identity.email.as_deref(), Some("alice@example.com"));
    assert!(identity.email_verified);
}

#[tokio::test]
async fn userinfo_about_somebody_else_or_in_another_form_is_refused() {
    for (fault, reason) in [
        (Fault::UserinfoOfAnother, "about somebody else"),
        (Fault::UserinfoNotJson, "not what it should be"),
    ] {
        let scene = Scene::new();
        scene.fake.set_fault(Fault::EmailInUserinfoOnly);
        scene.fake.set_fault(fault);
        let error = refused(scene.sign_in().await);
        assert!(error.contains(reason), "{error}");
    }
    let scene = Scene::new();
    scene.fake.set_fault(Fault::EmailInUserinfoOnly);
    scene.fake.set_fault(Fault::UserinfoUnavailable);
    assert_unavailable(scene.sign_in().await);
}

#[tokio::test]
async fn the_userinfo_is_not_asked_if_the_operator_or_the_provider_does_without() {
    let mut scene = Scene::new();
    scene.fake.set_fault(Fault::EmailInUserinfoOnly);
    scene.fake.set_metadata("userinfo_endpoint", Value::Null);
    assert_eq!(scene.sign_in().await.unwrap().email, None);

    scene = Scene::new();
    scene.fake.set_fault(Fault::EmailInUserinfoOnly);
    scene.provider = provider(&scene.fake, &scene.clock, |builder| builder.userinfo(false));
    assert_eq!(scene.sign_in().await.unwrap().email, None);
    assert_eq!(scene.fake.fetches(FakeEndpoint::Userinfo), 0);
}

#[test]
fn the_scopes_have_to_ask_for_an_id_token() {
    let scene = Scene::new();
    for scopes in ["", "email", "openid \u{1}", "OPENID"] {
        let client_id = ClientId::parse(CLIENT_ID).unwrap();
        let issuer = scene.fake.issuer().clone();
        let built = OpenIdProvider::builder(issuer, client_id, Secret::new(SECRET))
            .fetch(Arc::new(scene.fake.clone()))
            .scopes(scopes)
            .build();
        let error = built.unwrap_err();
        assert!(matches!(error, InvalidOpenIdProvider::Scopes), "{scopes}");
    }
}
