use crate::event::Event;
use crate::model::{Grant, RefreshRecord, RotatedRecords, Sealed, SpentToken};
use crate::protocol::token::{RefreshRequest, TokenResponse};
use crate::server::client_auth::AuthenticatedClient;
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, TokenError};
use crate::server::token::code::may_refresh;
use crate::server::token::issue::RefreshToken;
use crate::store::Rotation;
use crate::types::{Scope, Timestamp};

/// What is sealed under a spent refresh token.
const PURPOSE: &str = "refresh answer";

/// What a presented refresh token is, to its record.
enum Standing<'a> {
    /// The valid one.
    Current,
    /// The one just before it, within the grace period.
    Repeated(&'a SpentToken),
    /// One that was valid once.
    Reused,
}

impl AuthorizationServer {
    /// Renews the access of a grant ([RFC 6749, section 6]).
    ///
    /// [RFC 6749, section 6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
    pub(super) async fn refresh(
        &self,
        client: &AuthenticatedClient,
        request: &RefreshRequest,
    ) -> Result<TokenResponse, TokenError> {
        let now = self.clock.now();
        let token =
            RefreshToken::parse(&request.refresh_token).ok_or(TokenError::RefreshUnknown)?;
        let found = self.vault.find_refresh_token(token.grant(), now).await;
        let (record, grant) = found
            .map_err(Outage::from)?
            .filter(|(record, _)| token.is_of(record))
            .ok_or(TokenError::RefreshUnknown)?;
        let scope = judge(&grant, client, request)?;
        // A client in use stays, even past the end of its last grant.
        let period = self.lifetimes.unused_client;
        self.keep_client(client.record(), period).await?;
        self.judge_requested_resource(&grant.details.resource, request.resource.as_ref())?;
        match self.standing(&record, &token, now) {
            Standing::Current => self.rotate(client, &grant, &scope, &token).await,
            Standing::Repeated(spent) => Ok(repeat(spent, &token)?),
            Standing::Reused => Err(self.revoke_reused(&grant).await?),
        }
    }

    fn standing<'a>(
        &self,
        record: &'a RefreshRecord,
        token: &RefreshToken,
        now: Timestamp,
    ) -> Standing<'a> {
        let hash = token.hash();
        if record.current == hash {
            return Standing::Current;
        }
        let repeated = record.previous.as_ref().filter(|spent| {
            spent.hash == hash && now < spent.spent_at.plus(self.lifetimes.refresh_grace)
        });
        repeated.map_or(Standing::Reused, Standing::Repeated)
    }

    async fn rotate(
        &self,
        client: &AuthenticatedClient,
        grant: &Grant,
        scope: &Scope,
        token: &RefreshToken,
    ) -> Result<TokenResponse, TokenError> {
        let now = self.clock.now();
        let mut minted = self.mint_next(grant, scope, token, now).await?;
        let answer = Sealed::seal(&minted.response, token.own(), PURPOSE, &*self.entropy)
            .map_err(Outage::from)?;
        minted.refresh.previous = Some(SpentToken {
            hash: token.hash(),
            spent_at: now,
            answer,
        });
        let spent = token.hash();
        let next = RotatedRecords {
            refresh: minted.refresh,
            access: minted.access,
            grant_expires_at: minted.grant_expires_at,
        };
        // One write decides the race, as with codes.
        let rotation = self.store().rotate_refresh_token(&spent, next, now).await;
        match rotation.map_err(Outage::from)? {
            Rotation::Done => {
                self.report_issued(client, grant.id.clone(), &minted.response);
                Ok(minted.response)
            }
            Rotation::Lost(record) => match self.standing(&record, token, now) {
                Standing::Repeated(spent) => Ok(repeat(spent, token)?),
                Standing::Current | Standing::Reused => Err(self.revoke_reused(grant).await?),
            },
            Rotation::Absent => Err(TokenError::RefreshUnknown),
        }
    }

    /// The client or a thief is behind by a token, and nobody can tell which:
    /// both lose the grant.
    async fn revoke_reused(&self, grant: &Grant) -> Result<TokenError, Outage> {
        self.vault.revoke_grant(&grant.id).await?;
        self.emit(&Event::RefreshTokenReused {
            client_id: grant.client_id.clone(),
            grant_id: grant.id.clone(),
        });
        Ok(TokenError::RefreshReused)
    }
}

/// Gives the answer again that the spent token got.
fn repeat(spent: &SpentToken, token: &RefreshToken) -> Result<TokenResponse, Outage> {
    Ok(spent.answer.open(token.own(), PURPOSE)?)
}

/// Judges a request by whoever holds the token: the scope of the new access
/// token, if this client may have it.
fn judge(
    grant: &Grant,
    client: &AuthenticatedClient,
    request: &RefreshRequest,
) -> Result<Scope, TokenError> {
    if grant.client_id != *client.id() {
        return Err(TokenError::RefreshOfAnotherClient);
    }
    if !may_refresh(client) {
        return Err(TokenError::GrantTypeNotAllowed);
    }
    match &request.scope {
        None => Ok(grant.details.scope.clone()),
        Some(scope) if scope.is_subset(&grant.details.scope) => Ok(scope.clone()),
        Some(_) => Err(TokenError::ScopeTooWide),
    }
}
