use async_trait::async_trait;

use crate::model::{PendingRecord, Sealed};
use crate::store::sql::database::{Database, Read, SqlStore};
use crate::store::sql::value::Value;
use crate::store::{Insertion, PendingStore, StoreError};
use crate::types::{Timestamp, TokenHash};

const INSERT: &str = "INSERT INTO oauth_pending (state, request, expires_at) VALUES ($1, $2, $3) \
                      ON CONFLICT (state) DO NOTHING";
const FIND: &str = "SELECT state, request, expires_at FROM oauth_pending \
                    WHERE state = $1 AND expires_at > $2";
const TAKE: &str = "DELETE FROM oauth_pending WHERE state = $1 \
                    RETURNING state, request, expires_at";

const READ: Read<PendingRecord> = |row| {
    Ok(PendingRecord {
        state: row.hash(0)?,
        authorization: Sealed::from_bytes(row.blob(1)?),
        expires_at: row.time(2)?,
    })
};

#[async_trait]
impl<D: Database> PendingStore for SqlStore<D> {
    async fn insert_pending(&self, pending: PendingRecord) -> Result<Insertion, StoreError> {
        let values = vec![
            Value::bytes(pending.state.as_bytes()),
            Value::bytes(pending.authorization.as_bytes()),
            Value::time(pending.expires_at),
        ];
        let inserted = self.change(INSERT, values).await?;
        if inserted.value == 1 {
            return Ok(Insertion::Done);
        }
        let own = inserted.repeated
            && self
                .find_pending(&pending.state, Timestamp::default())
                .await?
                == Some(pending);
        Ok(Insertion::of(own))
    }

    async fn find_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        let values = vec![Value::bytes(state.as_bytes()), Value::time(now)];
        self.fetch_one(FIND, values, READ).await
    }

    /// Not repeated on a broken connection: the first attempt may have taken it,
    /// and the person may come back with what is still there.
    async fn take_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        let values = vec![Value::bytes(state.as_bytes())];
        let taken = self.take(TAKE, values, READ).await?;
        let live = taken.into_iter().find(|pending| pending.expires_at > now);
        Ok(live)
    }
}
