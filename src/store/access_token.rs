use std::fmt;

use async_trait::async_trait;

use crate::model::{AccessTokenRecord, GrantRecord};
use crate::store::StoreError;
use crate::types::{Timestamp, TokenHash};

/// Keeps opaque access tokens. They are stored by the verbs that issue them.
#[async_trait]
pub trait AccessTokenStore: fmt::Debug + Send + Sync + 'static {
    /// The token with this hash and its grant, in one point read, if neither
    /// has expired at `now` and the grant is not revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(AccessTokenRecord, GrantRecord)>, StoreError>;
}
