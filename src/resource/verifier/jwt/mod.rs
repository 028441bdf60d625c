//! Signed tokens of an authorization server elsewhere.

mod builder;
mod claims;
mod keys;
mod shape;

use std::sync::Arc;

use async_trait::async_trait;

use crate::fetch::Fetch;
use crate::jose::{JwkSet, LastHeader};
use crate::protocol::bearer::BearerToken;
use crate::resource::verifier::renamed_audience::RenamedAudiences;
use crate::resource::verifier::{TokenClaims, TokenVerifier, VerifierError, unreadable};
use crate::types::{Issuer, Timestamp};

pub use builder::{InvalidJwtVerifier, JwtVerifierBuilder};
pub use shape::{AccessTokenMark, TokenShape};

use claims::ClaimsReader;
use keys::IssuerKeys;

/// Verifies the signed access tokens of one authorization server elsewhere
/// ([RFC 9068]).
///
/// Its keys are fetched when they are first needed, kept for a while, and serve on
/// while the server does not answer. A token of another issuer is
/// [foreign](VerifierError::Foreign): for several servers, put one verifier for each
/// into a [`FirstOf`](super::FirstOf).
///
/// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068
#[derive(Debug)]
pub struct JwtVerifier {
    issuer: Issuer,
    other_names: Vec<Issuer>,
    keys: IssuerKeys,
    shape: TokenShape,
    audiences: RenamedAudiences,
    last_header: LastHeader,
}

impl JwtVerifier {
    /// Verifies what `issuer` signs, with the keys that its metadata leads to.
    pub fn builder(issuer: Issuer, fetch: Arc<dyn Fetch>) -> JwtVerifierBuilder {
        JwtVerifierBuilder::fetching(issuer, fetch)
    }

    /// Verifies what `issuer` signs, with keys that are at hand and never change.
    pub fn with_keys(issuer: Issuer, keys: &JwkSet) -> JwtVerifierBuilder {
        JwtVerifierBuilder::at_hand(issuer, keys)
    }

    fn is_named(&self, issuer: &str) -> bool {
        let mut names = std::iter::once(&self.issuer).chain(&self.other_names);
        names.any(|name| name.as_str() == issuer)
    }
}

#[async_trait]
impl TokenVerifier for JwtVerifier {
    async fn verify(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let text = token.secret().expose();
        let jws = self.last_header.parse(text);
        let jws = jws.map_err(|_| unreadable(text, |name| self.is_named(name)))?;
        let malformed = || VerifierError::Refused("its claims are malformed");
        let claims = jws.unproved_claims_by(ClaimsReader(&self.shape));
        let is_ours = match &claims {
            Ok(claims) => claims.claim(|claims| self.is_named(claims.issuer())),
            Err(_) => jws
                .claimed_issuer()
                .is_some_and(|name| self.is_named(&name)),
        };
        if !is_ours {
            return Err(VerifierError::Foreign);
        }
        let claims = claims.map_err(|_| malformed())?;
        let verified = self.keys.verify(&jws, now).await?;
        self.last_header.keep(&verified);
        let claims = verified.prove(claims).ok_or_else(malformed)?;
        if claims.are_bound_to_a_key() {
            return Err(VerifierError::Refused("it is bound to a key of its client"));
        }
        let claims = claims.read(verified.header());
        let claims = claims.ok_or_else(malformed)?;
        Ok(self.audiences.resolve(claims))
    }
}
