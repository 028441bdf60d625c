//! A broken store fails the contract: stores with one fault each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

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

use super::{PROMISES, Trial, sample};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    InsertOverwrites,
    FindIgnoresExpiry,
    TakeLeavesTheRecord,
    TakeReadsThenRemoves,
    RedeemIsAlwaysDone,
    RedeemStoresOfTheLoser,
    RedeemNamesTheLoser,
    RotateDoesNotCompare,
    RotateReadsThenWrites,
    RevokeIsAlwaysTrue,
    ListForgetsTheOrder,
    ResealDoesNotCompare,
    KeysAreOverwritten,
    LeaseIsForEverybody,
    SweepIgnoresItsLimit,
    SweepDeletesWhatLives,
}

#[derive(Debug)]
struct Faulty {
    inner: MemoryStore,
    fault: Fault,
    overwritten: Mutex<HashMap<ClientId, ClientRecord>>,
}

impl Faulty {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn told(&self, now: Timestamp) -> Timestamp {
        if self.has(Fault::FindIgnoresExpiry) {
            return Timestamp::default();
        }
        now
    }
}

#[async_trait]
impl ClientStore for Faulty {
    async fn insert_client(&self, client: ClientRecord) -> Result<Insertion, StoreError> {
        if self.has(Fault::InsertOverwrites) {
            let mut overwritten = self.overwritten.lock().unwrap();
            overwritten.insert(client.id.clone(), client);
            return Ok(Insertion::Done);
        }
        self.inner.insert_client(client).await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        if self.has(Fault::InsertOverwrites) {
            return Ok(self.overwritten.lock().unwrap().get(id).cloned());
        }
        self.inner.find_client(id).await
    }

    async fn update_client(
        &self,
        old: &ClientRecord,
        new: ClientRecord,
    ) -> Result<bool, StoreError> {
        self.inner.update_client(old, new).await
    }

    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        self.inner.remove_client(id).await
    }

    async fn count_clients(&self, most: usize) -> Result<usize, StoreError> {
        self.inner.count_clients(most).await
    }
}

#[async_trait]
impl ReplayStore for Faulty {
    async fn use_once(
        &self,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.use_once(id, until, now).await
    }
}

#[async_trait]
impl PendingStore for Faulty {
    async fn insert_pending(&self, pending: PendingRecord) -> Result<Insertion, StoreError> {
        self.inner.insert_pending(pending).await
    }

    async fn find_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        self.inner.find_pending(state, self.told(now)).await
    }

    async fn take_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        if self.has(Fault::TakeLeavesTheRecord) {
            return self.inner.find_pending(state, now).await;
        }
        if self.has(Fault::TakeReadsThenRemoves) {
            let found = self.inner.find_pending(state, now).await?;
            tokio::task::yield_now().await;
            self.inner.take_pending(state, now).await?;
            return Ok(found);
        }
        self.inner.take_pending(state, self.told(now)).await
    }
}

#[async_trait]
impl CodeStore for Faulty {
    async fn insert_code(&self, code: CodeRecord) -> Result<Insertion, StoreError> {
        self.inner.insert_code(code).await
    }

    async fn find_code(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<CodeRecord>, StoreError> {
        self.inner.find_code(hash, self.told(now)).await
    }

    async fn redeem_code(
        &self,
        hash: &TokenHash,
        issued: IssuedRecords,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        let answer = self.inner.redeem_code(hash, issued.clone(), now).await?;
        if !matches!(answer, Redemption::Replayed(_)) {
            return Ok(answer);
        }
        if self.has(Fault::RedeemIsAlwaysDone) {
            return Ok(Redemption::Done);
        }
        if self.has(Fault::RedeemNamesTheLoser) {
            return Ok(Redemption::Replayed(issued.grant.id));
        }
        if self.has(Fault::RedeemStoresOfTheLoser) {
            let code = sample::code(issued.grant.id.as_str(), now);
            let hash = code.hash;
            self.inner.insert_code(code).await?;
            self.inner.redeem_code(&hash, issued, now).await?;
        }
        Ok(answer)
    }
}

#[async_trait]
impl GrantStore for Faulty {
    async fn insert_grant(&self, issued: IssuedRecords) -> Result<Insertion, StoreError> {
        self.inner.insert_grant(issued).await
    }

    async fn find_grant(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<GrantRecord>, StoreError> {
        self.inner.find_grant(id, self.told(now)).await
    }

    async fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let after = after.filter(|_| !self.has(Fault::ListForgetsTheOrder));
        self.inner
            .list_grants(filter, after, limit, self.told(now))
            .await
    }

    async fn revoke_grant(&self, id: &GrantId) -> Result<bool, StoreError> {
        let ended = self.inner.revoke_grant(id).await?;
        Ok(ended || self.has(Fault::RevokeIsAlwaysTrue))
    }

    async fn reseal_grant(&self, old: &GrantRecord, new: &GrantRecord) -> Result<bool, StoreError> {
        if self.has(Fault::ResealDoesNotCompare) {
            let found = self.inner.find_grant(&old.id, Timestamp::default()).await?;
            let stands = found.as_ref().unwrap_or(old);
            return self.inner.reseal_grant(stands, new).await;
        }
        self.inner.reseal_grant(old, new).await
    }
}

#[async_trait]
impl AccessTokenStore for Faulty {
    async fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(AccessTokenRecord, GrantRecord)>, StoreError> {
        self.inner.find_access_token(hash, self.told(now)).await
    }
}

#[async_trait]
impl RefreshTokenStore for Faulty {
    async fn find_refresh_token(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError> {
        self.inner.find_refresh_token(grant, self.told(now)).await
    }

    async fn rotate_refresh_token(
        &self,
        spent: &TokenHash,
        next: RotatedRecords,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let mut spent = *spent;
        if self.has(Fault::RotateReadsThenWrites) {
            let id = &next.refresh.grant_id;
            let found = self.inner.find_refresh_token(id, now).await?;
            if let Some((found, _)) = found.filter(|(found, _)| found.current != spent) {
                return Ok(Rotation::Lost(found));
            }
            tokio::task::yield_now().await;
        }
        loop {
            let answer = self
                .inner
                .rotate_refresh_token(&spent, next.clone(), now)
                .await?;
            match answer {
                Rotation::Lost(stands)
                    if self.has(Fault::RotateDoesNotCompare)
                        || self.has(Fault::RotateReadsThenWrites) =>
                {
                    spent = stands.current;
                }
                Rotation::Done | Rotation::Lost(_) | Rotation::Absent => return Ok(answer),
            }
        }
    }
}

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
        if self.has(Fault::SweepDeletesWhatLives) {
            let end = Timestamp::from_secs(u64::MAX);
            return self.inner.sweep(end, limit).await;
        }
        self.inner.sweep(now, limit).await
    }
}

/// The promises that a store with this fault breaks.
async fn broken_by(fault: Fault) -> Vec<&'static str> {
    let mut broken = Vec::new();
    for promise in PROMISES {
        let store = Faulty {
            inner: MemoryStore::new(),
            fault,
            overwritten: Mutex::default(),
        };
        let trial = Trial::new(Arc::new(store), |task| {
            tokio::spawn(task);
        });
        let held = tokio::spawn(async move { promise.check(&trial).await }).await;
        if held.is_err_and(|error| error.is_panic()) {
            broken.push(promise.name());
        }
    }
    broken
}

macro_rules! a_store_whose {
    ($($test:ident: $fault:ident breaks $($promise:ident)+;)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $test() {
            let broken = broken_by(Fault::$fault).await;
            for promise in [$(stringify!($promise)),+] {
                assert!(broken.contains(&promise), "{promise} holds; broken: {broken:?}");
            }
        })+
    };
}

a_store_whose! {
    insertion_overwrites_is_found_out: InsertOverwrites breaks
        inserting_a_client_never_overwrites_one
        of_concurrent_insertions_of_a_client_one_is_done;
    finds_ignore_the_time_is_found_out: FindIgnoresExpiry breaks
        an_expired_pending_request_is_absent
        an_expired_code_is_absent
        an_expired_grant_is_absent_with_its_tokens
        a_list_of_grants_has_only_live_ones
        an_expired_access_token_is_absent
        an_expired_refresh_token_is_absent;
    take_leaves_the_record_is_found_out: TakeLeavesTheRecord breaks
        a_pending_request_is_taken_once
        of_concurrent_takes_one_gets_the_pending_request;
    take_is_two_steps_is_found_out: TakeReadsThenRemoves breaks
        of_concurrent_takes_one_gets_the_pending_request;
    redemption_always_succeeds_is_found_out: RedeemIsAlwaysDone breaks
        a_code_is_redeemed_once
        of_concurrent_redemptions_one_is_done;
    redemption_stores_what_lost_is_found_out: RedeemStoresOfTheLoser breaks
        a_code_is_redeemed_once
        of_concurrent_redemptions_one_is_done;
    redemption_names_the_wrong_grant_is_found_out: RedeemNamesTheLoser breaks
        a_code_is_redeemed_once
        of_concurrent_redemptions_one_is_done;
    rotation_does_not_compare_is_found_out: RotateDoesNotCompare breaks
        a_token_that_is_not_valid_is_not_rotated
        of_concurrent_rotations_one_is_done;
    rotation_is_two_steps_is_found_out: RotateReadsThenWrites breaks
        of_concurrent_rotations_one_is_done;
    revocation_is_always_first_is_found_out: RevokeIsAlwaysTrue breaks
        a_grant_is_revoked_once
        of_concurrent_revocations_one_ends_the_grant
        revoking_an_unknown_grant_ends_nothing;
    list_forgets_the_order_is_found_out: ListForgetsTheOrder breaks
        a_list_of_grants_comes_in_pages;
    reseal_does_not_compare_is_found_out: ResealDoesNotCompare breaks
        a_grant_is_resealed_only_as_it_was_read;
    signing_keys_are_overwritten_is_found_out: KeysAreOverwritten breaks
        of_concurrent_signing_keys_one_is_kept;
    lease_is_for_everybody_is_found_out: LeaseIsForEverybody breaks
        a_lease_has_one_holder_until_it_ends
        of_concurrent_holders_one_gets_the_lease;
    sweep_ignores_its_limit_is_found_out: SweepIgnoresItsLimit breaks
        a_sweep_keeps_to_its_limit;
    sweep_deletes_what_lives_is_found_out: SweepDeletesWhatLives breaks
        a_sweep_deletes_only_what_has_expired
        a_sweep_forgets_clients_that_nobody_used
        a_sweep_keeps_clients_that_hold_a_grant;
}
