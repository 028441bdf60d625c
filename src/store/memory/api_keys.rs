use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{ApiKeyRecord, Sealed};
use crate::store::{ApiKeyStore, Insertion, MemoryStore, StoreError};
use crate::types::{ApiKeyId, Timestamp, TokenHash};

use super::state::{Key, Refusal, State, remove};

/// API keys in the order of their identifiers, and those by hash.
#[derive(Default)]
pub(super) struct HeldApiKeys {
    records: BTreeMap<ApiKeyId, Arc<ApiKeyRecord>>,
    by_hash: HashMap<TokenHash, ApiKeyId>,
}

impl HeldApiKeys {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    fn knows(&self, key: &ApiKeyRecord) -> bool {
        self.records.contains_key(&key.id) || self.by_hash.contains_key(&key.hash)
    }

    fn insert(&mut self, key: ApiKeyRecord) {
        self.by_hash.insert(key.hash, key.id.clone());
        self.records.insert(key.id.clone(), Arc::new(key));
    }

    fn find(&self, hash: &TokenHash, now: Timestamp) -> Option<Arc<ApiKeyRecord>> {
        let key = self.records.get(self.by_hash.get(hash)?)?;
        is_live(key, now).then(|| Arc::clone(key))
    }

    fn list(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
        now: Timestamp,
    ) -> Vec<Arc<ApiKeyRecord>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let following = self
            .records
            .range::<ApiKeyId, _>((start, Bound::Unbounded))
            .map(|(_, key)| key);
        let live = following.filter(|key| is_live(key, now));
        live.take(limit).map(Arc::clone).collect()
    }

    pub(super) fn remove(&mut self, id: &ApiKeyId) -> Option<Arc<ApiKeyRecord>> {
        let removed = self.records.remove(id)?;
        remove(&mut self.by_hash, &removed.hash);
        Some(removed)
    }

    fn reseal(&mut self, old: &ApiKeyRecord, new: &Sealed) -> bool {
        let held = self.records.get_mut(&old.id);
        let Some(key) = held.filter(|key| key.details == old.details) else {
            return false;
        };
        Arc::make_mut(key).details = new.clone();
        true
    }
}

fn is_live(key: &ApiKeyRecord, now: Timestamp) -> bool {
    key.expires_at.is_none_or(|end| end > now)
}

impl State {
    fn insert_api_key(&mut self, key: ApiKeyRecord) -> Result<Insertion, Refusal> {
        if self.api_keys.knows(&key) {
            return Ok(Insertion::Conflict);
        }
        self.make_room("API keys", self.limits.api_keys, |state| {
            state.api_keys.len()
        })?;
        if let Some(end) = key.expires_at {
            self.expiries.insert((end, Key::Api(key.id.clone())));
        }
        self.api_keys.insert(key);
        Ok(Insertion::Done)
    }

    fn remove_api_key(&mut self, id: &ApiKeyId) -> bool {
        let removed = self.api_keys.remove(id);
        if let Some(end) = removed.as_ref().and_then(|key| key.expires_at) {
            self.expiries.remove(&(end, Key::Api(id.clone())));
        }
        removed.is_some()
    }
}

#[async_trait]
impl ApiKeyStore for MemoryStore {
    async fn insert_api_key(&self, key: ApiKeyRecord) -> Result<Insertion, StoreError> {
        Ok(self.state_for_write().insert_api_key(key)?)
    }

    async fn find_api_key(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        let found = self.state().api_keys.find(hash, now);
        Ok(found.map(Arc::unwrap_or_clone))
    }

    async fn list_api_keys(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let found = self.state().api_keys.list(after, limit, now);
        Ok(found.into_iter().map(Arc::unwrap_or_clone).collect())
    }

    async fn remove_api_key(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        Ok(self.state_for_write().remove_api_key(id))
    }

    async fn reseal_api_key(&self, old: &ApiKeyRecord, new: &Sealed) -> Result<bool, StoreError> {
        Ok(self.state_for_write().api_keys.reseal(old, new))
    }
}
