use std::fmt;

use async_trait::async_trait;

use crate::model::{GrantRecord, RefreshRecord, RotatedRecords};
use crate::store::StoreError;
use crate::types::{GrantId, Timestamp, TokenHash};

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
    /// The refresh token of this grant and the grant, in one point read, if
    /// neither has expired at `now` and the grant is not revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn find_refresh_token(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError>;

    /// Replaces the refresh token of `next.refresh.grant_id`, moves the expiry of
    /// the grant and stores the access token, in one atomic step, if the valid
    /// token is `spent`.
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
        next: RotatedRecords,
        now: Timestamp,
    ) -> Result<Rotation, StoreError>;
}
