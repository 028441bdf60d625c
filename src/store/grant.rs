use std::fmt;

use async_trait::async_trait;

use crate::model::GrantRecord;
use crate::store::StoreError;
use crate::types::{GrantId, Timestamp};

/// Keeps grants. They begin with the redemption of a code.
#[async_trait]
pub trait GrantStore: fmt::Debug + Send + Sync + 'static {
    /// The grant with this identifier, if it is neither revoked nor expired at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn find_grant(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<GrantRecord>, StoreError>;

    /// Ends the grant: from then on it and every token it carried are absent.
    ///
    /// Returns whether this call ended it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn revoke_grant(&self, id: &GrantId) -> Result<bool, StoreError>;
}
