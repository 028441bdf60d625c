use std::fmt;

use async_trait::async_trait;

use crate::model::{Sealed, SigningKeyRecord};
use crate::store::{Insertion, StoreError};

/// Keeps the keys that sign access tokens.
#[async_trait]
pub trait SigningKeyStore: fmt::Debug + Send + Sync + 'static {
    /// Every key there is, in the order of generations.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn list_signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError>;

    /// Stores a new key; never overwrites one of the same generation.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn insert_signing_key(&self, key: SigningKeyRecord) -> Result<Insertion, StoreError>;

    /// Replaces the sealed key of this generation by `new`, in one atomic step,
    /// if it is still `old`.
    ///
    /// Returns whether it did.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn reseal_signing_key(
        &self,
        generation: u32,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError>;

    /// Forgets the key of this generation.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn remove_signing_key(&self, generation: u32) -> Result<(), StoreError>;
}
