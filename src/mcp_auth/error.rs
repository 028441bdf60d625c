use thiserror::Error;

use crate::idp::NotLoopback;
use crate::resource::api_key::InvalidApiKeyPrefix;
use crate::resource::{ResourceConfigError, ScopePolicyError};
use crate::server::ConfigError;
use crate::types::{EntropyError, InvalidIssuer, InvalidResourceUri, InvalidScope};

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
    /// The prefix of API keys is malformed.
    #[error("the prefix of API keys is unusable: {0}")]
    ApiKeyPrefix(#[from] InvalidApiKeyPrefix),
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
    /// There was no randomness for a master key.
    #[error("{0}")]
    Entropy(#[from] EntropyError),
    /// The path of the MCP endpoint does not begin with a slash.
    #[error("the path of the MCP endpoint has to begin with a slash")]
    RelativePath,
    /// An entry about scopes is unusable.
    #[error("{0}")]
    ScopePolicy(#[from] ScopePolicyError),
    /// An entry or a hierarchy names a scope that was not declared.
    #[error("the scope {0} is needed or covered but was not declared: call scope({0:?}, …)")]
    UndeclaredScope(String),
    /// An allowed host is written in a way in which no request names one.
    #[error("the allowed host {0:?} is unusable: write it as name or name:port")]
    AllowedHost(String),
    /// An allowed origin is written in a way in which no browser sends one.
    #[error(
        "the allowed origin {0:?} is unusable: write it as https://app.example.com, without a \
         path, and without the port that its scheme has anyway"
    )]
    AllowedOrigin(String),
    /// The MCP endpoint is where an endpoint of OAuth has to be.
    #[error("the path {0} is taken by an endpoint of the authorization server; choose another")]
    PathTaken(String),
}
