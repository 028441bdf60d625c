//! What is particular to stores on SQL databases.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial as Test;
use oauth_for_mcp::store::{
    LeaseStore as _, PostgresStore, SigningKeyStore as _, SqliteStore, StoreOpenError, Sweep as _,
};
use oauth_for_mcp::types::Timestamp;
use sqlx::{Connection as _, SqliteConnection};
use tokio::task::JoinSet;

use crate::fresh::{self, Backend, connect, execute};
use crate::proxy::Proxy;
use crate::test;

pub(crate) fn tests() -> Vec<Test> {
    let mut tests = sqlite_tests();
    tests.extend(postgres_tests());
    tests
}

fn sqlite_tests() -> Vec<Test> {
    vec![
        test(
            "sqlite::a_wrong_url_is_refused",
            Backend::Sqlite,
            wrong_sqlite_urls,
        ),
        test(
            "sqlite::a_file_of_a_newer_version_is_refused",
            Backend::Sqlite,
            newer_sqlite,
        ),
        test(
            "sqlite::processes_that_start_together_make_the_tables_once",
            Backend::Sqlite,
            sqlite_starts_together,
        ),
        test(
            "sqlite::the_file_is_private",
            Backend::Sqlite,
            sqlite_is_private,
        ),
    ]
}

fn postgres_tests() -> Vec<Test> {
    vec![
        test(
            "postgres::a_wrong_url_is_refused",
            Backend::Postgres,
            wrong_postgres_urls,
        ),
        test(
            "postgres::a_database_of_a_newer_version_is_refused",
            Backend::Postgres,
            newer_postgres,
        ),
        test(
            "postgres::replicas_that_start_together_make_the_tables_once",
            Backend::Postgres,
            postgres_starts_together,
        ),
        test(
            "postgres::connections_that_the_server_closed_are_replaced",
            Backend::Postgres,
            postgres_connections_are_replaced,
        ),
        test(
            "postgres::connections_that_fall_silent_are_replaced",
            Backend::Postgres,
            postgres_falls_silent,
        ),
        test(
            "postgres::what_was_given_up_is_not_done_later",
            Backend::Postgres,
            postgres_does_nothing_late,
        ),
    ]
}

/// The error and all its causes.
fn whole(error: &StoreOpenError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    assert!(!text.contains("hunter2"), "a password is printed: {text}");
    text
}

async fn wrong_sqlite_urls() {
    for (url, words) in [
        ("notes.db", "use sqlite:PATH"),
        ("postgres://x", "use sqlite:PATH"),
        ("sqlite::memory:", "MemoryStore"),
        ("sqlite:x.db?mode=memory", "MemoryStore"),
        ("sqlite:x.db?colour=red", "colour"),
    ] {
        let error = SqliteStore::open(url).await.unwrap_err();
        assert!(matches!(error, StoreOpenError::Url(_)), "{error:?}");
        assert!(whole(&error).contains(words), "{}", whole(&error));
    }
    let error = SqliteStore::open("sqlite:/no/such/folder/x.db").await;
    let error = error.unwrap_err();
    assert!(matches!(error, StoreOpenError::Unreachable(_)), "{error:?}");
    assert!(whole(&error).contains("No such file"), "{}", whole(&error));
}

async fn wrong_postgres_urls() {
    for url in ["postgres", "mysql://x", "postgres://u:hunter2@h:port/d"] {
        let error = PostgresStore::open(url).await.unwrap_err();
        assert!(matches!(error, StoreOpenError::Url(_)), "{error:?}");
        whole(&error);
    }
    // Nobody listens at the first; the second is a server that says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    for (port, words) in [(1, "refused"), (port, "elapsed")] {
        let url = format!("postgres://u:hunter2@127.0.0.1:{port}/d");
        let begun = tokio::time::Instant::now();
        let error = PostgresStore::open(&url).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(8), "it took too long");
        assert!(matches!(error, StoreOpenError::Unreachable(_)), "{error:?}");
        assert!(whole(&error).contains(words), "{}", whole(&error));
    }
    let url = Backend::Postgres.url().replace("/oauth", "/nowhere");
    let error = PostgresStore::open(&url).await.unwrap_err();
    assert!(whole(&error).contains("nowhere"), "{}", whole(&error));
}

const FUTURE: &str = "INSERT INTO oauth_schema \
     (version, description, success, checksum, execution_time) \
     VALUES (99, 'of the future', true, '', 0)";

fn assert_newer(error: &StoreOpenError) {
    assert!(
        matches!(
            error,
            StoreOpenError::NewerSchema {
                found: 99,
                known: 4
            }
        ),
        "{error:?}"
    );
}

async fn newer_sqlite() {
    let path = fresh::sqlite_file(&fresh::unique_name());
    let url = format!("sqlite:{}", path.display());
    drop(SqliteStore::open(&url).await.unwrap());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(FUTURE)
        .execute(&mut connection)
        .await
        .unwrap();
    assert_newer(&SqliteStore::open(&url).await.unwrap_err());
}

async fn newer_postgres() {
    let fresh = Backend::Postgres.fresh().await;
    let mut connection = connect(&fresh.place).await;
    execute(&mut connection, FUTURE.to_owned()).await;
    assert_newer(&PostgresStore::open(&fresh.place).await.unwrap_err());
    fresh.discard().await;
}

async fn sqlite_starts_together() {
    let path = fresh::sqlite_file(&fresh::unique_name());
    let url = format!("sqlite:{}", path.display());
    let mut starts = JoinSet::new();
    for _ in 0..8 {
        let url = url.clone();
        starts.spawn(async move { SqliteStore::open(&url).await.map(drop) });
    }
    for started in starts.join_all().await {
        started.unwrap_or_else(|error| panic!("{}", whole(&error)));
    }
    let store = SqliteStore::open(&url).await.unwrap();
    assert_eq!(store.list_signing_keys().await.unwrap(), []);
}

async fn postgres_starts_together() {
    let name = fresh::unique_name();
    let url = fresh::postgres_schema(&Backend::Postgres.url(), &name).await;
    let mut starts = JoinSet::new();
    for _ in 0..10 {
        let url = url.clone();
        starts.spawn(async move { PostgresStore::open(&url).await.map(drop) });
    }
    for started in starts.join_all().await {
        started.unwrap_or_else(|error| panic!("{}", whole(&error)));
    }
    let mut connection = connect(&url).await;
    execute(&mut connection, format!("DROP SCHEMA {name} CASCADE")).await;
}

async fn sqlite_is_private() {
    let path = fresh::sqlite_file(&fresh::unique_name());
    let store = SqliteStore::open(&format!("sqlite:{}", path.display())).await;
    let store = store.unwrap();
    store.sweep(Timestamp::default(), 1).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(format!("{}{suffix}", path.display()));
        let mode = file.unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others can read {suffix}: {mode:o}");
    }
}

/// Connections that fall silent cost one call each, and not the pool.
async fn postgres_falls_silent() {
    let fresh = Backend::Postgres.fresh().await;
    let (proxy, url) = Proxy::before(&fresh.place).await;
    let store = Arc::new(PostgresStore::open(&url).await.unwrap());
    let call_all = async || {
        let mut calls = JoinSet::new();
        for _ in 0..32 {
            let store = Arc::clone(&store);
            calls.spawn(async move { store.list_signing_keys().await.is_ok() });
        }
        calls.join_all().await
    };
    assert!(call_all().await.into_iter().all(|answered| answered));
    proxy.silence();
    assert!(!call_all().await.into_iter().all(|answered| answered));
    // Closing them takes up to five seconds more.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(call_all().await.into_iter().all(|answered| answered));
    fresh.discard().await;
}

/// What clients heard 503 for is not done behind their back.
async fn postgres_does_nothing_late() {
    let fresh = Backend::Postgres.fresh().await;
    let store = PostgresStore::open(&fresh.place).await.unwrap();
    let mut lock = connect(&fresh.place).await;
    let taken = |holder| {
        let until = Timestamp::from_secs(2);
        store.take_lease("sweep", holder, until, Timestamp::from_secs(1))
    };
    assert!(taken("a").await.unwrap());
    execute(&mut lock, "BEGIN; LOCK TABLE oauth_leases".to_owned()).await;
    let later = Timestamp::from_secs(9);
    let late = store.take_lease("sweep", "b", later, Timestamp::from_secs(3));
    assert!(late.await.is_err());
    execute(&mut lock, "COMMIT".to_owned()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(taken("a").await.unwrap(), "it is still the first one's");
    fresh.discard().await;
}

async fn postgres_connections_are_replaced() {
    let name = fresh::unique_name();
    let url = fresh::postgres_schema(&Backend::Postgres.url(), &name).await;
    let tagged = format!("{url}&application_name={name}");
    let store = Arc::new(PostgresStore::open(&tagged).await.unwrap());
    for _ in 0..3 {
        // As many connections as the pool has.
        let mut calls = JoinSet::new();
        for _ in 0..64 {
            let store = Arc::clone(&store);
            calls.spawn(async move { store.list_signing_keys().await });
        }
        for answer in calls.join_all().await {
            assert_eq!(answer.expect("it is survived"), []);
        }
        let mut connection = connect(&url).await;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = '{name}'"
        );
        execute(&mut connection, end).await;
    }
    let mut connection = connect(&url).await;
    execute(&mut connection, format!("DROP SCHEMA {name} CASCADE")).await;
}
