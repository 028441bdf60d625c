//! The only place that mints tokens.

use crate::event::Event;
use crate::jose::sign_compact;
use crate::model::{AccessTokenRecord, Grant, RefreshRecord};
use crate::protocol::bearer::BearerToken;
use crate::protocol::claims::{ACCESS_TOKEN_TYPE, AccessTokenClaims};
use crate::protocol::token::TokenResponse;
use crate::server::client_auth::AuthenticatedClient;
use crate::server::config::{AccessTokenFormat, AuthorizationServer};
use crate::server::error::Outage;
use crate::server::token::code::may_refresh;
use crate::types::{Entropy, EntropyError, GrantId, Scope, Secret, Timestamp, TokenHash};

/// A refresh token: its grant, the secret of its family and a secret of its own,
/// with dots between them (see [`RefreshRecord`]).
#[derive(Debug)]
pub(in crate::server) struct RefreshToken {
    grant: GrantId,
    family: Secret,
    own: Secret,
}

impl RefreshToken {
    /// Reads a token; `None` if it is not of this form.
    pub(in crate::server) fn parse(text: &Secret) -> Option<Self> {
        let mut parts = text.expose().split('.');
        let (grant, family, own) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = parts.next().is_none() && family.len() == 43 && own.len() == 43;
        let grant = GrantId::parse(grant).ok()?;
        whole.then(|| Self {
            grant,
            family: Secret::new(family),
            own: Secret::new(own),
        })
    }

    fn first(grant: &GrantId, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self {
            grant: grant.clone(),
            family: entropy.secret()?,
            own: entropy.secret()?,
        })
    }

    fn next(&self, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self {
            grant: self.grant.clone(),
            family: self.family.clone(),
            own: entropy.secret()?,
        })
    }

    pub(in crate::server) const fn grant(&self) -> &GrantId {
        &self.grant
    }

    /// Whether it is, or once was, a token of this record.
    pub(in crate::server) fn is_of(&self, record: &RefreshRecord) -> bool {
        record.family == self.family.hash()
    }

    pub(super) fn hash(&self) -> TokenHash {
        self.own.hash()
    }

    pub(super) const fn own(&self) -> &Secret {
        &self.own
    }

    fn to_secret(&self) -> Secret {
        let (family, own) = (self.family.expose(), self.own.expose());
        Secret::new(format!("{}.{family}.{own}", self.grant))
    }
}

/// An answer, and what has to be stored before it may be given.
pub(super) struct Minted<R> {
    pub(super) response: TokenResponse,
    pub(super) access: Option<AccessTokenRecord>,
    pub(super) refresh: R,
    /// When the grant has nothing left that is alive, unless it is refreshed.
    pub(super) grant_expires_at: Timestamp,
}

/// An access token, and what has to be stored of it.
struct MintedAccess {
    response: TokenResponse,
    record: Option<AccessTokenRecord>,
    expires_at: Timestamp,
}

impl AuthorizationServer {
    /// The first tokens of a grant.
    pub(super) async fn mint_first(
        &self,
        grant: &Grant,
        client: &AuthenticatedClient,
        now: Timestamp,
    ) -> Result<Minted<Option<RefreshRecord>>, Outage> {
        let token = may_refresh(client)
            .then(|| RefreshToken::first(&grant.id, &*self.entropy))
            .transpose()?;
        let mut access = self.mint_access(grant, &grant.details.scope, now).await?;
        access.response.refresh_token = token.as_ref().map(RefreshToken::to_secret);
        let refresh = token.map(|token| self.refresh_record(grant, &token, now));
        let refresh_ends = refresh.as_ref().map(|refresh| refresh.expires_at);
        Ok(Minted {
            grant_expires_at: access.expires_at.max(refresh_ends.unwrap_or_default()),
            response: access.response,
            access: access.record,
            refresh,
        })
    }

    /// The only token of a grant that cannot be refreshed.
    pub(super) async fn mint_only(
        &self,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<Minted<()>, Outage> {
        let access = self.mint_access(grant, &grant.details.scope, now).await?;
        Ok(Minted {
            grant_expires_at: access.expires_at,
            response: access.response,
            access: access.record,
            refresh: (),
        })
    }

    /// The tokens that follow `spent`.
    pub(super) async fn mint_next(
        &self,
        grant: &Grant,
        scope: &Scope,
        spent: &RefreshToken,
        now: Timestamp,
    ) -> Result<Minted<RefreshRecord>, Outage> {
        let token = spent.next(&*self.entropy)?;
        let mut access = self.mint_access(grant, scope, now).await?;
        access.response.refresh_token = Some(token.to_secret());
        let refresh = self.refresh_record(grant, &token, now);
        Ok(Minted {
            grant_expires_at: access.expires_at.max(refresh.expires_at),
            response: access.response,
            access: access.record,
            refresh,
        })
    }

    fn refresh_record(&self, grant: &Grant, token: &RefreshToken, now: Timestamp) -> RefreshRecord {
        let idle_until = now.plus(self.lifetimes.refresh_idle);
        RefreshRecord {
            grant_id: grant.id.clone(),
            family: token.family.hash(),
            current: token.hash(),
            previous: None,
            expires_at: idle_until.min(grant.details.ends_at),
        }
    }

    async fn mint_access(
        &self,
        grant: &Grant,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<MintedAccess, Outage> {
        let end = now.plus(self.lifetimes.access_token);
        let expires_at = end.min(grant.details.ends_at);
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
        let response = TokenResponse {
            access_token,
            expires_in: expires_at.since(now).as_secs(),
            refresh_token: None,
            scope: scope.clone(),
        };
        Ok(MintedAccess {
            response,
            record,
            expires_at,
        })
    }

    async fn sign(
        &self,
        grant: &Grant,
        scope: &Scope,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Secret, Outage> {
        let claims = AccessTokenClaims {
            iss: self.issuer.clone(),
            sub: grant.details.subject.clone(),
            aud: grant.details.resource.clone(),
            exp: expires_at,
            iat: now,
            jti: self.entropy.identifier()?,
            client_id: grant.client_id.clone(),
            scope: scope.clone(),
            grant_id: grant.id.clone(),
            machine: grant.details.identity.is_none(),
            extra: grant.details.claims.clone(),
        };
        let signer = self.keys.signer(now).await?;
        let token = sign_compact(&*signer, ACCESS_TOKEN_TYPE, &claims).await?;
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
