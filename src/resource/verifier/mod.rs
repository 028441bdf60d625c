//! Ways to find out whether a token is authentic.

#[cfg(feature = "server")]
mod local;

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

use crate::jose::Audience;
use crate::model::Identity;
use crate::protocol::bearer::BearerToken;
use crate::types::{ClientId, GrantId, Scope, Subject, Timestamp};

#[cfg(feature = "server")]
pub use local::LocalVerifier;

/// What an authentic token says; whether it is good here is not decided yet.
#[derive(Clone, Debug)]
pub struct TokenClaims {
    /// Whether the token is an access token and nothing else.
    pub is_access_token: bool,
    /// Who issued it.
    pub issuer: String,
    /// For whom it speaks.
    pub subject: Subject,
    /// Where it is good.
    pub audience: Audience,
    /// Who may use it.
    pub client_id: Option<ClientId>,
    /// What it may be used for; empty if it does not say.
    pub scope: Scope,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Before when it is not good.
    pub not_before: Option<Timestamp>,
    /// The grant it belongs to, if it is one of ours.
    pub grant_id: Option<GrantId>,
    /// Who signed in, if it is known.
    pub identity: Option<Identity>,
    /// Whether it is known that the client acts for itself and nobody signed in.
    /// That subject and client are the same text does not show it.
    pub is_machine: bool,
    /// Everything else it says.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// There are no claims.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// The token is not authentic, unknown or revoked. The cause is for the
    /// operator.
    #[error("the token is not authentic: {0}")]
    Refused(&'static str),
    /// It could not be found out now.
    #[error("the token could not be checked")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}

/// Vouches for the authenticity of tokens, and for nothing else.
///
/// Issuer, audience, expiry and kind are judged by
/// [`VerifiedToken`](crate::resource::VerifiedToken), so that an implementation
/// cannot forget them.
#[async_trait]
pub trait TokenVerifier: fmt::Debug + Send + Sync + 'static {
    /// What `token` says, if it is authentic and not revoked.
    ///
    /// # Errors
    ///
    /// [`VerifierError::Refused`] if it is not; [`VerifierError::Unavailable`]
    /// if that cannot be found out now.
    async fn verify(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError>;
}
