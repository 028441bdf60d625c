use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;

use crate::jose::{Audience, Jws, KeyRing};
use crate::model::GrantRecord;
use crate::protocol::bearer::BearerToken;
use crate::protocol::claims::ACCESS_TOKEN_TYPE;
use crate::resource::verifier::{TokenClaims, TokenVerifier, VerifierError};
use crate::store::{Store, StoreError};
use crate::types::{ClientId, GrantId, Issuer, Scope, Subject, Timestamp};

/// Verifies the tokens of an authorization server in the same process, or of
/// one that shares its keys and its store.
///
/// Costs one point read a token: a grant that was revoked is found out at once.
#[derive(Debug)]
pub struct LocalVerifier {
    issuer: Issuer,
    keys: Arc<KeyRing>,
    store: Arc<dyn Store>,
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
    /// Verifies what `issuer` signed with `keys` or stored in `store`.
    #[must_use]
    pub fn new(issuer: Issuer, keys: Arc<KeyRing>, store: Arc<dyn Store>) -> Self {
        Self {
            issuer,
            keys,
            store,
        }
    }

    async fn verify_signed(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let claims = self.read(token, now)?;
        // An expired token is refused anyway and need not cost a read.
        let grant = if now < claims.exp {
            self.store
                .find_grant(&claims.grant_id, now)
                .await
                .map_err(unavailable)?
        } else {
            return Err(VerifierError::Refused("it has expired"));
        };
        let grant = grant.ok_or(VerifierError::Refused("its grant is revoked or expired"))?;
        if grant.client_id != claims.client_id || grant.subject != claims.sub {
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
            identity: Some(grant.identity),
            extra: grant.claims,
        })
    }

    fn read(&self, token: &str, now: Timestamp) -> Result<OwnClaims, VerifierError> {
        let jws = Jws::parse(token).map_err(|_| VerifierError::Refused("it is malformed"))?;
        if !jws.header().has_typ(ACCESS_TOKEN_TYPE) {
            return Err(VerifierError::Refused("it is no access token"));
        }
        let key = jws
            .header()
            .key_id
            .as_deref()
            .and_then(|id| self.keys.verifying_key(id, now));
        let key = key.ok_or(VerifierError::Refused("its key is unknown"))?;
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
            .store
            .find_access_token(&token.secret().hash(), now)
            .await;
        let (record, grant) = found
            .map_err(unavailable)?
            .ok_or(VerifierError::Refused("it is unknown, expired or revoked"))?;
        let GrantRecord {
            id,
            client_id,
            subject,
            identity,
            resource,
            claims,
            ..
        } = grant;
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
            identity: Some(identity),
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
