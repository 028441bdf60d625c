use crate::endpoint::{is_host, is_origin};
use crate::mcp_auth::builder::McpAuthBuilder;
use crate::mcp_auth::error::McpAuthError;
use crate::resource::TokenCacheConfig;

/// Settings of what stands in front of the MCP endpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct GuardSettings {
    /// `None` if the host did not say.
    token_cache: Option<Option<TokenCacheConfig>>,
    pub(super) hosts: Option<Vec<String>>,
    pub(super) origins: Option<Vec<String>>,
    pub(super) filtered_lists: bool,
}

impl GuardSettings {
    /// What no request can name would keep out whom it was meant for.
    pub(super) fn judge(&self) -> Result<(), McpAuthError> {
        let unusable = |texts: &Option<Vec<String>>, is_usable: fn(&str) -> bool| {
            let mut texts = texts.iter().flatten();
            texts.find(|text| !is_usable(text)).cloned()
        };
        if let Some(host) = unusable(&self.hosts, is_host) {
            return Err(McpAuthError::AllowedHost(host));
        }
        let origin = unusable(&self.origins, is_origin);
        origin.map_or(Ok(()), |origin| Err(McpAuthError::AllowedOrigin(origin)))
    }

    /// How tokens are remembered. Where replicas may share the store, one that
    /// revokes is heard by all at once, unless the host has said otherwise.
    pub(super) fn token_cache(&self, is_shared: bool) -> Option<TokenCacheConfig> {
        let by_default = (!is_shared).then(TokenCacheConfig::default);
        self.token_cache.unwrap_or(by_default)
    }
}

impl McpAuthBuilder {
    /// For how long verified tokens are remembered, and how many.
    ///
    /// What this server revokes it forgets at once; what another replica revokes
    /// counts here until [`TokenCacheConfig::revocation_bound`] is over. So by default
    /// tokens are remembered only if the store is the one in memory, which no other
    /// replica shares.
    #[must_use]
    pub const fn token_cache(mut self, cache: TokenCacheConfig) -> Self {
        self.guard.token_cache = Some(Some(cache));
        self
    }

    /// Verifies every token again whenever it comes.
    #[must_use]
    pub const fn without_token_cache(mut self) -> Self {
        self.guard.token_cache = Some(None);
        self
    }

    /// Answers only to requests for these hosts, each as `name` or `name:port`; by
    /// default a server on loopback answers to the names of loopback, and any other
    /// to every name.
    #[must_use]
    pub fn allowed_hosts<T: Into<String>>(mut self, hosts: impl IntoIterator<Item = T>) -> Self {
        self.guard.hosts = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// Lets only pages of these origins use the MCP endpoint, beside clients that
    /// are no pages; by default a server on loopback is for pages from loopback, and
    /// any other for every page.
    #[must_use]
    pub fn allowed_origins<T: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = T>,
    ) -> Self {
        self.guard.origins = Some(origins.into_iter().map(Into::into).collect());
        self
    }
}
