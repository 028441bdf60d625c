use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{
    AccessTokenRecord, ClientRecord, CodeRecord, GrantFilter, GrantRecord, IssuedRecords,
    PendingRecord, RefreshRecord, RotatedRecords, Sealed, SigningKeyRecord,
};
use crate::store::{
    AccessTokenStore, ClientStore, CodeStore, GrantStore, Insertion, LeaseStore, MemoryStore,
    PendingStore, Redemption, RefreshTokenStore, ReplayStore, Rotation, SigningKeyStore,
    StoreError, Sweep,
};
use crate::types::{ClientId, GrantId, Timestamp, TokenHash};

use super::state::Refusal;

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal)
    }
}

#[async_trait]
impl ClientStore for MemoryStore {
    async fn insert_client(&self, client: ClientRecord) -> Result<Insertion, StoreError> {
        Ok(self.state_for_write().insert_client(client)?)
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        let found = self.state().clients.get(id).cloned();
        let record = found.map(|held| held.record(id));
        record.transpose().map_err(StoreError::new)
    }

    async fn update_client(
        &self,
        old: &ClientRecord,
        new: ClientRecord,
    ) -> Result<bool, StoreError> {
        Ok(self.state_for_write().update_client(old, new)?)
    }

    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        Ok(self.state_for_write().remove_client(id))
    }

    async fn count_clients(&self, most: usize) -> Result<usize, StoreError> {
        Ok(self.state_for_write().dynamic_clients.min(most))
    }
}

#[async_trait]
impl PendingStore for MemoryStore {
    async fn insert_pending(&self, pending: PendingRecord) -> Result<Insertion, StoreError> {
        Ok(self.state_for_write().insert_pending(pending)?)
    }

    async fn find_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        let found = self.state().pending.get(state).cloned();
        let live = found.filter(|pending| pending.expires_at > now);
        Ok(live.map(Arc::unwrap_or_clone))
    }

    async fn take_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        let taken = self.state_for_write().take_pending(state, now);
        Ok(taken.map(Arc::unwrap_or_clone))
    }
}

#[async_trait]
impl CodeStore for MemoryStore {
    async fn insert_code(&self, code: CodeRecord) -> Result<Insertion, StoreError> {
        Ok(self.state_for_write().insert_code(code)?)
    }

    async fn find_code(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<CodeRecord>, StoreError> {
        let found = self.state().codes.get(hash).cloned();
        let live = found.filter(|code| code.expires_at > now);
        Ok(live.map(Arc::unwrap_or_clone))
    }

    async fn redeem_code(
        &self,
        hash: &TokenHash,
        issued: IssuedRecords,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        Ok(self.state_for_write().redeem_code(hash, issued, now)?)
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn insert_grant(&self, issued: IssuedRecords) -> Result<Insertion, StoreError> {
        Ok(self.state_for_write().begin_grant(issued)?)
    }

    async fn find_grant(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<GrantRecord>, StoreError> {
        let found = self.state().find_grant(id, now);
        Ok(found.map(|held| held.record.clone()))
    }

    async fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let found = self.state().list_grants(filter, after, limit, now);
        Ok(found.iter().map(|held| held.record.clone()).collect())
    }

    async fn revoke_grant(&self, id: &GrantId) -> Result<bool, StoreError> {
        Ok(self.state_for_write().revoke_grant(id))
    }

    async fn reseal_grant(&self, old: &GrantRecord, new: &GrantRecord) -> Result<bool, StoreError> {
        Ok(self.state_for_write().reseal_grant(old, new))
    }
}

#[async_trait]
impl AccessTokenStore for MemoryStore {
    async fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(AccessTokenRecord, GrantRecord)>, StoreError> {
        let found = self.state().find_access_token(hash, now);
        Ok(found.map(|(access, held)| (Arc::unwrap_or_clone(access), held.record.clone())))
    }
}

#[async_trait]
impl RefreshTokenStore for MemoryStore {
    async fn find_refresh_token(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError> {
        let found = self.state().find_refresh_token(grant, now);
        Ok(found.map(|(held, refresh)| (refresh, held.record.clone())))
    }

    async fn rotate_refresh_token(
        &self,
        spent: &TokenHash,
        next: RotatedRecords,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let mut state = self.state_for_write();
        Ok(state.rotate_refresh_token(spent, next, now)?)
    }
}

#[async_trait]
impl ReplayStore for MemoryStore {
    async fn use_once(
        &self,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.state_for_write().use_once(id, until, now)?)
    }
}

#[async_trait]
impl SigningKeyStore for MemoryStore {
    async fn list_signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        Ok(self.state().signing_keys.values().cloned().collect())
    }

    async fn insert_signing_key(&self, key: SigningKeyRecord) -> Result<Insertion, StoreError> {
        Ok(self.state().insert_signing_key(key))
    }

    async fn reseal_signing_key(
        &self,
        generation: u32,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        Ok(self.state().reseal_signing_key(generation, old, new))
    }

    async fn remove_signing_key(&self, generation: u32) -> Result<(), StoreError> {
        self.state().signing_keys.remove(&generation);
        Ok(())
    }
}

#[async_trait]
impl LeaseStore for MemoryStore {
    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.state().take_lease(name, holder, until, now))
    }
}

#[async_trait]
impl Sweep for MemoryStore {
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        Ok(self.state().sweep(now, limit))
    }
}
