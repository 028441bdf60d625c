use crate::event::Event;
use crate::model::{AuthorizedLogin, CodeStage, Grant, GrantDetails, GrantType, IssuedRecords};
use crate::protocol::token::{CodeRequest, TokenResponse};
use crate::server::client_auth::AuthenticatedClient;
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, TokenError};
use crate::store::Redemption;
use crate::types::{GrantId, Timestamp};

/// What is sealed under a code.
pub(in crate::server) const PURPOSE: &str = "authorization code";

impl AuthorizationServer {
    /// Redeems a code ([RFC 6749, section 4.1.3]).
    ///
    /// [RFC 6749, section 4.1.3]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
    pub(super) async fn exchange_code(
        &self,
        client: &AuthenticatedClient,
        request: &CodeRequest,
    ) -> Result<TokenResponse, TokenError> {
        let (now, hash) = (self.clock.now(), request.code.hash());
        let found = self
            .store()
            .find_code(&hash, now)
            .await
            .map_err(Outage::from)?;
        let code = found.ok_or(TokenError::CodeUnknown)?;
        let login: AuthorizedLogin = code
            .login
            .open(&request.code, PURPOSE)
            .map_err(Outage::from)?;
        if login.request.client_id != *client.id() {
            return Err(TokenError::CodeOfAnotherClient);
        }
        if let CodeStage::Redeemed(grant_id) = code.stage {
            return Err(self.revoke_replayed(client, grant_id).await?);
        }
        judge(&login, client, request)?;
        self.judge_requested_resource(&login.request.resource, request.resource.as_ref())?;

        let mut grant = self.new_grant(login, now)?;
        let minted = self.mint_first(&grant, client, now).await?;
        grant.expires_at = minted.grant_expires_at;
        let sealed = self.vault.seal_grant(&grant, &*self.entropy);
        let issued = IssuedRecords {
            grant: sealed.map_err(Outage::from)?,
            access: minted.access,
            refresh: minted.refresh,
        };
        let grant_id = grant.id;
        // One write decides the race: of any number of redemptions, one commits its tokens.
        match self
            .store()
            .redeem_code(&hash, issued, now)
            .await
            .map_err(Outage::from)?
        {
            Redemption::Done => {
                self.report_issued(client, grant_id, &minted.response);
                Ok(minted.response)
            }
            Redemption::Replayed(grant_id) => Err(self.revoke_replayed(client, grant_id).await?),
            Redemption::Absent => Err(TokenError::CodeUnknown),
        }
    }

    fn new_grant(&self, login: AuthorizedLogin, now: Timestamp) -> Result<Grant, Outage> {
        let ends_at = now.plus(self.lifetimes.grant);
        Ok(Grant {
            id: GrantId::generate(&*self.entropy)?,
            client_id: login.request.client_id,
            details: GrantDetails {
                subject: login.subject,
                identity: Some(login.identity),
                scope: login.scope,
                resource: login.request.resource,
                claims: login.claims,
                ends_at,
            },
            granted_at: now,
            expires_at: ends_at,
        })
    }

    /// Somebody has the code who should not: whoever got tokens for it loses them.
    async fn revoke_replayed(
        &self,
        client: &AuthenticatedClient,
        grant_id: GrantId,
    ) -> Result<TokenError, Outage> {
        self.vault.revoke_grant(&grant_id).await?;
        self.emit(&Event::CodeReplayed {
            client_id: client.id().clone(),
            grant_id,
        });
        Ok(TokenError::CodeReplayed)
    }
}

pub(super) fn may_refresh(client: &AuthenticatedClient) -> bool {
    client
        .record()
        .grant_types
        .contains(&GrantType::RefreshToken)
}

/// Judges a redemption by the client that the code was given to.
fn judge(
    login: &AuthorizedLogin,
    client: &AuthenticatedClient,
    request: &CodeRequest,
) -> Result<(), TokenError> {
    if !client
        .record()
        .grant_types
        .contains(&GrantType::AuthorizationCode)
    {
        return Err(TokenError::GrantTypeNotAllowed);
    }
    // OAuth 2.1 clients leave it out; who sends one has to send the right one.
    let redirect_uri = login.request.redirect_uri.as_str();
    if request
        .redirect_uri
        .as_deref()
        .is_some_and(|presented| presented != redirect_uri)
    {
        return Err(TokenError::RedirectUriMismatch);
    }
    if !login.request.challenge.matches(&request.verifier) {
        return Err(TokenError::VerifierMismatch);
    }
    Ok(())
}
