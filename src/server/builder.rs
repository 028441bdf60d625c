use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{EventSink, TracingSink};
use crate::idp::IdentityProvider;
use crate::jose::{Algorithm, KeyRing};
use crate::limit::{Limit, MemoryRateLimiter, RateLimiter, RateLimits};
use crate::model::ClientRecord;
use crate::server::config::{AccessTokenFormat, AuthorizationServer, Lifetimes};
use crate::server::error::ConfigError;
use crate::server::limits::LimitNotices;
use crate::server::policy::{AllowEveryone, LoginPolicy};
use crate::server::registration::{
    Documents, PreregisteredClient, RegistrationConfig, Room, admit,
};
use crate::server::scope_policy::GrantableScopes;
use crate::store::{KeySchedule, SigningKeys, Vault};
use crate::types::{
    ClientId, Clock, Entropy, Issuer, ResourceUri, Scope, ScopeToken, SystemClock, SystemEntropy,
};

/// Settings of an [`AuthorizationServer`]; inconsistencies surface in
/// [`build`](Self::build).
#[derive(Debug)]
pub struct AuthorizationServerBuilder {
    issuer: Issuer,
    resource: ResourceUri,
    resource_aliases: Vec<ResourceUri>,
    scopes: GrantableScopes,
    lifetimes: Lifetimes,
    format: AccessTokenFormat,
    registration: RegistrationConfig,
    allow_http: bool,
    clients: Vec<PreregisteredClient>,
    keys: Option<Arc<KeyRing>>,
    key_schedule: KeySchedule,
    vault: Vault,
    idp: Arc<dyn IdentityProvider>,
    policy: Arc<dyn LoginPolicy>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    events: Arc<dyn EventSink>,
    rate_limits: RateLimits,
    rate_limiter: Option<Arc<dyn RateLimiter>>,
}

impl AuthorizationServerBuilder {
    pub(super) fn new(
        issuer: Issuer,
        resource: ResourceUri,
        vault: Vault,
        idp: Arc<dyn IdentityProvider>,
    ) -> Self {
        // The metadata at the root has to call the resource by its origin.
        let origin = ResourceUri::parse(&resource.origin()).ok();
        Self {
            issuer,
            resource,
            resource_aliases: origin.into_iter().collect(),
            scopes: GrantableScopes::default(),
            lifetimes: Lifetimes::default(),
            format: AccessTokenFormat::Jwt,
            registration: RegistrationConfig::default(),
            allow_http: false,
            clients: vec![],
            keys: None,
            key_schedule: KeySchedule::default(),
            vault,
            idp,
            policy: Arc::new(AllowEveryone),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            events: Arc::new(TracingSink),
            rate_limits: RateLimits::default(),
            rate_limiter: None,
        }
    }

    /// Adds a scope that can be granted, and what the consent page says it means.
    #[must_use]
    pub fn scope(mut self, scope: ScopeToken, description: impl Into<String>) -> Self {
        self.scopes.described.insert(scope, description.into());
        self
    }

    /// What a client gets that neither asks nor registered for a scope; by
    /// default everything there is.
    #[must_use]
    pub fn default_scope(mut self, scope: Scope) -> Self {
        self.scopes.default = scope;
        self
    }

    /// Adds another name under which clients may ask for the resource.
    #[must_use]
    pub fn resource_alias(mut self, alias: ResourceUri) -> Self {
        self.resource_aliases.push(alias);
        self
    }

    /// How long things live.
    #[must_use]
    pub const fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// What access tokens look like; signed by default.
    #[must_use]
    pub const fn access_token_format(mut self, format: AccessTokenFormat) -> Self {
        self.format = format;
        self
    }

    /// How clients come to be known; by default they can register themselves,
    /// since most MCP clients have no other way.
    #[must_use]
    pub fn registration(mut self, registration: RegistrationConfig) -> Self {
        self.registration = registration;
        self
    }

    /// Adds a client that the operator knows.
    #[must_use]
    pub fn client(mut self, client: PreregisteredClient) -> Self {
        self.clients.push(client);
        self
    }

    /// The keys that sign access tokens; by default they are made when needed,
    /// kept in the store and follow each other by [`key_schedule`](Self::key_schedule).
    #[must_use]
    pub fn keys(mut self, keys: Arc<KeyRing>) -> Self {
        self.keys = Some(keys);
        self
    }

    /// When the keys in the store follow each other.
    #[must_use]
    pub const fn key_schedule(mut self, schedule: KeySchedule) -> Self {
        self.key_schedule = schedule;
        self
    }

    /// Who may sign in, as whom, and with what; by default [`AllowEveryone`].
    #[must_use]
    pub fn policy(mut self, policy: Arc<dyn LoginPolicy>) -> Self {
        self.policy = policy;
        self
    }

    /// What tells the time.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where tokens get their randomness from.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// What hears of events; by default they go to `tracing`.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// How many requests there may be; by default more than normal use needs.
    #[must_use]
    pub const fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = limits;
        self
    }

    /// What counts requests; by default a [`MemoryRateLimiter`]. Another one has
    /// quotas of its own, and [`rate_limits`](Self::rate_limits) are not asked.
    #[must_use]
    pub fn rate_limiter(mut self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.rate_limiter = Some(limiter);
        self
    }

    /// Accepts an issuer of plain `http` on a host that is not loopback.
    ///
    /// Codes, tokens and cookies can then be read on the way.
    #[must_use]
    pub const fn dangerous_allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Makes the server.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the settings contradict each other or are unsafe.
    pub fn build(mut self) -> Result<AuthorizationServer, ConfigError> {
        let secure = self.issuer.is_https() || self.issuer.is_loopback();
        if !(secure && self.resource.is_secure() || self.allow_http) {
            return Err(ConfigError::PlainHttp);
        }
        self.lifetimes.judge()?;
        self.judge_scopes()?;
        let preregistered = self.admit_clients()?;
        let keys = Arc::new(self.signing_keys()?);
        let (limiter, limits_addresses) = self.limiter();
        let fetch = self.registration.way_out().cloned();
        Ok(AuthorizationServer {
            issuer: self.issuer,
            resource: self.resource,
            resource_aliases: self.resource_aliases,
            scopes: self.scopes,
            lifetimes: self.lifetimes,
            format: self.format,
            registration: self.registration,
            room: Room::default(),
            documents: fetch.map(Documents::new),
            preregistered,
            keys,
            vault: self.vault,
            idp: self.idp,
            policy: self.policy,
            clock: self.clock,
            entropy: self.entropy,
            events: self.events,
            limiter,
            limits_addresses,
            notices: LimitNotices::default(),
        })
    }

    /// What counts requests, and whether it counts any by address.
    fn limiter(&self) -> (Arc<dyn RateLimiter>, bool) {
        if let Some(limiter) = &self.rate_limiter {
            return (Arc::clone(limiter), true);
        }
        let limiter = MemoryRateLimiter::new(&self.rate_limits, Arc::clone(&self.clock));
        let mut on = self.rate_limits.iter();
        let by_address = on.any(|(limit, _)| Limit::goes_by_address(limit));
        (Arc::new(limiter), by_address)
    }

    fn signing_keys(&self) -> Result<SigningKeys, ConfigError> {
        if let Some(ring) = &self.keys {
            return Ok(SigningKeys::given(Arc::clone(ring)));
        }
        let schedule = self.key_schedule;
        if !matches!(schedule.algorithm, Algorithm::Es256 | Algorithm::EdDsa) {
            return Err(ConfigError::KeyAlgorithm(schedule.algorithm));
        }
        let least = self
            .lifetimes
            .access_token
            .saturating_add(KeySchedule::SPREAD);
        let period = schedule.period.unwrap_or(Duration::MAX);
        if schedule.overlap < least || period <= schedule.overlap {
            return Err(ConfigError::KeySchedule);
        }
        let (entropy, events) = (Arc::clone(&self.entropy), Arc::clone(&self.events));
        let vault = self.vault.clone();
        Ok(SigningKeys::stored(vault, schedule, entropy, events))
    }

    fn judge_scopes(&mut self) -> Result<(), ConfigError> {
        let all = self.scopes.all();
        if all.is_empty() {
            return Err(ConfigError::NoScopes);
        }
        if self.scopes.default.is_empty() {
            self.scopes.default = all;
        } else if let Some(unknown) = self
            .scopes
            .default
            .iter()
            .find(|scope| !all.contains(scope))
        {
            return Err(ConfigError::UnknownDefaultScope(unknown.to_string()));
        }
        Ok(())
    }

    fn admit_clients(&mut self) -> Result<HashMap<ClientId, Arc<ClientRecord>>, ConfigError> {
        let grantable = self.scopes.all();
        let fetches_keys = self.registration.fetches_keys();
        let mut admitted = HashMap::new();
        for client in self.clients.drain(..) {
            let id = client.client_id.clone();
            let refuse = |error| ConfigError::Client(id.to_string(), error);
            let record = admit(client, fetches_keys, &grantable).map_err(refuse)?;
            if admitted.insert(id.clone(), Arc::new(record)).is_some() {
                return Err(ConfigError::DuplicateClient(id.to_string()));
            }
        }
        Ok(admitted)
    }
}
