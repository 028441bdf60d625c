use async_trait::async_trait;

use crate::model::{ApiKeyRecord, Sealed};
use crate::store::sql::database::{Database, Read, SqlStore};
use crate::store::sql::value::{Columns, Value};
use crate::store::{ApiKeyStore, Insertion, StoreError};
use crate::types::{ApiKeyId, Timestamp, TokenHash};

/// The columns of a key, at the positions that [`read_key`] reads.
macro_rules! key {
    () => {
        "id, hash, details, created_at, expires_at"
    };
}

const INSERT: &str = concat!(
    "INSERT INTO oauth_api_keys (",
    key!(),
    ") VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
);
const FIND: &str = concat!(
    "SELECT ",
    key!(),
    " FROM oauth_api_keys WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)"
);
const LIST: &str = concat!(
    "SELECT ",
    key!(),
    " FROM oauth_api_keys WHERE id > $1 AND (expires_at IS NULL OR expires_at > $2)",
    " ORDER BY id LIMIT $3"
);
const REMOVE: &str = "DELETE FROM oauth_api_keys WHERE id = $1";
const RESEAL: &str = "UPDATE oauth_api_keys SET details = $3 WHERE id = $1 AND details = $2";

const READ: Read<ApiKeyRecord> = |row| read_key(row);

fn read_key(row: &dyn Columns) -> Result<ApiKeyRecord, sqlx::Error> {
    Ok(ApiKeyRecord {
        id: ApiKeyId::from(row.string(0)?),
        hash: row.hash(1)?,
        details: Sealed::from_bytes(row.blob(2)?),
        created_at: row.time(3)?,
        expires_at: row.maybe_time(4)?,
    })
}

#[async_trait]
impl<D: Database> ApiKeyStore for SqlStore<D> {
    async fn insert_api_key(&self, key: ApiKeyRecord) -> Result<Insertion, StoreError> {
        let values = vec![
            Value::text(key.id.as_str()),
            Value::bytes(key.hash.as_bytes()),
            Value::bytes(key.details.as_bytes()),
            Value::time(key.created_at),
            Value::maybe_time(key.expires_at),
        ];
        let inserted = self.change(INSERT, values).await?;
        if inserted.value == 1 || !inserted.repeated {
            return Ok(Insertion::of(inserted.value == 1));
        }
        match self.find_api_key(&key.hash, Timestamp::default()).await? {
            // An attempt of this very call, on a connection that broke.
            Some(held) if held.id == key.id && held.details == key.details => Ok(Insertion::Done),
            Some(_) => Ok(Insertion::Conflict),
            None => inserted.absent(Insertion::Conflict),
        }
    }

    async fn find_api_key(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        let values = vec![Value::bytes(hash.as_bytes()), Value::time(now)];
        self.fetch_one(FIND, values, READ).await
    }

    async fn list_api_keys(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let after = after.map_or("", ApiKeyId::as_str);
        let values = vec![Value::text(after), Value::time(now), Value::count(limit)];
        self.fetch(LIST, values, READ).await
    }

    /// If the answer to the first attempt was lost, it was most likely that attempt
    /// that removed it.
    async fn remove_api_key(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        let removed = self.change(REMOVE, vec![Value::text(id.as_str())]).await?;
        Ok(removed.value == 1 || removed.repeated)
    }

    async fn reseal_api_key(&self, old: &ApiKeyRecord, new: &Sealed) -> Result<bool, StoreError> {
        let values = vec![
            Value::text(old.id.as_str()),
            Value::bytes(old.details.as_bytes()),
            Value::bytes(new.as_bytes()),
        ];
        let resealed = self.change(RESEAL, values).await?;
        if resealed.value == 1 || !resealed.repeated {
            return Ok(resealed.value == 1);
        }
        let found = self.find_api_key(&old.hash, Timestamp::default()).await?;
        Ok(found.is_some_and(|key| key.details == *new))
    }
}
