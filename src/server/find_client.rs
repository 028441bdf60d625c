use std::sync::Arc;

use crate::model::ClientRecord;
use crate::server::client_auth::ClientAuthError;
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, PageError};
use crate::server::registration::DocumentError;
use crate::types::{ClientAddress, ClientId};

/// Whether there is such a client could not be told.
#[derive(Debug)]
pub(super) enum FindClientError {
    /// There would be if its document were as it should be, or could be had.
    Document(DocumentError),
    Outage(Outage),
}

impl From<DocumentError> for FindClientError {
    fn from(error: DocumentError) -> Self {
        if error.is_outage() {
            Self::Outage(Outage::ClientDocument(error))
        } else {
            Self::Document(error)
        }
    }
}

impl From<Outage> for FindClientError {
    fn from(outage: Outage) -> Self {
        Self::Outage(outage)
    }
}

impl FindClientError {
    /// What is left of it for a client, which takes anything but an outage for a
    /// definite no and begins anew; a person can read.
    pub(super) fn for_client(self) -> Self {
        match self {
            Self::Document(error) if !error.is_final() => {
                Self::Outage(Outage::ClientDocument(error))
            }
            Self::Document(_) | Self::Outage(_) => self,
        }
    }
}

impl From<FindClientError> for ClientAuthError {
    fn from(error: FindClientError) -> Self {
        match error.for_client() {
            FindClientError::Document(error) => Self::Document(error),
            FindClientError::Outage(outage) => Self::Outage(outage),
        }
    }
}

impl From<FindClientError> for PageError {
    fn from(error: FindClientError) -> Self {
        match error {
            FindClientError::Document(error) => Self::Document(error),
            FindClientError::Outage(outage) => Self::Outage(outage),
        }
    }
}

impl AuthorizationServer {
    /// The client that goes by `id`: one that the operator configured, one whose
    /// identifier holds it or is the URL of its document, or one that is stored.
    ///
    /// What has to be fetched is counted for `from`, who asks.
    pub(super) async fn find_client(
        &self,
        id: &ClientId,
        from: Option<ClientAddress>,
    ) -> Result<Option<Arc<ClientRecord>>, FindClientError> {
        if let Some(client) = self.preregistered.get(id) {
            return Ok(Some(Arc::clone(client)));
        }
        if let Some(client) = self.open_client_id(id) {
            return Ok(Some(Arc::new(client)));
        }
        let document = self.document_url(id);
        if let Some(Ok(url)) = &document {
            return Ok(Some(self.find_document_client(url, from).await?));
        }
        let stored = self.store().find_client(id).await.map_err(Outage::from)?;
        match (stored, document) {
            (None, Some(Err(invalid))) => {
                let error = DocumentError::from(invalid);
                self.report_document(id, &error);
                Err(error.into())
            }
            (stored, _) => Ok(stored.map(Arc::new)),
        }
    }
}
