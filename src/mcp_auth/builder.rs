use std::sync::Arc;

use crate::event::{EventSink, TracingSink};
use crate::idp::{DevelopmentLogin, IdentityProvider};
use crate::jose::KeyRing;
use crate::mcp_auth::{McpAuth, McpAuthError};
use crate::model::MasterKeys;
use crate::resource::verifier::LocalVerifier;
use crate::resource::{ResourceServer, ResourceServerBuilder, ScopePolicy};
use crate::server::{
    AccessTokenFormat, AllowEveryone, AuthorizationServer, AuthorizationServerBuilder, Lifetimes,
    LoginPolicy, PreregisteredClient,
};
use crate::store::{KeySchedule, Store, Vault};
use crate::types::{
    Clock, Entropy, Issuer, ResourceUri, Scope, ScopeToken, SystemClock, SystemEntropy,
};

/// Settings of [`McpAuth`]; mistakes surface in [`build`](Self::build).
#[derive(Clone, Debug)]
pub struct McpAuthBuilder {
    public_url: String,
    resource_path: String,
    aliases: Vec<String>,
    scopes: Vec<(String, String)>,
    connect: Vec<String>,
    tools: Vec<(String, String)>,
    public_tools: Vec<String>,
    public_methods: Vec<String>,
    covers: Vec<(String, String)>,
    idp: SignIn,
    clients: Vec<PreregisteredClient>,
    dynamic_registration: bool,
    lifetimes: Lifetimes,
    format: AccessTokenFormat,
    name: Option<String>,
    allow_http: bool,
    vault: Option<Vault>,
    keys: Option<Arc<KeyRing>>,
    key_schedule: KeySchedule,
    policy: Arc<dyn LoginPolicy>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    events: Arc<dyn EventSink>,
}

#[derive(Clone, Debug)]
enum SignIn {
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
            connect: vec![],
            tools: vec![],
            public_tools: vec![],
            public_methods: vec![],
            covers: vec![],
            idp: SignIn::Unset,
            clients: vec![],
            dynamic_registration: true,
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

    /// Lets everybody call `tool`, with a token or without
    /// (see [`ScopePolicy::public_tool`]).
    #[must_use]
    pub fn public_tool(mut self, tool: impl Into<String>) -> Self {
        self.public_tools.push(tool.into());
        self
    }

    /// Lets everybody use the JSON-RPC `method`, with a token or without
    /// (see [`ScopePolicy::public_method`]).
    #[must_use]
    pub fn public_method(mut self, method: impl Into<String>) -> Self {
        self.public_methods.push(method.into());
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
    pub fn build(self) -> Result<McpAuth, McpAuthError> {
        let issuer = if self.allow_http {
            Issuer::dangerous_parse_http(&self.public_url)?
        } else {
            Issuer::parse(&self.public_url)?
        };
        let resource = self.resource(&issuer)?;
        self.judge_scopes()?;
        let vault = match &self.vault {
            Some(vault) => vault.clone(),
            None => Vault::in_memory(Arc::clone(&self.clock), &*self.entropy)?,
        };
        let idp = self.sign_in(&issuer)?;
        let server =
            AuthorizationServer::builder(issuer.clone(), resource.clone(), vault.clone(), idp);
        let server = self.configure(server)?.build()?;
        let verifier = LocalVerifier::new(issuer.clone(), Arc::clone(server.keys()), vault);
        let guard = self.guard(issuer, resource, verifier)?.build()?;
        McpAuth::new(server, guard)
    }

    fn resource(&self, issuer: &Issuer) -> Result<ResourceUri, McpAuthError> {
        // Anything else would become part of the host name.
        if !self.resource_path.starts_with('/') {
            return Err(McpAuthError::RelativePath);
        }
        Ok(ResourceUri::parse(&issuer.endpoint(&self.resource_path))?)
    }

    /// A scope that nobody can get would send clients round in circles.
    fn judge_scopes(&self) -> Result<(), McpAuthError> {
        let tools = self.tools.iter().map(|(_, scope)| scope);
        let covers = self
            .covers
            .iter()
            .flat_map(|(broad, narrow)| [broad, narrow]);
        let declared = |scope: &&String| self.scopes.iter().any(|(known, _)| known == *scope);
        match tools.chain(covers).find(|scope| !declared(scope)) {
            Some(unknown) => Err(McpAuthError::UndeclaredScope(unknown.clone())),
            None => Ok(()),
        }
    }

    fn sign_in(&self, issuer: &Issuer) -> Result<Arc<dyn IdentityProvider>, McpAuthError> {
        match &self.idp {
            SignIn::Unset => Err(McpAuthError::NoIdentityProvider),
            SignIn::Development => Ok(Arc::new(DevelopmentLogin::for_issuer(issuer)?)),
            SignIn::Provider(provider) => Ok(Arc::clone(provider)),
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
        for tool in &self.public_tools {
            policy = policy.public_tool(tool);
        }
        for method in &self.public_methods {
            policy = policy.public_method(method);
        }
        for (broad, narrow) in &self.covers {
            policy = policy.covers(ScopeToken::parse(broad)?, ScopeToken::parse(narrow)?);
        }
        let mut guard = ResourceServer::builder(resource, vec![issuer], Arc::new(verifier))
            .scope_policy(policy)
            .clock(Arc::clone(&self.clock))
            .events(Arc::clone(&self.events));
        for alias in &self.aliases {
            guard = guard.alias(ResourceUri::parse(alias)?);
        }
        if self.allow_http {
            guard = guard.dangerous_allow_http();
        }
        if let Some(name) = &self.name {
            guard = guard.name(name);
        }
        Ok(guard)
    }

    fn configure(
        &self,
        mut server: AuthorizationServerBuilder,
    ) -> Result<AuthorizationServerBuilder, McpAuthError> {
        for (scope, description) in &self.scopes {
            server = server.scope(ScopeToken::parse(scope)?, description);
        }
        for client in &self.clients {
            server = server.client(client.clone());
        }
        for alias in &self.aliases {
            server = server.resource_alias(ResourceUri::parse(alias)?);
        }
        if let Some(keys) = &self.keys {
            server = server.keys(Arc::clone(keys));
        }
        if self.allow_http {
            server = server.dangerous_allow_http();
        }
        Ok(server
            .policy(Arc::clone(&self.policy))
            .clock(Arc::clone(&self.clock))
            .entropy(Arc::clone(&self.entropy))
            .events(Arc::clone(&self.events))
            .key_schedule(self.key_schedule)
            .dynamic_registration(self.dynamic_registration)
            .lifetimes(self.lifetimes)
            .access_token_format(self.format))
    }
}
