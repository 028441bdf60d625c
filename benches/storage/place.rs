//! Where records can be kept: any number of databases of each kind, each reached
//! through our store and by the bare driver.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oauth_for_mcp::store::{MemoryLimits, MemoryStore};
use oauth_for_mcp::store::{PostgresStore, RedisStore, SqliteStore, Store};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection, SqlitePool};

use crate::bare::Bare;
use crate::bare_redis::BareRedis;
use crate::bare_sql::{BarePostgres, BareSqlite};

#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
    /// SQLite with its file in memory: without what the disk takes, our own share
    /// is plain to see.
    SqliteWithoutDisk,
    Postgres,
    Redis,
}

/// One database.
pub(crate) struct Place {
    /// As a host opens it.
    pub(crate) store: Arc<dyn Store>,
    /// The bare driver, if there is something to drive.
    pub(crate) bare: Option<Box<dyn Bare>>,
    /// A store on the connections of the bare driver, to prepare what that needs.
    pub(crate) beside: Arc<dyn Store>,
    /// A store that does not wait for the disk, to fill a database.
    pub(crate) filler: Arc<dyn Store>,
}

/// The folders of the SQLite files; removed when it is dropped.
pub(crate) struct Databases {
    on_disk: PathBuf,
    in_memory: PathBuf,
    made: AtomicUsize,
}

impl Databases {
    pub(crate) fn new() -> Self {
        let name = format!("oauth-for-mcp-storage-{}", std::process::id());
        let folder = |parent: &Path| {
            let folder = parent.join(&name);
            std::fs::create_dir(&folder).expect("a temporary folder");
            folder
        };
        Self {
            on_disk: folder(&std::env::temp_dir()),
            in_memory: folder(Path::new("/dev/shm")),
            made: AtomicUsize::new(0),
        }
    }

    /// A new, empty database.
    pub(crate) async fn open(&self, kind: Kind) -> Place {
        let name = format!("storage_{}", self.made.fetch_add(1, Ordering::Relaxed));
        match kind {
            Kind::Memory => memory(),
            Kind::Sqlite => sqlite(&self.on_disk.join(name)).await,
            Kind::SqliteWithoutDisk => sqlite(&self.in_memory.join(name)).await,
            Kind::Postgres => postgres(&name).await,
            Kind::Redis => redis(&name).await,
        }
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        for folder in [&self.on_disk, &self.in_memory] {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Memory,
        Self::Sqlite,
        Self::SqliteWithoutDisk,
        Self::Postgres,
        Self::Redis,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
            Self::SqliteWithoutDisk => "SQLite in /dev/shm",
            Self::Postgres => "PostgreSQL",
            Self::Redis => "Redis",
        }
    }
}

fn memory() -> Place {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().with_limits(MemoryLimits {
        clients: usize::MAX,
        pending: usize::MAX,
        codes: usize::MAX,
        grants: usize::MAX,
        access_tokens: usize::MAX,
        replays: usize::MAX,
        api_keys: usize::MAX,
    }));
    Place {
        bare: None,
        beside: Arc::clone(&store),
        filler: Arc::clone(&store),
        store,
    }
}

async fn sqlite(path: &Path) -> Place {
    let url = format!("sqlite:{}", path.display());
    let store = SqliteStore::open(&url).await.expect("a file");
    let options = SqliteConnectOptions::from_str(&url).expect("a URL");
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(5));
    let pool = |connections, options| async move {
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None);
        let pool = pool.connect_with(options).await;
        pool.expect("the file")
    };
    let opened = async |pool: &SqlitePool| {
        let store = SqliteStore::from_pool(pool.clone()).await;
        Arc::new(store.expect("the file")) as Arc<dyn Store>
    };
    let fast = pool(1, options.clone().synchronous(SqliteSynchronous::Off)).await;
    let options = options.synchronous(SqliteSynchronous::Full);
    let writer = pool(1, options.clone()).await;
    Place {
        store: Arc::new(store),
        beside: opened(&writer).await,
        filler: opened(&fast).await,
        bare: Some(Box::new(BareSqlite {
            readers: pool(4, options).await,
            writer,
        })),
    }
}

async fn postgres(name: &str) -> Place {
    let url = variable("OAUTH_FOR_MCP_POSTGRES");
    let options = PgConnectOptions::from_str(&url).expect("a URL");
    let mut admin = PgConnection::connect_with(&options)
        .await
        .expect("a server");
    for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
        let statement = sqlx::AssertSqlSafe(format!("{statement} {name}"));
        let done = sqlx::raw_sql(statement).execute(&mut admin).await;
        done.expect("a database");
    }
    let (server, _) = url.rsplit_once('/').expect("a URL");
    let store = PostgresStore::open(&format!("{server}/{name}")).await;
    let store = store.expect("a database");
    let options = options.database(name);
    let pool = |options| {
        PgPoolOptions::new()
            .max_connections(16)
            .test_before_acquire(false)
            .connect_lazy_with(options)
    };
    let safe = pool(options.clone());
    let fast = pool(options.options([("synchronous_commit", "off")]));
    let beside = PostgresStore::from_pool(safe.clone()).await;
    let filler = PostgresStore::from_pool(fast).await;
    Place {
        store: Arc::new(store),
        beside: Arc::new(beside.expect("a database")),
        filler: Arc::new(filler.expect("a database")),
        bare: Some(Box::new(BarePostgres {
            readers: safe.clone(),
            writer: safe,
        })),
    }
}

async fn redis(name: &str) -> Place {
    let url = variable("OAUTH_FOR_MCP_REDIS");
    let prefix = format!("{name}:");
    let store = RedisStore::open(&url).with_prefix(&prefix).await;
    let client = redis::Client::open(url).expect("a URL");
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(5)))
        .set_response_timeout(Some(Duration::from_secs(5)));
    let connection = ConnectionManager::new_with_config(client, config).await;
    let connection = connection.expect("a server");
    let beside = RedisStore::from_connection(connection.clone()).with_prefix(&prefix);
    let beside = beside.await.expect("a server");
    Place {
        store: Arc::new(store.expect("a server")),
        filler: Arc::new(beside.clone()),
        beside: Arc::new(beside),
        bare: Some(Box::new(BareRedis { connection, prefix })),
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: use scripts/storage"))
}

impl Place {
    /// Stores so many of everything, beginning with `from`: clients, requests,
    /// codes that were redeemed, and grants that were refreshed once.
    pub(crate) async fn fill(&self, from: usize, to: usize) {
        const TASKS: usize = 16;
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let store = Arc::clone(&self.filler);
            tasks.spawn(async move {
                for number in (from + task..to).step_by(TASKS) {
                    fill_one(&*store, number).await;
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("a store that takes it");
        }
        if let Some(bare) = &self.bare {
            bare.tidy().await;
        }
    }
}

async fn fill_one(store: &dyn Store, number: usize) {
    use crate::records;

    let now = records::now();
    let inserted = store.insert_client(records::client(number)).await;
    inserted.expect("a new client");
    let inserted = store.insert_pending(records::pending(number)).await;
    inserted.expect("a new request");
    let inserted = store.insert_code(records::code(number)).await;
    inserted.expect("a new code");
    let (code, issued) = (records::code_hash(number), records::issued(number));
    let redeemed = store.redeem_code(&code, issued, now).await;
    redeemed.expect("a new grant");
    let (spent, next) = (records::token_hash(number, 0), records::rotated(number, 0));
    let rotated = store.rotate_refresh_token(&spent, next, now).await;
    rotated.expect("the next token");
    let (assertion, until) = records::assertion(number);
    let used = store.use_once(&assertion, until, now).await;
    used.expect("a new assertion");
}
