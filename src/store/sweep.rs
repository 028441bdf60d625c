use std::fmt;

use async_trait::async_trait;

use crate::store::StoreError;
use crate::types::Timestamp;

/// Forgets what has expired, to make room; nobody can tell it from before.
#[async_trait]
pub trait Sweep: fmt::Debug + Send + Sync + 'static {
    /// Deletes at most `limit` records that have expired at `now`, among them
    /// clients whose `unused_until` has passed and that hold no live grant.
    ///
    /// Returns how many it deleted; fewer than `limit` means there are no more.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store failed; what was deleted so far stays deleted.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError>;
}
