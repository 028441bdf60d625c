use crate::model::{Grant, GrantDetails, GrantType, IssuedRecords, Registration};
use crate::protocol::token::{MachineRequest, TokenResponse};
use crate::server::client_auth::AuthenticatedClient;
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, TokenError};
use crate::store::Insertion;
use crate::types::{GrantId, Scope, Subject, Timestamp};

impl AuthorizationServer {
    /// Gives a machine access in its own name ([RFC 6749, section 4.4]).
    ///
    /// There is no refresh token: the machine can ask again at any time.
    ///
    /// [RFC 6749, section 4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
    pub(super) async fn grant_machine(
        &self,
        client: &AuthenticatedClient,
        request: &MachineRequest,
    ) -> Result<TokenResponse, TokenError> {
        let now = self.clock.now();
        let subject = judge(client)?;
        let scope = self.machine_scope(client, request.scope.as_ref())?;
        self.judge_requested_resource(&self.resource, request.resource.as_ref())?;

        let mut grant = self.new_machine_grant(client, subject, scope, now)?;
        let minted = self.mint_only(&grant, now).await?;
        grant.expires_at = minted.grant_expires_at;
        let sealed = self.vault.seal_grant(&grant, &*self.entropy);
        let issued = IssuedRecords {
            grant: sealed.map_err(Outage::from)?,
            access: minted.access,
            refresh: None,
        };
        let inserted = self.store().insert_grant(issued).await;
        match inserted.map_err(Outage::from)? {
            Insertion::Done => {
                self.report_issued(client, grant.id, &minted.response);
                Ok(minted.response)
            }
            Insertion::Conflict => Err(Outage::Collision.into()),
        }
    }

    /// What is asked for, as far as the client is registered for it. Nobody is
    /// there to consent, so that the operator's word is the limit.
    fn machine_scope(
        &self,
        client: &AuthenticatedClient,
        requested: Option<&Scope>,
    ) -> Result<Scope, TokenError> {
        let grantable = self.scopes.all();
        let registered = client.record().scope.as_ref();
        let most =
            registered.map_or_else(|| grantable.clone(), |scope| scope.intersection(&grantable));
        let scope = requested.map_or_else(|| most.clone(), |scope| scope.intersection(&most));
        if scope.is_empty() {
            return Err(TokenError::ScopeNotRegistered);
        }
        Ok(scope)
    }

    fn new_machine_grant(
        &self,
        client: &AuthenticatedClient,
        subject: Subject,
        scope: Scope,
        now: Timestamp,
    ) -> Result<Grant, Outage> {
        let ends_at = now.plus(self.lifetimes.access_token);
        Ok(Grant {
            id: GrantId::generate(&*self.entropy)?,
            client_id: client.id().clone(),
            details: GrantDetails {
                subject,
                identity: None,
                scope,
                resource: self.resource.clone(),
                claims: serde_json::Map::new(),
                ends_at,
            },
            granted_at: now,
            expires_at: ends_at,
        })
    }
}

/// The subject of a client that may act for itself: its own identifier
/// ([RFC 9068, section 2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2)).
fn judge(client: &AuthenticatedClient) -> Result<Subject, TokenError> {
    let record = client.record();
    let registered = record.grant_types.contains(&GrantType::ClientCredentials);
    // Registration sees to it; nobody who let themselves in may do it all the same.
    let known = record.registration == Registration::Preregistered && !record.is_public();
    if !(registered && known) {
        return Err(TokenError::GrantTypeNotAllowed);
    }
    Subject::parse(record.id.as_str()).map_err(|_| TokenError::GrantTypeNotAllowed)
}
