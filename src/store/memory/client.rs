use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::{AuthMethod, ClientKeys, ClientRecord, GrantType, Registration};
use crate::types::{ClientId, RedirectUri, Scope, TokenHash};

/// A client, written down: it has many small parts, each of which would take
/// more memory than its text.
#[derive(Clone)]
pub(super) struct HeldClient {
    pub(super) registration: Registration,
    /// [`Rest`] as JSON.
    rest: Arc<[u8]>,
}

/// What else a client is, in the order of [`ClientRecord`]. It never leaves the
/// process, so that it needs no names.
type Rest = (
    Option<String>,
    Option<String>,
    Vec<RedirectUri>,
    AuthMethod,
    Vec<TokenHash>,
    BTreeSet<GrantType>,
    Option<Scope>,
    Option<ClientKeys>,
    Option<TokenHash>,
);

impl HeldClient {
    /// Writes the client down, and takes its identifier out.
    pub(super) fn new(client: ClientRecord) -> Result<(ClientId, Self), serde_json::Error> {
        let rest: Rest = (
            client.name,
            client.client_uri,
            client.redirect_uris,
            client.auth_method,
            client.secrets,
            client.grant_types,
            client.scope,
            client.keys,
            client.management,
        );
        let held = Self {
            registration: client.registration,
            rest: serde_json::to_vec(&rest)?.into(),
        };
        Ok((client.id, held))
    }

    /// Whether it registered itself.
    pub(super) const fn is_dynamic(&self) -> bool {
        self.registration.unused_until().is_some()
    }

    pub(super) fn record(&self, id: &ClientId) -> Result<ClientRecord, serde_json::Error> {
        let rest: Rest = serde_json::from_slice(&self.rest)?;
        let (
            name,
            client_uri,
            redirect_uris,
            auth_method,
            secrets,
            grant_types,
            scope,
            keys,
            management,
        ) = rest;
        Ok(ClientRecord {
            id: id.clone(),
            registration: self.registration,
            name,
            client_uri,
            redirect_uris,
            auth_method,
            secrets,
            grant_types,
            scope,
            keys,
            management,
        })
    }
}
