//! Signing keys, leases and the sweep.

use async_trait::async_trait;

use crate::model::{Sealed, SigningKeyRecord};
use crate::store::{Insertion, LeaseStore, SigningKeyStore, StoreError, Sweep};
use crate::types::Timestamp;

use super::{Fault, Faulty};

#[async_trait]
impl SigningKeyStore for Faulty {
    async fn list_signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.inner.list_signing_keys().await
    }

    async fn insert_signing_key(&self, key: SigningKeyRecord) -> Result<Insertion, StoreError> {
        if self.has(Fault::KeysAreOverwritten) {
            self.inner.remove_signing_key(key.generation).await?;
        }
        self.inner.insert_signing_key(key).await
    }

    async fn reseal_signing_key(
        &self,
        generation: u32,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        self.inner.reseal_signing_key(generation, old, new).await
    }

    async fn remove_signing_key(&self, generation: u32) -> Result<(), StoreError> {
        self.inner.remove_signing_key(generation).await
    }
}

#[async_trait]
impl LeaseStore for Faulty {
    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let taken = self.inner.take_lease(name, holder, until, now).await?;
        Ok(taken || self.has(Fault::LeaseIsForEverybody))
    }
}

#[async_trait]
impl Sweep for Faulty {
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        if self.has(Fault::SweepIgnoresItsLimit) {
            return self.inner.sweep(now, usize::MAX).await;
        }
        if self.has(Fault::SweepKeepsApiKeys) {
            return Ok(0);
        }
        if self.has(Fault::SweepDeletesWhatLives) {
            let end = Timestamp::from_secs(u64::MAX);
            return self.inner.sweep(end, limit).await;
        }
        self.sweep_what_is_due(now).await?;
        self.sweep_uses(now);
        self.inner.sweep(now, limit).await
    }
}
