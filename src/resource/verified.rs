use std::sync::Arc;

use crate::jose::{ClaimRules, ExpectedClaims, RegisteredClaims};
use crate::model::Identity;
use crate::resource::config::ResourceServer;
use crate::resource::error::TokenRefusal;
use crate::resource::verifier::TokenClaims;
use crate::store::Standing;
use crate::types::{ApiKeyId, ClientId, GrantId, Scope, Subject, Timestamp};

/// An access token that is authentic and good for this resource now: who calls,
/// and what they may do. Only the resource server makes one.
///
/// Cheap to clone; in every request that reaches a handler it is an extension.
#[derive(Clone, Debug)]
pub struct VerifiedToken(Arc<TokenClaims>);

impl VerifiedToken {
    /// Judges the claims of an authentic token: kind, issuer, audience, time.
    pub(super) fn accept(
        claims: TokenClaims,
        resource: &ResourceServer,
        now: Timestamp,
    ) -> Result<Self, TokenRefusal> {
        if !claims.is_access_token {
            return Err(TokenRefusal::Kind);
        }
        let issuer = match claims.api_key_id {
            // No authorization server issued it, but the resource that it is good at.
            Some(_) => Some(claims.issuer.as_str()).filter(|name| resource.is_named(name)),
            None => resource.trusted_issuer(&claims.issuer),
        };
        let issuer = issuer.ok_or(TokenRefusal::Issuer)?;
        let audience = claims.audience.iter().find(|name| resource.is_named(name));
        let audience = audience.ok_or(TokenRefusal::Audience)?;
        let registered = RegisteredClaims {
            issuer: &claims.issuer,
            audience: &claims.audience,
            expires_at: claims.expires_at,
            not_before: claims.not_before,
            issued_at: claims.issued_at,
        };
        let expected = ExpectedClaims {
            issuer,
            audiences: &[audience],
        };
        ClaimRules::default().judge(&registered, &expected, now)?;
        Ok(Self(Arc::new(claims)))
    }

    #[cfg(test)]
    pub(super) fn for_test(claims: TokenClaims) -> Self {
        Self(Arc::new(claims))
    }

    /// About how many bytes its texts and further claims take.
    pub(super) fn size(&self) -> usize {
        self.0.size()
    }

    /// Whether this process has not revoked it since it was verified.
    pub(super) fn stands(&self) -> bool {
        self.0.standing.as_ref().is_none_or(Standing::holds)
    }

    /// For whom the token speaks; unique within [`issuer`](Self::issuer).
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.0.subject
    }

    /// Who issued the token; the resource itself, if it is an API key.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The client that uses the token, if it is known.
    #[must_use]
    pub fn client_id(&self) -> Option<&ClientId> {
        self.0.client_id.as_ref()
    }

    /// What the token says it may be used for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// When the token ends; at the end of the year 9999, if it is an API key without an
    /// end.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// The grant the token belongs to, if it is one of this crate's.
    #[must_use]
    pub fn grant_id(&self) -> Option<&GrantId> {
        self.0.grant_id.as_ref()
    }

    /// The API key that the token is, if it is one.
    #[must_use]
    pub fn api_key_id(&self) -> Option<&ApiKeyId> {
        self.0.api_key_id.as_ref()
    }

    /// Who signed in at the identity provider, if it is known.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.0.signed_in.identity()
    }

    /// Whether the client acts for itself and nobody signed in, as is known of a
    /// token of our own, and of an API key that was issued so.
    ///
    /// A person is never taken for a machine, whatever their subject is called
    /// ([RFC 9068, section 5](https://www.rfc-editor.org/rfc/rfc9068#section-5)).
    #[must_use]
    pub fn is_machine(&self) -> bool {
        self.0.is_machine
    }

    /// What else the token says, such as what a login policy added.
    #[must_use]
    pub fn extra(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.0.extra
    }
}
