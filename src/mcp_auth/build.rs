use std::sync::Arc;

use crate::idp::{DevelopmentLogin, IdentityProvider};
use crate::mcp_auth::builder::{McpAuthBuilder, SignIn};
use crate::mcp_auth::{McpAuth, McpAuthError};
use crate::resource::api_key::{ApiKeyPrefix, ApiKeys};
use crate::resource::verifier::{FirstOf, LocalVerifier, TokenVerifier};
use crate::resource::{ResourceServer, ResourceServerBuilder, SessionKey};
use crate::server::{AuthorizationServer, AuthorizationServerBuilder};
use crate::store::Vault;
use crate::types::{Issuer, ResourceUri, ScopeToken};

impl McpAuthBuilder {
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
        let resource = self.mcp_endpoint(&issuer)?;
        self.judge_scopes()?;
        let vault = match &self.vault {
            Some(vault) => vault.clone(),
            None => Vault::in_memory(Arc::clone(&self.clock), &*self.entropy)?,
        };
        let idp = self.sign_in(&issuer)?;
        let server =
            AuthorizationServer::builder(issuer.clone(), resource.clone(), vault.clone(), idp);
        let server = self.configure(server)?.build()?;
        let keys = Arc::clone(server.keys());
        let sessions = SessionKey::from_bytes(&vault.master_keys().session_key());
        let api_keys = self.api_keys_in(&vault, &resource)?;
        let verifier = LocalVerifier::new(issuer.clone(), keys, vault);
        let verifier = verifier.events(Arc::clone(&self.events));
        let verifier = beside(api_keys.as_ref(), verifier);
        let guard = self
            .resource_server(issuer, resource, verifier)?
            .session_key(sessions);
        let guard = guard.build()?;
        McpAuth::new(server, guard, self.proxies, self.guard, api_keys)
    }

    fn api_keys_in(
        &self,
        vault: &Vault,
        resource: &ResourceUri,
    ) -> Result<Option<ApiKeys>, McpAuthError> {
        let Some(prefix) = &self.api_keys else {
            return Ok(None);
        };
        let keys = ApiKeys::new(vault.clone(), resource.clone())
            .prefix(ApiKeyPrefix::parse(prefix)?)
            .clock(Arc::clone(&self.clock))
            .entropy(Arc::clone(&self.entropy))
            .events(Arc::clone(&self.events));
        Ok(Some(keys))
    }

    fn mcp_endpoint(&self, issuer: &Issuer) -> Result<ResourceUri, McpAuthError> {
        // Anything else would become part of the host name.
        if !self.resource_path.starts_with('/') {
            return Err(McpAuthError::RelativePath);
        }
        Ok(ResourceUri::parse(&issuer.endpoint(&self.resource_path))?)
    }

    /// A scope that nobody can get would send clients round in circles.
    fn judge_scopes(&self) -> Result<(), McpAuthError> {
        let declared = |scope: &str| self.scopes.iter().any(|(known, _)| known == scope);
        match self.table.texts().find(|scope| !declared(scope)) {
            Some(unknown) => Err(McpAuthError::UndeclaredScope(unknown.to_owned())),
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

    fn resource_server(
        &self,
        issuer: Issuer,
        resource: ResourceUri,
        verifier: Arc<dyn TokenVerifier>,
    ) -> Result<ResourceServerBuilder, McpAuthError> {
        let mut table = self.table.clone();
        if let (true, Some((first, _))) = (table.has_no_connect(), self.scopes.first()) {
            table = table.connect(first);
        }
        let mut guard = ResourceServer::builder(resource, vec![issuer], verifier)
            .scope_policy(table.build()?)
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
        guard = match self.guard.token_cache(self.vault.is_some()) {
            Some(cache) => guard.token_cache(cache),
            None => guard.without_token_cache(),
        };
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
        if let Some(limiter) = &self.rate_limiter {
            server = server.rate_limiter(Arc::clone(limiter));
        }
        Ok(server
            .policy(Arc::clone(&self.policy))
            .clock(Arc::clone(&self.clock))
            .entropy(Arc::clone(&self.entropy))
            .events(Arc::clone(&self.events))
            .rate_limits(self.rate_limits)
            .key_schedule(self.key_schedule)
            .registration(self.registration.clone())
            .lifetimes(self.lifetimes)
            .access_token_format(self.format))
    }
}

/// API keys first: their text alone tells them from tokens.
fn beside(api_keys: Option<&ApiKeys>, tokens: LocalVerifier) -> Arc<dyn TokenVerifier> {
    match api_keys {
        None => Arc::new(tokens),
        Some(keys) => Arc::new(FirstOf::new(vec![
            Arc::new(keys.verifier()),
            Arc::new(tokens),
        ])),
    }
}
