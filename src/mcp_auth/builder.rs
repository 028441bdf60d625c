use std::sync::Arc;

use thiserror::Error;

use crate::event::EventSink;
use crate::idp::{DevelopmentLogin, IdentityProvider, NotLoopback};
use crate::jose::{Algorithm, KeyRing, SigningKey};
use crate::mcp_auth::McpAuth;
use crate::resource::verifier::LocalVerifier;
use crate::resource::{ResourceConfigError, ResourceServer, ResourceServerBuilder, ScopePolicy};
use crate::server::{
    AccessTokenFormat, AuthorizationServer, AuthorizationServerBuilder, ConfigError, Lifetimes,
    LoginPolicy, PreregisteredClient,
};
use crate::store::{MemoryStore, Store};
use crate::types::{
    Clock, Entropy, InvalidIssuer, InvalidResourceUri, InvalidScope, Issuer, ResourceUri, Scope,
    ScopeToken, SystemClock, SystemEntropy,
};

/// Settings of [`McpAuth`]; mistakes surface in [`build`](Self::build).
#[derive(Debug)]
pub struct McpAuthBuilder {
    public_url: String,
    resource_path: String,
    scopes: Vec<(String, String)>,
    connect: Vec<String>,
    tools: Vec<(String, String)>,
    covers: Vec<(String, String)>,
    idp: SignIn,
    clients: Vec<PreregisteredClient>,
    dynamic_registration: bool,
    lifetimes: Lifetimes,
    format: AccessTokenFormat,
    name: Option<String>,
    allow_http: bool,
    parts: Parts,
}

#[derive(Debug)]
enum SignIn {
    Unset,
    Development,
    Provider(Arc<dyn IdentityProvider>),
}

/// What can be replaced.
#[derive(Debug, Default)]
struct Parts {
    store: Option<Arc<dyn Store>>,
    keys: Option<Arc<KeyRing>>,
    policy: Option<Arc<dyn LoginPolicy>>,
    clock: Option<Arc<dyn Clock>>,
    entropy: Option<Arc<dyn Entropy>>,
    events: Option<Arc<dyn EventSink>>,
}

impl McpAuthBuilder {
    pub(super) fn new(public_url: String) -> Self {
        Self {
            public_url,
            resource_path: "/mcp".to_owned(),
            scopes: vec![],
            connect: vec![],
            tools: vec![],
            covers: vec![],
            idp: SignIn::Unset,
            clients: vec![],
            dynamic_registration: true,
            lifetimes: Lifetimes::default(),
            format: AccessTokenFormat::default(),
            name: None,
            allow_http: false,
            parts: Parts::default(),
        }
    }

    /// The path of the MCP endpoint below the public URL; `/mcp` by default.
    #[must_use]
    pub fn resource_path(mut self, path: impl Into<String>) -> Self {
        self.resource_path = path.into();
        self
    }

    /// The name of the MCP server, for clients to show.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a scope, and what the consent page says it means. The first one is
    /// what every client needs to connect.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>, description: impl Into<String>) -> Self {
        let scope = scope.into();
        if self.connect.is_empty() {
            self.connect.push(scope.clone());
        }
        self.scopes.push((scope, description.into()));
        self
    }

    /// Adds that calling `tool` needs `scope`.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>, scope: impl Into<String>) -> Self {
        self.tools.push((tool.into(), scope.into()));
        self
    }

    /// Adds that whoever holds `broad` may do what needs `narrow`.
    #[must_use]
    pub fn covers(mut self, broad: impl Into<String>, narrow: impl Into<String>) -> Self {
        self.covers.push((broad.into(), narrow.into()));
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

    /// Whether clients can register themselves; they can by default.
    #[must_use]
    pub const fn dynamic_registration(mut self, on: bool) -> Self {
        self.dynamic_registration = on;
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

    /// Where records are kept; by default in memory, so that everybody has to
    /// sign in again after a restart.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.parts.store = Some(store);
        self
    }

    /// The keys that sign access tokens; by default one new ES256 key.
    #[must_use]
    pub fn keys(mut self, keys: Arc<KeyRing>) -> Self {
        self.parts.keys = Some(keys);
        self
    }

    /// Who may sign in, as whom, and with what; by default everybody whom the
    /// identity provider vouches for.
    #[must_use]
    pub fn policy(mut self, policy: impl LoginPolicy) -> Self {
        self.parts.policy = Some(Arc::new(policy));
        self
    }

    /// What tells the time.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.parts.clock = Some(clock);
        self
    }

    /// Where tokens get their randomness from.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.parts.entropy = Some(entropy);
        self
    }

    /// What hears of events; by default they go to `tracing`.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.parts.events = Some(events);
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

    /// Puts the parts together.
    ///
    /// # Errors
    ///
    /// [`McpAuthError`] if the settings are incomplete, unsafe or contradict
    /// each other.
    pub fn build(mut self) -> Result<McpAuth, McpAuthError> {
        let issuer = if self.allow_http {
            Issuer::dangerous_parse_http(&self.public_url)?
        } else {
            Issuer::parse(&self.public_url)?
        };
        let resource = ResourceUri::parse(&issuer.endpoint(&self.resource_path))?;
        let entropy = self
            .parts
            .entropy
            .take()
            .unwrap_or_else(|| Arc::new(SystemEntropy) as Arc<_>);
        let clock = self
            .parts
            .clock
            .take()
            .unwrap_or_else(|| Arc::new(SystemClock) as Arc<_>);
        let store = match self.parts.store.take() {
            Some(store) => store,
            None => Arc::new(MemoryStore::with_clock(Arc::clone(&clock))),
        };
        let keys = match self.parts.keys.take() {
            Some(keys) => keys,
            None => new_keys(&*entropy)?,
        };
        let verifier = LocalVerifier::new(issuer.clone(), Arc::clone(&keys), Arc::clone(&store));
        let guard = self
            .guard(issuer.clone(), resource.clone(), verifier)?
            .clock(clock.clone());
        let resource_server = self.with_events(guard).build()?;
        let idp = self.sign_in(&issuer)?;
        // What the metadata at the root calls the resource.
        let origin = ResourceUri::parse(&resource.origin())?;
        let server = AuthorizationServer::builder(issuer, resource, store, idp)
            .resource_alias(origin)
            .keys(keys)
            .clock(clock)
            .entropy(entropy);
        Ok(McpAuth::new(
            self.configure(server)?.build()?,
            resource_server,
        ))
    }

    fn sign_in(&mut self, issuer: &Issuer) -> Result<Arc<dyn IdentityProvider>, McpAuthError> {
        match std::mem::replace(&mut self.idp, SignIn::Unset) {
            SignIn::Unset => Err(McpAuthError::NoIdentityProvider),
            SignIn::Development => Ok(Arc::new(DevelopmentLogin::for_issuer(issuer)?)),
            SignIn::Provider(provider) => Ok(provider),
        }
    }

    fn guard(
        &self,
        issuer: Issuer,
        resource: ResourceUri,
        verifier: LocalVerifier,
    ) -> Result<ResourceServerBuilder, McpAuthError> {
        let mut policy = ScopePolicy::new(Scope::from_texts(&self.connect)?);
        for (tool, scope) in &self.tools {
            policy = policy.tool(tool, Scope::from_texts([scope])?);
        }
        for (broad, narrow) in &self.covers {
            policy = policy.covers(ScopeToken::parse(broad)?, ScopeToken::parse(narrow)?);
        }
        let builder = ResourceServer::builder(resource, vec![issuer], Arc::new(verifier))
            .scope_policy(policy);
        Ok(match &self.name {
            Some(name) => builder.name(name),
            None => builder,
        })
    }

    fn with_events(&self, builder: ResourceServerBuilder) -> ResourceServerBuilder {
        match &self.parts.events {
            Some(events) => builder.events(Arc::clone(events)),
            None => builder,
        }
    }

    fn configure(
        self,
        mut server: AuthorizationServerBuilder,
    ) -> Result<AuthorizationServerBuilder, McpAuthError> {
        for (scope, description) in self.scopes {
            server = server.scope(ScopeToken::parse(&scope)?, description);
        }
        for client in self.clients {
            server = server.client(client);
        }
        if let Some(policy) = self.parts.policy {
            server = server.policy(policy);
        }
        if let Some(events) = self.parts.events {
            server = server.events(events);
        }
        if self.allow_http {
            server = server.dangerous_allow_http();
        }
        Ok(server
            .default_scope(Scope::from_texts(self.connect)?)
            .dynamic_registration(self.dynamic_registration)
            .lifetimes(self.lifetimes)
            .access_token_format(self.format))
    }
}

fn new_keys(entropy: &dyn Entropy) -> Result<Arc<KeyRing>, ConfigError> {
    let ring =
        SigningKey::generate(Algorithm::Es256, entropy).and_then(|key| KeyRing::new(Arc::new(key)));
    ring.map(Arc::new)
        .map_err(|error| ConfigError::Key(error.to_string()))
}

/// The settings are incomplete, unsafe or contradict each other.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum McpAuthError {
    /// The public URL cannot be an issuer.
    #[error("the public URL is unusable: {0}")]
    PublicUrl(#[from] InvalidIssuer),
    /// The public URL and the path of the MCP endpoint make no URL.
    #[error("the path of the MCP endpoint is unusable: {0}")]
    ResourcePath(#[from] InvalidResourceUri),
    /// A scope is malformed.
    #[error("a scope is unusable: {0}")]
    Scope(#[from] InvalidScope),
    /// It was not said where people sign in.
    #[error("say where people sign in: call identity_provider, or development_login on loopback")]
    NoIdentityProvider,
    /// The development login would let in anybody from anywhere.
    #[error("{0}")]
    DevelopmentLogin(#[from] NotLoopback),
    /// The authorization server refuses its settings.
    #[error("{0}")]
    Server(#[from] ConfigError),
    /// The resource server refuses its settings.
    #[error("{0}")]
    Resource(#[from] ResourceConfigError),
}
