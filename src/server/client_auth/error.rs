use thiserror::Error;

use crate::limit::TooMany;
use crate::protocol::credentials::InvalidCredentials;
use crate::protocol::error::ErrorCode;
use crate::server::client_auth::AssertionError;
use crate::server::error::Outage;
use crate::server::registration::DocumentError;

/// A client did not prove who it is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientAuthError {
    /// The request does not present a client in one well-formed way.
    #[error("the client credentials are unusable: {0}")]
    Malformed(#[from] InvalidCredentials),
    /// There is no such client.
    #[error("the client is unknown")]
    Unknown,
    /// The document of the client is refused.
    #[error(transparent)]
    Document(DocumentError),
    /// The secret is wrong or missing.
    #[error("the client secret is wrong or missing")]
    WrongSecret,
    /// A public client showed a secret.
    #[error("the client is public and has no secret")]
    UnexpectedSecret,
    /// The client registered to sign and did not.
    #[error("the client has to come with a signed assertion")]
    AssertionMissing,
    /// The client signed and did not register for that.
    #[error("the client is not registered for signed assertions")]
    UnexpectedAssertion,
    /// The assertion does not prove that it is the client's.
    #[error("the client assertion is refused: {0}")]
    Assertion(#[from] AssertionError),
    /// The client signed too many requests.
    #[error("{0}")]
    TooMany(#[from] TooMany),
    /// The server failed.
    #[error("{0}")]
    Outage(#[from] Outage),
}

impl From<&ClientAuthError> for ErrorCode {
    fn from(error: &ClientAuthError) -> Self {
        match error {
            ClientAuthError::Malformed(InvalidCredentials::Several) => Self::InvalidRequest,
            // An assertion that cannot be used is no request error
            // (RFC 7521, section 4.2.1).
            ClientAuthError::Malformed(
                InvalidCredentials::Missing
                | InvalidCredentials::Header
                | InvalidCredentials::ClientId
                | InvalidCredentials::AssertionType
                | InvalidCredentials::Assertion
                | InvalidCredentials::AssertionClient,
            )
            | ClientAuthError::Unknown
            | ClientAuthError::Document(_)
            | ClientAuthError::WrongSecret
            | ClientAuthError::UnexpectedSecret
            | ClientAuthError::AssertionMissing
            | ClientAuthError::UnexpectedAssertion
            | ClientAuthError::Assertion(_) => Self::InvalidClient,
            ClientAuthError::TooMany(_) | ClientAuthError::Outage(_) => {
                Self::TemporarilyUnavailable
            }
        }
    }
}
