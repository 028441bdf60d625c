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

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use oauth_for_mcp::model::{
    AccessTokenRecord, ClientRecord, CodeRecord, CodeStage, GrantFilter, GrantRecord,
    IssuedRecords, PendingRecord, RefreshRecord, Registration, RotatedRecords, Sealed,
    SigningKeyRecord,
};
use oauth_for_mcp::store::contract::{PROMISES, Trial};
use oauth_for_mcp::store::{
    AccessTokenStore, ClientStore, CodeStore, GrantStore, Insertion, LeaseStore, PendingStore,
    Redemption, RefreshTokenStore, Rotation, SigningKeyStore, StoreError, Sweep,
};
use oauth_for_mcp::types::{ClientId, GrantId, Timestamp, TokenHash};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

type Answer<T> = Result<T, StoreError>;

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

/// From `table/key` to a record as JSON.
#[derive(Debug, Default)]
struct Rows(BTreeMap<String, String>);

impl Rows {
    fn read<T: DeserializeOwned>(&self, row: &str) -> Answer<Option<T>> {
        let json = self.0.get(row).map(|text| serde_json::from_str(text));
        json.transpose().map_err(StoreError::new)
    }

    /// As `read`, but what has expired is absent.
    fn read_live<T: DeserializeOwned>(&self, row: &str, now: Timestamp) -> Answer<Option<T>> {
        let json = self.read::<Value>(row)?;
        let live = json.filter(|json| !has_passed(&json["expires_at"], now));
        live.map(serde_json::from_value)
            .transpose()
            .map_err(StoreError::new)
    }

    fn insert<T: Serialize>(&mut self, row: String, record: &T) -> Answer<Insertion> {
        if self.0.contains_key(&row) {
            return Ok(Insertion::Conflict);
        }
        self.0.extend([written(row, record)?]);
        Ok(Insertion::Done)
    }

    /// A token counts only with its grant; a revoked grant is not there.
    fn read_token<T, F>(
        &self,
        row: &str,
        now: Timestamp,
        grant: F,
    ) -> Answer<Option<(T, GrantRecord)>>
    where
        T: DeserializeOwned,
        F: Fn(&T) -> &GrantId,
    {
        let Some(token) = self.read_live(row, now)? else {
            return Ok(None);
        };
        let grant = self.read_live(&grant_row(grant(&token)), now)?;
        Ok(grant.map(|grant| (token, grant)))
    }

    fn refresh(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Answer<Option<(RefreshRecord, GrantRecord)>> {
        self.read_token(&refresh_row(grant), now, |it: &RefreshRecord| &it.grant_id)
    }

    /// The grants that are alive, in the order of their identifiers.
    fn grants(&self, now: Timestamp) -> Answer<Vec<GrantRecord>> {
        let rows = self.0.keys().filter(|row| row.starts_with("grant/"));
        let grants = rows.map(|row| self.read_live(row, now));
        grants.filter_map(Result::transpose).collect()
    }

    /// Whether a sweep may delete the row.
    fn is_over(&self, row: &str, json: &str, now: Timestamp) -> Answer<bool> {
        if row.starts_with("signing key/") {
            return Ok(false);
        }
        if !row.starts_with("client/") {
            let json: Value = serde_json::from_str(json).map_err(StoreError::new)?;
            return Ok(has_passed(&json["expires_at"], now));
        }
        let client: ClientRecord = serde_json::from_str(json).map_err(StoreError::new)?;
        match client.registration {
            Registration::Preregistered => Ok(false),
            Registration::Dynamic { unused_until, .. } => {
                Ok(unused_until <= now && !self.holds_grant(&client.id, now)?)
            }
        }
    }

    fn holds_grant(&self, client: &ClientId, now: Timestamp) -> Answer<bool> {
        let mut grants = self.grants(now)?.into_iter();
        Ok(grants.any(|grant| grant.client_id == *client))
    }
}

fn has_passed(time: &Value, now: Timestamp) -> bool {
    time.as_u64().is_some_and(|time| time <= now.as_secs())
}

fn written<T: Serialize>(row: String, record: &T) -> Answer<(String, String)> {
    let json = serde_json::to_string(record).map_err(StoreError::new)?;
    Ok((row, json))
}

fn hash_row(table: &str, hash: &TokenHash) -> String {
    let hex: String = hash
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{table}/{hex}")
}

fn grant_row(id: &GrantId) -> String {
    format!("grant/{id}")
}

fn refresh_row(grant: &GrantId) -> String {
    format!("refresh/{grant}")
}

/// With leading zeros, so that the order of the rows is that of the generations.
fn key_row(generation: u32) -> String {
    format!("signing key/{generation:010}")
}

#[async_trait]
impl ClientStore for KeyValueStore {
    async fn insert_client(&self, client: ClientRecord) -> Answer<Insertion> {
        self.begin()?
            .insert(format!("client/{}", client.id), &client)
    }

    async fn find_client(&self, id: &ClientId) -> Answer<Option<ClientRecord>> {
        self.begin()?.read(&format!("client/{id}"))
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
        let mut ready = vec![
            written(row, &code)?,
            written(grant_row(&issued.grant.id), &issued.grant)?,
        ];
        if let Some(access) = &issued.access {
            ready.push(written(hash_row("access", &access.hash), access)?);
        }
        if let Some(refresh) = &issued.refresh {
            ready.push(written(refresh_row(&refresh.grant_id), refresh)?);
        }
        rows.0.extend(ready);
        Ok(Redemption::Done)
    }
}

#[async_trait]
impl GrantStore for KeyValueStore {
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
