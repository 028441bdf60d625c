use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;

use crate::jose::{Audience, Jws};
use crate::model::{Grant, GrantDetails};
use crate::protocol::bearer::BearerToken;
use crate::protocol::claims::ACCESS_TOKEN_TYPE;
use crate::resource::verifier::{TokenClaims, TokenVerifier, VerifierError};
use crate::store::{SigningKeys, StoreError, Vault};
use crate::types::{ClientId, GrantId, Issuer, Scope, Subject, Timestamp};

/// Verifies the tokens of an authorization server in the same process, or of
/// one that shares its keys and its store.
///
/// Costs one point read a token: a grant that was revoked is found out at once.
#[derive(Debug)]
pub struct LocalVerifier {
    issuer: Issuer,
    keys: Arc<SigningKeys>,
    vault: Vault,
}

/// The claims that are read from one of our own tokens; all else is in its grant.
#[derive(Deserialize)]
struct OwnClaims {
    iss: String,
    sub: Subject,
    aud: String,
    exp: Timestamp,
    nbf: Option<Timestamp>,
    client_id: ClientId,
    #[serde(default)]
    scope: Scope,
    grant_id: GrantId,
}

impl LocalVerifier {
    /// Verifies what `issuer` signed with `keys` or stored in the store of `vault`.
    #[must_use]
    pub const fn new(issuer: Issuer, keys: Arc<SigningKeys>, vault: Vault) -> Self {
        Self {
            issuer,
            keys,
            vault,
        }
    }

    async fn verify_signed(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let claims = self.read(token, now).await?;
        // An expired token is refused anyway and need not cost a read.
        let grant = if now < claims.exp {
            self.vault
                .find_grant(&claims.grant_id, now)
                .await
                .map_err(unavailable)?
        } else {
            return Err(VerifierError::Refused("it has expired"));
        };
        let grant = grant.ok_or(VerifierError::Refused("its grant is revoked or expired"))?;
        let details = grant.details;
        if grant.client_id != claims.client_id || details.subject != claims.sub {
            return Err(VerifierError::Refused("it does not belong to its grant"));
        }
        Ok(TokenClaims {
            is_access_token: true,
            issuer: claims.iss,
            subject: claims.sub,
            audience: Audience::one(claims.aud),
            client_id: Some(claims.client_id),
            scope: claims.scope,
            expires_at: claims.exp,
            not_before: claims.nbf,
            grant_id: Some(claims.grant_id),
            is_machine: details.identity.is_none(),
            identity: details.identity,
            extra: details.claims,
        })
    }

    async fn read(&self, token: &str, now: Timestamp) -> Result<OwnClaims, VerifierError> {
        let jws = Jws::parse(token).map_err(|_| VerifierError::Refused("it is malformed"))?;
        if !jws.header().has_typ(ACCESS_TOKEN_TYPE) {
            return Err(VerifierError::Refused("it is no access token"));
        }
        let unknown = VerifierError::Refused("its key is unknown");
        let Some(key_id) = jws.header().key_id.as_deref() else {
            return Err(unknown);
        };
        let ring = self.keys.ring_with(key_id, now).await;
        let ring = ring.map_err(unavailable)?;
        let key = ring.verifying_key(key_id, now).ok_or(unknown)?;
        let verified = jws
            .verify(key)
            .map_err(|_| VerifierError::Refused("its signature is wrong"))?;
        verified
            .claims()
            .map_err(|_| VerifierError::Refused("its claims are malformed"))
    }

    async fn verify_opaque(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let found = self
            .vault
            .find_access_token(&token.secret().hash(), now)
            .await;
        let (record, grant) = found
            .map_err(unavailable)?
            .ok_or(VerifierError::Refused("it is unknown, expired or revoked"))?;
        let Grant {
            id,
            client_id,
            details,
            ..
        } = grant;
        let GrantDetails {
            subject,
            identity,
            resource,
            claims,
            ..
        } = details;
        Ok(TokenClaims {
            is_access_token: true,
            issuer: self.issuer.as_str().to_owned(),
            subject,
            audience: Audience::one(resource.as_str()),
            client_id: Some(client_id),
            scope: record.scope,
            expires_at: record.expires_at,
            not_before: None,
            grant_id: Some(id),
            is_machine: identity.is_none(),
            identity,
            extra: claims,
        })
    }
}

fn unavailable(error: StoreError) -> VerifierError {
    VerifierError::Unavailable(Box::new(error))
}

#[async_trait]
impl TokenVerifier for LocalVerifier {
    async fn verify(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let text = token.secret().expose();
        // Opaque tokens of ours are base64url, which has no dot.
        if text.contains('.') {
            self.verify_signed(text, now).await
        } else {
            self.verify_opaque(token, now).await
        }
    }
}
