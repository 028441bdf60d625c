//! The least that has to be done: what is behind a verb of the store, by the bare
//! driver, with nothing around it.

use async_trait::async_trait;
use oauth_for_mcp::model::{IssuedRecords, RotatedRecords};
use oauth_for_mcp::types::{ClientId, GrantId, Timestamp, TokenHash};

/// A database without our store, with the tables of our store.
#[async_trait]
pub(crate) trait Bare: Send + Sync {
    /// Reads a client; it has to be there.
    async fn find_client(&self, id: &ClientId);

    /// Reads a grant; it has to be there.
    async fn find_grant(&self, id: &GrantId, now: Timestamp);

    /// Writes the rows of a code exchange in one transaction.
    async fn redeem(&self, code: &TokenHash, issued: &IssuedRecords, now: Timestamp);

    /// Writes the row of a refresh in one transaction.
    async fn rotate(&self, spent: &TokenHash, next: &RotatedRecords, now: Timestamp);

    /// Writes the row of a refresh by one statement that is its own transaction,
    /// which is less; returns whether there is such a thing.
    async fn rotate_alone(&self, spent: &TokenHash, next: &RotatedRecords, now: Timestamp) -> bool;

    /// Puts in order what many writes left behind.
    async fn tidy(&self);
}
