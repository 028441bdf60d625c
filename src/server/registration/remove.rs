use crate::event::Event;
use crate::server::config::AuthorizationServer;
use crate::server::error::Outage;
use crate::types::ClientId;

impl AuthorizationServer {
    /// Forgets a client, and with it all its grants. Returns whether this call
    /// forgot it.
    pub(in crate::server) async fn remove_client_and_grants(
        &self,
        id: &ClientId,
    ) -> Result<bool, Outage> {
        // The grants first: if this is cut short, the client can still ask again.
        let grants = self.grants();
        grants.revoke_client(id).await?;
        let removed = self.store().remove_client(id).await?;
        // What began in between would go on without its client.
        grants.revoke_client(id).await?;
        if removed {
            self.emit(&Event::ClientRemoved {
                client_id: id.clone(),
            });
        }
        Ok(removed)
    }
}
