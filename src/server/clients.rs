use std::sync::Arc;

use crate::event::{Event, EventSink};
use crate::model::ClientRecord;
use crate::server::config::AuthorizationServer;
use crate::server::error::Outage;
use crate::server::grants::Grants;
use crate::store::{StoreError, Vault};
use crate::types::{ClientId, Entropy, Secret};

/// The clients in the store, for the host to look at, to give new secrets to and
/// to remove.
///
/// Those that the operator configured are not among them: the configuration says
/// what they are. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clients {
    vault: Vault,
    grants: Grants,
    entropy: Arc<dyn Entropy>,
    events: Arc<dyn EventSink>,
}

/// How often a change is tried when others change the same client meanwhile.
const ATTEMPTS: usize = 8;

impl AuthorizationServer {
    /// The clients in the store, to give them secrets and to remove them.
    #[must_use]
    pub fn clients(&self) -> Clients {
        Clients {
            vault: self.vault.clone(),
            grants: self.grants(),
            entropy: Arc::clone(&self.entropy),
            events: Arc::clone(&self.events),
        }
    }

    /// Removes a client from the store and ends all its grants, whoever wants it:
    /// see [`Clients::remove`].
    pub(in crate::server) async fn remove_client_and_grants(
        &self,
        id: &ClientId,
    ) -> Result<bool, Outage> {
        self.clients().remove(id).await
    }
}

impl Clients {
    /// The most secrets that a client has at once.
    pub const MAX_SECRETS: usize = 5;

    /// The client with this identifier, if it is in the store.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the store cannot tell.
    pub async fn find(&self, id: &ClientId) -> Result<Option<ClientRecord>, Outage> {
        Ok(self.vault.store().find_client(id).await?)
    }

    /// Gives the client a further secret, which is good beside those it has. Once
    /// it uses the new one, [`keep_last_secret`](Self::keep_last_secret) ends the
    /// others.
    ///
    /// `None` if there is no such client, if it proves itself without a secret, or
    /// if it has [`MAX_SECRETS`](Self::MAX_SECRETS) already.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the outcome is unknown: the client may then have a secret that
    /// nobody knows.
    pub async fn add_secret(&self, id: &ClientId) -> Result<Option<Secret>, Outage> {
        let secret = self.entropy.secret()?;
        let changed = self.change(id, |client| {
            let room = client.secrets.len() < Self::MAX_SECRETS;
            let may = client.auth_method.uses_secret() && room;
            may.then(|| client.secrets.push(secret.hash()))
        });
        Ok(changed.await?.then_some(secret))
    }

    /// Ends every secret of the client but the one that it was given last.
    ///
    /// Returns whether there is such a client and it has a secret.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the outcome is unknown.
    pub async fn keep_last_secret(&self, id: &ClientId) -> Result<bool, Outage> {
        self.change(id, |client| {
            let last = client.secrets.pop()?;
            client.secrets = vec![last];
            Some(())
        })
        .await
    }

    /// Removes the client, and ends all its grants with all their tokens.
    ///
    /// Returns whether the client was there until now.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the outcome is unknown; the same call can be repeated.
    pub async fn remove(&self, id: &ClientId) -> Result<bool, Outage> {
        // Before the client is gone, so that a failure halfway leaves something to repeat.
        self.grants.revoke_client(id).await?;
        let removed = self.vault.store().remove_client(id).await?;
        // Whoever was authenticated just before could still begin a grant.
        self.grants.revoke_client(id).await?;
        if removed {
            self.events.emit(&Event::ClientRemoved {
                client_id: id.clone(),
            });
        }
        Ok(removed)
    }

    /// Changes the client as `change` does to the record as it is now; not at all if
    /// that gives `None`. Whether it was changed.
    async fn change(
        &self,
        id: &ClientId,
        change: impl Fn(&mut ClientRecord) -> Option<()>,
    ) -> Result<bool, Outage> {
        let store = self.vault.store();
        for _ in 0..ATTEMPTS {
            let Some(old) = store.find_client(id).await? else {
                return Ok(false);
            };
            let mut new = old.clone();
            if change(&mut new).is_none() {
                return Ok(false);
            }
            if store.update_client(&old, new).await? {
                self.events.emit(&Event::ClientChanged {
                    client_id: id.clone(),
                });
                return Ok(true);
            }
        }
        Err(StoreError::new("the client changes faster than it can be written").into())
    }
}
