//! A store of your own: what a backend has to do, and how to know that it does.
//!
//! ```text
//! cargo run --example custom_store --features test-util
//! ```
//!
//! This one keeps each record as a text of JSON in a key-value map, as a file
//! or an embedded database would. All that is secret reaches it as a hash or as
//! sealed bytes, so what a store can get wrong is only this: to be atomic, and
//! to take what has expired for absent. `store::contract` checks both.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use oauth_for_mcp::model::{
    AccessTokenRecord, ApiKeyRecord, ClientRecord, CodeRecord, CodeStage, GrantFilter, GrantRecord,
    IssuedRecords, PendingRecord, RefreshRecord, RotatedRecords, Sealed, SigningKeyRecord,
};
use oauth_for_mcp::store::contract::{PROMISES, Trial};
use oauth_for_mcp::store::{
    AccessTokenStore, ApiKeyStore, ClientStore, CodeStore, GrantStore, Insertion, LeaseStore,
    PendingStore, Redemption, RefreshTokenStore, ReplayStore, Rotation, SigningKeyStore,
    StoreError, Sweep,
};
use oauth_for_mcp::types::{ApiKeyId, ClientId, GrantId, Timestamp, TokenHash};
use serde::{Deserialize, Serialize};

mod rows;

use rows::{
    Answer, Rows, all_written, api_key_row, client_row, grant_row, hash_row, key_row, refresh_row,
    written,
};

#[tokio::main]
async fn main() {
    for promise in PROMISES {
        // Each promise is checked on a fresh store, by tasks of your runtime.
        let trial = Trial::new(Arc::new(KeyValueStore::default()), |task| {
            tokio::spawn(task);
        });
        promise.check(&trial).await; // panics if it is broken
        println!("ok  {}", promise.name().replace('_', " "));
    }
    println!("{} promises kept", PROMISES.len());
}

/// A key-value map; whoever holds the lock is in a transaction.
#[derive(Debug, Default)]
struct KeyValueStore(Mutex<Rows>);

impl KeyValueStore {
    fn begin(&self) -> Answer<MutexGuard<'_, Rows>> {
        self.0
            .lock()
            .map_err(|error| StoreError::new(error.to_string()))
    }
}

#[async_trait]
impl ClientStore for KeyValueStore {
    async fn insert_client(&self, client: ClientRecord) -> Answer<Insertion> {
        self.begin()?.insert(client_row(&client.id), &client)
    }

    async fn find_client(&self, id: &ClientId) -> Answer<Option<ClientRecord>> {
        self.begin()?.read(&client_row(id))
    }

    async fn update_client(&self, old: &ClientRecord, new: ClientRecord) -> Answer<bool> {
        let mut rows = self.begin()?;
        let row = client_row(&old.id);
        if rows.read::<ClientRecord>(&row)?.as_ref() != Some(old) {
            return Ok(false);
        }
        rows.0.extend([written(row, &new)?]);
        Ok(true)
    }

    async fn remove_client(&self, id: &ClientId) -> Answer<bool> {
        Ok(self.begin()?.0.remove(&client_row(id)).is_some())
    }

    async fn count_clients(&self, most: usize) -> Answer<usize> {
        self.begin()?.dynamic_clients(most)
    }
}

#[async_trait]
impl PendingStore for KeyValueStore {
    async fn insert_pending(&self, pending: PendingRecord) -> Answer<Insertion> {
        self.begin()?
            .insert(hash_row("pending", &pending.state), &pending)
    }

    async fn find_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Answer<Option<PendingRecord>> {
        self.begin()?.read_live(&hash_row("pending", state), now)
    }

    async fn take_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Answer<Option<PendingRecord>> {
        let row = hash_row("pending", state);
        let mut rows = self.begin()?;
        let taken = rows.read_live(&row, now)?;
        rows.0.remove(&row);
        Ok(taken)
    }
}

#[async_trait]
impl CodeStore for KeyValueStore {
    async fn insert_code(&self, code: CodeRecord) -> Answer<Insertion> {
        self.begin()?.insert(hash_row("code", &code.hash), &code)
    }

    async fn find_code(&self, hash: &TokenHash, now: Timestamp) -> Answer<Option<CodeRecord>> {
        self.begin()?.read_live(&hash_row("code", hash), now)
    }

    async fn redeem_code(
        &self,
        hash: &TokenHash,
        issued: IssuedRecords,
        now: Timestamp,
    ) -> Answer<Redemption> {
        let mut rows = self.begin()?;
        let row = hash_row("code", hash);
        let Some(mut code) = rows.read_live::<CodeRecord>(&row, now)? else {
            return Ok(Redemption::Absent);
        };
        if let CodeStage::Redeemed(grant) = code.stage {
            return Ok(Redemption::Replayed(grant));
        }
        code.stage = CodeStage::Redeemed(issued.grant.id.clone());
        // Everything is made ready, so that nothing fails between two writes.
        let mut ready = all_written(&issued)?;
        ready.push(written(row, &code)?);
        rows.0.extend(ready);
        Ok(Redemption::Done)
    }
}

#[async_trait]
impl GrantStore for KeyValueStore {
    async fn insert_grant(&self, issued: IssuedRecords) -> Answer<Insertion> {
        let mut rows = self.begin()?;
        if rows.0.contains_key(&grant_row(&issued.grant.id)) {
            return Ok(Insertion::Conflict);
        }
        rows.0.extend(all_written(&issued)?);
        Ok(Insertion::Done)
    }

    async fn find_grant(&self, id: &GrantId, now: Timestamp) -> Answer<Option<GrantRecord>> {
        self.begin()?.read_live(&grant_row(id), now)
    }

    /// Without their grant the tokens are absent; a sweep deletes them in time.
    async fn revoke_grant(&self, id: &GrantId) -> Answer<bool> {
        Ok(self.begin()?.0.remove(&grant_row(id)).is_some())
    }

    async fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
        now: Timestamp,
    ) -> Answer<Vec<GrantRecord>> {
        let wanted = |grant: &GrantRecord| match filter {
            GrantFilter::All => true,
            GrantFilter::Client(client) => grant.client_id == *client,
            GrantFilter::Subject(hashes) => hashes.contains(&grant.subject),
        };
        let mut grants = self.begin()?.grants(now)?;
        grants.retain(|grant| after.is_none_or(|after| grant.id > *after) && wanted(grant));
        grants.truncate(limit);
        Ok(grants)
    }

    async fn reseal_grant(&self, old: &GrantRecord, new: &GrantRecord) -> Answer<bool> {
        let mut rows = self.begin()?;
        let row = grant_row(&old.id);
        let found = rows.read::<GrantRecord>(&row)?;
        let Some(mut grant) = found.filter(|grant| grant.details == old.details) else {
            return Ok(false);
        };
        grant.subject = new.subject;
        grant.details = new.details.clone();
        rows.0.extend([written(row, &grant)?]);
        Ok(true)
    }
}

#[async_trait]
impl AccessTokenStore for KeyValueStore {
    async fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Answer<Option<(AccessTokenRecord, GrantRecord)>> {
        let rows = self.begin()?;
        rows.read_token(&hash_row("access", hash), now, |it: &AccessTokenRecord| {
            &it.grant_id
        })
    }
}

#[async_trait]
impl RefreshTokenStore for KeyValueStore {
    async fn find_refresh_token(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Answer<Option<(RefreshRecord, GrantRecord)>> {
        self.begin()?.refresh(grant, now)
    }

    async fn rotate_refresh_token(
        &self,
        spent: &TokenHash,
        next: RotatedRecords,
        now: Timestamp,
    ) -> Answer<Rotation> {
        let mut rows = self.begin()?;
        let id = &next.refresh.grant_id;
        let Some((held, mut grant)) = rows.refresh(id, now)? else {
            return Ok(Rotation::Absent);
        };
        if held.current != *spent {
            return Ok(Rotation::Lost(held));
        }
        grant.expires_at = next.grant_expires_at;
        let mut ready = vec![
            written(refresh_row(id), &next.refresh)?,
            written(grant_row(id), &grant)?,
        ];
        if let Some(access) = &next.access {
            ready.push(written(hash_row("access", &access.hash), access)?);
        }
        rows.0.extend(ready);
        Ok(Rotation::Done)
    }
}

#[async_trait]
impl ApiKeyStore for KeyValueStore {
    async fn insert_api_key(&self, key: ApiKeyRecord) -> Answer<Insertion> {
        let mut rows = self.begin()?;
        let keys = rows.api_keys(Timestamp::default())?;
        if keys.iter().any(|held| held.hash == key.hash) {
            return Ok(Insertion::Conflict);
        }
        rows.insert(api_key_row(&key.id), &key)
    }

    /// A database would have an index of hashes.
    async fn find_api_key(&self, hash: &TokenHash, now: Timestamp) -> Answer<Option<ApiKeyRecord>> {
        let keys = self.begin()?.api_keys(now)?;
        Ok(keys.into_iter().find(|key| key.hash == *hash))
    }

    async fn list_api_keys(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
        now: Timestamp,
    ) -> Answer<Vec<ApiKeyRecord>> {
        let mut keys = self.begin()?.api_keys(now)?;
        keys.retain(|key| after.is_none_or(|after| key.id > *after));
        keys.truncate(limit);
        Ok(keys)
    }

    async fn remove_api_key(&self, id: &ApiKeyId) -> Answer<bool> {
        Ok(self.begin()?.0.remove(&api_key_row(id)).is_some())
    }

    async fn reseal_api_key(&self, old: &ApiKeyRecord, new: &Sealed) -> Answer<bool> {
        let mut rows = self.begin()?;
        let row = api_key_row(&old.id);
        let found = rows.read::<ApiKeyRecord>(&row)?;
        let Some(mut key) = found.filter(|key| key.details == old.details) else {
            return Ok(false);
        };
        key.details = new.clone();
        rows.0.extend([written(row, &key)?]);
        Ok(true)
    }
}

#[async_trait]
impl SigningKeyStore for KeyValueStore {
    async fn list_signing_keys(&self) -> Answer<Vec<SigningKeyRecord>> {
        let rows = self.begin()?;
        let keys = rows.0.keys().filter(|row| row.starts_with("signing key/"));
        let keys = keys.map(|row| rows.read(row));
        keys.filter_map(Result::transpose).collect()
    }

    async fn insert_signing_key(&self, key: SigningKeyRecord) -> Answer<Insertion> {
        self.begin()?.insert(key_row(key.generation), &key)
    }

    async fn reseal_signing_key(
        &self,
        generation: u32,
        old: &Sealed,
        new: &Sealed,
    ) -> Answer<bool> {
        let mut rows = self.begin()?;
        let row = key_row(generation);
        let found = rows.read::<SigningKeyRecord>(&row)?;
        let Some(mut key) = found.filter(|key| key.private == *old) else {
            return Ok(false);
        };
        key.private = new.clone();
        rows.0.extend([written(row, &key)?]);
        Ok(true)
    }

    async fn remove_signing_key(&self, generation: u32) -> Answer<()> {
        self.begin()?.0.remove(&key_row(generation));
        Ok(())
    }
}

/// Until when something is used up, as it is stored.
#[derive(Serialize, Deserialize)]
struct Use {
    expires_at: Timestamp,
}

#[async_trait]
impl ReplayStore for KeyValueStore {
    async fn use_once(&self, id: &TokenHash, until: Timestamp, now: Timestamp) -> Answer<bool> {
        let mut rows = self.begin()?;
        let row = hash_row("replay", id);
        if rows.read_live::<Use>(&row, now)?.is_some() {
            return Ok(false);
        }
        let used = Use { expires_at: until };
        rows.0.extend([written(row, &used)?]);
        Ok(true)
    }
}

/// Who holds a lease, as it is stored.
#[derive(Serialize, Deserialize)]
struct Lease {
    holder: String,
    expires_at: Timestamp,
}

#[async_trait]
impl LeaseStore for KeyValueStore {
    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Answer<bool> {
        let mut rows = self.begin()?;
        let row = format!("lease/{name}");
        let held = rows.read_live::<Lease>(&row, now)?;
        if held.is_some_and(|lease| lease.holder != holder) {
            return Ok(false);
        }
        let lease = Lease {
            holder: holder.to_owned(),
            expires_at: until,
        };
        rows.0.extend([written(row, &lease)?]);
        Ok(true)
    }
}

#[async_trait]
impl Sweep for KeyValueStore {
    async fn sweep(&self, now: Timestamp, limit: usize) -> Answer<usize> {
        let mut rows = self.begin()?;
        let mut over = Vec::new();
        for (row, json) in &rows.0 {
            if over.len() < limit && rows.is_over(row, json, now)? {
                over.push(row.clone());
            }
        }
        over.iter().for_each(|row| drop(rows.0.remove(row)));
        Ok(over.len())
    }
}

/// The same in `cargo test`: a test of each promise, named after it.
#[cfg(test)]
mod tests {
    use super::KeyValueStore;

    oauth_for_mcp::store_contract_tests!(KeyValueStore::default());
}
