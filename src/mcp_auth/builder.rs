use std::sync::Arc;

use crate::endpoint::TrustedProxies;
use crate::event::{EventSink, TracingSink};
use crate::fetch::Fetch;
use crate::idp::IdentityProvider;
use crate::jose::KeyRing;
use crate::limit::{RateLimiter, RateLimits};
#[cfg(doc)]
use crate::mcp_auth::McpAuth;
use crate::mcp_auth::guard::GuardSettings;
use crate::model::MasterKeys;
use crate::resource::ScopePolicyBuilder;
use crate::server::{
    AccessTokenFormat, AllowEveryone, DynamicRegistration, Lifetimes, LoginPolicy,
    PreregisteredClient, RegistrationConfig,
};
use crate::store::{KeySchedule, Store, Vault};
use crate::types::{Clock, Entropy, SystemClock, SystemEntropy};

/// Settings of [`McpAuth`]; mistakes surface in [`build`](Self::build).
#[derive(Clone, Debug)]
pub struct McpAuthBuilder {
    pub(super) public_url: String,
    pub(super) resource_path: String,
    pub(super) aliases: Vec<String>,
    pub(super) scopes: Vec<(String, String)>,
    pub(super) table: ScopePolicyBuilder,
    pub(super) idp: SignIn,
    pub(super) clients: Vec<PreregisteredClient>,
    pub(super) registration: RegistrationConfig,
    pub(super) lifetimes: Lifetimes,
    pub(super) format: AccessTokenFormat,
    pub(super) name: Option<String>,
    pub(super) allow_http: bool,
    pub(super) vault: Option<Vault>,
    pub(super) keys: Option<Arc<KeyRing>>,
    pub(super) key_schedule: KeySchedule,
    pub(super) policy: Arc<dyn LoginPolicy>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) events: Arc<dyn EventSink>,
    pub(super) proxies: Option<TrustedProxies>,
    pub(super) rate_limits: RateLimits,
    pub(super) guard: GuardSettings,
    pub(super) rate_limiter: Option<Arc<dyn RateLimiter>>,
    pub(super) api_keys: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum SignIn {
    Unset,
    Development,
    Provider(Arc<dyn IdentityProvider>),
}

impl McpAuthBuilder {
    pub(super) fn new(public_url: String) -> Self {
        Self {
            public_url,
            resource_path: "/mcp".to_owned(),
            aliases: vec![],
            scopes: vec![],
            table: ScopePolicyBuilder::default(),
            idp: SignIn::Unset,
            clients: vec![],
            registration: RegistrationConfig::default(),
            lifetimes: Lifetimes::default(),
            format: AccessTokenFormat::default(),
            name: None,
            allow_http: false,
            vault: None,
            keys: None,
            key_schedule: KeySchedule::default(),
            policy: Arc::new(AllowEveryone),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            events: Arc::new(TracingSink),
            proxies: None,
            rate_limits: RateLimits::default(),
            guard: GuardSettings::default(),
            rate_limiter: None,
            api_keys: None,
        }
    }

    /// The path of the MCP endpoint below the public URL; `/mcp` by default.
    #[must_use]
    pub fn resource_path(mut self, path: impl Into<String>) -> Self {
        self.resource_path = path.into();
        self
    }

    /// Adds another URL under which clients know the MCP endpoint.
    #[must_use]
    pub fn resource_alias(mut self, url: impl Into<String>) -> Self {
        self.aliases.push(url.into());
        self
    }

    /// The name of the MCP server, for clients to show.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a scope, and what the consent page says it means. The first one is
    /// what every client needs to connect, unless [`connect`](Self::connect) says
    /// otherwise.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>, description: impl Into<String>) -> Self {
        self.scopes.push((scope.into(), description.into()));
        self
    }

    /// Where people sign in.
    #[must_use]
    pub fn identity_provider(mut self, provider: impl IdentityProvider) -> Self {
        self.idp = SignIn::Provider(Arc::new(provider));
        self
    }

    /// People sign in under any name they type: for development, on loopback.
    #[must_use]
    pub fn development_login(mut self) -> Self {
        self.idp = SignIn::Development;
        self
    }

    /// Adds a client that the operator knows.
    #[must_use]
    pub fn client(mut self, client: PreregisteredClient) -> Self {
        self.clients.push(client);
        self
    }

    /// How clients come to be known; by default they can register themselves.
    #[must_use]
    pub fn registration(mut self, registration: RegistrationConfig) -> Self {
        self.registration = registration;
        self
    }

    /// Whether clients can register themselves; they can by default.
    #[must_use]
    pub fn dynamic_registration(mut self, on: bool) -> Self {
        let dynamic = if on {
            DynamicRegistration::Stored
        } else {
            DynamicRegistration::Off
        };
        self.registration = self.registration.dynamic(dynamic);
        self
    }

    /// Lets clients be known by the URL of a document that describes them, the
    /// way that MCP prefers. `fetch` reads it: one that contacts public servers
    /// alone, such as `ReqwestFetch::public`. It also reads the keys of clients that
    /// have them at a `jwks_uri`.
    #[must_use]
    pub fn client_documents(mut self, fetch: impl Fetch) -> Self {
        self.registration = self.registration.documents(Arc::new(fetch));
        self
    }

    /// Lets clients keep their keys at a `jwks_uri` even where they are not known by
    /// documents. `fetch` reads it: one that contacts public servers alone.
    #[must_use]
    pub fn client_keys(mut self, fetch: impl Fetch) -> Self {
        self.registration = self.registration.client_keys(Arc::new(fetch));
        self
    }

    /// Lets in API keys beside tokens: those that begin with `prefix`, such as
    /// `notes`, and that [`McpAuth::api_keys`] issued.
    #[must_use]
    pub fn api_keys(mut self, prefix: impl Into<String>) -> Self {
        self.api_keys = Some(prefix.into());
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

    /// Where records are kept, and the keys that seal them there; by default in
    /// memory, so that everybody has to sign in again after a restart.
    ///
    /// Replicas that share a store have to be given the same keys.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>, master_keys: Arc<MasterKeys>) -> Self {
        self.vault = Some(Vault::new(store, master_keys));
        self
    }

    /// The store and the keys of another server, to be a replica of it.
    #[cfg(feature = "test-util")]
    pub(crate) fn vault(mut self, vault: Vault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// The keys that sign access tokens; by default they are made when needed,
    /// kept in the store and follow each other by [`key_schedule`](Self::key_schedule).
    #[must_use]
    pub fn keys(mut self, keys: Arc<KeyRing>) -> Self {
        self.keys = Some(keys);
        self
    }

    /// When the keys in the store follow each other: by default every 90 days.
    #[must_use]
    pub const fn key_schedule(mut self, schedule: KeySchedule) -> Self {
        self.key_schedule = schedule;
        self
    }

    /// Who may sign in, as whom, and with what; by default everybody whom the
    /// identity provider vouches for.
    #[must_use]
    pub fn policy(mut self, policy: impl LoginPolicy) -> Self {
        self.policy = Arc::new(policy);
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

    /// Believes these proxies where requests come from; by default nobody.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// How many requests there may be; by default more than normal use needs
    /// (see [`Limit`](crate::limit::Limit)).
    #[must_use]
    pub const fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = limits;
        self
    }

    /// What counts requests, with quotas of its own, in place of
    /// [`rate_limits`](Self::rate_limits) in the memory of this process.
    #[must_use]
    pub fn rate_limiter(mut self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.rate_limiter = Some(limiter);
        self
    }

    /// Accepts a public URL of plain `http` on a host that is not loopback.
    ///
    /// Codes, tokens and cookies can then be read on the way.
    #[must_use]
    pub const fn dangerous_allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }
}
