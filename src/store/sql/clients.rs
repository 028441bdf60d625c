use async_trait::async_trait;

use crate::model::ClientRecord;
use crate::store::sql::database::{Database, SqlStore};
use crate::store::sql::value::{Value, malformed};
use crate::store::{ClientStore, Insertion, StoreError};
use crate::types::ClientId;

const INSERT: &str = "INSERT INTO oauth_clients (id, record, unused_until) VALUES ($1, $2, $3) \
                      ON CONFLICT (id) DO NOTHING";
const FIND: &str = "SELECT record FROM oauth_clients WHERE id = $1";
/// A record is written in one way only, so that equal texts are equal records.
const UPDATE: &str = "UPDATE oauth_clients SET record = $2, unused_until = $3 \
                      WHERE id = $1 AND record = $4";
const REMOVE: &str = "DELETE FROM oauth_clients WHERE id = $1";
/// In the order of the index that sweeps use: it holds dynamic clients alone, and
/// is read as far as the limit.
const COUNT: &str = "SELECT COUNT(*) FROM (SELECT 1 AS one FROM oauth_clients \
                     WHERE unused_until IS NOT NULL ORDER BY unused_until LIMIT $1) dynamic";

/// The columns of a client.
fn client_values(client: &ClientRecord) -> Result<Vec<Value>, StoreError> {
    let record = written(client)?;
    Ok(vec![
        Value::text(client.id.as_str()),
        Value::text(record),
        Value::maybe_time(client.registration.unused_until()),
    ])
}

fn written(client: &ClientRecord) -> Result<String, StoreError> {
    serde_json::to_string(client).map_err(StoreError::new)
}

#[async_trait]
impl<D: Database> ClientStore for SqlStore<D> {
    async fn insert_client(&self, client: ClientRecord) -> Result<Insertion, StoreError> {
        let inserted = self.change(INSERT, client_values(&client)?).await?;
        let done = inserted.value == 1
            || (inserted.repeated && self.find_client(&client.id).await? == Some(client));
        Ok(Insertion::of(done))
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        let values = vec![Value::text(id.as_str())];
        self.fetch_one(FIND, values, |row| {
            serde_json::from_str(&row.string(0)?).map_err(malformed)
        })
        .await
    }

    async fn update_client(
        &self,
        old: &ClientRecord,
        new: ClientRecord,
    ) -> Result<bool, StoreError> {
        let mut values = client_values(&new)?;
        values.push(Value::text(written(old)?));
        let updated = self.change(UPDATE, values).await?;
        if updated.value == 1 || !updated.repeated {
            return Ok(updated.value == 1);
        }
        match self.find_client(&new.id).await? {
            Some(stands) => Ok(stands == new),
            None => updated.absent(false),
        }
    }

    /// If the answer to the first attempt was lost, it was most likely that attempt
    /// that forgot the client.
    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        let values = vec![Value::text(id.as_str())];
        let removed = self.change(REMOVE, values).await?;
        Ok(removed.value == 1 || removed.repeated)
    }

    async fn count_clients(&self, most: usize) -> Result<usize, StoreError> {
        let values = vec![Value::count(most)];
        let count = self.fetch_one(COUNT, values, |row| row.int(0)).await?;
        let count = count.flatten().unwrap_or_default();
        usize::try_from(count).map_err(StoreError::new)
    }
}
