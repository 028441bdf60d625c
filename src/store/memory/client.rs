use std::sync::Arc;

use crate::model::{ClientContents, ClientRecord, Registration};
use crate::types::ClientId;

/// A client, written down: it has many small parts, each of which would take
/// more memory than its text.
#[derive(Clone)]
pub(super) struct HeldClient {
    pub(super) registration: Registration,
    /// [`ClientContents`] as JSON.
    contents: Arc<[u8]>,
}

impl HeldClient {
    /// Writes the client down, and takes its identifier out.
    pub(super) fn new(client: ClientRecord) -> Result<(ClientId, Self), serde_json::Error> {
        let (id, registration, contents) = client.into_contents();
        let held = Self {
            registration,
            contents: serde_json::to_vec(&contents)?.into(),
        };
        Ok((id, held))
    }

    pub(super) const fn is_dynamic(&self) -> bool {
        self.registration.unused_until().is_some()
    }

    pub(super) fn record(&self, id: &ClientId) -> Result<ClientRecord, serde_json::Error> {
        let contents: ClientContents = serde_json::from_slice(&self.contents)?;
        let id = id.clone();
        Ok(ClientRecord::from_contents(id, self.registration, contents))
    }
}
