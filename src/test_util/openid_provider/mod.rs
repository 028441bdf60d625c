//! An OpenID provider in process.

mod endpoints;
mod fault;
mod id_token;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use url::Url;

use crate::jose::{Algorithm, SigningKey};
use crate::protocol::form::Form;
use crate::types::{Clock, CodeChallenge, Entropy, Issuer, Secret};

pub use fault::Fault;

/// An OpenID provider for tests: a `Fetch` that no request leaves the process with.
///
/// Give it to `OpenIdProvider` as the way to the network, register the client,
/// and let [`sign_in`](Self::sign_in) play the person and the browser. Every
/// switch to make it misbehave is a [`Fault`], a claim or a piece of metadata.
///
/// ```
/// # use std::sync::Arc;
/// # use oauth_for_mcp::idp::OpenIdProvider;
/// # use oauth_for_mcp::test_util::FakeOpenIdProvider;
/// # use oauth_for_mcp::types::{ClientId, Issuer, Secret, SystemClock, SystemEntropy};
/// let issuer = Issuer::parse("https://op.example")?;
/// let fake = FakeOpenIdProvider::new(
///     issuer.clone(),
///     Arc::new(SystemClock),
///     Arc::new(SystemEntropy),
/// );
/// fake.register("our-id", "our-secret", "https://auth.example/callback");
/// let client_id = ClientId::parse("our-id")?;
/// let provider = OpenIdProvider::builder(issuer, client_id, Secret::new("our-secret"))
///     .fetch(Arc::new(fake.clone()))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FakeOpenIdProvider {
    issuer: Issuer,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    state: Arc<Mutex<State>>,
}

/// What can be fetched from a [`FakeOpenIdProvider`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FakeEndpoint {
    /// The discovery document.
    Metadata,
    /// The set of keys.
    Keys,
    /// The token endpoint.
    Token,
    /// The userinfo endpoint.
    Userinfo,
}

struct State {
    key: Arc<SigningKey>,
    clients: Vec<RegisteredClient>,
    codes: BTreeMap<String, SignedIn>,
    access_tokens: BTreeMap<String, Person>,
    faults: BTreeSet<Fault>,
    claims: Map<String, Value>,
    metadata: Map<String, Value>,
    fetches: BTreeMap<FakeEndpoint, usize>,
}

#[derive(Clone)]
struct RegisteredClient {
    id: String,
    secret: Secret,
    redirect_uri: String,
}

#[derive(Clone)]
struct Person {
    subject: String,
    name: String,
}

/// A person who signed in, waiting for the client to redeem the code.
#[derive(Clone)]
struct SignedIn {
    person: Person,
    client: RegisteredClient,
    challenge: CodeChallenge,
    nonce: Option<String>,
}

impl FakeOpenIdProvider {
    /// A provider without clients, with a signing key of its own.
    ///
    /// # Panics
    ///
    /// If `entropy` fails.
    #[must_use]
    pub fn new(issuer: Issuer, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let state = State {
            key: new_key(entropy.as_ref()),
            clients: Vec::new(),
            codes: BTreeMap::new(),
            access_tokens: BTreeMap::new(),
            faults: BTreeSet::new(),
            claims: Map::new(),
            metadata: Map::new(),
            fetches: BTreeMap::new(),
        };
        Self {
            issuer,
            clock,
            entropy,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The issuer, as it was given.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Registers a client with its one redirect URI.
    pub fn register(&self, client_id: &str, client_secret: &str, redirect_uri: &str) {
        self.state().clients.push(RegisteredClient {
            id: client_id.to_owned(),
            secret: Secret::new(client_secret),
            redirect_uri: redirect_uri.to_owned(),
        });
    }

    /// Misbehaves in this way too, from now on.
    pub fn set_fault(&self, fault: Fault) {
        self.state().faults.insert(fault);
    }

    /// Behaves again.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Puts this claim into every ID token from now on; `null` leaves it out.
    pub fn set_claim(&self, name: &str, value: Value) {
        self.state().claims.insert(name.to_owned(), value);
    }

    /// Puts this member into the metadata from now on; `null` leaves it out.
    pub fn set_metadata(&self, name: &str, value: Value) {
        self.state().metadata.insert(name.to_owned(), value);
    }

    /// Signs with a new key from now on, and publishes that one only.
    ///
    /// # Panics
    ///
    /// If the entropy fails.
    pub fn rotate_key(&self) {
        let key = new_key(self.entropy.as_ref());
        self.state().key = key;
    }

    /// How often this endpoint was asked, faults included.
    #[must_use]
    pub fn fetches(&self, endpoint: FakeEndpoint) -> usize {
        let state = self.state();
        state.fetches.get(&endpoint).copied().unwrap_or(0)
    }

    /// Plays a person who signs in, and returns where their browser is sent: the
    /// callback with `code`, `state` and `iss`.
    ///
    /// # Panics
    ///
    /// If the authorization request is not a whole and valid one: `response_type`
    /// is `code`, the client is registered with this very `redirect_uri`, `scope`
    /// has `openid`, `state` is there, and PKCE is used with `S256`.
    #[must_use]
    pub fn sign_in(&self, authorization_url: &Url, subject: &str, name: &str) -> Url {
        let request = self.parse(authorization_url);
        let code = self.entropy.identifier().expect("entropy");
        let person = Person {
            subject: subject.to_owned(),
            name: name.to_owned(),
        };
        let challenge = expect(&request, "code_challenge");
        let signed_in = SignedIn {
            person,
            client: self.client(&request),
            challenge: CodeChallenge::parse(challenge).expect("an S256 challenge"),
            nonce: request.value("nonce").map(str::to_owned),
        };
        let callback = self.callback(&request, &[("code", &code)]);
        self.state().codes.insert(code, signed_in);
        callback
    }

    /// Plays a person, or a provider, who does not agree, and returns where the
    /// browser is sent: the callback with `error`, a description, `state` and `iss`.
    ///
    /// # Panics
    ///
    /// As [`sign_in`](Self::sign_in).
    #[must_use]
    pub fn refuse(&self, authorization_url: &Url, error: &str) -> Url {
        let request = self.parse(authorization_url);
        let description = "A text of the provider";
        self.callback(
            &request,
            &[("error", error), ("error_description", description)],
        )
    }

    fn parse(&self, authorization_url: &Url) -> Form {
        let endpoint = self.issuer.endpoint("/authorize");
        let (address, query) = authorization_url
            .as_str()
            .split_once('?')
            .expect("a query in the authorization URL");
        assert_eq!(address, endpoint, "the authorization endpoint");
        let request = Form::parse(query.as_bytes()).expect("a form in the query");
        assert_eq!(expect(&request, "response_type"), "code");
        assert_eq!(expect(&request, "code_challenge_method"), "S256");
        let mut scopes = expect(&request, "scope").split(' ');
        assert!(scopes.any(|scope| scope == "openid"), "the scope openid");
        expect(&request, "state");
        request
    }

    fn client(&self, request: &Form) -> RegisteredClient {
        let id = expect(request, "client_id");
        let redirect_uri = expect(request, "redirect_uri");
        let state = self.state();
        let known =
            |client: &&RegisteredClient| client.id == id && client.redirect_uri == redirect_uri;
        let client = state.clients.iter().find(known);
        client
            .unwrap_or_else(|| panic!("no client {id} with {redirect_uri} is registered"))
            .clone()
    }

    fn callback(&self, request: &Form, answer: &[(&str, &str)]) -> Url {
        let client = self.client(request);
        let mut callback = Url::parse(&client.redirect_uri).expect("a redirect URI");
        let mut query = callback.query_pairs_mut();
        query.extend_pairs(answer);
        query.append_pair("state", expect(request, "state"));
        if self.has(Fault::WrongAnswerIssuer) {
            query.append_pair("iss", "https://evil.example");
        } else if !self.has(Fault::NoAnswerIssuer) {
            query.append_pair("iss", self.issuer.as_str());
        }
        drop(query);
        callback
    }

    fn has(&self, fault: Fault) -> bool {
        self.state().faults.contains(&fault)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_key(entropy: &dyn Entropy) -> Arc<SigningKey> {
    let key = SigningKey::generate(Algorithm::Es256, entropy);
    Arc::new(key.expect("entropy"))
}

fn expect<'a>(request: &'a Form, name: &str) -> &'a str {
    let value = request.value(name);
    value.unwrap_or_else(|| panic!("{name} is missing"))
}

impl fmt::Debug for FakeOpenIdProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FakeOpenIdProvider")
            .field("issuer", &self.issuer)
            .field("faults", &self.state().faults)
            .finish_non_exhaustive()
    }
}
