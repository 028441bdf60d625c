use std::str::FromStr as _;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{Connection as _, Row as _};
use tokio::time::timeout;

use crate::store::StoreOpenError;
use crate::store::sql::attempt::{CONNECT_LIMIT, MIGRATION_LIMIT};
use crate::store::sql::database::private::Sealed;
use crate::store::sql::database::{Database, SqlStore};
use crate::store::sql::leased::Leased;
use crate::store::sql::migrate::{Migrations, migrate};
use crate::store::sql::value::{Columns, Value};

const MIGRATIONS: &Migrations = &[
    (
        "records",
        include_str!("migrations/postgres/0001_records.sql"),
    ),
    (
        "keys and leases",
        include_str!("migrations/postgres/0002_keys_and_leases.sql"),
    ),
    (
        "replays",
        include_str!("migrations/postgres/0003_replays.sql"),
    ),
    (
        "API keys",
        include_str!("migrations/postgres/0004_api_keys.sql"),
    ),
];

/// How many connections one process has at most.
const CONNECTIONS: u32 = 16;

/// How long the server works on one statement: less than we wait for it.
const STATEMENT_LIMIT: &str = "8s";

/// Keeps everything in a PostgreSQL database, for any number of replicas.
///
/// Every verb is one statement, and one commit if it writes: a code exchange and
/// a refresh are decided by the database alone, however many replicas ask. For
/// what a call stored to outlive a power cut, leave `synchronous_commit` and
/// `fsync` of the server on, as they are by default.
pub type PostgresStore = SqlStore<Postgres>;

/// PostgreSQL, through a pool of connections.
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: PgPool,
}

impl PostgresStore {
    /// Connects to the database that `url` names, such as
    /// `postgres://user:password@host/database?sslmode=verify-full`, with up to
    /// 16 connections, and makes the tables if there are none.
    ///
    /// Sets `statement_timeout`, so that what was given up is not carried out
    /// later. A pooler that does not take start-up options, such as `PgBouncer`,
    /// needs [`from_pool`](Self::from_pool).
    ///
    /// # Errors
    ///
    /// [`StoreOpenError`] if the URL is malformed, the database does not answer
    /// or does not let us in, or a newer version of this crate wrote it.
    pub async fn open(url: &str) -> Result<Self, StoreOpenError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(StoreOpenError::Url(
                "use postgres://user:password@host/database".to_owned(),
            ));
        }
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| StoreOpenError::Url(error.to_string()))?
            // What we gave up shall not be carried out later.
            .options([("statement_timeout", STATEMENT_LIMIT)]);
        // A connection of its own: a pool would not say why there is none.
        let connection = timeout(CONNECT_LIMIT, PgConnection::connect_with(&options));
        let connection = connection.await.map_err(StoreOpenError::unreachable)?;
        Self::bring_up_to_date(connection.map_err(StoreOpenError::unreachable)?).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(CONNECT_LIMIT)
            // A dead connection is found when it is used; asking first would
            // double the round trips.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self {
            database: Postgres { pool },
        })
    }

    /// Uses connections that the host made, and makes the tables if there are
    /// none. They should have a `statement_timeout` of less than ten seconds, and
    /// lead to PostgreSQL itself or to a pooler by session: to make the tables, one
    /// of them holds a lock for its session.
    ///
    /// # Errors
    ///
    /// [`StoreOpenError`] if the tables cannot be made or a newer version of this
    /// crate made them.
    pub async fn from_pool(pool: PgPool) -> Result<Self, StoreOpenError> {
        let connection = pool.acquire().await.map_err(StoreOpenError::unreachable)?;
        Self::bring_up_to_date(connection.detach()).await?;
        Ok(Self {
            database: Postgres { pool },
        })
    }

    /// The connection ends with this, and the lock that it may hold.
    async fn bring_up_to_date(mut connection: PgConnection) -> Result<(), StoreOpenError> {
        let migration = timeout(MIGRATION_LIMIT, migrate(&mut connection, MIGRATIONS));
        migration.await.map_err(StoreOpenError::unreachable)??;
        connection
            .close()
            .await
            .map_err(StoreOpenError::unreachable)
    }
}

impl Sealed for Postgres {}

type Query = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn query(sql: &'static str, values: &[Value]) -> Query {
    values
        .iter()
        .fold(sqlx::query(sql), |query, value| match value.clone() {
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        })
}

impl Columns for PgRow {
    fn int(&self, index: usize) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(index)
    }

    fn text(&self, index: usize) -> Result<Option<String>, sqlx::Error> {
        self.try_get(index)
    }

    fn bytes(&self, index: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get(index)
    }
}

#[async_trait]
impl Database for Postgres {
    const NAME: &'static str = "PostgreSQL";

    const REDEEM: &'static [&'static str] = &["WITH code AS ( \
           UPDATE oauth_codes SET grant_id = $1 \
           WHERE hash = $15 AND grant_id IS NULL AND expires_at > $16 \
           RETURNING grant_id \
         ), granted AS ( \
           INSERT INTO oauth_grants (id, client_id, subject, details, granted_at, expires_at, \
             sweep_from, family, current, refresh_expires_at) \
           SELECT $1, $2, $3::bytea, $4::bytea, $5::bigint, $6::bigint, \
             $7::bigint, $8::bytea, $9::bytea, $10::bigint FROM code \
         ), issued AS ( \
           INSERT INTO oauth_access_tokens (hash, grant_id, scope, issued_at, expires_at) \
           SELECT $11::bytea, $1, $12::text, $13::bigint, $14::bigint FROM code \
           WHERE $11::bytea IS NOT NULL \
         ) SELECT grant_id FROM code"];

    const INSERT_GRANT: &'static [&'static str] = &["WITH granted AS ( \
           INSERT INTO oauth_grants (id, client_id, subject, details, granted_at, expires_at, \
             sweep_from, family, current, refresh_expires_at) \
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
           ON CONFLICT (id) DO NOTHING RETURNING id \
         ), issued AS ( \
           INSERT INTO oauth_access_tokens (hash, grant_id, scope, issued_at, expires_at) \
           SELECT $11::bytea, id, $12::text, $13::bigint, $14::bigint FROM granted \
           WHERE $11::bytea IS NOT NULL \
         ) SELECT id FROM granted"];

    const ROTATE: &'static [&'static str] = &["WITH rotated AS ( \
           UPDATE oauth_grants SET family = $4, current = $5, previous = $6, spent_at = $7, \
             answer = $8, refresh_expires_at = $9, expires_at = $10, sweep_from = $11 \
           WHERE id = $1 AND current = $2 AND refresh_expires_at > $3 AND expires_at > $3 \
           RETURNING id \
         ), issued AS ( \
           INSERT INTO oauth_access_tokens (hash, grant_id, scope, issued_at, expires_at) \
           SELECT $12::bytea, $1, $13::text, $14::bigint, $15::bigint FROM rotated \
           WHERE $12::bytea IS NOT NULL \
         ) SELECT id FROM rotated"];

    type Row = PgRow;

    async fn read(&self, sql: &'static str, values: &[Value]) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut connection = Leased::from(&self.pool).await?;
        let rows = query(sql, values).fetch_all(&mut *connection).await?;
        connection.give_back();
        Ok(rows)
    }

    async fn take(&self, sql: &'static str, values: &[Value]) -> Result<Vec<PgRow>, sqlx::Error> {
        self.read(sql, values).await
    }

    async fn change(&self, sql: &'static str, values: &[Value]) -> Result<u64, sqlx::Error> {
        let mut connection = Leased::from(&self.pool).await?;
        let done = query(sql, values).execute(&mut *connection).await?;
        connection.give_back();
        Ok(done.rows_affected())
    }

    /// One statement does it all, and commits by itself.
    async fn transact(
        &self,
        statements: &'static [&'static str],
        values: &[Value],
    ) -> Result<bool, sqlx::Error> {
        let mut changed = 0;
        for sql in statements {
            changed = self.change(sql, values).await?;
        }
        Ok(changed > 0)
    }
}
