//! A client looks at its own registration, changes it and ends it ([RFC 7592]).
//!
//! [RFC 7592]: https://www.rfc-editor.org/rfc/rfc7592

use serde::Deserialize;

use crate::event::Event;
use crate::model::ClientRecord;
use crate::protocol::client_metadata::{ClientInformationResponse, ClientMetadata};
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, RegistrationError};
use crate::server::registration::accept::accept;
use crate::server::registration::describe::Given;
use crate::types::{ClientId, Secret};

/// A client that showed the token for its own registration. Only this module
/// makes one.
#[derive(Debug)]
pub struct ManagedClient {
    client: ClientRecord,
    token: Secret,
}

/// What a client wants to be from now on ([RFC 7592, section 2.2]).
///
/// [RFC 7592, section 2.2]: https://www.rfc-editor.org/rfc/rfc7592#section-2.2
#[derive(Clone, Debug, Deserialize)]
pub struct ClientUpdate {
    /// Its identifier, which stays.
    pub client_id: ClientId,
    /// One of its secrets, which stay; may be left out.
    #[serde(default, deserialize_with = "secret")]
    pub client_secret: Option<Secret>,
    /// What replaces all that it said of itself.
    #[serde(flatten)]
    pub metadata: ClientMetadata,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

impl AuthorizationServer {
    /// Checks the token with which a client manages its registration.
    ///
    /// # Errors
    ///
    /// [`RegistrationError::Management`] if there is no such client or this is
    /// not its token: nobody learns which.
    pub async fn authenticate_manager(
        &self,
        id: &ClientId,
        token: Secret,
    ) -> Result<ManagedClient, RegistrationError> {
        let found = self.store().find_client(id).await.map_err(Outage::from)?;
        let hash = Some(token.hash());
        let client = found.filter(|client| client.management == hash);
        let client = client.ok_or(RegistrationError::Management)?;
        Ok(ManagedClient { client, token })
    }

    /// What is known of the client ([RFC 7592, section 2.1]), but for its
    /// secret, which nobody knows here.
    ///
    /// [RFC 7592, section 2.1]: https://www.rfc-editor.org/rfc/rfc7592#section-2.1
    #[must_use]
    pub fn read_registration(&self, managed: ManagedClient) -> ClientInformationResponse {
        let given = Given {
            management: Some(managed.token),
            ..Given::default()
        };
        self.describe(&managed.client, given)
    }

    /// Replaces what the client said of itself ([RFC 7592, section 2.2]).
    ///
    /// Its identifier and its secrets stay.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`] with the reason; nothing has changed then.
    ///
    /// [RFC 7592, section 2.2]: https://www.rfc-editor.org/rfc/rfc7592#section-2.2
    pub async fn update_registration(
        &self,
        managed: ManagedClient,
        update: ClientUpdate,
    ) -> Result<ClientInformationResponse, RegistrationError> {
        let old = &managed.client;
        let wrong_secret = |secret: &Secret| !old.has_secret(secret);
        if update.client_id != old.id || update.client_secret.as_ref().is_some_and(wrong_secret) {
            return Err(RegistrationError::AnotherClient);
        }
        let now = self.clock.now();
        let (metadata, statement) = self.vouched(update.metadata, now)?;
        let accepted = accept(metadata, self.registering(), &self.scopes.all())?;
        let vouched_by = statement
            .as_ref()
            .map(|statement| statement.issuer.as_str());
        self.judge_by_policy(&accepted, vouched_by).await?;
        // Who stole the token must not make the client one that proves nothing.
        let same_proof = accepted.auth_method == old.auth_method
            || (accepted.auth_method.uses_secret() && old.auth_method.uses_secret());
        if !same_proof {
            return Err(RegistrationError::AuthMethod);
        }
        let mut new = accepted.into_record(old.id.clone(), old.registration);
        new.secrets.clone_from(&old.secrets);
        new.management = old.management;
        let done = self.store().update_client(old, new.clone()).await;
        if !done.map_err(Outage::from)? {
            return Err(Outage::Collision.into());
        }
        self.emit(&Event::ClientChanged {
            client_id: new.id.clone(),
        });
        let given = Given {
            management: Some(managed.token),
            software_statement: statement.map(|statement| statement.text),
            ..Given::default()
        };
        Ok(self.describe(&new, given))
    }

    /// Forgets the client, and with it all its grants ([RFC 7592, section 2.3]).
    ///
    /// # Errors
    ///
    /// [`Outage`] if the outcome is unknown.
    ///
    /// [RFC 7592, section 2.3]: https://www.rfc-editor.org/rfc/rfc7592#section-2.3
    pub async fn remove_registration(&self, managed: ManagedClient) -> Result<(), Outage> {
        self.remove_client_and_grants(&managed.client.id).await?;
        Ok(())
    }
}
