use std::fmt;

use crate::types::{ApiKeyId, ClientId, GrantId, TokenHash};

/// The names of all keys. Those of grants, clients and API keys and of their indexes
/// stand in `grants.lua`, `api_keys.lua` and `sweep.lua`, too.
#[derive(Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) const fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    fn key(&self, kind: &str, name: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), kind.as_bytes(), name].concat()
    }

    pub(super) fn schema(&self) -> Vec<u8> {
        self.key("schema", b"")
    }

    /// What the keys of clients begin with.
    pub(super) fn every_client(&self) -> Vec<u8> {
        self.key("client:", b"")
    }

    pub(super) fn client(&self, id: &ClientId) -> Vec<u8> {
        self.key("client:", id.as_str().as_bytes())
    }

    /// Clients without grants, by when they may be forgotten.
    pub(super) fn unused_clients(&self) -> Vec<u8> {
        self.key("clients:unused", b"")
    }

    /// Clients that registered themselves.
    pub(super) fn dynamic_clients(&self) -> Vec<u8> {
        self.key("clients:dynamic", b"")
    }

    /// Which call forgot a client a moment ago.
    pub(super) fn removed(&self, id: &ClientId) -> Vec<u8> {
        self.key("removed:", id.as_str().as_bytes())
    }

    pub(super) fn pending(&self, state: &TokenHash) -> Vec<u8> {
        self.key("pending:", state.as_bytes())
    }

    /// A request that was taken a moment ago.
    pub(super) fn taken(&self, state: &TokenHash) -> Vec<u8> {
        self.key("taken:", state.as_bytes())
    }

    pub(super) fn code(&self, hash: &TokenHash) -> Vec<u8> {
        self.key("code:", hash.as_bytes())
    }

    pub(super) fn access_token(&self, hash: &TokenHash) -> Vec<u8> {
        self.key("access:", hash.as_bytes())
    }

    /// What the keys of grants begin with.
    pub(super) fn every_grant(&self) -> Vec<u8> {
        self.key("grant:", b"")
    }

    /// A grant and its refresh token.
    pub(super) fn grant(&self, id: &GrantId) -> Vec<u8> {
        self.key("grant:", id.as_str().as_bytes())
    }

    /// What the spent refresh token of a grant got.
    pub(super) fn answer(&self, id: &GrantId) -> Vec<u8> {
        self.key("answer:", id.as_str().as_bytes())
    }

    /// Which call ended a grant a moment ago.
    pub(super) fn revoked(&self, id: &GrantId) -> Vec<u8> {
        self.key("revoked:", id.as_str().as_bytes())
    }

    /// All grants, by identifier.
    pub(super) fn grants(&self) -> Vec<u8> {
        self.key("grants", b"")
    }

    pub(super) fn grants_of_client(&self, client: &ClientId) -> Vec<u8> {
        self.key("grants:client:", client.as_str().as_bytes())
    }

    pub(super) fn grants_of_subject(&self, subject: &TokenHash) -> Vec<u8> {
        self.key("grants:subject:", subject.as_bytes())
    }

    /// All grants, by when they end.
    pub(super) fn grant_ends(&self) -> Vec<u8> {
        self.key("grants:ends", b"")
    }

    pub(super) fn replay(&self, id: &TokenHash) -> Vec<u8> {
        self.key("replay:", id.as_bytes())
    }

    /// What the keys of API keys begin with; their hashes follow.
    pub(super) fn every_api_key(&self) -> Vec<u8> {
        self.key("apikey:", b"")
    }

    pub(super) fn api_key(&self, hash: &TokenHash) -> Vec<u8> {
        self.key("apikey:", hash.as_bytes())
    }

    /// The hash of each API key, by its identifier.
    pub(super) fn api_key_hashes(&self) -> Vec<u8> {
        self.key("apikeys:hashes", b"")
    }

    /// All API keys, by identifier.
    pub(super) fn api_keys(&self) -> Vec<u8> {
        self.key("apikeys", b"")
    }

    /// The API keys that end, by when they do.
    pub(super) fn api_key_ends(&self) -> Vec<u8> {
        self.key("apikeys:ends", b"")
    }

    /// Which call removed an API key a moment ago.
    pub(super) fn removed_api_key(&self, id: &ApiKeyId) -> Vec<u8> {
        self.key("apikey_removed:", id.as_str().as_bytes())
    }

    pub(super) fn signing_keys(&self) -> Vec<u8> {
        self.key("signing_keys", b"")
    }

    pub(super) fn lease(&self, name: &str) -> Vec<u8> {
        self.key("lease:", name.as_bytes())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.prefix)
    }
}
