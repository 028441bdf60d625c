use thiserror::Error;

use crate::jose::ClaimError;
use crate::protocol::bearer::InvalidBearer;
use crate::resource::operation::InvalidMessage;
use crate::resource::verifier::VerifierError;
use crate::types::Scope;

/// Why a request does not reach the resource.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// There is no bearer token.
    #[error("the request carries no bearer token")]
    NoCredentials,
    /// There are several credentials, or one that is no token.
    #[error("the credentials are malformed: {0}")]
    Malformed(#[from] InvalidBearer),
    /// The token is not good here.
    #[error("the access token is refused: {0}")]
    InvalidToken(#[from] TokenRefusal),
    /// The token is good but does not allow the operation.
    #[error("the access token lacks a scope")]
    InsufficientScope {
        /// What the operation needs, together with what the token has.
        needed: Scope,
    },
    /// The body is no JSON-RPC message, so that nobody can tell what it does.
    #[error("the body is no JSON-RPC message: {0}")]
    Message(#[from] InvalidMessage),
    /// What is needed depends on the body, and the body was not handed over: a
    /// mistake of whoever calls, never of the client.
    #[error("the body decides what is needed, and it was not read")]
    BodyNotRead,
    /// The token could not be checked now.
    #[error("the access token could not be checked")]
    Unavailable(#[source] VerifierError),
}

/// What is wrong with an access token; the client hears `invalid_token`.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// It is not authentic, or the verifier does not know it.
    #[error("it is not authentic, unknown or revoked")]
    NotAuthentic,
    /// It is a token of another kind, such as an ID token.
    #[error("it is no access token")]
    Kind,
    /// It is from an authorization server that this resource does not trust.
    #[error("it is from another issuer")]
    Issuer,
    /// It is for another resource.
    #[error("it is for another resource")]
    Audience,
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// It is not valid yet.
    #[error("it is not valid yet")]
    NotYetValid,
}

impl From<ClaimError> for TokenRefusal {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Issuer => Self::Issuer,
            ClaimError::Audience => Self::Audience,
            ClaimError::Expired => Self::Expired,
            ClaimError::NotYetValid | ClaimError::IssuedInTheFuture => Self::NotYetValid,
        }
    }
}
