use std::fmt;

use async_trait::async_trait;

use crate::model::PendingRecord;
use crate::store::{Insertion, StoreError};
use crate::types::{Timestamp, TokenHash};

/// Keeps authorization requests while the person signs in.
#[async_trait]
pub trait PendingStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a new request; never overwrites one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown or there is no room.
    async fn insert_pending(&self, pending: PendingRecord) -> Result<Insertion, StoreError>;

    /// The request with this state, if it has not expired at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn find_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError>;

    /// Reads and removes the request with this state, in one atomic step.
    ///
    /// Of any number of calls for one state, now or later, at most one gets it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn take_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError>;
}
