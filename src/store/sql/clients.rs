use async_trait::async_trait;

use crate::model::ClientRecord;
use crate::store::sql::database::{Database, SqlStore};
use crate::store::sql::value::{Value, malformed};
use crate::store::{ClientStore, Insertion, StoreError};
use crate::types::ClientId;

const INSERT: &str = "INSERT INTO oauth_clients (id, record, unused_until) VALUES ($1, $2, $3) \
                      ON CONFLICT (id) DO NOTHING";
const FIND: &str = "SELECT record FROM oauth_clients WHERE id = $1";

#[async_trait]
impl<D: Database> ClientStore for SqlStore<D> {
    async fn insert_client(&self, client: ClientRecord) -> Result<Insertion, StoreError> {
        let record = serde_json::to_string(&client).map_err(StoreError::new)?;
        let unused_until = client.registration.unused_until();
        let values = vec![
            Value::text(client.id.as_str()),
            Value::text(record),
            Value::maybe_time(unused_until),
        ];
        let inserted = self.change(INSERT, values).await?;
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
}
