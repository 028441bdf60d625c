use std::sync::Arc;

use crate::model::ClientRecord;
use crate::protocol::credentials::{ClientCredentials, ClientProof};
use crate::server::config::AuthorizationServer;
use crate::server::error::ClientAuthError;
use crate::server::find_client::FindClientError;
use crate::types::{ClientId, Secret};

/// A client whose credentials were checked. Only this module makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<ClientRecord>, // private: no other module can skip the check
}

impl AuthenticatedClient {
    /// The identifier of the client.
    #[must_use]
    pub fn id(&self) -> &ClientId {
        &self.client.id
    }

    /// The client as it is registered.
    #[must_use]
    pub fn record(&self) -> &ClientRecord {
        &self.client
    }
}

impl AuthorizationServer {
    /// Checks that a client is who it says.
    ///
    /// A confidential client may show its secret in the header or in the form,
    /// whichever of the two it registered for.
    ///
    /// # Errors
    ///
    /// [`ClientAuthError`] with the reason.
    pub async fn authenticate(
        &self,
        credentials: &ClientCredentials,
    ) -> Result<AuthenticatedClient, ClientAuthError> {
        let client = self.find_any(credentials).await?;
        let client = client.ok_or(ClientAuthError::Unknown)?;
        judge(&client, &credentials.proof)?;
        Ok(AuthenticatedClient { client })
    }

    async fn find_any(
        &self,
        credentials: &ClientCredentials,
    ) -> Result<Option<Arc<ClientRecord>>, FindClientError> {
        for id in credentials.ids() {
            if let Some(client) = self.find_client(id).await? {
                return Ok(Some(client));
            }
        }
        Ok(None)
    }
}

fn judge(client: &ClientRecord, proof: &ClientProof) -> Result<(), ClientAuthError> {
    let secrets: Vec<&Secret> = match proof {
        ClientProof::None => vec![],
        ClientProof::Basic { raw, decoded } => decoded.iter().chain([raw]).collect(),
        ClientProof::Post(secret) => vec![secret],
    };
    // A header with an empty secret is how some clients say that they have none.
    let shows_nothing = secrets.iter().all(|secret| secret.expose().is_empty());
    match (client.is_public(), shows_nothing) {
        (true, true) => Ok(()),
        (true, false) => Err(ClientAuthError::UnexpectedSecret),
        (false, _) if secrets.into_iter().any(|secret| client.has_secret(secret)) => Ok(()),
        (false, _) => Err(ClientAuthError::WrongSecret),
    }
}
