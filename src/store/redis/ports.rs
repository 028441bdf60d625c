use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{ClientRecord, PendingRecord, Sealed, SigningKeyRecord};
use crate::store::{
    ClientStore, Insertion, LeaseStore, PendingStore, RedisStore, ReplayStore, SigningKeyStore,
    StoreError, Sweep,
};
use crate::types::{ClientId, Timestamp, TokenHash};

use super::record::{self, PENDING, Row};
use super::script::{
    Call, INSERT, INSERT_CLIENT, INSERT_SIGNING_KEY, REMOVE_CLIENT, RESEAL_SIGNING_KEY, SWEEP,
    TAKE_LEASE, TAKE_PENDING, UPDATE_CLIENT, USE_ONCE,
};

/// One script holds up all others, so that it must not have too much to do.
const SWEPT_AT_ONCE: usize = 256;

/// Redis refuses no time at all, and a time without end would fill it.
const REMEMBERED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3600));

impl RedisStore {
    /// How long a call that took or ended something is remembered, in
    /// milliseconds: longer than it may be repeated.
    pub(super) fn remembered(&self) -> String {
        let twice = self.link.timeout.saturating_mul(2);
        let kept = twice.clamp(REMEMBERED.0, REMEMBERED.1);
        kept.as_millis().to_string()
    }

    /// What `clients.lua` takes.
    fn with_client(&self, call: Call, client: &ClientRecord) -> Result<Call, StoreError> {
        let record = serde_json::to_vec(client).map_err(StoreError::new)?;
        let unused_until = client.registration.unused_until();
        let unused_until = unused_until.map(|time| time.as_secs().to_string().into_bytes());
        let call = call
            .key(self.keys.client(&client.id))
            .key(self.keys.grants_of_client(&client.id))
            .key(self.keys.unused_clients())
            .key(self.keys.dynamic_clients())
            .argument(client.id.as_str())
            .argument(record)
            .list(unused_until);
        Ok(call)
    }

    pub(super) async fn insert(&self, call: Call) -> Result<Insertion, StoreError> {
        let done: bool = self.link.ask(call).await?;
        Ok(if done {
            Insertion::Done
        } else {
            Insertion::Conflict
        })
    }
}

#[async_trait]
impl ClientStore for RedisStore {
    async fn insert_client(&self, client: ClientRecord) -> Result<Insertion, StoreError> {
        let call = self.with_client(Call::of(&INSERT_CLIENT), &client)?;
        self.insert(call).await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        let mut command = redis::cmd("HGET");
        command.arg(self.keys.client(id)).arg("record");
        let found: Option<Vec<u8>> = self.link.ask(command).await?;
        let record = found.map(|json| serde_json::from_slice(&json));
        record.transpose().map_err(StoreError::new)
    }

    async fn update_client(
        &self,
        old: &ClientRecord,
        new: ClientRecord,
    ) -> Result<bool, StoreError> {
        let old = serde_json::to_vec(old).map_err(StoreError::new)?;
        let call = self.with_client(Call::of(&UPDATE_CLIENT), &new)?;
        self.link.ask(call.argument(old)).await
    }

    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        let call = Call::of(&REMOVE_CLIENT)
            .key(self.keys.client(id))
            .key(self.keys.removed(id))
            .key(self.keys.unused_clients())
            .key(self.keys.dynamic_clients())
            .argument(id.as_str())
            .argument(self.calls.name())
            .argument(self.remembered());
        self.link.ask(call).await
    }

    async fn count_clients(&self, most: usize) -> Result<usize, StoreError> {
        let mut command = redis::cmd("SCARD");
        command.arg(self.keys.dynamic_clients());
        let count: usize = self.link.ask(command).await?;
        Ok(count.min(most))
    }
}

#[async_trait]
impl ReplayStore for RedisStore {
    async fn use_once(
        &self,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let call = Call::of(&USE_ONCE)
            .key(self.keys.replay(id))
            .argument(self.calls.name())
            .time(until)
            .time(now)
            .kept_for(until.since(now));
        self.link.ask(call).await
    }
}

#[async_trait]
impl PendingStore for RedisStore {
    async fn insert_pending(&self, pending: PendingRecord) -> Result<Insertion, StoreError> {
        let call = Call::of(&INSERT)
            .key(self.keys.pending(&pending.state))
            .key(self.keys.taken(&pending.state))
            .vanishes_after(pending.expires_at)
            .fields(record::pending_fields(&pending));
        self.insert(call).await
    }

    async fn find_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.keys.pending(state)).arg(&PENDING);
        let found: Vec<Option<Vec<u8>>> = self.link.ask(command).await?;
        live_pending(state, found, now)
    }

    async fn take_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        let call = Call::of(&TAKE_PENDING)
            .key(self.keys.pending(state))
            .key(self.keys.taken(state))
            .argument(self.calls.name())
            .argument(self.remembered())
            .names(&PENDING);
        let taken: Option<Vec<Option<Vec<u8>>>> = self.link.ask(call).await?;
        live_pending(state, taken.unwrap_or_default(), now)
    }
}

fn live_pending(
    state: &TokenHash,
    values: Vec<Option<Vec<u8>>>,
    now: Timestamp,
) -> Result<Option<PendingRecord>, StoreError> {
    let found = Row::of(values).map(|row| row.pending(*state));
    let found = found.transpose().map_err(StoreError::new)?;
    Ok(found.filter(|pending| pending.expires_at > now))
}

#[async_trait]
impl SigningKeyStore for RedisStore {
    async fn list_signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        let mut command = redis::cmd("HGETALL");
        command.arg(self.keys.signing_keys());
        let found: HashMap<u32, Vec<u8>> = self.link.ask(command).await?;
        let keys = found.iter();
        let mut keys = keys
            .map(|(generation, value)| record::signing_key(*generation, value))
            .collect::<Result<Vec<_>, _>>()
            .map_err(StoreError::new)?;
        keys.sort_unstable_by_key(|key| key.generation);
        Ok(keys)
    }

    async fn insert_signing_key(&self, key: SigningKeyRecord) -> Result<Insertion, StoreError> {
        let call = Call::of(&INSERT_SIGNING_KEY)
            .key(self.keys.signing_keys())
            .argument(key.generation.to_string())
            .argument(record::signing_key_value(&key));
        self.insert(call).await
    }

    async fn reseal_signing_key(
        &self,
        generation: u32,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        let call = Call::of(&RESEAL_SIGNING_KEY)
            .key(self.keys.signing_keys())
            .argument(generation.to_string())
            .argument(old.as_bytes())
            .argument(new.as_bytes());
        self.link.ask(call).await
    }

    async fn remove_signing_key(&self, generation: u32) -> Result<(), StoreError> {
        let mut command = redis::cmd("HDEL");
        command.arg(self.keys.signing_keys()).arg(generation);
        let _removed: u32 = self.link.ask(command).await?;
        Ok(())
    }
}

#[async_trait]
impl LeaseStore for RedisStore {
    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let call = Call::of(&TAKE_LEASE)
            .key(self.keys.lease(name))
            .argument(holder)
            .time(until)
            .time(now)
            .vanishes_after(until);
        self.link.ask(call).await
    }
}

#[async_trait]
impl Sweep for RedisStore {
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut deleted = 0;
        while deleted < limit {
            let batch = SWEPT_AT_ONCE.min(limit - deleted);
            let call = Call::of(&SWEEP)
                .key(self.keys.grant_ends())
                .key(self.keys.unused_clients())
                .key(self.keys.dynamic_clients())
                .key(self.keys.api_key_ends())
                .argument(self.keys.prefix())
                .time(now)
                .number(batch);
            let forgotten: usize = self.link.ask(call).await?;
            deleted += forgotten;
            if forgotten < batch {
                break;
            }
        }
        Ok(deleted)
    }
}
