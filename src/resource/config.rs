use std::sync::Arc;

use http::HeaderMap;
use thiserror::Error;

use crate::event::{Event, EventSink, TracingSink, causes};
use crate::protocol::bearer::{InvalidBearer, PresentedToken};
use crate::resource::elsewhere::Elsewhere;
use crate::resource::error::ResourceError;
use crate::resource::scope_policy::ScopePolicy;
use crate::resource::session::SessionKey;
use crate::resource::token_cache::{TokenCache, TokenCacheConfig, TokenKey};
use crate::resource::verified::VerifiedToken;
use crate::resource::verifier::{TokenVerifier, VerifierError};
use crate::types::{
    Clock, Entropy, EntropyError, Issuer, ResourceUri, Scope, SystemClock, SystemEntropy, Timestamp,
};

/// The resource server role: guards one MCP endpoint.
#[derive(Debug)]
pub struct ResourceServer {
    resource: ResourceUri,
    aliases: Vec<ResourceUri>,
    pub(super) elsewhere: Elsewhere,
    authorization_servers: Vec<Issuer>,
    verifier: Arc<dyn TokenVerifier>,
    cache: Option<TokenCache>,
    sessions: SessionKey,
    policy: ScopePolicy,
    name: Option<String>,
    clock: Arc<dyn Clock>,
    pub(super) events: Arc<dyn EventSink>,
}

/// Settings of a [`ResourceServer`]; inconsistencies surface in
/// [`build`](Self::build).
#[derive(Debug)]
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
    entropy: Arc<dyn Entropy>,
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
    /// The resource is plain `http` on a host that is not loopback.
    #[error("the resource is plain http and not loopback; allow that with dangerous_allow_http")]
    PlainHttp,
    /// There was no randomness for the key that binds sessions.
    #[error("there is no randomness for the key that binds sessions")]
    Entropy(#[from] EntropyError),
}

impl ResourceServer {
    /// Begins to configure a guard for `resource` that trusts `authorization_server`.
    #[must_use]
    pub fn builder(
        resource: ResourceUri,
        authorization_servers: Vec<Issuer>,
        verifier: Arc<dyn TokenVerifier>,
    ) -> ResourceServerBuilder {
        ResourceServerBuilder {
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
            entropy: Arc::new(SystemEntropy),
            events: Arc::new(TracingSink),
            allow_http: false,
            api_keys_alone: false,
        }
    }

    /// Begins to configure a guard for `resource` that lets in API keys alone, as
    /// `verifier` knows them: there is no authorization server, so that clients find
    /// no metadata and are sent nowhere.
    ///
    /// Tokens that are no API keys are refused, whatever the verifier says.
    #[must_use]
    pub fn for_api_keys(
        resource: ResourceUri,
        verifier: Arc<dyn TokenVerifier>,
    ) -> ResourceServerBuilder {
        ResourceServerBuilder {
            api_keys_alone: true,
            ..Self::builder(resource, vec![], verifier)
        }
    }

    /// Finds out who calls.
    ///
    /// # Errors
    ///
    /// [`ResourceError`] with the reason.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<VerifiedToken, ResourceError> {
        let token = match PresentedToken::parse(headers) {
            Ok(token) => token.ok_or(ResourceError::NoCredentials)?,
            // A token that is too long to be looked at is just not good.
            Err(InvalidBearer::TooLong) => return Err(self.refuse_unread()),
            Err(error) => return Err(error.into()),
        };
        let now = self.clock.now();
        let Some(cache) = &self.cache else {
            return self.verify(token, now).await;
        };
        let key = TokenKey::of(token);
        if let Some(known) = cache.find(&key, now) {
            return Ok(known);
        }
        let verified = self.verify(token, now).await?;
        cache.remember(key, &verified, now);
        Ok(verified)
    }

    async fn verify(
        &self,
        token: PresentedToken<'_>,
        now: Timestamp,
    ) -> Result<VerifiedToken, ResourceError> {
        let claims = match self.verifier.verify(&token.to_token(), now).await {
            Ok(claims) => claims,
            Err(VerifierError::Refused(reason)) => return Err(self.refuse(reason)),
            Err(VerifierError::Foreign) => {
                return Err(self.refuse("nobody here knows such a token"));
            }
            Err(error @ VerifierError::Unavailable(_)) => return Err(self.fail(error)),
        };
        VerifiedToken::accept(claims, self, now).map_err(|refusal| {
            self.events.emit(&Event::AccessTokenRefused {
                reason: refusal.to_string(),
            });
            refusal.into()
        })
    }

    fn refuse(&self, reason: &str) -> ResourceError {
        self.events.emit(&Event::AccessTokenRefused {
            reason: reason.to_owned(),
        });
        crate::resource::error::TokenRefusal::NotAuthentic.into()
    }

    fn refuse_unread(&self) -> ResourceError {
        self.refuse("it is too long to be looked at")
    }

    fn fail(&self, error: VerifierError) -> ResourceError {
        self.events.emit(&Event::Outage {
            cause: causes(&error),
        });
        ResourceError::Unavailable(error)
    }

    /// The resource that is guarded.
    #[must_use]
    pub const fn resource(&self) -> &ResourceUri {
        &self.resource
    }

    /// The authorization servers that are trusted.
    #[must_use]
    pub fn authorization_servers(&self) -> &[Issuer] {
        &self.authorization_servers
    }

    /// Whether there is an authorization server to which metadata could lead.
    pub(crate) const fn has_metadata(&self) -> bool {
        !self.authorization_servers.is_empty()
    }

    /// What operations need.
    #[must_use]
    pub const fn policy(&self) -> &ScopePolicy {
        &self.policy
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What binds sessions to those who opened them.
    pub(crate) const fn sessions(&self) -> &SessionKey {
        &self.sessions
    }

    /// The scopes a client should begin with: what the metadata lists and the
    /// challenge asks for. `offline_access` is between the client and the
    /// authorization server, and never the resource's.
    pub(crate) fn scopes_supported(&self) -> Scope {
        let basic = self.policy.connect().iter();
        basic
            .filter(|scope| scope.as_str() != "offline_access")
            .cloned()
            .collect()
    }

    pub(super) fn trusted_issuer(&self, issuer: &str) -> Option<&str> {
        let listed = self.authorization_servers.iter();
        listed
            .chain(self.elsewhere.issuers())
            .map(Issuer::as_str)
            .find(|trusted| *trusted == issuer)
    }

    /// Whether `audience` names this resource, however it is spelled.
    pub(super) fn is_named(&self, audience: &str) -> bool {
        if audience == self.resource.as_str() || self.elsewhere.is_audience(audience) {
            return true;
        }
        ResourceUri::parse(audience).is_ok_and(|named| {
            std::iter::once(&self.resource)
                .chain(&self.aliases)
                .any(|resource| *resource == named)
        })
    }
}

impl ResourceServerBuilder {
    /// Which scopes operations need; by default a token of any scope will do.
    #[must_use]
    pub fn scope_policy(mut self, policy: ScopePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Adds another name of the resource that an audience may have.
    #[must_use]
    pub fn alias(mut self, alias: ResourceUri) -> Self {
        self.aliases.push(alias);
        self
    }

    /// The name to show for the resource.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What tells the time.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What hears of events; by default they go to `tracing`.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// How long verified tokens are remembered; 10 seconds by default.
    #[must_use]
    pub const fn token_cache(mut self, cache: TokenCacheConfig) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Verifies every token again whenever it comes.
    #[must_use]
    pub const fn without_token_cache(mut self) -> Self {
        self.cache = None;
        self
    }

    /// The key that binds sessions to those who opened them; by default it is made
    /// by chance.
    ///
    /// Replicas that can take over each other's sessions have to be given the same.
    #[must_use]
    pub fn session_key(mut self, key: SessionKey) -> Self {
        self.sessions = Some(key);
        self
    }

    /// Where randomness comes from.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Accepts a resource of plain `http` on a host that is not loopback.
    ///
    /// Tokens can then be read on the way.
    #[must_use]
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
        if !(self.resource.is_secure() || self.allow_http) {
            return Err(ResourceConfigError::PlainHttp);
        }
        let sessions = match self.sessions {
            Some(key) => key,
            None => SessionKey::generate(&*self.entropy)?,
        };
        Ok(ResourceServer {
            resource: self.resource,
            aliases: self.aliases,
            elsewhere: self.elsewhere,
            authorization_servers: self.authorization_servers,
            verifier: self.verifier,
            cache: self.cache.map(TokenCache::new),
            sessions,
            policy: self.policy,
            name: self.name,
            clock: self.clock,
            events: self.events,
        })
    }
}
