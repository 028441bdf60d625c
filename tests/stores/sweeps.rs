//! What a sweep deletes that no promise can tell, and what it leaves although it
//! had been chosen.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial as Test;
use oauth_for_mcp::types::{Clock as _, SystemClock, Timestamp, TokenHash};

use crate::fresh::{Backend, connect, execute};
use crate::test;

const LIFE: Duration = Duration::from_secs(600);

pub(crate) fn tests() -> Vec<Test> {
    let mut tests = vec![
        test(
            "postgres::a_sweep_leaves_a_client_that_is_renewed_meanwhile",
            Backend::Postgres,
            renewed_client,
        ),
        test(
            "postgres::a_sweep_leaves_what_is_used_anew_meanwhile",
            Backend::Postgres,
            used_anew,
        ),
    ];
    // In Redis they vanish by themselves.
    for backend in [Backend::Memory, Backend::Sqlite, Backend::Postgres] {
        let name = format!("{}::a_sweep_deletes_uses_that_ended", backend.name());
        tests.push(test(name, backend, move || ended_uses(backend)));
    }
    tests
}

async fn ended_uses(backend: Backend) {
    let fresh = backend.fresh().await;
    let store = &fresh.store;
    let now = SystemClock.now();
    for (name, life) in [("a", LIFE), ("b", LIFE), ("c", LIFE * 2)] {
        let id = TokenHash::of(name);
        let used = store.use_once(&id, now.plus(life), now).await;
        assert!(used.unwrap());
    }
    for (life, deleted) in [(LIFE, 2), (LIFE, 0), (LIFE * 2, 1)] {
        assert_eq!(store.sweep(now.plus(life), 10).await.unwrap(), deleted);
    }
    fresh.discard().await;
}

async fn renewed_client() {
    spares(
        "INSERT INTO oauth_clients (id, record, unused_until) VALUES ('a', '', 1)",
        "UPDATE oauth_clients SET unused_until = 3",
    )
    .await;
}

async fn used_anew() {
    spares(
        "INSERT INTO oauth_replays (id, until) VALUES ('a', 1)",
        "UPDATE oauth_replays SET until = 3",
    )
    .await;
}

/// The sweep chooses a row that has ended, and waits for who moves its end.
async fn spares(ended: &str, renewal: &str) {
    let fresh = Backend::Postgres.fresh().await;
    let mut renewing = connect(&fresh.place).await;
    execute(&mut renewing, ended.to_owned()).await;
    execute(&mut renewing, format!("BEGIN; {renewal}")).await;
    let store = Arc::clone(&fresh.store);
    let later = Timestamp::from_secs(2);
    let sweep = tokio::spawn(async move { store.sweep(later, 10).await.unwrap() });
    let mut watching = connect(&fresh.place).await;
    let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                   WHERE NOT l.granted AND a.query LIKE 'DELETE FROM oauth_%'";
    // Other tests may wait, too: then this one proves less, and is no less true.
    for _ in 0..500 {
        let count: i64 = sqlx::query_scalar(waiting)
            .fetch_one(&mut watching)
            .await
            .unwrap();
        if count > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    execute(&mut renewing, "COMMIT".to_owned()).await;
    assert_eq!(sweep.await.unwrap(), 0);
    fresh.discard().await;
}
