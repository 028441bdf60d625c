use std::fmt;

use async_trait::async_trait;

use crate::store::StoreError;
use crate::types::Timestamp;

/// Lets one of several replicas do what one is enough for.
#[async_trait]
pub trait LeaseStore: fmt::Debug + Send + Sync + 'static {
    /// Takes the lease `name` for `holder` until `until`, in one atomic step, if
    /// nobody holds it at `now`; who holds it already may extend it.
    ///
    /// Returns whether `holder` has it. Of any number of concurrent calls by
    /// different holders, at most one does.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown.
    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}
