use std::fmt;

use async_trait::async_trait;

use crate::store::StoreError;
use crate::types::{Timestamp, TokenHash};

/// Remembers what may be used once, such as the `jti` of a client assertion
/// ([RFC 7523, section 3]).
///
/// [RFC 7523, section 3]: https://www.rfc-editor.org/rfc/rfc7523#section-3
#[async_trait]
pub trait ReplayStore: fmt::Debug + Send + Sync + 'static {
    /// Uses `id` up until `until`, in one atomic step.
    ///
    /// Returns whether this call did: of any number of calls, concurrent or not,
    /// on any replica, one does. Whatever was used up is as new once `now` has
    /// reached its `until`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown or there is no room; the caller
    /// then takes `id` for used.
    async fn use_once(
        &self,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}
