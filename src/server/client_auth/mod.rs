//! Who asks at the token and the revocation endpoint.

mod assertion;
mod error;
mod secret;

use std::sync::Arc;

use crate::model::{AuthMethod, ClientRecord};
use crate::protocol::credentials::{ClientCredentials, ClientProof};
use crate::server::config::AuthorizationServer;
use crate::server::find_client::FindClientError;
use crate::types::{ClientAddress, ClientId, Secret};

pub use assertion::AssertionError;
pub use error::ClientAuthError;

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
    /// Checks that a client is who it says, in the way in which it registered.
    ///
    /// A client with a secret may show it in the header or in the form, whichever
    /// of the two it registered for. A client with keys has to sign, and nobody
    /// else may.
    ///
    /// What has to be fetched for that is counted for `from`, who asks.
    ///
    /// # Errors
    ///
    /// [`ClientAuthError`] with the reason.
    pub async fn authenticate(
        &self,
        credentials: &ClientCredentials,
        from: Option<ClientAddress>,
    ) -> Result<AuthenticatedClient, ClientAuthError> {
        let client = self.find_any(credentials, from).await?;
        let client = client.ok_or(ClientAuthError::Unknown)?;
        match signature_of(&client, &credentials.proof)? {
            Some(assertion) => self.verify_assertion(&client, assertion, from).await?,
            None => secret::judge(&client, &credentials.proof)?,
        }
        Ok(AuthenticatedClient { client })
    }

    async fn find_any(
        &self,
        credentials: &ClientCredentials,
        from: Option<ClientAddress>,
    ) -> Result<Option<Arc<ClientRecord>>, FindClientError> {
        for id in credentials.ids() {
            if let Some(client) = self.find_client(id, from).await? {
                return Ok(Some(client));
            }
        }
        Ok(None)
    }
}

/// What a client that signs has signed; nothing of a client that does not.
fn signature_of<'a>(
    client: &ClientRecord,
    proof: &'a ClientProof,
) -> Result<Option<&'a Secret>, ClientAuthError> {
    let signs = client.auth_method == AuthMethod::PrivateKeyJwt;
    match (signs, proof) {
        (true, ClientProof::Assertion(assertion)) => Ok(Some(assertion)),
        (false, ClientProof::Assertion(_)) => Err(ClientAuthError::UnexpectedAssertion),
        (true, ClientProof::None | ClientProof::Basic { .. } | ClientProof::Post(_)) => {
            Err(ClientAuthError::AssertionMissing)
        }
        (false, ClientProof::None | ClientProof::Basic { .. } | ClientProof::Post(_)) => Ok(None),
    }
}
