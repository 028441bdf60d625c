use std::sync::Arc;

use crate::jose::{JwkSet, VerifyingKeySet};
use crate::model::{ClientKeys, ClientRecord};
use crate::server::config::AuthorizationServer;
use crate::server::error::Outage;
use crate::types::ClientId;

impl AuthorizationServer {
    /// The client whose identifier is the URL of a document.
    pub(in crate::server) async fn find_document_client(
        &self,
        _id: &ClientId,
    ) -> Result<Option<Arc<ClientRecord>>, Outage> {
        Ok(None)
    }

    /// The keys of a client; with `seen`, newer ones if there are any.
    pub(in crate::server) async fn client_keys(
        &self,
        keys: &ClientKeys,
        _seen: Option<&Arc<VerifyingKeySet>>,
    ) -> Result<Arc<VerifyingKeySet>, Outage> {
        match keys {
            ClientKeys::Set(set) => Ok(Arc::new(VerifyingKeySet::from(set))),
            ClientKeys::Uri(_) => Ok(Arc::new(VerifyingKeySet::from(&JwkSet::default()))),
        }
    }
}
