//! The only place that mints tokens.

use crate::event::Event;
use crate::jose::sign_compact;
use crate::model::{AccessTokenRecord, GrantRecord, RefreshRecord};
use crate::protocol::bearer::BearerToken;
use crate::protocol::claims::{ACCESS_TOKEN_TYPE, AccessTokenClaims};
use crate::protocol::token::TokenResponse;
use crate::server::client_auth::AuthenticatedClient;
use crate::server::config::{AccessTokenFormat, AuthorizationServer};
use crate::server::error::Outage;
use crate::server::token::code::may_refresh;
use crate::types::{Entropy, EntropyError, GrantId, Scope, Secret, Timestamp, TokenHash};

/// A refresh token: the secret of its family and a secret of its own, with a
/// dot between them (see [`RefreshRecord`]).
#[derive(Debug)]
pub(in crate::server) struct RefreshToken {
    family: Secret,
    own: Secret,
}

impl RefreshToken {
    /// Reads a token; `None` if it is not of this form.
    pub(in crate::server) fn parse(text: &Secret) -> Option<Self> {
        let (family, own) = text.expose().split_once('.')?;
        let whole = family.len() == 43 && own.len() == 43 && !own.contains('.');
        whole.then(|| Self {
            family: Secret::new(family),
            own: Secret::new(own),
        })
    }

    fn first(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self {
            family: entropy.secret()?,
            own: entropy.secret()?,
        })
    }

    fn next(&self, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self {
            family: self.family.clone(),
            own: entropy.secret()?,
        })
    }

    pub(in crate::server) fn family_hash(&self) -> TokenHash {
        self.family.hash()
    }

    pub(super) fn hash(&self) -> TokenHash {
        self.own.hash()
    }

    pub(super) const fn own(&self) -> &Secret {
        &self.own
    }

    fn to_secret(&self) -> Secret {
        Secret::new(format!("{}.{}", self.family.expose(), self.own.expose()))
    }
}

/// An answer, and what has to be stored before it may be given.
pub(super) struct Minted<R> {
    pub(super) response: TokenResponse,
    pub(super) access: Option<AccessTokenRecord>,
    pub(super) refresh: R,
}

impl AuthorizationServer {
    /// The first tokens of a grant.
    pub(super) async fn mint_first(
        &self,
        grant: &GrantRecord,
        client: &AuthenticatedClient,
        now: Timestamp,
    ) -> Result<Minted<Option<RefreshRecord>>, Outage> {
        let token = may_refresh(client)
            .then(|| RefreshToken::first(&*self.entropy))
            .transpose()?;
        let (mut response, access) = self.mint_access(grant, &grant.scope, now).await?;
        response.refresh_token = token.as_ref().map(RefreshToken::to_secret);
        let refresh = token.map(|token| self.refresh_record(grant, &token, now));
        Ok(Minted {
            response,
            access,
            refresh,
        })
    }

    /// The tokens that follow `spent`.
    pub(super) async fn mint_next(
        &self,
        grant: &GrantRecord,
        scope: &Scope,
        spent: &RefreshToken,
        now: Timestamp,
    ) -> Result<Minted<RefreshRecord>, Outage> {
        let token = spent.next(&*self.entropy)?;
        let (mut response, access) = self.mint_access(grant, scope, now).await?;
        response.refresh_token = Some(token.to_secret());
        Ok(Minted {
            response,
            access,
            refresh: self.refresh_record(grant, &token, now),
        })
    }

    fn refresh_record(
        &self,
        grant: &GrantRecord,
        token: &RefreshToken,
        now: Timestamp,
    ) -> RefreshRecord {
        RefreshRecord {
            family: token.family_hash(),
            current: token.hash(),
            previous: None,
            grant_id: grant.id.clone(),
            expires_at: now.plus(self.lifetimes.refresh_idle).min(grant.expires_at),
        }
    }

    async fn mint_access(
        &self,
        grant: &GrantRecord,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<(TokenResponse, Option<AccessTokenRecord>), Outage> {
        let expires_at = now.plus(self.lifetimes.access_token).min(grant.expires_at);
        let (access_token, record) = match self.format {
            AccessTokenFormat::Jwt => (self.sign(grant, scope, now, expires_at).await?, None),
            AccessTokenFormat::Opaque => {
                let token = self.entropy.secret()?;
                let record = AccessTokenRecord {
                    hash: token.hash(),
                    grant_id: grant.id.clone(),
                    scope: scope.clone(),
                    issued_at: now,
                    expires_at,
                };
                (token, Some(record))
            }
        };
        let expires_in = expires_at.since(now).as_secs();
        let response = TokenResponse {
            access_token,
            expires_in,
            refresh_token: None,
            scope: scope.clone(),
        };
        Ok((response, record))
    }

    async fn sign(
        &self,
        grant: &GrantRecord,
        scope: &Scope,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Secret, Outage> {
        let claims = AccessTokenClaims {
            iss: self.issuer.clone(),
            sub: grant.subject.clone(),
            aud: grant.resource.clone(),
            exp: expires_at,
            iat: now,
            jti: self.entropy.identifier()?,
            client_id: grant.client_id.clone(),
            scope: scope.clone(),
            grant_id: grant.id.clone(),
            extra: grant.claims.clone(),
        };
        let signer = self.keys.signer(now);
        let token = sign_compact(&**signer, ACCESS_TOKEN_TYPE, &claims).await?;
        // Nobody would look at it.
        if token.len() > BearerToken::MAX_LENGTH {
            return Err(Outage::TokenTooLong);
        }
        Ok(Secret::new(token))
    }

    pub(super) fn report_issued(
        &self,
        client: &AuthenticatedClient,
        grant_id: GrantId,
        response: &TokenResponse,
    ) {
        self.emit(&Event::TokensIssued {
            client_id: client.id().clone(),
            grant_id,
            scope: response.scope.clone(),
        });
    }
}
