use std::sync::Arc;

use thiserror::Error;

use crate::event::{EventSink, TracingSink};
use crate::resource::config::ResourceServer;
use crate::resource::elsewhere::Elsewhere;
use crate::resource::scope_policy::ScopePolicy;
use crate::resource::session::{SessionKey, Sessions};
use crate::resource::token_cache::{TokenCache, TokenCacheConfig};
use crate::resource::verifier::TokenVerifier;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use crate::types::SystemEntropy;
use crate::types::{Clock, Entropy, EntropyError, Issuer, ResourceUri, SystemClock};

/// Settings of a [`ResourceServer`]; inconsistencies surface in
/// [`build`](Self::build).
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct ResourceServerBuilder {
    resource: ResourceUri,
    aliases: Vec<ResourceUri>,
    pub(super) elsewhere: Elsewhere,
    authorization_servers: Vec<Issuer>,
    verifier: Arc<dyn TokenVerifier>,
    cache: Option<TokenCacheConfig>,
    sessions: Option<SessionKey>,
    policy: ScopePolicy,
    name: Option<String>,
    clock: Arc<dyn Clock>,
    /// Of the system, if the host does not say.
    entropy: Option<Arc<dyn Entropy>>,
    events: Arc<dyn EventSink>,
    allow_http: bool,
    api_keys_alone: bool,
}

/// The settings contradict each other.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResourceConfigError {
    /// No authorization server is trusted.
    #[error(
        "a protected resource needs an authorization server; for API keys alone, call for_api_keys"
    )]
    NoAuthorizationServer,
    /// An issuer of tokens is trusted where API keys alone are let in.
    #[error("with for_api_keys no token is let in; leave token_issuer out, or call builder")]
    TokenIssuer,
    /// The resource is plain `http` on a host that is not loopback.
    #[error("the resource is plain http and not loopback; allow that with dangerous_allow_http")]
    PlainHttp,
    /// There was no randomness for the key that binds sessions.
    #[error("there is no randomness for the key that binds sessions")]
    Entropy(#[from] EntropyError),
}

impl ResourceServerBuilder {
    pub(super) fn new(
        resource: ResourceUri,
        authorization_servers: Vec<Issuer>,
        verifier: Arc<dyn TokenVerifier>,
    ) -> Self {
        Self {
            resource,
            aliases: vec![],
            elsewhere: Elsewhere::default(),
            authorization_servers,
            verifier,
            cache: Some(TokenCacheConfig::default()),
            sessions: None,
            policy: ScopePolicy::default(),
            name: None,
            clock: Arc::new(SystemClock),
            entropy: None,
            events: Arc::new(TracingSink),
            allow_http: false,
            api_keys_alone: false,
        }
    }

    pub(super) fn for_api_keys(resource: ResourceUri, verifier: Arc<dyn TokenVerifier>) -> Self {
        Self {
            api_keys_alone: true,
            ..Self::new(resource, vec![], verifier)
        }
    }

    /// Which scopes operations need; by default a token of any scope will do.
    pub fn scope_policy(mut self, policy: ScopePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Adds another name of the resource that an audience may have.
    pub fn alias(mut self, alias: ResourceUri) -> Self {
        self.aliases.push(alias);
        self
    }

    /// The name to show for the resource.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What tells the time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What hears of events; by default they go to `tracing`.
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// How long verified tokens are remembered; 10 seconds by default.
    pub const fn token_cache(mut self, cache: TokenCacheConfig) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Verifies every token again whenever it comes.
    pub const fn without_token_cache(mut self) -> Self {
        self.cache = None;
        self
    }

    /// The key that binds sessions to those who opened them; by default it is made
    /// by chance.
    ///
    /// Replicas that can take over each other's sessions have to be given the same.
    pub fn session_key(mut self, key: SessionKey) -> Self {
        self.sessions = Some(key);
        self
    }

    /// Where randomness comes from.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// Accepts a resource of plain `http` on a host that is not loopback.
    ///
    /// Tokens can then be read on the way.
    pub const fn dangerous_allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Makes the guard.
    ///
    /// # Errors
    ///
    /// [`ResourceConfigError`] if the settings contradict each other.
    pub fn build(self) -> Result<ResourceServer, ResourceConfigError> {
        if self.authorization_servers.is_empty() && !self.api_keys_alone {
            return Err(ResourceConfigError::NoAuthorizationServer);
        }
        if self.api_keys_alone && self.elsewhere.issuers().next().is_some() {
            return Err(ResourceConfigError::TokenIssuer);
        }
        if !(self.resource.is_secure() || self.allow_http) {
            return Err(ResourceConfigError::PlainHttp);
        }
        let sessions = match (self.sessions, self.entropy) {
            (Some(key), _) => key,
            (None, Some(entropy)) => SessionKey::generate(&*entropy)?,
            (None, None) => new_session_key()?,
        };
        let cache = self.cache;
        let cache = cache.map(|config| TokenCache::new(config, &sessions.secret_of_tokens()));
        let sessions = Sessions::new(sessions, &self.resource);
        Ok(ResourceServer {
            resource: self.resource,
            aliases: self.aliases,
            elsewhere: self.elsewhere,
            authorization_servers: self.authorization_servers,
            verifier: self.verifier,
            cache,
            sessions,
            policy: self.policy,
            name: self.name,
            clock: self.clock,
            events: self.events,
        })
    }
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn new_session_key() -> Result<SessionKey, EntropyError> {
    SessionKey::generate(&SystemEntropy)
}

/// A browser has no system to ask: the host hands in randomness, or the key.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn new_session_key() -> Result<SessionKey, EntropyError> {
    Err(EntropyError)
}
