use std::str::FromStr as _;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Connection as _, Row as _};

use crate::store::StoreOpenError;
use crate::store::sql::attempt::CONNECT_LIMIT;
use crate::store::sql::database::private::Sealed;
use crate::store::sql::database::{Database, SqlStore};
use crate::store::sql::migrate::{Migrations, migrate};
use crate::store::sql::value::{Columns, Value};

const MIGRATIONS: &Migrations = &[
    (
        "records",
        include_str!("migrations/sqlite/0001_records.sql"),
    ),
    (
        "keys and leases",
        include_str!("migrations/sqlite/0002_keys_and_leases.sql"),
    ),
    (
        "replays",
        include_str!("migrations/sqlite/0003_replays.sql"),
    ),
    (
        "API keys",
        include_str!("migrations/sqlite/0004_api_keys.sql"),
    ),
];

/// How many connections read beside each other.
const READERS: u32 = 4;
/// How long a write waits for another process to finish its own.
const BUSY_LIMIT: Duration = Duration::from_secs(5);

/// Keeps everything in one SQLite file, next to which SQLite keeps its log.
///
/// For one machine, be it one process or a few that share the file; never over a
/// network file system. What a call stored is on the disk when it returns
/// (`synchronous=FULL`), so that neither a crash nor a power cut takes it back.
pub type SqliteStore = SqlStore<Sqlite>;

/// SQLite, with one connection that writes and some that read.
#[derive(Clone, Debug)]
pub struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file that `url` names, such as `sqlite:notes.db` or
    /// `sqlite:///var/lib/notes/notes.db`; makes it if there is none, for the
    /// user of this process alone.
    ///
    /// # Errors
    ///
    /// [`StoreOpenError`] if the URL is malformed or names a database in memory,
    /// the file cannot be opened, or a newer version of this crate wrote it.
    pub async fn open(url: &str) -> Result<Self, StoreOpenError> {
        if !url.starts_with("sqlite:") || url.contains(":memory:") || url.contains("mode=memory") {
            return Err(StoreOpenError::Url(
                "use sqlite:PATH with the path of a file; for a store in memory there is \
                 MemoryStore"
                    .to_owned(),
            ));
        }
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|error| StoreOpenError::Url(error.to_string()))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_LIMIT);
        create_private(&options).map_err(StoreOpenError::unreachable)?;
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(CONNECT_LIMIT)
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let writer = connect_when_free(|| pool(1).connect_with(options.clone())).await?;
        Self::bring_up_to_date(&writer).await?;
        Ok(Self {
            database: Sqlite {
                writer,
                readers: pool(READERS).connect_lazy_with(options),
            },
        })
    }

    /// Uses connections that the host made. It has to see to the journal mode
    /// (WAL), to `synchronous` and to a busy time-out.
    ///
    /// # Errors
    ///
    /// [`StoreOpenError`] if the tables cannot be made or a newer version of this
    /// crate made them.
    pub async fn from_pool(pool: SqlitePool) -> Result<Self, StoreOpenError> {
        Self::bring_up_to_date(&pool).await?;
        Ok(Self {
            database: Sqlite {
                writer: pool.clone(),
                readers: pool,
            },
        })
    }

    /// In one transaction, so that of several processes one does it.
    async fn bring_up_to_date(pool: &SqlitePool) -> Result<(), StoreOpenError> {
        let mut connection = pool.acquire().await.map_err(StoreOpenError::unreachable)?;
        let transaction = connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = transaction.map_err(StoreOpenError::unreachable)?;
        migrate(&mut *transaction, MIGRATIONS).await?;
        let committed = transaction.commit().await;
        committed.map_err(StoreOpenError::unreachable)
    }
}

/// Changing the journal mode of a new file does not wait for other processes
/// that do the same, whatever the busy time-out.
async fn connect_when_free<F>(connect: impl Fn() -> F) -> Result<SqlitePool, StoreOpenError>
where
    F: Future<Output = Result<SqlitePool, sqlx::Error>>,
{
    const PAUSE: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        match connect().await {
            Err(sqlx::Error::Database(error))
                if error.message().contains("locked") && waited < BUSY_LIMIT =>
            {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
            connected => return connected.map_err(StoreOpenError::unreachable),
        }
    }
}

/// Makes the file before SQLite does, which would let everybody read it.
fn create_private(options: &SqliteConnectOptions) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new();
    file.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        file.mode(0o600);
    }
    file.open(options.get_filename()).map(drop)
}

/// The statements that store what was issued, with what `codes::issued_values` binds.
macro_rules! insert_grant {
    () => {
        "INSERT INTO oauth_grants (id, client_id, subject, details, granted_at, expires_at, \
         sweep_from, family, current, refresh_expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    };
}
macro_rules! insert_issued_token {
    () => {
        "INSERT INTO oauth_access_tokens (hash, grant_id, scope, issued_at, expires_at) \
         VALUES ($11, $1, $12, $13, $14)"
    };
}

impl Sealed for Sqlite {}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn query(sql: &'static str, values: &[Value]) -> Query {
    values
        .iter()
        .fold(sqlx::query(sql), |query, value| match value.clone() {
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        })
}

impl Columns for SqliteRow {
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
impl Database for Sqlite {
    const NAME: &'static str = "SQLite";

    const REDEEM: &'static [&'static str] = &[
        "UPDATE oauth_codes SET grant_id = $1 \
         WHERE hash = $15 AND grant_id IS NULL AND expires_at > $16",
        insert_grant!(),
        insert_issued_token!(),
    ];

    const INSERT_GRANT: &'static [&'static str] = &[
        concat!(insert_grant!(), " ON CONFLICT (id) DO NOTHING"),
        insert_issued_token!(),
    ];

    const ROTATE: &'static [&'static str] = &[
        "UPDATE oauth_grants SET family = $4, current = $5, previous = $6, spent_at = $7, \
         answer = $8, refresh_expires_at = $9, expires_at = $10, sweep_from = $11 \
         WHERE id = $1 AND current = $2 AND refresh_expires_at > $3 AND expires_at > $3",
        "INSERT INTO oauth_access_tokens (hash, grant_id, scope, issued_at, expires_at) \
         VALUES ($12, $1, $13, $14, $15)",
    ];

    type Row = SqliteRow;

    async fn read(
        &self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        query(sql, values).fetch_all(&self.readers).await
    }

    async fn take(
        &self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        query(sql, values).fetch_all(&self.writer).await
    }

    async fn change(&self, sql: &'static str, values: &[Value]) -> Result<u64, sqlx::Error> {
        let done = query(sql, values).execute(&self.writer).await?;
        Ok(done.rows_affected())
    }

    async fn transact(
        &self,
        statements: &'static [&'static str],
        values: &[Value],
    ) -> Result<bool, sqlx::Error> {
        if let [only] = statements {
            return Ok(self.change(only, values).await? > 0);
        }
        // Takes the lock at once: a transaction that reads before it writes may be
        // refused in the middle.
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        for (position, sql) in statements.iter().enumerate() {
            let call = query(sql, values).execute(&mut *transaction);
            if call.await?.rows_affected() == 0 && position == 0 {
                return Ok(false);
            }
        }
        transaction.commit().await?;
        Ok(true)
    }
}
