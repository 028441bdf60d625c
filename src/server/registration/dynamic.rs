use crate::event::Event;
use crate::model::{ClientRecord, GrantType, Registration};
use crate::protocol::client_metadata::{ClientInformationResponse, ClientMetadata};
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, RegistrationError};
use crate::server::registration::accept::{Source, accept};
use crate::store::Insertion;
use crate::types::{ClientId, Secret, Timestamp};

impl AuthorizationServer {
    /// Registers a client that says of itself what it is ([RFC 7591, section 3]).
    ///
    /// # Errors
    ///
    /// [`RegistrationError`] with the reason.
    ///
    /// [RFC 7591, section 3]: https://www.rfc-editor.org/rfc/rfc7591#section-3
    pub async fn register(
        &self,
        metadata: ClientMetadata,
    ) -> Result<ClientInformationResponse, RegistrationError> {
        let now = self.clock.now();
        let accepted = accept(metadata, Source::Registration, &self.scopes.all())?;
        let mut client = ClientRecord {
            id: ClientId::generate(&*self.entropy).map_err(Outage::from)?,
            registration: Registration::Dynamic {
                registered_at: now,
                unused_until: now.plus(self.lifetimes.unused_client),
            },
            name: accepted.name,
            client_uri: accepted.client_uri,
            redirect_uris: accepted.redirect_uris,
            auth_method: accepted.auth_method,
            secrets: vec![],
            grant_types: accepted.grant_types,
            scope: accepted.scope,
            keys: accepted.keys,
            management: None,
        };
        let secret = self.give_secret(&mut client)?;
        let response = self.describe(&client, secret, now);
        self.admit_new_client().await?;
        match self
            .store()
            .insert_client(client)
            .await
            .map_err(Outage::from)?
        {
            Insertion::Done => {}
            Insertion::Conflict => return Err(Outage::Collision.into()),
        }
        self.emit(&Event::ClientRegistered {
            client_id: response.client_id.clone(),
        });
        Ok(response)
    }

    fn give_secret(&self, client: &mut ClientRecord) -> Result<Option<Secret>, Outage> {
        if !client.auth_method.uses_secret() {
            return Ok(None);
        }
        let secret = self.entropy.secret()?;
        client.secrets = vec![secret.hash()];
        Ok(Some(secret))
    }

    fn describe(
        &self,
        client: &ClientRecord,
        client_secret: Option<Secret>,
        now: Timestamp,
    ) -> ClientInformationResponse {
        ClientInformationResponse {
            client_id: client.id.clone(),
            client_id_issued_at: now,
            client_secret_expires_at: client_secret.is_some().then_some(0),
            client_secret,
            registration_access_token: None,
            registration_client_uri: None,
            redirect_uris: client.redirect_uris.clone(),
            token_endpoint_auth_method: client.auth_method.as_str(),
            grant_types: client
                .grant_types
                .iter()
                .copied()
                .map(GrantType::as_str)
                .collect(),
            response_types: vec!["code"],
            client_name: client.name.clone(),
            client_uri: client.client_uri.clone(),
            scope: self
                .scopes
                .resolve(None, client.scope.as_ref())
                .unwrap_or_default(),
            jwks: None,
            jwks_uri: None,
            application_type: "web",
            software_statement: None,
        }
    }
}
