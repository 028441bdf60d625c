//! Presets for authorization servers that many hosts have.
//!
//! A [`Provider`] sets what its vendor documents and nothing else; what could not be
//! found in a vendor's documents is written down in `docs/providers.md`. Whatever is
//! not here, or differs, is said to [`JwtVerifier::builder`] directly.

mod presets;

use std::sync::Arc;

use thiserror::Error;
use url::Url;

use crate::fetch::Fetch;
use crate::resource::verifier::{JwtVerifier, JwtVerifierBuilder, TokenShape};
use crate::resource::{ResourceServer, ResourceServerBuilder};
use crate::types::{Issuer, ResourceUri};

/// An authorization server of a known make.
///
/// ```
/// # use std::sync::Arc;
/// # use oauth_for_mcp::fetch::Fetch;
/// # use oauth_for_mcp::resource::provider::Provider;
/// # use oauth_for_mcp::types::ResourceUri;
/// # fn example(network: Arc<dyn Fetch>) -> Result<(), Box<dyn std::error::Error>> {
/// let auth0 = Provider::auth0("acme.eu.auth0.com")?;
/// let resource = ResourceUri::parse("https://mcp.example.com/mcp")?;
/// let resource = auth0.resource_server(resource, network)?.build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    issuer: Issuer,
    authorization_server: Issuer,
    /// Whether tokens may name the authorization server instead of the issuer.
    signs_as_either: bool,
    keys_uri: Option<String>,
    tokens: Option<TokenShape>,
    registration: ClientRegistration,
}

/// How a client that nobody knows becomes one at a [`Provider`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientRegistration {
    /// By the URL of a document that describes it, and dynamically as well. The
    /// vendor may want either switched on.
    Documents,
    /// Dynamically ([RFC 7591]). The vendor may want that switched on.
    ///
    /// [RFC 7591]: https://www.rfc-editor.org/rfc/rfc7591
    Dynamic,
    /// Not at all: the operator registers each client at the vendor, and tells its
    /// developer the identifier. Say where in the [documentation] of the resource, or
    /// put [`McpAuth`](crate::McpAuth) in front, at which clients register.
    ///
    /// [documentation]: crate::resource::ResourceServerBuilder::documentation
    Preregistered,
}

/// The names do not make a provider.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidProvider {
    /// A domain is more than a host in lower case, such as `acme.eu.auth0.com`.
    #[error("a domain is the name of a host in lower case, without scheme and path")]
    Domain,
    /// A tenant of Microsoft Entra ID is not named by its identifier. A name such as
    /// `common` stands for all tenants there are, so that anybody could have one.
    #[error("a tenant is named by its identifier, such as 00000000-0000-0000-0000-000000000000")]
    Tenant,
    /// The name of a realm, a pool, a project or the like is empty or has characters
    /// that would lead elsewhere.
    #[error("a name is letters, digits, dots, dashes and underscores")]
    Name,
    /// The URL of the server is no `https` URL.
    #[error("the server is at an https URL without query and fragment")]
    Server,
}

/// The provider issues no access tokens that somebody else can verify.
///
/// People can sign in there nevertheless: put [`McpAuth`](crate::McpAuth) in front,
/// with an `OpenIdProvider` for its issuer, and clients get tokens of your own.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("its access tokens are for itself alone; put McpAuth with an OpenIdProvider in front")]
pub struct TokensNotForOthers;

impl Provider {
    fn new(issuer: Issuer, tokens: TokenShape, registration: ClientRegistration) -> Self {
        Self {
            authorization_server: issuer.clone(),
            issuer,
            signs_as_either: false,
            keys_uri: None,
            tokens: Some(tokens),
            registration,
        }
    }

    fn keys_at(mut self, uri: String) -> Self {
        self.keys_uri = Some(uri);
        self
    }

    /// The issuer in its tokens, to which an `OpenIdProvider` sends people.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Where clients are sent to get tokens. If this is not the issuer in tokens, that
    /// has to be a [token issuer] of the resource.
    ///
    /// [token issuer]: crate::resource::ResourceServerBuilder::token_issuer
    #[must_use]
    pub const fn authorization_server(&self) -> &Issuer {
        &self.authorization_server
    }

    /// How a client that nobody knows becomes one.
    #[must_use]
    pub const fn registration(&self) -> ClientRegistration {
        self.registration
    }

    /// Begins to configure a guard for `resource` that takes the tokens of this
    /// provider and no others.
    ///
    /// # Errors
    ///
    /// [`TokensNotForOthers`] if there are none that can be verified.
    #[expect(
        clippy::missing_panics_doc,
        reason = "cannot panic: the keys are below the issuer or on a host of its vendor"
    )]
    pub fn resource_server(
        &self,
        resource: ResourceUri,
        fetch: Arc<dyn Fetch>,
    ) -> Result<ResourceServerBuilder, TokensNotForOthers> {
        let verifier = self.verifier(fetch)?.build();
        let verifier = Arc::new(verifier.expect("the keys are at a good URL"));
        let servers = vec![self.authorization_server.clone()];
        let builder = ResourceServer::builder(resource, servers, verifier);
        if self.issuer == self.authorization_server {
            return Ok(builder);
        }
        Ok(builder.token_issuer(self.issuer.clone()))
    }

    /// What verifies its access tokens, for a guard that takes others as well.
    ///
    /// # Errors
    ///
    /// [`TokensNotForOthers`] if there are none that can be verified.
    pub fn verifier(
        &self,
        fetch: Arc<dyn Fetch>,
    ) -> Result<JwtVerifierBuilder, TokensNotForOthers> {
        let shape = self.tokens.ok_or(TokensNotForOthers)?;
        let builder = JwtVerifier::builder(self.issuer.clone(), fetch).token_shape(shape);
        let builder = match &self.keys_uri {
            Some(uri) => builder.keys_uri(uri),
            None => builder,
        };
        if self.signs_as_either {
            return Ok(builder.also_named(self.authorization_server.clone()));
        }
        Ok(builder)
    }
}

/// The issuer at `path` of a host; nothing in the domain may lead elsewhere.
fn issuer_at(domain: &str, path: &str) -> Result<Issuer, InvalidProvider> {
    let issuer = Issuer::parse(&format!("https://{domain}{path}"));
    let issuer = issuer.map_err(|_| InvalidProvider::Domain)?;
    if issuer.url().host_str() != Some(domain) {
        return Err(InvalidProvider::Domain);
    }
    Ok(issuer)
}

/// One segment of a path, or one label of a host.
fn name(text: &str) -> Result<&str, InvalidProvider> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let leads_up = text.bytes().all(|byte| byte == b'.');
    if leads_up || !text.bytes().all(plain) {
        return Err(InvalidProvider::Name);
    }
    Ok(text)
}

/// The URL of a server, without a slash at the end.
fn server(text: &str) -> Result<&str, InvalidProvider> {
    let issuer = Issuer::parse(text).map_err(|_| InvalidProvider::Server)?;
    let is_spelled_so =
        Url::as_str(&issuer.url()).trim_end_matches('/') == text.trim_end_matches('/');
    if !is_spelled_so {
        return Err(InvalidProvider::Server);
    }
    Ok(text.trim_end_matches('/'))
}

/// The identifier of a tenant, in the lower case in which tokens have it.
fn tenant(text: &str) -> Result<String, InvalidProvider> {
    let groups: Vec<&str> = text.split('-').collect();
    let is_hex = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths != [8, 4, 4, 4, 12] || !groups.iter().all(is_hex) {
        return Err(InvalidProvider::Tenant);
    }
    Ok(text.to_ascii_lowercase())
}
