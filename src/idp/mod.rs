//! Where people sign in (layer 3).

#[cfg(feature = "server")]
mod development;
mod fixed;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
mod oidc;

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use thiserror::Error;
use url::Url;

use crate::model::Identity;
use crate::protocol::form::Form;
use crate::types::{CodeVerifier, Secret};

#[cfg(feature = "server")]
pub use development::{DevelopmentLogin, NotLoopback};
pub use fixed::FixedIdentity;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub use oidc::{InvalidOpenIdProvider, OpenIdClientAuth, OpenIdProvider, OpenIdProviderBuilder};

/// One sign-in of one person, on its way to the identity provider and back.
///
/// Every value is made and checked by the authorization server: an
/// implementation passes them on and need not keep anything.
#[derive(Clone, Debug)]
pub struct Login {
    /// The `state` to send; it comes back once, from the same browser.
    pub state: Secret,
    /// The `nonce` to send, which an ID token has to carry.
    pub nonce: Secret,
    /// The PKCE verifier of this sign-in.
    pub verifier: CodeVerifier,
    /// Our callback, as it is registered at the provider.
    pub callback: String,
}

/// What the person's browser gets to see first.
#[derive(Clone)]
pub enum LoginStep {
    /// The provider's own site.
    Redirect(Url),
    /// A page of HTML that leads to [`Login::callback`] with the `state`.
    Page(String),
}

impl fmt::Debug for LoginStep {
    /// Without query and page, which hold the `state`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(url) => write!(formatter, "Redirect({:?}, ..)", url.host_str()),
            Self::Page(_) => formatter.write_str("Page(..)"),
        }
    }
}

/// A sign-in did not lead to an identity.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IdpError {
    /// The person or the provider said no.
    #[error("the sign-in was denied")]
    AccessDenied,
    /// The answer is not one to this sign-in, or a check of it failed.
    #[error("the identity provider's answer was refused")]
    Refused(#[source] Box<dyn StdError + Send + Sync>),
    /// The provider did not answer, or answered that it cannot now.
    #[error("the identity provider cannot be reached")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}

impl IdpError {
    /// A refusal with its cause.
    pub fn refused(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Refused(cause.into())
    }

    /// An outage with its cause.
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }
}

/// Signs people in.
///
/// State, nonce and the binding to the browser are the authorization server's:
/// when [`IdentityProvider::finish`] is called, the `state` was known, unused
/// and came from the browser that began.
#[async_trait]
pub trait IdentityProvider: fmt::Debug + Send + Sync + 'static {
    /// Where to send the person to sign in.
    ///
    /// # Errors
    ///
    /// [`IdpError`] if the provider cannot be reached or is misconfigured.
    async fn begin(&self, login: &Login) -> Result<LoginStep, IdpError>;

    /// Who signed in, given the parameters with which the browser came back.
    ///
    /// # Errors
    ///
    /// [`IdpError::AccessDenied`] if nobody did, [`IdpError::Refused`] if a
    /// check failed, [`IdpError::Unavailable`] if the provider did not answer.
    async fn finish(&self, login: &Login, answer: &Form) -> Result<Identity, IdpError>;
}
