//! A server that lets in API keys alone, from a file, the environment or a store:
//! there is no authorization server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use oauth_for_mcp::endpoint::{Endpoints, Protection};
use oauth_for_mcp::event::Event;
use oauth_for_mcp::jose::Audience;
use oauth_for_mcp::protocol::bearer::BearerToken;
use oauth_for_mcp::resource::api_key::{
    ApiKeyPrefix, ApiKeyRequest, ApiKeys, InvalidApiKey, StaticApiKeyError, StaticApiKeys,
};
use oauth_for_mcp::resource::verifier::FirstOf;
use oauth_for_mcp::resource::{
    ResourceConfigError, ResourceServer, ScopePolicy, TokenClaims, TokenKind, TokenVerifier,
    VerifierError,
};
use oauth_for_mcp::server::Sweeper;
use oauth_for_mcp::store::{ApiKeyStore as _, Vault};
use oauth_for_mcp::test_util::{RecordedEvents, SeededEntropy, TestClock};
use oauth_for_mcp::types::{Clock as _, Issuer, ResourceUri, Scope, Secret, Subject, Timestamp};
use serde_json::{Value, json};

use super::faulty_store::{FaultyStore, master_keys};
use super::support::{Answer, PING, expect_refusal, header};

const URL: &str = "https://mcp.example.com/mcp";

fn resource() -> ResourceUri {
    ResourceUri::parse(URL).unwrap()
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn new_key(seed: u64) -> Secret {
    let prefix = ApiKeyPrefix::default();
    prefix.generate(&SeededEntropy::new(seed)).unwrap()
}

/// A guard of API keys alone, with a clock to move.
struct Guard {
    protection: Protection,
    endpoints: Endpoints,
    clock: Arc<TestClock>,
    events: Arc<RecordedEvents>,
}

impl Guard {
    fn new(verifier: impl TokenVerifier) -> Self {
        Self::shared(Arc::new(verifier))
    }

    fn shared(verifier: Arc<dyn TokenVerifier>) -> Self {
        let clock = Arc::new(TestClock::default());
        let events = Arc::new(RecordedEvents::default());
        let server = ResourceServer::for_api_keys(resource(), verifier)
            .scope_policy(ScopePolicy::new(scope("notes:read")))
            .clock(Arc::clone(&clock) as _)
            .events(Arc::clone(&events) as _)
            .build()
            .unwrap();
        let server = Arc::new(server);
        Self {
            endpoints: Endpoints::for_resource(&server),
            protection: Protection::new(server),
            clock,
            events,
        }
    }

    /// What the wire sees of a request; the handler names the session that it is in.
    async fn call(&self, key: Option<&str>, session: Option<&str>) -> Answer {
        let mut request = Request::post(URL).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        let (mut parts, body) = request.body(Bytes::from(PING)).unwrap().into_parts();
        let caller = match self.protection.admit(&mut parts).await {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        match self.protection.permit(caller, &parts, Some(&body)) {
            Err(refusal) => refusal,
            Ok(passage) => {
                let id = parts.headers.get("mcp-session-id").cloned();
                let id = id.unwrap_or_else(|| "new".parse().unwrap());
                let answer = Response::builder().header("mcp-session-id", id);
                let (mut parts, body) = answer.body(Bytes::new()).unwrap().into_parts();
                let _ = passage.finish(&mut parts);
                Response::from_parts(parts, body)
            }
        }
    }

    async fn status(&self, key: &Secret) -> u16 {
        self.call(Some(key.expose()), None).await.status().as_u16()
    }
}

/// A file with a key of each seed, which reads notes.
fn file(seeds: &[u64]) -> Value {
    let entries = seeds.iter().map(|seed| {
        json!({
            "name": format!("key {seed}"),
            "subject": "importer",
            "scopes": ["notes:read"],
            "key_sha256": new_key(*seed).hash(),
        })
    });
    entries.collect()
}

fn read(file: &Value) -> StaticApiKeys {
    StaticApiKeys::from_json(file.to_string().as_bytes(), &resource()).unwrap()
}

/// A1, B1
#[tokio::test]
async fn clients_find_no_metadata_and_are_sent_nowhere() {
    let guard = Guard::new(read(&file(&[1])));
    for path in [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
    ] {
        assert!(guard.endpoints.owns(path));
        let request = Request::get(format!("https://mcp.example.com{path}"));
        let answer = guard.endpoints.respond(request.body(Bytes::new()).unwrap());
        let answer = answer.await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(header(&answer, "content-type"), "application/json");
        assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    }
    assert!(
        !guard
            .endpoints
            .owns("/.well-known/oauth-authorization-server")
    );

    let answer = guard.call(None, None).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(
        header(&answer, "www-authenticate"),
        r#"Bearer scope="notes:read", realm="API key""#
    );
    let answer = guard.call(Some("mcpkey_x"), None).await;
    expect_refusal(&answer, 401, "invalid_token", "not a key");
    assert!(!header(&answer, "www-authenticate").contains("resource_metadata"));
}

#[tokio::test]
async fn a_key_in_the_file_is_let_in_and_any_other_is_not() {
    let guard = Guard::new(read(&file(&[1, 2])));
    assert_eq!(guard.status(&new_key(1)).await, 200);
    assert_eq!(guard.status(&new_key(2)).await, 200);
    assert_eq!(guard.status(&new_key(3)).await, 401);
    let hash = file(&[1])[0]["key_sha256"].as_str().unwrap().to_owned();
    for stolen in [hash.clone(), format!("mcpkey_{hash}")] {
        assert_eq!(guard.status(&Secret::new(stolen)).await, 401, "the hash");
    }
}

#[tokio::test]
async fn a_key_in_the_file_ends_when_it_says() {
    let mut entries = file(&[1]);
    entries[0]["expires_at"] = json!(TestClock::default().now().as_secs() + 5);
    let guard = Guard::new(read(&entries));
    assert_eq!(guard.status(&new_key(1)).await, 200);
    guard.clock.advance(Duration::from_secs(5));
    assert_eq!(guard.status(&new_key(1)).await, 401, "remembered or not");
}

#[tokio::test]
async fn a_file_that_is_read_again_takes_keys_away_at_once() {
    let keys = Arc::new(read(&file(&[1, 2, 3])));
    let guard = Guard::shared(Arc::clone(&keys) as _);
    for seed in [1, 2, 3] {
        assert_eq!(guard.status(&new_key(seed)).await, 200);
    }
    let mut changed = file(&[2, 3, 4]);
    changed[1]["scopes"] = json!([]);
    keys.replace(read(&changed));
    for (seed, status) in [(1, 401), (2, 200), (3, 403), (4, 200)] {
        assert_eq!(guard.status(&new_key(seed)).await, status, "{seed}");
    }
    keys.replace(read(&json!([])));
    assert_eq!(guard.status(&new_key(2)).await, 401);
}

#[tokio::test]
async fn a_file_that_is_read_again_leaves_the_prefix_as_it_was_set_up() {
    let notes = ApiKeyPrefix::parse("notes").unwrap();
    let key = notes.generate(&SeededEntropy::new(1)).unwrap();
    let mut entries = file(&[1]);
    entries[0]["key_sha256"] = json!(key.hash());
    let keys = Arc::new(read(&entries).prefix(notes));
    let other = Arc::new(Eavesdropper::default());
    let verifiers = vec![Arc::clone(&keys) as _, Arc::clone(&other) as _];
    let guard = Guard::shared(Arc::new(FirstOf::new(verifiers)));
    assert_eq!(guard.status(&key).await, 200);
    keys.replace(read(&entries));
    assert_eq!(guard.status(&key).await, 200);
    keys.replace(read(&json!([])));
    assert_eq!(guard.status(&key).await, 401);
    assert!(other.0.lock().unwrap().is_empty());
}

/// E2
#[test]
fn a_key_that_is_taken_from_the_file_while_it_is_looked_up_is_not_believed_again() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut headers = http::HeaderMap::new();
    let bearer = format!("Bearer {}", new_key(1).expose());
    headers.insert("authorization", bearer.parse().unwrap());
    let token = BearerToken::parse(&headers).unwrap().unwrap();
    let entries = file(&[1]);
    for round in 0..500 {
        let (keys, none) = (read(&entries), read(&json!([])));
        let looks = AtomicUsize::new(0);
        let last = std::thread::scope(|scope| {
            let replacing = scope.spawn(|| {
                while looks.load(Ordering::Relaxed) < 3 {
                    std::hint::spin_loop();
                }
                keys.replace(none);
            });
            let mut last = None;
            while let Ok(claims) = runtime.block_on(keys.verify(&token, Timestamp::default())) {
                looks.fetch_add(1, Ordering::Relaxed);
                last = Some(claims);
            }
            replacing.join().unwrap();
            last
        });
        let standing = last.and_then(|claims| claims.standing);
        assert!(!standing.expect("it was good before").holds(), "{round}");
    }
}

#[tokio::test]
async fn keys_of_the_file_and_of_the_store_stand_side_by_side_by_their_prefixes() {
    let clock = Arc::new(TestClock::default());
    let entropy = SeededEntropy::new(9);
    let vault = Vault::in_memory(clock.clone(), &entropy).unwrap();
    let stored = ApiKeys::new(vault, resource())
        .prefix(ApiKeyPrefix::parse("notes").unwrap())
        .entropy(Arc::new(entropy))
        .clock(clock);
    let guard = Guard::new(FirstOf::new(vec![
        Arc::new(read(&file(&[1]))),
        Arc::new(stored.verifier()),
    ]));
    let subject = Subject::parse("importer").unwrap();
    let request = ApiKeyRequest::new("nightly", subject, scope("notes:read"), None);
    let issued = stored.issue(request).await.unwrap();
    assert_eq!(guard.status(&new_key(1)).await, 200);
    assert_eq!(guard.status(&issued.key).await, 200);
    assert_eq!(guard.status(&new_key(2)).await, 401);
    stored.revoke(&issued.record.id).await.unwrap();
    assert_eq!(guard.status(&issued.key).await, 401);
}

#[tokio::test]
async fn a_key_of_the_operator_is_let_in_unless_it_could_be_guessed() {
    let importer = || Subject::parse("importer").unwrap();
    let of_key = |key: &str| {
        StaticApiKeys::of_key(
            &Secret::new(key),
            &resource(),
            importer(),
            scope("notes:read"),
        )
    };
    let key = new_key(1);
    let guard = Guard::new(of_key(key.expose()).unwrap());
    assert_eq!(guard.status(&key).await, 200);
    assert_eq!(guard.status(&new_key(2)).await, 401);

    for (weak, problem) in [
        ("", InvalidApiKey::Form),
        ("secret", InvalidApiKey::Form),
        (&key.expose()[..49], InvalidApiKey::Form),
        (&key.expose()[7..], InvalidApiKey::Form),
        (
            "mcpkey_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            InvalidApiKey::NotRandom,
        ),
    ] {
        assert_eq!(of_key(weak).unwrap_err(), problem, "{weak}");
    }
}

#[tokio::test]
async fn a_variable_without_a_good_key_is_an_error_that_says_how_to_make_one() {
    let from = |variable: &str| {
        let subject = Subject::parse("importer").unwrap();
        StaticApiKeys::from_env(variable, &resource(), subject, scope("notes:read")).unwrap_err()
    };
    let missing = from("THERE_IS_NO_SUCH_VARIABLE");
    assert!(matches!(missing, StaticApiKeyError::Missing(_)));
    let path = std::env::var("PATH").unwrap();
    let unusable = from("PATH");
    assert!(matches!(unusable, StaticApiKeyError::Unusable { .. }));
    for error in [missing, unusable] {
        let text = format!("{error} {error:?}");
        assert!(text.contains("openssl rand"), "{text}");
        assert!(!text.contains(&path), "{text}");
    }
}

/// F3
#[tokio::test]
async fn keys_of_the_operator_show_in_no_event_and_when_printed() {
    let keys = read(&file(&[1]));
    let printed = format!("{keys:?}");
    let guard = Guard::new(keys);
    for seed in [1, 2] {
        guard.status(&new_key(seed)).await;
    }
    let shown = format!("{printed} {:?} {:?}", guard.events.all(), guard.protection);
    for seed in [1, 2] {
        assert!(!shown.contains(&new_key(seed).expose()[7..]), "{shown}");
        let hash = serde_json::to_value(new_key(seed).hash()).unwrap();
        assert!(!shown.contains(hash.as_str().unwrap()), "{shown}");
    }
}

/// B10
#[tokio::test]
async fn a_session_of_one_key_is_not_that_of_another_of_the_same_subject() {
    let guard = Guard::new(read(&file(&[1, 2])));
    let [first, second] = [new_key(1), new_key(2)];
    let opened = guard.call(Some(first.expose()), None).await;
    let session = header(&opened, "mcp-session-id").to_owned();
    assert!(session.starts_with("new."), "{session}");
    let again = guard.call(Some(first.expose()), Some(&session)).await;
    assert_eq!(again.status(), 200);
    let taken = guard.call(Some(second.expose()), Some(&session)).await;
    assert_eq!(taken.status(), 404);
}

/// Says of every token whatever it is told to.
#[derive(Debug)]
struct HomeMade(TokenClaims);

#[async_trait]
impl TokenVerifier for HomeMade {
    async fn verify(&self, _: &BearerToken, _: Timestamp) -> Result<TokenClaims, VerifierError> {
        Ok(self.0.clone())
    }
}

/// Remembers every token that it is asked about.
#[derive(Debug, Default)]
struct Eavesdropper(Mutex<Vec<String>>);

#[async_trait]
impl TokenVerifier for Eavesdropper {
    async fn verify(
        &self,
        token: &BearerToken,
        _: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let text = token.secret().expose().to_owned();
        self.0.lock().unwrap().push(text);
        Err(VerifierError::Foreign)
    }
}

/// E6
#[tokio::test]
async fn a_key_that_was_mistyped_or_is_over_is_shown_to_no_other_verifier() {
    let other = Arc::new(Eavesdropper::default());
    let keys = Arc::new(read(&file(&[1])));
    let guard = Guard::shared(Arc::new(FirstOf::new(vec![keys, Arc::clone(&other) as _])));
    let good = new_key(1);
    let good = good.expose();
    let unknown = new_key(2);
    for key in [
        good,
        unknown.expose(),
        &good[..49],
        "mcpkey_",
        "mcpkey_a.b.c",
    ] {
        guard.call(Some(key), None).await;
    }
    assert!(other.0.lock().unwrap().is_empty());
    guard.call(Some("a-token"), None).await;
    assert_eq!(*other.0.lock().unwrap(), ["a-token"]);
}

/// E6
#[tokio::test]
async fn a_key_of_a_prefix_that_is_retired_is_shown_to_no_other_verifier() {
    let prefix = |text| ApiKeyPrefix::parse(text).unwrap();
    let (clock, entropy) = (Arc::new(TestClock::default()), SeededEntropy::new(9));
    let vault = Vault::in_memory(clock.clone(), &entropy).unwrap();
    let stored = ApiKeys::new(vault, resource())
        .prefix(prefix("old"))
        .entropy(Arc::new(entropy))
        .clock(clock);
    let subject = Subject::parse("importer").unwrap();
    let request = ApiKeyRequest::new("nightly", subject, scope("notes:read"), None);
    let old = stored.issue(request.clone()).await.unwrap().key;
    let renamed = stored.prefix(prefix("new")).retired_prefix(prefix("old"));
    let new = renamed.issue(request).await.unwrap().key;
    let written = read(&file(&[1])).prefix(prefix("files"));
    let written = written.retired_prefix(ApiKeyPrefix::default());

    let other = Arc::new(Eavesdropper::default());
    let guard = Guard::shared(Arc::new(FirstOf::new(vec![
        Arc::new(renamed.verifier()),
        Arc::new(written),
        Arc::clone(&other) as _,
    ])));
    assert_eq!(guard.status(&new).await, 200);
    for key in [old.expose(), "old_", new_key(1).expose()] {
        assert_eq!(guard.status(&Secret::new(key)).await, 401, "{key}");
    }
    assert!(renamed.find(&old).await.unwrap().is_none());
    assert!(other.0.lock().unwrap().is_empty());
    guard.call(Some("older_x"), None).await;
    assert_eq!(*other.0.lock().unwrap(), ["older_x"]);
}

/// E6
#[tokio::test]
async fn nobody_else_can_pass_a_token_off_as_an_api_key() {
    let issuer = Issuer::parse("https://auth.example.com").unwrap();
    let claims = |issuer: &str| {
        let subject = Subject::parse("root").unwrap();
        let end = Timestamp::from_secs(4_000_000_000);
        let kind = TokenKind::AccessToken;
        let mut claims = TokenClaims::new(kind, issuer, subject, Audience::one(URL), end);
        claims.scope = scope("notes:read");
        claims
    };
    let any = new_key(1);
    for text in [
        URL,
        "https://mcp.example.com",
        "",
        "https://auth.example.com",
    ] {
        let guard = Guard::new(HomeMade(claims(text)));
        assert_eq!(guard.status(&any).await, 401, "{text}");
    }
    let trusting = |text| {
        let verifier = Arc::new(HomeMade(claims(text)));
        let server = ResourceServer::builder(resource(), vec![issuer.clone()], verifier);
        Arc::new(server.build().unwrap())
    };
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", "Bearer x".parse().unwrap());
    let server = trusting("https://auth.example.com");
    assert!(server.authenticate(&headers).await.is_ok());
    let server = trusting(URL);
    assert!(server.authenticate(&headers).await.is_err());
}

#[test]
fn a_server_with_neither_keys_nor_an_authorization_server_is_refused() {
    let verifier = Arc::new(read(&file(&[1])));
    let refused = ResourceServer::builder(resource(), vec![], verifier).build();
    assert!(matches!(
        refused,
        Err(ResourceConfigError::NoAuthorizationServer)
    ));
}

/// E6
#[test]
fn no_issuer_of_tokens_is_trusted_where_keys_alone_are_let_in() {
    let verifier = Arc::new(read(&file(&[1])));
    let issuer = Issuer::parse("https://auth.example.com").unwrap();
    let builder = ResourceServer::for_api_keys(resource(), verifier).token_issuer(issuer);
    let refused = builder.build().unwrap_err();
    assert!(matches!(refused, ResourceConfigError::TokenIssuer));
}

/// E10
#[tokio::test]
async fn keys_that_have_ended_are_swept_without_an_authorization_server() {
    let (clock, entropy) = (Arc::new(TestClock::default()), SeededEntropy::new(9));
    let store = FaultyStore::new();
    let vault = Vault::new(Arc::new(store.clone()), master_keys());
    let events = Arc::new(RecordedEvents::default());
    let sweeper = Sweeper::new(vault.clone(), &entropy).unwrap();
    let sweeper = sweeper.clock(clock.clone()).events(events.clone());
    let keys = ApiKeys::new(vault, resource())
        .entropy(Arc::new(entropy))
        .clock(clock.clone());
    let minute = Duration::from_secs(60);
    for lifetime in [Some(minute), Some(minute * 2), None] {
        let subject = Subject::parse("importer").unwrap();
        let request = ApiKeyRequest::new("nightly", subject, scope("notes:read"), lifetime);
        keys.issue(request).await.unwrap();
    }
    for (deleted, left) in [(0, 3), (1, 2), (1, 1), (0, 1)] {
        assert_eq!(sweeper.sweep().await.unwrap(), deleted);
        let rows = store.list_api_keys(None, 10, Timestamp::default()).await;
        assert_eq!(rows.unwrap().len(), left);
        clock.advance(minute);
    }
    let swept = Event::Swept { deleted: 1 };
    assert_eq!(events.all(), [swept.clone(), swept]);
    assert_eq!(store.key_reads(), 0, "there are no signing keys");
}
