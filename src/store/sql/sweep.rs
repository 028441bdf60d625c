use async_trait::async_trait;

use crate::store::sql::database::{Database, SqlStore};
use crate::store::sql::value::Value;
use crate::store::{StoreError, Sweep};
use crate::types::Timestamp;

/// What expires, in an order in which a client comes after its grants.
const SWEEPS: [&str; 7] = [
    "DELETE FROM oauth_pending WHERE state IN \
     (SELECT state FROM oauth_pending WHERE expires_at <= $1 LIMIT $2)",
    "DELETE FROM oauth_codes WHERE hash IN \
     (SELECT hash FROM oauth_codes WHERE expires_at <= $1 LIMIT $2)",
    "DELETE FROM oauth_access_tokens WHERE hash IN \
     (SELECT hash FROM oauth_access_tokens WHERE expires_at <= $1 LIMIT $2)",
    "DELETE FROM oauth_api_keys WHERE id IN \
     (SELECT id FROM oauth_api_keys WHERE expires_at <= $1 LIMIT $2)",
    // From here on rows are looked at again when they are deleted: meanwhile somebody
    // else may have moved the end.
    "DELETE FROM oauth_replays WHERE until <= $1 AND id IN \
     (SELECT id FROM oauth_replays WHERE until <= $1 LIMIT $2)",
    "DELETE FROM oauth_grants WHERE expires_at <= $1 AND id IN \
     (SELECT id FROM oauth_grants WHERE sweep_from <= $1 LIMIT $2)",
    "DELETE FROM oauth_clients WHERE unused_until <= $1 AND id IN \
     (SELECT c.id FROM oauth_clients c WHERE c.unused_until <= $1 AND NOT EXISTS \
      (SELECT 1 FROM oauth_grants g WHERE g.client_id = c.id AND g.expires_at > $1) LIMIT $2)",
];

#[async_trait]
impl<D: Database> Sweep for SqlStore<D> {
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut deleted = 0;
        for sql in SWEEPS {
            let left = limit - deleted;
            if left == 0 {
                break;
            }
            let values = vec![Value::time(now), Value::count(left)];
            let swept = self.change(sql, values).await?.value;
            deleted += usize::try_from(swept).unwrap_or(left).min(left);
        }
        Ok(deleted)
    }
}
