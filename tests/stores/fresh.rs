//! Stores without any record in them.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use oauth_for_mcp::store::{MemoryStore, PostgresStore, RedisStore, SqliteStore, Store};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// A kind of store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Backend {
    Memory,
    Sqlite,
    Postgres,
    Redis,
}

/// A store of its own for one test.
pub(crate) struct Fresh {
    pub(crate) store: Arc<dyn Store>,
    /// Where it is: a path, a URL with a schema of its own, a URL.
    pub(crate) place: String,
    backend: Backend,
    name: String,
}

impl Backend {
    pub(crate) const ALL: [Self; 4] = [Self::Memory, Self::Sqlite, Self::Postgres, Self::Redis];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }

    /// Whether the server it needs, if any, was started for the tests.
    pub(crate) fn is_started(self) -> bool {
        self.variable()
            .is_none_or(|variable| env::var_os(variable).is_some())
    }

    const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Memory | Self::Sqlite => None,
            Self::Postgres => Some("OAUTH_FOR_MCP_POSTGRES"),
            Self::Redis => Some("OAUTH_FOR_MCP_REDIS"),
        }
    }

    /// The URL of the server.
    pub(crate) fn url(self) -> String {
        let variable = self.variable().expect("the backend has a server");
        env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set"))
    }

    pub(crate) async fn fresh(self) -> Fresh {
        let name = unique_name();
        let (store, place): (Arc<dyn Store>, String) = match self {
            Self::Memory => (Arc::new(MemoryStore::new()), String::new()),
            Self::Sqlite => {
                let place = sqlite_file(&name).display().to_string();
                let store = SqliteStore::open(&format!("sqlite:{place}")).await;
                (Arc::new(store.expect("the file can be made")), place)
            }
            Self::Postgres => {
                let place = postgres_schema(&self.url(), &name).await;
                // Every test has connections of its own, and the server not many.
                let pool = PgPoolOptions::new().max_connections(4);
                let pool = pool.connect(&place).await.expect("PostgreSQL answers");
                let store = PostgresStore::from_pool(pool).await;
                (Arc::new(store.expect("the tables can be made")), place)
            }
            Self::Redis => {
                let place = self.url();
                let store = RedisStore::open(&place).with_prefix(format!("{{{name}}}:"));
                (Arc::new(store.await.expect("Redis answers")), place)
            }
        };
        Fresh {
            store,
            place,
            backend: self,
            name,
        }
    }
}

impl Fresh {
    pub(crate) async fn discard(self) {
        let Self {
            store,
            place,
            backend,
            name,
        } = self;
        drop(store);
        match backend {
            Backend::Memory | Backend::Redis => {}
            Backend::Sqlite => drop(std::fs::remove_file(place)),
            Backend::Postgres => {
                let mut connection = connect(&backend.url()).await;
                let drop = format!("DROP SCHEMA {name} CASCADE");
                execute(&mut connection, drop).await;
            }
        }
    }
}

pub(crate) fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test_{}_{number}", std::process::id())
}

pub(crate) fn sqlite_file(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.db"));
    for suffix in ["", "-wal", "-shm"] {
        let _absent = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    path
}

/// The URL of a schema of its own.
pub(crate) async fn postgres_schema(url: &str, name: &str) -> String {
    let mut connection = connect(url).await;
    execute(&mut connection, format!("CREATE SCHEMA {name}")).await;
    format!("{url}?options=-csearch_path%3D{name}")
}

pub(crate) async fn connect(url: &str) -> PgConnection {
    let connection = PgConnection::connect(url).await;
    connection.expect("PostgreSQL answers")
}

pub(crate) async fn execute(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .expect("the statement is good");
}
