use async_trait::async_trait;

use crate::store::sql::database::{Database, SqlStore};
use crate::store::sql::value::Value;
use crate::store::{ReplayStore, StoreError};
use crate::types::{Timestamp, TokenHash};

const USE: &str = "INSERT INTO oauth_replays (id, until) VALUES ($1, $2) \
                   ON CONFLICT (id) DO UPDATE SET until = excluded.until \
                   WHERE oauth_replays.until <= $3";

#[async_trait]
impl<D: Database> ReplayStore for SqlStore<D> {
    /// If the answer to the first attempt was lost, a use that is there may be its
    /// own or that of somebody else, and nothing tells which.
    async fn use_once(
        &self,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = vec![
            Value::bytes(id.as_bytes()),
            Value::time(until),
            Value::time(now),
        ];
        let used = self.change(USE, values).await?;
        if used.value == 1 {
            return Ok(true);
        }
        used.absent(false)
    }
}
