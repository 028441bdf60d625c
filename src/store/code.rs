use std::fmt;

use async_trait::async_trait;

use crate::model::{CodeRecord, IssuedRecords};
use crate::store::{Insertion, StoreError};
use crate::types::{GrantId, Timestamp, TokenHash};

/// What became of a redemption.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Redemption {
    /// This call redeemed the code, and everything it issued is stored.
    Done,
    /// Another call was first and began this grant; nothing of this one is stored.
    Replayed(GrantId),
    /// There is no such code, or it expired; nothing is stored.
    Absent,
}

/// Keeps authorization codes.
#[async_trait]
pub trait CodeStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a new code; never overwrites one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown or there is no room.
    async fn insert_code(&self, code: CodeRecord) -> Result<Insertion, StoreError>;

    /// The code with this hash, in the stage it is in, if it has not expired at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot tell.
    async fn find_code(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<CodeRecord>, StoreError>;

    /// Marks the code as redeemed by `issued.grant` and stores all of `issued`,
    /// in one atomic step.
    ///
    /// Of any number of concurrent calls for one code, exactly one gets
    /// [`Redemption::Done`]; every other, until the code expires, gets
    /// [`Redemption::Replayed`] with the grant of the first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the outcome is unknown or there is no room. The caller
    /// then issues nothing.
    async fn redeem_code(
        &self,
        hash: &TokenHash,
        issued: IssuedRecords,
        now: Timestamp,
    ) -> Result<Redemption, StoreError>;
}
