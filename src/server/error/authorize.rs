use thiserror::Error;

use crate::limit::TooMany;
use crate::protocol::error::ErrorCode;
use crate::server::error::Outage;
use crate::server::registration::DocumentError;
use crate::types::RedirectUri;

/// Why an authorization request goes no further, and who hears of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuthorizeError {
    /// Client or redirect URI are not known good: only the person may be told.
    #[error("{0}")]
    Page(#[from] PageError),
    /// Client and redirect URI are good: the client is told.
    #[error("{reason}")]
    Redirect {
        /// Where to.
        to: RedirectUri,
        /// The client's state, byte for byte.
        state: Option<String>,
        /// What the client hears.
        code: ErrorCode,
        /// Why.
        reason: &'static str,
    },
}

/// Why a person sees a page instead of being sent on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PageError {
    /// A parameter is repeated or not UTF-8.
    #[error("the request is malformed")]
    Malformed,
    /// The request names no client, or one that is unknown.
    #[error("the client is unknown")]
    UnknownClient,
    /// The document of the client is refused.
    #[error(transparent)]
    Document(DocumentError),
    /// The redirect URI is missing, malformed or not one of the client's.
    #[error("the redirect_uri is not one the client registered")]
    RedirectUri,
    /// The consent form is not from a page this browser was shown, or too old.
    #[error("the consent form is not from this browser, or too old")]
    ForeignConsent,
    /// The sign-in is unknown, was used before or is too old.
    #[error("the sign-in is unknown, was used before or is too old")]
    UnknownLogin,
    /// The sign-in was begun in another browser.
    #[error("the sign-in was begun in another browser")]
    ForeignBrowser,
    /// Too many such requests came from one place.
    #[error("{0}")]
    TooMany(#[from] TooMany),
    /// The server failed.
    #[error("{0}")]
    Outage(#[from] Outage),
}
