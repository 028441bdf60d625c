//! Requests that wait, and codes.

use async_trait::async_trait;

use crate::model::{CodeRecord, IssuedRecords, PendingRecord};
use crate::store::{CodeStore, Insertion, PendingStore, Redemption, StoreError};
use crate::types::{Timestamp, TokenHash};

use super::super::sample;
use super::{Fault, Faulty};

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
