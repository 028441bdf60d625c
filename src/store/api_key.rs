use std::fmt;

use async_trait::async_trait;

use crate::model::{ApiKeyRecord, Sealed};
use crate::store::{Insertion, StoreError};
use crate::types::{ApiKeyId, Timestamp, TokenHash};

/// Keeps API keys: their hashes, and sealed what they are for.
#[async_trait]
pub trait ApiKeyStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a new key; never overwrites one with the same identifier or the same
    /// hash.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown or there is no room.
    async fn insert_api_key(&self, key: ApiKeyRecord) -> Result<Insertion, StoreError>;

    /// The key with this hash, if it is neither removed nor expired at `now`.
    ///
    /// One point read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn find_api_key(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError>;

    /// The first `limit` keys that are neither removed nor expired at `now`, in the
    /// order of their identifiers, byte by byte; with `after`, those that follow it,
    /// whether or not it names a key.
    ///
    /// A key that is inserted or removed meanwhile may be listed or not; every other
    /// one is, once, by who asks again after the last one listed until fewer than
    /// `limit` come.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn list_api_keys(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// Forgets the key: from then on it is absent.
    ///
    /// Returns whether this call removed it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn remove_api_key(&self, id: &ApiKeyId) -> Result<bool, StoreError>;

    /// Replaces `details` of the key `old.id` by `new`, in one atomic step, if it is
    /// still that of `old`. All else stays.
    ///
    /// Returns whether it did.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn reseal_api_key(&self, old: &ApiKeyRecord, new: &Sealed) -> Result<bool, StoreError>;
}
