//! Tokens that only their authorization server can read (RFC 7662).
//!
//! The attacks, each a test here or beside the code it is aimed at:
//!
//! - an answer about another token: one that looks alike, or parameters that a
//!   token smuggles into the form
//! - a token of another issuer or for another resource, an expired one, a refresh
//!   token or an ID token that the endpoint calls active, one bound to a key
//! - answers that two readers could read differently: `"true"`, repeated members
//! - an endpoint that redirects, is slow, endless or broken: neither let in nor
//!   refused
//! - floods of bad tokens: memory, calls, and what others can still do
//! - somebody who reads logs, events and URLs
//! - a clock that is put back

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use oauth_for_mcp::VerifiedToken;
use oauth_for_mcp::endpoint::Protection;
use oauth_for_mcp::event::Event;
use oauth_for_mcp::fetch::{Fetch, FetchError, FetchLimits};
use oauth_for_mcp::jose::{Jws, Signer as _, SigningKey, VerifyingKey};
use oauth_for_mcp::protocol::bearer::BearerToken;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::resource::verifier::{
    IntrospectionAuth, IntrospectionEndpoint, IntrospectionLimits, IntrospectionVerifier,
    IntrospectionVerifierBuilder, TokenVerifier,
};
use oauth_for_mcp::resource::{
    ResourceError, ResourceServer, ResourceServerBuilder, TokenCacheConfig, VerifierError,
};
use oauth_for_mcp::test_util::{RecordedEvents, SeededEntropy, TestClock};
use oauth_for_mcp::types::{ClientId, Clock, Issuer, ResourceUri, Scope, Secret, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::support::{claims, expect_outage, expect_refusal, header, key};

const ISSUER: &str = "https://auth.example";
const ENDPOINT: &str = "https://auth.example/introspect";
const RESOURCE: &str = "https://mcp.example/mcp";
const SECRET: &str = "the secret of the resource server";

/// What goes wrong at the endpoint.
type Fault = fn() -> Result<Response<Bytes>, FetchError>;

/// An introspection endpoint that knows some tokens.
#[derive(Debug)]
struct FakeEndpoint {
    known: Mutex<HashMap<String, Value>>,
    fault: Mutex<Option<Fault>>,
    asked: Mutex<Vec<Request<Bytes>>>,
    gate: Semaphore,
}

impl FakeEndpoint {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            known: Mutex::default(),
            fault: Mutex::default(),
            asked: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    fn know(&self, token: &str, answer: Value) {
        let mut known = self.known.lock().unwrap();
        known.insert(token.to_owned(), answer);
    }

    fn forget(&self, token: &str) {
        self.known.lock().unwrap().remove(token);
    }

    fn set_fault(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Answers nobody until [`Self::open`].
    fn close(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn open(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    fn calls(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

#[async_trait]
impl Fetch for FakeEndpoint {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        limits: FetchLimits,
    ) -> Result<Response<Bytes>, FetchError> {
        let form = Form::parse(request.body()).unwrap();
        let token = form.value("token").unwrap().to_owned();
        self.asked.lock().unwrap().push(request);
        if limits.timeout < Duration::from_millis(100) {
            return Err(FetchError::failed("it had no time"));
        }
        let _open = self.gate.acquire().await.unwrap();
        if let Some(fault) = *self.fault.lock().unwrap() {
            return fault();
        }
        let known = self.known.lock().unwrap().get(&token).cloned();
        let answer = known.unwrap_or(json!({"active": false})).to_string();
        if answer.len() > limits.max_body_bytes {
            return Err(FetchError::TooLarge(limits.max_body_bytes));
        }
        Ok(answer_with(200, "application/json", answer))
    }
}

fn answer_with(status: u16, media_type: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    let answer = Response::builder().status(status);
    let answer = answer.header("content-type", media_type);
    answer.body(body.into()).unwrap()
}

/// What the endpoint says of a good token.
fn active() -> Value {
    json!({
        "active": true,
        "iss": ISSUER,
        "sub": "ada",
        "aud": RESOURCE,
        "client_id": "editor",
        "scope": "notes:read notes:write",
        "exp": 1_790_003_600,
        "token_type": "Bearer",
        "username": "Ada",
    })
}

fn changed(name: &str, value: Value) -> Value {
    let mut answer = active();
    answer[name] = value;
    answer
}

struct Scene {
    endpoint: Arc<FakeEndpoint>,
    server: Arc<ResourceServer>,
    clock: Arc<MovableClock>,
    events: Arc<RecordedEvents>,
}

impl Scene {
    fn new() -> Self {
        Self::with(|verifier| verifier, |server| server)
    }

    /// Without the cache of verified tokens: every request reaches the verifier.
    fn uncached() -> Self {
        Self::with(
            |verifier| verifier,
            ResourceServerBuilder::without_token_cache,
        )
    }

    fn with(
        verifier: impl FnOnce(IntrospectionVerifierBuilder) -> IntrospectionVerifierBuilder,
        server: impl FnOnce(ResourceServerBuilder) -> ResourceServerBuilder,
    ) -> Self {
        let endpoint = FakeEndpoint::new();
        let (clock, events) = (Arc::new(MovableClock::default()), Arc::default());
        let verifier = verifier(builder(Arc::clone(&endpoint) as _)).build();
        let issuer = Issuer::parse(ISSUER).unwrap();
        let resource = ResourceUri::parse(RESOURCE).unwrap();
        let builder = ResourceServer::builder(resource, vec![issuer], Arc::new(verifier))
            .clock(Arc::clone(&clock) as _)
            .events(Arc::clone(&events) as _);
        Self {
            endpoint,
            server: Arc::new(server(builder).build().unwrap()),
            clock,
            events,
        }
    }

    async fn authenticate(&self, token: &str) -> Result<VerifiedToken, ResourceError> {
        self.server.authenticate(&bearing(token)).await
    }

    /// What a client with this token hears; `None` if it gets through.
    async fn refusal(&self, token: &str) -> Option<Response<Bytes>> {
        let mut request = Request::post(RESOURCE);
        request.headers_mut().unwrap().extend(bearing(token));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let protection = Protection::new(Arc::clone(&self.server));
        protection.admit(&mut parts).await.err()
    }

    /// The causes of outages that the operator heard of.
    fn outages(&self) -> Vec<String> {
        let events = self.events.all().into_iter();
        events
            .filter_map(|event| {
                let Event::Outage { cause } = event else {
                    return None;
                };
                Some(cause)
            })
            .collect()
    }
}

fn builder(fetch: Arc<dyn Fetch>) -> IntrospectionVerifierBuilder {
    let client_id = ClientId::parse("resource").unwrap();
    builder_with(
        IntrospectionAuth::basic(&client_id, &Secret::new(SECRET)),
        fetch,
    )
}

fn builder_with(auth: IntrospectionAuth, fetch: Arc<dyn Fetch>) -> IntrospectionVerifierBuilder {
    let issuer = Issuer::parse(ISSUER).unwrap();
    let endpoint = IntrospectionEndpoint::parse(ENDPOINT).unwrap();
    IntrospectionVerifier::builder(issuer, endpoint, auth, fetch)
}

fn bearing(token: &str) -> HeaderMap {
    let value = format!("Bearer {token}").parse().unwrap();
    HeaderMap::from_iter([(http::header::AUTHORIZATION, value)])
}

/// A clock that also goes back.
#[derive(Debug)]
struct MovableClock(Mutex<Timestamp>);

impl MovableClock {
    fn advance(&self, seconds: u64) {
        let mut time = self.0.lock().unwrap();
        *time = time.plus(Duration::from_secs(seconds));
    }

    fn put_back(&self, seconds: u64) {
        let mut time = self.0.lock().unwrap();
        *time = time.minus(Duration::from_secs(seconds));
    }
}

impl Default for MovableClock {
    fn default() -> Self {
        Self(Mutex::new(TestClock::default().now()))
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// B11
#[tokio::test]
async fn a_token_that_the_endpoint_calls_active_is_good_with_what_the_endpoint_says() {
    let scene = Scene::new();
    scene.endpoint.know("good", active());
    let token = scene.authenticate("good").await.unwrap();
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!(token.subject().as_str(), "ada");
    assert_eq!(token.client_id().unwrap().as_str(), "editor");
    assert_eq!(
        token.scope(),
        &Scope::parse("notes:read notes:write").unwrap()
    );
    assert_eq!(token.expires_at().as_secs(), 1_790_003_600);
    assert_eq!(token.extra()["username"], "Ada");
    assert!(!token.is_machine());
    assert!(scene.refusal("good").await.is_none());
}

/// B11
#[tokio::test]
async fn limits_of_nothing_leave_room_for_one_call() {
    let limits = IntrospectionLimits {
        calls: 0,
        timeout: Duration::ZERO,
        refusals: 0,
        refused_for: Duration::ZERO,
    };
    let scene = Scene::with(|verifier| verifier.limits(limits), |server| server);
    scene.endpoint.know("good", active());
    assert!(scene.refusal("good").await.is_none());
    let answer = scene.refusal("bad").await.unwrap();
    expect_refusal(&answer, 401, "invalid_token", "it is unknown");
}

/// B11
#[tokio::test]
async fn an_audience_goes_by_the_name_that_the_server_has_for_it() {
    let resource = ResourceUri::parse(RESOURCE).unwrap();
    let scene = Scene::with(
        |verifier| verifier.audience_name("api://notes", resource),
        |server| server,
    );
    for (token, audience, is_good) in [
        ("named", "api://notes", true),
        ("nearly", "api://notes/", false),
    ] {
        let mut answer = active();
        answer["aud"] = json!(audience);
        scene.endpoint.know(token, answer);
        assert_eq!(scene.refusal(token).await.is_none(), is_good, "{token}");
    }
}

/// B11
#[tokio::test]
async fn a_token_that_is_not_good_here_is_refused_whatever_the_endpoint_calls_it() {
    let scene = Scene::new();
    let now = scene.clock.now().as_secs();
    let cases = [
        json!({"active": false}),
        json!({"active": true}),
        changed("active", json!(false)),
        changed("iss", json!("https://other.example")),
        changed("iss", json!("https://auth.example/")),
        changed("aud", Value::Null),
        changed("aud", json!([])),
        changed("aud", json!("https://mcp.example/mcp-evil")),
        changed("aud", json!("https://mcp.example")),
        changed("aud", json!(["https://other.example/mcp", "editor"])),
        changed("exp", json!(now - 61)),
        changed("nbf", json!(now + 61)),
        changed("token_type", json!("refresh_token")),
        changed("token_type", json!("DPoP")),
        changed("typ", json!("Refresh")),
        changed("typ", json!("ID")),
        changed("token_use", json!("refresh_token")),
        changed(
            "cnf",
            json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        ),
    ];
    for (number, answer) in cases.into_iter().enumerate() {
        let token = format!("token{number}");
        scene.endpoint.know(&token, answer.clone());
        let refusal = scene.refusal(&token).await.expect("it is refused");
        expect_refusal(&refusal, 401, "invalid_token", &answer.to_string());
    }
    let unknown = scene.refusal("unknown").await.unwrap();
    expect_refusal(&unknown, 401, "invalid_token", "unknown");
    assert_eq!(scene.outages(), [""; 0]);
}

const GOOD: &str = r#"{"active":true,"sub":"ada","aud":"https://mcp.example/mcp"}"#;
const JSON: &str = "application/json";
/// What is no answer about the token, and a part of what the operator hears.
const NO_ANSWERS: [(Fault, &str); 17] = [
    (
        || Err(FetchError::failed("db.internal: timed out")),
        "timed out",
    ),
    (|| Err(FetchError::TooLarge(7)), "larger than 7"),
    (|| Err(FetchError::Refused("no")), "may not be contacted"),
    (|| Ok(answer_with(401, JSON, GOOD)), "credentials (401"),
    (|| Ok(answer_with(403, JSON, GOOD)), "credentials (403"),
    (|| Ok(answer_with(400, JSON, GOOD)), "400"),
    (|| Ok(answer_with(404, JSON, GOOD)), "404"),
    (|| Ok(answer_with(307, JSON, GOOD)), "307"),
    (|| Ok(answer_with(201, JSON, GOOD)), "201"),
    (|| Ok(answer_with(500, JSON, r#"{"active":false}"#)), "500"),
    (
        || Ok(answer_with(200, "text/html", GOOD)),
        "application/json",
    ),
    (
        || Ok(answer_with(200, "application/jwt", GOOD)),
        "application/json",
    ),
    (|| Ok(Response::new(Bytes::from(GOOD))), "application/json"),
    (
        || Ok(answer_with(200, JSON, "<html>")),
        "not what it should be",
    ),
    (|| Ok(answer_with(200, JSON, "")), "not what it should be"),
    (
        || Ok(answer_with(200, JSON, r#"{"active":"true","sub":"ada"}"#)),
        "not what it should be",
    ),
    (
        || Ok(answer_with(200, JSON, r#"{"active":false,"active":true}"#)),
        "not what it should be",
    ),
];

/// B11
#[tokio::test]
async fn an_answer_that_says_nothing_about_the_token_is_an_outage_and_never_a_refusal() {
    let scene = Scene::new();
    scene.endpoint.know("good", active());
    for (number, (fault, cause)) in NO_ANSWERS.into_iter().enumerate() {
        scene.endpoint.set_fault(Some(fault));
        let answer = scene.refusal("good").await.expect("nobody gets in");
        expect_outage(&answer, cause);
        let outages = scene.outages();
        assert_eq!(outages.len(), number + 1);
        assert!(outages[number].contains(cause), "{}", outages[number]);
    }
    scene.endpoint.set_fault(None);
    assert!(scene.refusal("good").await.is_none(), "it was not refused");
}

/// B11
#[tokio::test]
async fn a_token_of_a_kind_that_the_endpoint_does_not_support_is_no_outage() {
    const UNSUPPORTED: &str = r#"{"error":"unsupported_token_type"}"#;
    const JSON: &str = "application/json; charset=utf-8";
    let scene = Scene::new();
    scene
        .endpoint
        .set_fault(Some(|| Ok(answer_with(400, JSON, UNSUPPORTED))));
    for _ in 0..2 {
        let refusal = scene.refusal("a.b.c").await.unwrap();
        expect_refusal(&refusal, 401, "invalid_token", "a signed token");
    }
    assert_eq!(scene.endpoint.calls(), 1, "that is remembered");
    let verifier = builder(Arc::clone(&scene.endpoint) as _).build();
    let token = BearerToken::parse(&bearing("d.e.f")).unwrap().unwrap();
    for _ in 0..2 {
        let verified = verifier.verify(&token, scene.clock.now()).await;
        assert!(matches!(verified, Err(VerifierError::Foreign)));
    }
    let others: [Fault; 3] = [
        || Ok(answer_with(400, "text/html", UNSUPPORTED)),
        || Ok(answer_with(500, JSON, UNSUPPORTED)),
        || Ok(answer_with(400, JSON, r#"{"error":"invalid_request"}"#)),
    ];
    for (number, fault) in others.into_iter().enumerate() {
        scene.endpoint.set_fault(Some(fault));
        let answer = scene.refusal(&format!("{number}.b.c")).await.unwrap();
        expect_outage(&answer, "something else is wrong");
    }
}

/// B11
#[tokio::test]
async fn a_media_type_may_have_parameters_and_any_case() {
    let scene = Scene::new();
    scene.endpoint.set_fault(Some(|| {
        let body = active().to_string();
        Ok(answer_with(200, "Application/JSON ; charset=utf-8", body))
    }));
    assert!(scene.refusal("good").await.is_none());
}

/// B11
#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let scene = Scene::new();
    let long = changed("username", json!("a".repeat(64 * 1024)));
    scene.endpoint.know("good", long);
    expect_outage(&scene.refusal("good").await.unwrap(), "64 KiB and more");
}

/// B11
#[tokio::test]
async fn no_token_gets_the_answer_to_another_one() {
    let scene = Scene::new();
    scene.endpoint.know("AbcdefghijklmnopqrstuvwxyZ", active());
    assert!(scene.refusal("AbcdefghijklmnopqrstuvwxyZ").await.is_none());
    for other in [
        "abcdefghijklmnopqrstuvwxyz",
        "AbcdefghijklmnopqrstuvwxyZ=",
        "AbcdefghijklmnopqrstuvwxyZ.",
        "AbcdefghijklmnopqrstuvwxyZZ",
        "AbcdefghijklmnopqrstuvwxyA",
        "AbcdefghijklmnopqrstuvwxY",
        "A",
    ] {
        let refusal = scene.refusal(other).await.expect("it is another one");
        expect_refusal(&refusal, 401, "invalid_token", other);
    }
    let calls = scene.endpoint.calls();
    assert!(scene.refusal("AbcdefghijklmnopqrstuvwxyZ").await.is_none());
    assert_eq!(scene.endpoint.calls(), calls, "it is still known");
}

/// B11
#[tokio::test]
async fn the_token_is_in_the_form_and_nowhere_else() {
    let scene = Scene::new();
    let token = "a+token/of~everything.that-may_be==";
    let _ = scene.refusal(token).await;
    let asked = scene.endpoint.asked.lock().unwrap();
    let [request] = asked.as_slice() else {
        panic!("there is one request: {asked:?}")
    };
    assert_eq!(
        (request.method().as_str(), request.uri()),
        ("POST", &ENDPOINT.parse().unwrap())
    );
    let sent = |name| request.headers()[name].to_str().unwrap();
    assert_eq!(sent("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(sent("accept"), "application/json");
    assert_eq!(request.headers().len(), 3, "and our credentials");
    let form = Form::parse(request.body()).unwrap();
    assert_eq!(form.value("token"), Some(token));
    assert_eq!(form.value("token_type_hint"), Some("access_token"));
}

/// What a resource server that signs says of itself in two requests.
async fn assertions(signer: &Arc<SigningKey>, audience: Option<&str>) -> Vec<String> {
    let endpoint = FakeEndpoint::new();
    let client_id = ClientId::parse("resource").unwrap();
    let entropy = Arc::new(SeededEntropy::new(3));
    let auth = IntrospectionAuth::private_key_jwt(client_id, Arc::clone(signer) as _, entropy);
    let mut builder = builder_with(auth, Arc::clone(&endpoint) as _);
    if let Some(audience) = audience {
        builder = builder.assertion_audience(audience);
    }
    let verifier = builder.build();
    for token in ["a", "b"] {
        let token = BearerToken::parse(&bearing(token)).unwrap().unwrap();
        let now = TestClock::default().now();
        let _ = verifier.verify(&token, now).await;
    }
    let asked = endpoint.asked.lock().unwrap();
    let assertion = |request: &Request<Bytes>| {
        let form = Form::parse(request.body()).unwrap();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        assert_eq!(form.value("client_assertion_type"), Some(kind));
        assert_eq!(form.value("client_secret"), None);
        assert!(!request.headers().contains_key("authorization"));
        form.value("client_assertion").unwrap().to_owned()
    };
    asked.iter().map(assertion).collect()
}

/// B11
#[tokio::test]
async fn an_assertion_says_who_asks_to_this_server_alone_for_a_minute_and_once() {
    let signer = key(7);
    let now = TestClock::default().now().as_secs();
    let public = VerifyingKey::from_jwk(signer.public_jwk()).unwrap();
    let mut ids = Vec::new();
    for assertion in assertions(&signer, None).await {
        let jws = Jws::parse(&assertion).unwrap();
        assert!(jws.header().has_typ("client-authentication+jwt"));
        assert!(jws.verify(&public).is_ok());
        let claims = claims(&assertion);
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&json!("resource"), &json!("resource"))
        );
        assert_eq!(claims["aud"], ISSUER);
        assert_eq!(
            (&claims["iat"], &claims["exp"]),
            (&json!(now), &json!(now + 60))
        );
        ids.push(claims["jti"].as_str().unwrap().to_owned());
    }
    assert!(ids[0] != ids[1] && ids[0].len() >= 22, "{ids:?}");
    for assertion in assertions(&signer, Some(ENDPOINT)).await {
        assert_eq!(claims(&assertion)["aud"], ENDPOINT);
    }
}

/// B11
#[tokio::test]
async fn a_refusal_is_remembered_for_ten_seconds_and_no_longer() {
    let scene = Scene::new();
    for _ in 0..100 {
        let refusal = scene.refusal("bad").await.unwrap();
        expect_refusal(&refusal, 401, "invalid_token", "bad");
    }
    assert_eq!(scene.endpoint.calls(), 1);
    // As when the authorization server learns of its own token late.
    scene.endpoint.know("bad", active());
    scene.clock.advance(9);
    assert!(scene.refusal("bad").await.is_some());
    scene.clock.advance(1);
    assert!(scene.refusal("bad").await.is_none());
    assert_eq!(scene.endpoint.calls(), 2);
}

/// B11
#[tokio::test]
async fn a_clock_that_is_put_back_leads_no_answer_past_its_time() {
    let scene = Scene::new();
    scene.endpoint.know("good", active());
    assert!(scene.refusal("good").await.is_none());
    assert!(scene.refusal("bad").await.is_some());
    scene.endpoint.forget("good");
    scene.endpoint.know("bad", active());
    scene.clock.put_back(1_000);
    assert!(scene.refusal("good").await.is_some());
    assert!(scene.refusal("bad").await.is_none());
}

/// B11
#[tokio::test]
async fn a_revoked_token_counts_until_the_bound_of_the_one_cache_and_no_longer() {
    let scene = Scene::with(
        |verifier| verifier,
        |server| {
            server.token_cache(TokenCacheConfig {
                revocation_bound: Duration::from_secs(30),
                ..TokenCacheConfig::default()
            })
        },
    );
    scene.endpoint.know("good", active());
    assert!(scene.refusal("good").await.is_none());
    scene.endpoint.forget("good");
    scene.clock.advance(29);
    assert!(scene.refusal("good").await.is_none(), "nobody asked yet");
    assert_eq!(scene.endpoint.calls(), 1);
    scene.clock.advance(1);
    assert!(scene.refusal("good").await.is_some());
}

/// B11
#[tokio::test]
async fn without_that_cache_every_request_asks_and_a_revocation_counts_at_once() {
    let scene = Scene::uncached();
    scene.endpoint.know("good", active());
    for _ in 0..3 {
        assert!(scene.refusal("good").await.is_none());
    }
    assert_eq!(scene.endpoint.calls(), 3);
    scene.endpoint.forget("good");
    assert!(scene.refusal("good").await.is_some());
}

/// B11
#[tokio::test]
async fn while_the_endpoint_is_down_a_known_token_serves_on_until_its_bound() {
    let scene = Scene::new();
    scene.endpoint.know("good", active());
    assert!(scene.refusal("good").await.is_none());
    let down: fn() -> _ = || Err(FetchError::failed("no route"));
    scene.endpoint.set_fault(Some(down));
    scene.clock.advance(9);
    assert!(scene.refusal("good").await.is_none());
    scene.clock.advance(1);
    expect_outage(&scene.refusal("good").await.unwrap(), "its bound is over");
    scene.endpoint.set_fault(None);
    assert!(scene.refusal("good").await.is_none());
}

/// B11
#[tokio::test]
async fn a_token_without_an_end_is_asked_about_again_after_a_minute_at_the_latest() {
    let scene = Scene::with(
        |verifier| verifier,
        |server| {
            server.token_cache(TokenCacheConfig {
                revocation_bound: Duration::from_secs(3_600),
                ..TokenCacheConfig::default()
            })
        },
    );
    scene.endpoint.know("good", changed("exp", Value::Null));
    assert!(scene.refusal("good").await.is_none());
    scene.clock.advance(59);
    assert!(scene.refusal("good").await.is_none());
    assert_eq!(scene.endpoint.calls(), 1);
    scene.clock.advance(1);
    assert!(scene.refusal("good").await.is_none());
    assert_eq!(scene.endpoint.calls(), 2);
}

/// Asks in tasks of their own about each of these tokens.
fn ask_at_once(scene: &Scene, tokens: impl Iterator<Item = String>) -> JoinSet<Outcome> {
    let mut tasks = JoinSet::new();
    for token in tokens {
        let server = Arc::clone(&scene.server);
        tasks.spawn(async move { Outcome::of(&server.authenticate(&bearing(&token)).await) });
    }
    tasks
}

/// All tasks run on this thread: each gets as far as it can.
async fn let_all_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Good,
    Refused,
    Unavailable,
}

impl Outcome {
    fn of(result: &Result<VerifiedToken, ResourceError>) -> Self {
        match result {
            Ok(_) => Self::Good,
            Err(ResourceError::InvalidToken(_)) => Self::Refused,
            Err(ResourceError::Unavailable(_)) => Self::Unavailable,
            Err(other) => panic!("{other}"),
        }
    }
}

/// B11
#[tokio::test]
async fn a_hundred_requests_with_one_token_at_once_make_one_call() {
    for (token, expected) in [("good", Outcome::Good), ("bad", Outcome::Refused)] {
        let scene = Scene::uncached();
        scene.endpoint.know("good", active());
        scene.endpoint.close();
        let mut tasks = ask_at_once(&scene, (0..100).map(|_| token.to_owned()));
        let_all_run().await;
        scene.endpoint.open();
        while let Some(outcome) = tasks.join_next().await {
            assert_eq!(outcome.unwrap(), expected);
        }
        assert_eq!(scene.endpoint.calls(), 1);
    }
}

/// B11
#[tokio::test]
async fn of_ten_thousand_unknown_tokens_at_once_most_hear_at_once_that_it_is_too_much() {
    let scene = Scene::uncached();
    scene.endpoint.know("good", active());
    assert!(scene.refusal("good").await.is_none());
    scene.endpoint.close();
    let flood = (0..10_000).map(|number| format!("bad{number}"));
    let mut tasks = ask_at_once(&scene, flood);
    for _ in 0..10_000 - 48 {
        let outcome = tasks.join_next().await.unwrap();
        assert_eq!(outcome.unwrap(), Outcome::Unavailable);
    }
    assert_eq!(scene.endpoint.calls(), 1 + 48, "a quarter of 64 is kept");
    let unknown = scene.refusal("unknown").await.unwrap();
    expect_outage(&unknown, "all places are taken");
    let mut known = ask_at_once(&scene, std::iter::once("good".to_owned()));
    let_all_run().await;
    assert_eq!(scene.endpoint.calls(), 1 + 48 + 1, "it was good before");
    scene.endpoint.open();
    assert_eq!(known.join_next().await.unwrap().unwrap(), Outcome::Good);
    while let Some(outcome) = tasks.join_next().await {
        assert_eq!(outcome.unwrap(), Outcome::Refused);
    }
    let outages = scene.outages();
    assert!(outages[0].contains("as many tokens"), "{}", outages[0]);
}

/// B11
#[tokio::test]
async fn a_token_that_is_none_of_the_endpoints_business_is_not_shown_to_it() {
    let scene = Scene::with(
        |verifier| verifier.only_tokens(|text| text.starts_with("op_")),
        |server| server,
    );
    scene.endpoint.know("op_good", active());
    scene.endpoint.know("good", active());
    assert!(scene.refusal("op_good").await.is_none());
    let refusal = scene.refusal("good").await.unwrap();
    expect_refusal(&refusal, 401, "invalid_token", "another kind");
    assert_eq!(scene.endpoint.calls(), 1);
}

/// B11
#[tokio::test]
async fn an_audience_is_assumed_only_where_the_host_says_so() {
    let resource = ResourceUri::parse(RESOURCE).unwrap();
    let scene = Scene::with(
        |verifier| verifier.dangerous_assume_audience(resource),
        |server| server,
    );
    scene.endpoint.know("good", changed("aud", Value::Null));
    scene
        .endpoint
        .know("other", changed("aud", json!("https://other.example")));
    let mut untold = changed("aud", Value::Null);
    untold["token_type"] = Value::Null;
    scene.endpoint.know("untold", untold);
    assert!(scene.refusal("good").await.is_none());
    assert!(scene.refusal("other").await.is_some());
    assert!(scene.refusal("untold").await.is_some(), "a refresh token?");
}

/// B11, F3
#[tokio::test]
async fn neither_token_nor_secret_is_in_any_event_error_or_debug_text() {
    const TOKEN: &str = "a-token-of-somebody-that-must-not-be-seen";
    let endpoint = FakeEndpoint::new();
    let verifier = builder(Arc::clone(&endpoint) as _);
    let mut seen = format!("{verifier:?}");
    let verifier: Arc<dyn TokenVerifier> = Arc::new(verifier.build());
    let scene = Scene::new();
    let faults: [Option<Fault>; 4] = [
        None,
        Some(|| Ok(answer_with(401, "application/json", TOKEN))),
        Some(|| {
            Ok(answer_with(
                200,
                "application/json",
                format!("{{\"{TOKEN}\""),
            ))
        }),
        Some(|| Err(FetchError::failed("no route"))),
    ];
    for fault in faults {
        scene.endpoint.set_fault(fault);
        scene.clock.advance(60);
        let error = scene.authenticate(TOKEN).await.unwrap_err();
        seen += &format!("{error:?} {error}");
    }
    seen += &format!("{verifier:?} {:?} {:?}", scene.server, scene.events.all());
    let secret_in_header = "dGhlK3NlY3JldCtvZi";
    for secret in [TOKEN, SECRET, "the+secret", secret_in_header] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
    assert!(seen.contains("auth.example/introspect"), "{seen}");
}

/// B11
#[tokio::test]
async fn a_client_that_hears_of_an_outage_is_not_told_to_get_another_token() {
    let scene = Scene::new();
    scene
        .endpoint
        .set_fault(Some(|| Err(FetchError::failed("no route"))));
    let answer = scene.refusal("good").await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(header(&answer, "www-authenticate"), "");
    let error = scene.authenticate("good").await.unwrap_err();
    assert!(matches!(
        error,
        ResourceError::Unavailable(VerifierError::Unavailable(_))
    ));
}

#[cfg(feature = "reqwest")]
mod over_http {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::StatusCode;
    use axum::response::Redirect;
    use axum::routing::{any, post};
    use oauth_for_mcp::fetch::ReqwestFetch;
    use tokio::net::TcpListener;

    use super::*;

    async fn serve(routes: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        origin
    }

    async fn authenticate(endpoint: &str, token: &str) -> Outcome {
        let client_id = ClientId::parse("resource").unwrap();
        let verifier = IntrospectionVerifier::builder(
            Issuer::parse(ISSUER).unwrap(),
            IntrospectionEndpoint::parse(endpoint).unwrap(),
            IntrospectionAuth::basic(&client_id, &Secret::new(SECRET)),
            Arc::new(ReqwestFetch::configured().unwrap()),
        );
        let verifier = verifier.limits(IntrospectionLimits {
            timeout: Duration::from_millis(300),
            ..IntrospectionLimits::default()
        });
        let resource = ResourceUri::parse(RESOURCE).unwrap();
        let issuers = vec![Issuer::parse(ISSUER).unwrap()];
        let server = ResourceServer::builder(resource, issuers, Arc::new(verifier.build()))
            .clock(Arc::new(TestClock::default()))
            .build()
            .unwrap();
        Outcome::of(&server.authenticate(&bearing(token)).await)
    }

    async fn introspect(headers: HeaderMap, body: String) -> (StatusCode, String) {
        let ours = "Basic cmVzb3VyY2U6dGhlK3NlY3JldCtvZit0aGUrcmVzb3VyY2Urc2VydmVy";
        if headers["authorization"] != ours {
            return (StatusCode::UNAUTHORIZED, String::new());
        }
        let form = Form::parse(body.as_bytes()).unwrap();
        let is_good = form.value("token") == Some("good+/=");
        let answer = if is_good {
            active()
        } else {
            json!({"active": false})
        };
        (StatusCode::OK, answer.to_string())
    }

    const JSON: (&str, &str) = ("content-type", "application/json");

    /// B11
    #[tokio::test]
    async fn a_real_endpoint_is_asked_and_one_that_misbehaves_is_an_outage() {
        static FOLLOWED: AtomicUsize = AtomicUsize::new(0);
        let followed = || async {
            FOLLOWED.fetch_add(1, Ordering::Relaxed);
            ([JSON], active().to_string())
        };
        let routes = Router::new()
            .route(
                "/introspect",
                post(async |headers, body| {
                    let (status, answer) = introspect(headers, body).await;
                    (status, [JSON], answer)
                }),
            )
            .route("/moved", any(async || Redirect::temporary("/followed")))
            .route("/followed", any(followed))
            .route("/slow", any(std::future::pending::<String>))
            .route(
                "/endless",
                any(async || ([JSON], active().to_string() + &" ".repeat(70_000))),
            );
        let origin = serve(routes).await;
        let ask = async |path: &str, token| authenticate(&format!("{origin}{path}"), token).await;

        assert_eq!(ask("/introspect", "good+/=").await, Outcome::Good);
        assert_eq!(ask("/introspect", "good").await, Outcome::Refused);
        for path in ["/moved", "/slow", "/endless", "/nowhere"] {
            assert_eq!(ask(path, "good+/=").await, Outcome::Unavailable, "{path}");
        }
        assert_eq!(FOLLOWED.load(Ordering::Relaxed), 0);
        let nobody = "http://127.0.0.1:1/introspect";
        assert_eq!(authenticate(nobody, "good").await, Outcome::Unavailable);
    }
}
