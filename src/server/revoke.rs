use serde::Deserialize;

use crate::event::Event;
use crate::jose::Jws;
use crate::protocol::claims::ACCESS_TOKEN_TYPE;
use crate::protocol::revoke::RevocationRequest;
use crate::server::client_auth::AuthenticatedClient;
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, RevokeError};
use crate::server::token::RefreshToken;
use crate::types::{ClientId, GrantId, Secret};

/// What tells whose token it is.
#[derive(Deserialize)]
struct OwnClaims {
    iss: String,
    client_id: ClientId,
    grant_id: GrantId,
}

impl AuthorizationServer {
    /// Ends the grant of a token, and with it all its tokens ([RFC 7009]).
    ///
    /// A token that is unknown, expired or another client's is left alone, and
    /// the client is told the same as if it had been its own.
    ///
    /// # Errors
    ///
    /// [`RevokeError`] if the server failed.
    ///
    /// [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009
    pub async fn revoke(
        &self,
        client: &AuthenticatedClient,
        request: &RevocationRequest,
    ) -> Result<(), RevokeError> {
        let Some((grant_id, owner)) = self.find_owner(&request.token).await? else {
            return Ok(());
        };
        if owner != *client.id() {
            return Ok(());
        }
        if self
            .vault
            .revoke_grant(&grant_id)
            .await
            .map_err(Outage::from)?
        {
            self.emit(&Event::GrantRevoked {
                client_id: owner,
                grant_id,
            });
        }
        Ok(())
    }

    /// The grant a token belongs to and the client that holds it.
    async fn find_owner(&self, token: &Secret) -> Result<Option<(GrantId, ClientId)>, Outage> {
        let now = self.clock.now();
        if let Some(refresh) = RefreshToken::parse(token) {
            let found = self
                .store()
                .find_refresh_token(refresh.grant(), now)
                .await?;
            // Any token of the family will do: a client that is a step behind
            // still means this grant.
            let found = found.filter(|(record, _)| refresh.is_of(record));
            return Ok(found.map(|(_, grant)| (grant.id, grant.client_id)));
        }
        if let Some(claims) = self.read_own_token(token).await? {
            return Ok(Some((claims.grant_id, claims.client_id)));
        }
        let found = self.store().find_access_token(&token.hash(), now).await?;
        Ok(found.map(|(_, grant)| (grant.id, grant.client_id)))
    }

    /// The claims of a token that we signed, expired or not.
    async fn read_own_token(&self, token: &Secret) -> Result<Option<OwnClaims>, Outage> {
        let Ok(jws) = Jws::parse(token.expose()) else {
            return Ok(None);
        };
        let Some(key_id) = jws.header().key_id.as_deref() else {
            return Ok(None);
        };
        let now = self.clock.now();
        let ring = self.keys.ring_with(key_id, now).await?;
        let key = ring.verifying_key(key_id, now);
        let Some(verified) = key.and_then(|key| jws.verify(key).ok()) else {
            return Ok(None);
        };
        let ours = jws.header().has_typ(ACCESS_TOKEN_TYPE);
        let claims: Option<OwnClaims> = verified.claims().ok();
        Ok(claims.filter(|claims| ours && claims.iss == self.issuer.as_str()))
    }
}
