//! Signing keys and leases.

use async_trait::async_trait;

use crate::jose::Algorithm;
use crate::model::{Sealed, SigningKeyRecord};
use crate::store::sql::database::{Database, SqlStore};
use crate::store::sql::value::{Columns, Value, malformed};
use crate::store::{Insertion, LeaseStore, SigningKeyStore, StoreError};
use crate::types::Timestamp;

const LIST: &str = "SELECT generation, algorithm, signs_from, private FROM oauth_signing_keys \
                    ORDER BY generation";
const INSERT: &str = "INSERT INTO oauth_signing_keys (generation, algorithm, signs_from, private) \
                      VALUES ($1, $2, $3, $4) ON CONFLICT (generation) DO NOTHING";
const RESEAL: &str = "UPDATE oauth_signing_keys SET private = $3 \
                      WHERE generation = $1 AND private = $2";
const REMOVE: &str = "DELETE FROM oauth_signing_keys WHERE generation = $1";
const TAKE_LEASE: &str = "INSERT INTO oauth_leases (name, holder, until) VALUES ($1, $2, $3) \
                          ON CONFLICT (name) DO UPDATE \
                          SET holder = excluded.holder, until = excluded.until \
                          WHERE oauth_leases.holder = excluded.holder OR oauth_leases.until <= $4";

fn read_key(row: &dyn Columns) -> Result<SigningKeyRecord, sqlx::Error> {
    let generation = row.int(0)?.unwrap_or_default();
    Ok(SigningKeyRecord {
        generation: u32::try_from(generation).map_err(malformed)?,
        algorithm: Algorithm::try_from(row.string(1)?).map_err(malformed)?,
        signs_from: row.time(2)?,
        private: Sealed::from_bytes(row.blob(3)?),
    })
}

fn generation_value(generation: u32) -> Value {
    Value::Int(Some(generation.into()))
}

#[async_trait]
impl<D: Database> SigningKeyStore for SqlStore<D> {
    async fn list_signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.fetch(LIST, vec![], |row| read_key(row)).await
    }

    async fn insert_signing_key(&self, key: SigningKeyRecord) -> Result<Insertion, StoreError> {
        let values = vec![
            generation_value(key.generation),
            Value::text(<&str>::from(key.algorithm)),
            Value::time(key.signs_from),
            Value::bytes(key.private.as_bytes()),
        ];
        let inserted = self.change(INSERT, values).await?;
        let done = inserted.value == 1
            || (inserted.repeated && self.list_signing_keys().await?.contains(&key));
        Ok(Insertion::of(done))
    }

    async fn reseal_signing_key(
        &self,
        generation: u32,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        let values = vec![
            generation_value(generation),
            Value::bytes(old.as_bytes()),
            Value::bytes(new.as_bytes()),
        ];
        Ok(self.change(RESEAL, values).await?.value == 1)
    }

    async fn remove_signing_key(&self, generation: u32) -> Result<(), StoreError> {
        self.change(REMOVE, vec![generation_value(generation)])
            .await?;
        Ok(())
    }
}

#[async_trait]
impl<D: Database> LeaseStore for SqlStore<D> {
    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let values = vec![
            Value::text(name),
            Value::text(holder),
            Value::time(until),
            Value::time(now),
        ];
        Ok(self.change(TAKE_LEASE, values).await?.value == 1)
    }
}
