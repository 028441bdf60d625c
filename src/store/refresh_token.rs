use std::fmt;

use async_trait::async_trait;

use crate::model::{AccessTokenRecord, GrantRecord, RefreshRecord};
use crate::store::StoreError;
use crate::types::{Timestamp, TokenHash};

/// What became of a rotation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rotation {
    /// This call replaced the token, and everything it issued is stored.
    Done,
    /// The token was not the valid one; here is the record as it stands, and
    /// nothing of this call is stored.
    Lost(RefreshRecord),
    /// The record or its grant is unknown, revoked or expired; nothing is stored.
    Absent,
}

/// Keeps refresh tokens, one record a grant.
#[async_trait]
pub trait RefreshTokenStore: fmt::Debug + Send + Sync + 'static {
    /// The record of this family and its grant, in one point read, if neither
    /// has expired at `now` and the grant is not revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn find_refresh_token(
        &self,
        family: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError>;

    /// Replaces the record of `next.family` by `next` and stores `access`, in
    /// one atomic step, if the valid token is `spent`.
    ///
    /// Of any number of concurrent calls for one `spent`, exactly one gets
    /// [`Rotation::Done`]; every other, now or later, gets [`Rotation::Lost`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown or there is no room. The caller
    /// then issues nothing.
    async fn rotate_refresh_token(
        &self,
        spent: &TokenHash,
        next: RefreshRecord,
        access: Option<AccessTokenRecord>,
        now: Timestamp,
    ) -> Result<Rotation, StoreError>;
}
