//! API keys.

use async_trait::async_trait;

use crate::model::{ApiKeyRecord, Sealed};
use crate::store::{ApiKeyStore, Insertion, StoreError};
use crate::types::{ApiKeyId, Timestamp, TokenHash};

use super::super::sample;
use super::{Fault, Faulty};

#[async_trait]
impl ApiKeyStore for Faulty {
    async fn insert_api_key(&self, mut key: ApiKeyRecord) -> Result<Insertion, StoreError> {
        let begin = Timestamp::default();
        if self.has(Fault::ApiKeyLosesDetails) {
            key.details =
                Sealed::from_bytes(key.details.as_bytes().iter().copied().take(99).collect());
        }
        if self.has(Fault::ApiKeysAllEnd) {
            key.expires_at = key.expires_at.or(Some(key.created_at.plus(sample::WHOLE)));
        }
        if self.has(Fault::ApiKeyReadsThenWrites) {
            let held = self.inner.list_api_keys(None, usize::MAX, begin).await?;
            if held.iter().any(|held| held.id == key.id) {
                return Ok(Insertion::Conflict);
            }
            tokio::task::yield_now().await;
        }
        if self.has(Fault::ApiKeyReadsThenWrites) || self.has(Fault::ApiKeyOverwritesById) {
            self.inner.remove_api_key(&key.id).await?;
        }
        if self.has(Fault::ApiKeyOverwritesByHash)
            && let Some(held) = self.inner.find_api_key(&key.hash, begin).await?
        {
            self.inner.remove_api_key(&held.id).await?;
        }
        self.inner.insert_api_key(key).await
    }

    async fn find_api_key(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.inner.find_api_key(hash, self.told(now)).await
    }

    async fn list_api_keys(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let after = after.filter(|_| !self.has(Fault::ApiKeyListForgetsTheOrder));
        let told = self.told(now);
        if self.has(Fault::ApiKeyListCountsTheDead) {
            let begin = Timestamp::default();
            let mut page = self.inner.list_api_keys(after, limit, begin).await?;
            page.retain(|key| key.expires_at.is_none_or(|end| end > now));
            return Ok(page);
        }
        self.inner.list_api_keys(after, limit, told).await
    }

    async fn remove_api_key(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        if self.has(Fault::RemoveLeavesTheApiKey) {
            let begin = Timestamp::default();
            let held = self.inner.list_api_keys(None, usize::MAX, begin).await?;
            return Ok(held.iter().any(|held| held.id == *id));
        }
        let removed = self.inner.remove_api_key(id).await?;
        Ok(removed || self.has(Fault::RemoveOfApiKeyIsAlwaysTrue))
    }

    async fn reseal_api_key(&self, old: &ApiKeyRecord, new: &Sealed) -> Result<bool, StoreError> {
        if self.has(Fault::ResealOfApiKeyDoesNotCompare) {
            let begin = Timestamp::default();
            let found = self.inner.find_api_key(&old.hash, begin).await?;
            let stands = found.as_ref().unwrap_or(old);
            return self.inner.reseal_api_key(stands, new).await;
        }
        self.inner.reseal_api_key(old, new).await
    }
}
