//! Ways to find out whether a token is authentic.

mod first_of;
mod introspection;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
mod jwt;
#[cfg(feature = "server")]
mod local;
#[cfg(any(
    feature = "server",
    feature = "jwt-aws-lc",
    feature = "jwt-rust-crypto"
))]
mod once;
mod renamed_audience;
mod signed_in;
mod size;

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

use crate::jose::Audience;
#[cfg(any(
    feature = "server",
    feature = "jwt-aws-lc",
    feature = "jwt-rust-crypto"
))]
use crate::jose::Jws;
use crate::model::ApiKey;
use crate::protocol::bearer::BearerToken;
use crate::store::Standing;
use crate::types::{ApiKeyId, ClientId, GrantId, Scope, Subject, Timestamp};

pub use first_of::FirstOf;
pub use introspection::{
    IntrospectionAuth, IntrospectionEndpoint, IntrospectionLimits, IntrospectionVerifier,
    IntrospectionVerifierBuilder, InvalidIntrospectionEndpoint, InvalidIntrospectionToken,
};
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub use jwt::{AccessTokenMark, InvalidJwtVerifier, JwtVerifier, JwtVerifierBuilder, TokenShape};
#[cfg(feature = "server")]
pub use local::LocalVerifier;
pub use signed_in::SignedIn;

/// What an authentic token says; whether it is good here is not decided yet.
///
/// Begins with [`new`](Self::new), and gets what else is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
    /// When it was issued.
    pub issued_at: Option<Timestamp>,
    /// The grant it belongs to, if it is one of ours.
    pub grant_id: Option<GrantId>,
    /// Who signed in, if it is known.
    pub signed_in: SignedIn,
    /// Whether it is known that the client acts for itself and nobody signed in.
    /// That subject and client are the same text does not show it.
    pub is_machine: bool,
    /// Everything else it says.
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// That this process has not revoked it, if it could.
    pub standing: Option<Standing>,
    /// The API key that it is. Only this crate's verifiers of API keys say so: no
    /// issuer vouches for one, and no other verifier may do without.
    pub(in crate::resource) api_key_id: Option<ApiKeyId>,
}

/// What kind of token it is, as far as the verifier can tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenKind {
    /// An access token and nothing else.
    AccessToken,
    /// Something else, such as an ID token, or nobody can tell.
    Other,
}

impl TokenClaims {
    /// What no token may leave out: who issued it, for whom it speaks, where it
    /// is good and when it ends. It has no scope, and nothing else is known.
    #[must_use]
    pub fn new(
        kind: TokenKind,
        issuer: impl Into<String>,
        subject: Subject,
        audience: Audience,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            is_access_token: kind == TokenKind::AccessToken,
            issuer: issuer.into(),
            subject,
            audience,
            client_id: None,
            scope: Scope::empty(),
            expires_at,
            not_before: None,
            issued_at: None,
            grant_id: None,
            signed_in: SignedIn::nobody(),
            is_machine: false,
            extra: serde_json::Map::new(),
            standing: None,
            api_key_id: None,
        }
    }

    /// What an API key says: the resource that keeps it vouches for it, and it is good
    /// there alone.
    pub(in crate::resource) fn of_api_key(key: ApiKey, standing: Standing) -> Self {
        /// The end of the year 9999, for a key that has none.
        const FAR_FUTURE: Timestamp = Timestamp::from_secs(253_402_300_799);

        let details = key.details;
        let resource = details.resource.as_str();
        Self {
            scope: details.scope,
            is_machine: details.is_machine,
            extra: details.claims,
            standing: Some(standing),
            api_key_id: Some(key.id),
            ..Self::new(
                TokenKind::AccessToken,
                resource,
                details.subject,
                Audience::one(resource),
                key.expires_at.unwrap_or(FAR_FUTURE),
            )
        }
    }
}

/// There are no claims.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// The token is not authentic, unknown or revoked. The cause is for the
    /// operator.
    #[error("the token is not authentic: {0}")]
    Refused(&'static str),
    /// It is not of the kind that this verifier knows, such as a token of another
    /// issuer; [another verifier](FirstOf) may know it.
    #[error("nobody here knows such a token")]
    Foreign,
    /// It could not be found out now.
    #[error("the token could not be checked")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}

/// Why a text is refused that is no signed token as this crate takes them: foreign,
/// unless it says that it is of `issuer`, whose tokens concern nobody else.
#[cfg(any(
    feature = "server",
    feature = "jwt-aws-lc",
    feature = "jwt-rust-crypto"
))]
fn unreadable(text: &str, is_ours: impl FnOnce(&str) -> bool) -> VerifierError {
    if Jws::issuer_named_in(text).is_some_and(|name| is_ours(&name)) {
        return VerifierError::Refused("it is malformed");
    }
    VerifierError::Foreign
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
    /// [`VerifierError::Refused`] if it is not; [`VerifierError::Foreign`] if that is
    /// not for this verifier to say; [`VerifierError::Unavailable`] if it cannot be
    /// found out now.
    async fn verify(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError>;
}
