use std::fmt;

use async_trait::async_trait;

use crate::model::ClientRecord;
use crate::store::StoreError;
use crate::types::ClientId;

/// What became of an insertion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Insertion {
    /// The record is stored.
    Done,
    /// There is one with this key already; it is as it was.
    Conflict,
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl Insertion {
    pub(in crate::store) const fn of(done: bool) -> Self {
        if done { Self::Done } else { Self::Conflict }
    }
}

/// Keeps the clients that registered themselves.
#[async_trait]
pub trait ClientStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a new client; never overwrites one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown or there is no room.
    async fn insert_client(&self, client: ClientRecord) -> Result<Insertion, StoreError>;

    /// The client with this identifier, exactly as it was stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError>;

    /// Replaces `old` by `new`, which has the same identifier, in one atomic
    /// step, if the stored client is still equal to `old`.
    ///
    /// Returns whether it did: of any number of concurrent calls with one `old`,
    /// one does. From then on `new` decides when the client may be forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn update_client(
        &self,
        old: &ClientRecord,
        new: ClientRecord,
    ) -> Result<bool, StoreError>;

    /// Forgets the client; its grants stay.
    ///
    /// Returns whether this call forgot it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError>;

    /// How many clients there are that registered themselves, swept ones not
    /// counted; counting ends at `most`, so that it costs no more than that.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn count_clients(&self, most: usize) -> Result<usize, StoreError>;
}
