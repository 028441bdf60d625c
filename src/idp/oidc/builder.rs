use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::fetch::{Fetch, FetchError, RemoteCopy, RemoteCopyLimits};
use crate::idp::oidc::{OpenIdClientAuth, OpenIdProvider, Registration};
use crate::types::{ClientId, Clock, Issuer, Scope, Secret, SystemClock};

/// Settings of an [`OpenIdProvider`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct OpenIdProviderBuilder {
    client: Registration,
    fetch: Option<Arc<dyn Fetch>>,
    clock: Arc<dyn Clock>,
}

/// The settings do not make a provider.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InvalidOpenIdProvider {
    /// The scopes are malformed, or `openid` is not among them.
    #[error("the scopes of an OpenID provider are scope tokens, openid among them")]
    Scopes,
    /// Without the feature `reqwest` a way to the network has to be given.
    #[error("there is no way to the network: give one, or enable the feature reqwest")]
    NoFetch,
    /// The way to the network could not be set up.
    #[error("the way to the network could not be set up")]
    Fetch(#[source] FetchError),
}

impl OpenIdProviderBuilder {
    /// Metadata changes rarely, and is not what a signature is checked with.
    const METADATA: RemoteCopyLimits = RemoteCopyLimits {
        fresh: Duration::from_secs(60 * 60),
        stale: Duration::from_secs(7 * 24 * 60 * 60),
        pause: Duration::from_secs(30),
    };

    pub(super) fn new(issuer: Issuer, client_id: ClientId, client_secret: Secret) -> Self {
        Self {
            client: Registration {
                issuer,
                client_id,
                client_secret,
                scopes: "openid email profile".to_owned(),
                auth: None,
                userinfo: true,
            },
            fetch: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// What to ask the provider for: `openid email profile` unless changed.
    pub fn scopes(mut self, scopes: impl Into<String>) -> Self {
        self.client.scopes = scopes.into();
        self
    }

    /// The way to the network: `ReqwestFetch::configured()` unless changed.
    pub fn fetch(mut self, fetch: Arc<dyn Fetch>) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// The clock: that of the operating system unless changed.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Whether to ask the provider's userinfo endpoint, if it has one, for an
    /// address that is not in the ID token: yes unless changed.
    ///
    /// A sign-in then fails if that endpoint does.
    pub const fn userinfo(mut self, ask: bool) -> Self {
        self.client.userinfo = ask;
        self
    }

    /// How to authenticate at the token endpoint: as the provider's metadata
    /// says, with a preference for `client_secret_basic`, unless changed.
    pub const fn client_auth(mut self, method: OpenIdClientAuth) -> Self {
        self.client.auth = Some(method);
        self
    }

    /// The provider. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// [`InvalidOpenIdProvider`] if a setting is missing or malformed.
    pub fn build(self) -> Result<OpenIdProvider, InvalidOpenIdProvider> {
        let scopes = Scope::parse(&self.client.scopes);
        let scopes = scopes.map_err(|_| InvalidOpenIdProvider::Scopes)?;
        if !scopes.iter().any(|scope| scope.as_str() == "openid") {
            return Err(InvalidOpenIdProvider::Scopes);
        }
        Ok(OpenIdProvider {
            client: self.client,
            fetch: self.fetch.map_or_else(default_fetch, Ok)?,
            clock: self.clock,
            metadata: RemoteCopy::new(Self::METADATA),
            keys: RemoteCopy::new(RemoteCopyLimits::default()),
        })
    }
}

#[cfg(feature = "reqwest")]
fn default_fetch() -> Result<Arc<dyn Fetch>, InvalidOpenIdProvider> {
    let fetch = crate::fetch::ReqwestFetch::configured();
    Ok(Arc::new(fetch.map_err(InvalidOpenIdProvider::Fetch)?))
}

#[cfg(not(feature = "reqwest"))]
fn default_fetch() -> Result<Arc<dyn Fetch>, InvalidOpenIdProvider> {
    Err(InvalidOpenIdProvider::NoFetch)
}
