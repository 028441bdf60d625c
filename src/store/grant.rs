use std::fmt;

use async_trait::async_trait;

use crate::model::{GrantFilter, GrantRecord, IssuedRecords};
use crate::store::{Insertion, StoreError};
use crate::types::{GrantId, Timestamp};

/// Keeps grants. Those of people begin with the redemption of a code.
#[async_trait]
pub trait GrantStore: fmt::Debug + Send + Sync + 'static {
    /// Begins a grant without a code, that of a machine: stores all of `issued`
    /// in one atomic step, or nothing of it if there is such a grant.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown or there is no room.
    async fn insert_grant(&self, issued: IssuedRecords) -> Result<Insertion, StoreError>;

    /// The grant with this identifier, if it is neither revoked nor expired at `now`.
    ///
    /// One point read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn find_grant(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<GrantRecord>, StoreError>;

    /// The first `limit` grants that `filter` names and that are neither revoked
    /// nor expired at `now`, in the order of their identifiers, byte by byte;
    /// with `after`, those that follow it.
    ///
    /// A grant that begins or ends meanwhile may be listed or not; every other
    /// one is, once, by who asks again after the last one listed until fewer
    /// than `limit` come.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<GrantRecord>, StoreError>;

    /// Ends the grant: from then on it and every token it carried are absent.
    ///
    /// Returns whether this call ended it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn revoke_grant(&self, id: &GrantId) -> Result<bool, StoreError>;

    /// Replaces `subject` and `details` of the grant `old.id` by those of `new`,
    /// in one atomic step, if `details` is still that of `old`. All else stays.
    ///
    /// Returns whether it did.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn reseal_grant(&self, old: &GrantRecord, new: &GrantRecord) -> Result<bool, StoreError>;
}
