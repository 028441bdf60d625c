mod claims;

use std::sync::Arc;

use async_trait::async_trait;

use crate::event::{Event, EventSink, TracingSink, causes};
use crate::jose::{Audience, LastHeader};
use crate::model::{Grant, GrantDetails, GrantRecord};
use crate::protocol::bearer::BearerToken;
use crate::protocol::claims::ACCESS_TOKEN_TYPE;
use crate::resource::verifier::local::claims::OwnClaims;
use crate::resource::verifier::{
    SignedIn, TokenClaims, TokenKind, TokenVerifier, VerifierError, unreadable,
};
use crate::store::{SigningKeys, StoreError, Vault};
use crate::types::{Issuer, Subject, Timestamp};

/// Verifies the tokens of an authorization server in the same process, or of
/// one that shares its keys and its store.
///
/// Costs one point read a token: a grant that was revoked is found out at once.
///
/// A signed token of another issuer is [foreign](VerifierError::Foreign). An opaque
/// one does not say whose it is and is refused if it is unknown: in a
/// [`FirstOf`](super::FirstOf), what else there is for opaque tokens stands before.
#[derive(Debug)]
pub struct LocalVerifier {
    issuer: Issuer,
    keys: Arc<SigningKeys>,
    vault: Vault,
    events: Arc<dyn EventSink>,
    last_header: LastHeader,
}

impl LocalVerifier {
    /// Verifies what `issuer` signed with `keys` or stored in the store of `vault`.
    #[must_use]
    pub fn new(issuer: Issuer, keys: Arc<SigningKeys>, vault: Vault) -> Self {
        Self {
            issuer,
            keys,
            vault,
            events: Arc::new(TracingSink),
            last_header: LastHeader::default(),
        }
    }

    /// What hears of records that cannot be read; by default it goes to `tracing`.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    async fn verify_signed(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let claims = self.read(token, now).await?;
        // An expired token is refused anyway and need not cost a read.
        if claims.expires_at <= now {
            return Err(VerifierError::Refused("it has expired"));
        }
        let looking = self.vault.revocations().before_looking();
        let found = self.vault.find_sealed_grant(&claims.grant_id, now).await;
        let grant = found
            .map_err(unavailable)?
            .ok_or(VerifierError::Refused("its grant is revoked or expired"))?;
        if grant.client_id != claims.client_id {
            return Err(VerifierError::Refused("it does not belong to its grant"));
        }
        let audience = Audience::one(claims.audience);
        let kind = TokenKind::AccessToken;
        let mut known = TokenClaims::new(
            kind,
            claims.issuer,
            claims.subject,
            audience,
            claims.expires_at,
        );
        known.standing = Some(looking.found(claims.grant_id.as_str()));
        known.client_id = Some(claims.client_id);
        known.scope = claims.scope;
        known.not_before = claims.not_before;
        known.grant_id = Some(claims.grant_id);
        known.is_machine = claims.is_machine;
        known.extra = claims.others;
        if !claims.is_machine {
            known.signed_in = self.signed_in(grant, known.subject.clone());
        }
        Ok(known)
    }

    /// Who signed in is sealed, and opened for who asks.
    fn signed_in(&self, grant: GrantRecord, subject: Subject) -> SignedIn {
        let (vault, events) = (self.vault.clone(), Arc::clone(&self.events));
        let kept = grant.details.as_bytes().len();
        let signed_in = SignedIn::read_when_asked(move || {
            let cause = match vault.open_grant(grant.clone()) {
                Ok(grant) if grant.details.subject == subject => return grant.details.identity,
                Ok(grant) => format!("the grant {} is of another subject", grant.id),
                Err(error) => causes(&error),
            };
            events.emit(&Event::Outage { cause });
            None
        });
        signed_in.keeping(kept)
    }

    async fn read(&self, token: &str, now: Timestamp) -> Result<OwnClaims, VerifierError> {
        let is_ours = |name: &str| name == self.issuer.as_str();
        let jws = self.last_header.parse(token);
        let jws = jws.map_err(|_| unreadable(token, is_ours))?;
        let claims = jws.unproved_claims::<OwnClaims>();
        let is_ours = match &claims {
            Ok(claims) => claims.claim(|claims| claims.issuer == self.issuer.as_str()),
            Err(_) => jws.claimed_issuer().as_deref() == Some(self.issuer.as_str()),
        };
        if !is_ours {
            return Err(VerifierError::Foreign);
        }
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
        self.last_header.keep(&verified);
        let claims = claims.ok().and_then(|claims| verified.prove(claims));
        claims.ok_or(VerifierError::Refused("its claims are malformed"))
    }

    async fn verify_opaque(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let looking = self.vault.revocations().before_looking();
        let hash = token.secret().hash();
        let found = self.vault.find_access_token(&hash, now).await;
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
        let (issuer, audience) = (self.issuer.as_str(), Audience::one(resource.as_str()));
        let kind = TokenKind::AccessToken;
        let mut known = TokenClaims::new(kind, issuer, subject, audience, record.expires_at);
        known.standing = Some(looking.found(id.as_str()));
        known.client_id = Some(client_id);
        known.scope = record.scope;
        known.grant_id = Some(id);
        known.is_machine = identity.is_none();
        known.signed_in = identity.map(SignedIn::from).unwrap_or_default();
        known.extra = claims;
        Ok(known)
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
