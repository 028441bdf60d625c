//! What becomes of a store that an older version made.

use std::time::Duration;

use oauth_for_mcp::model::{ClientRecord, Registration};
use oauth_for_mcp::store::{ClientStore, CodeStore, RedisStore, Sweep};
use tokio::task::JoinSet;

use crate::server::{Corner, client_id, code, hash, issued, now};
use crate::verbs::client;

const LIFE: Duration = Duration::from_secs(60);
const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// More than are looked at in one go.
const UNUSED: usize = 2_500;

async fn run(corner: &Corner, command: &str, key: &str, value: Option<&str>) {
    let mut asked = redis::cmd(command);
    asked.arg(format!("{}{key}", corner.prefix)).arg(value);
    asked.exec_async(&mut corner.connect().await).await.unwrap();
}

/// The store as the version left it that did not count: some clients without a
/// grant, one with, and one that the operator put there.
async fn old_store(corner: &Corner, unused: usize) {
    let store = corner.open().await;
    let mut insertions = JoinSet::new();
    for number in 0..unused {
        let client = client(&format!("unused {number}"), now().plus(LIFE));
        let store = store.clone();
        insertions.spawn(async move { store.insert_client(client).await.unwrap() });
    }
    insertions.join_all().await;
    let used = client(client_id().as_str(), now().plus(LIFE));
    store.insert_client(used).await.unwrap();
    store.insert_code(code("a", LIFE)).await.unwrap();
    let (key, records) = (hash("a"), issued("a", LIFE));
    store.redeem_code(&key, records, now()).await.unwrap();
    let operators = ClientRecord {
        registration: Registration::Preregistered,
        ..client("the operator's", now())
    };
    store.insert_client(operators).await.unwrap();

    run(corner, "DEL", "clients:dynamic", None).await;
    run(corner, "SET", "schema", Some("1")).await;
}

async fn count(store: &RedisStore) -> usize {
    store.count_clients(usize::MAX).await.unwrap()
}

#[tokio::test]
async fn clients_of_an_older_version_are_counted_however_many_replicas_start_at_once() {
    let Some(corner) = Corner::new() else {
        return;
    };
    old_store(&corner, UNUSED).await;

    let mut replicas = JoinSet::new();
    for _ in 0..4 {
        let opening = corner.opening();
        replicas.spawn(async move { count(&opening.await.unwrap()).await });
    }
    assert_eq!(replicas.join_all().await, [UNUSED + 1; 4]);

    let store = corner.open().await;
    assert!(store.remove_client(&client_id()).await.unwrap());
    assert_eq!(count(&store).await, UNUSED);
    store.sweep(now().plus(YEAR), usize::MAX).await.unwrap();
    assert_eq!(count(&store).await, 0);
}

#[tokio::test]
async fn a_store_is_looked_through_once() {
    let Some(corner) = Corner::new() else {
        return;
    };
    old_store(&corner, 3).await;
    assert_eq!(count(&corner.open().await).await, 4);

    run(&corner, "SREM", "clients:dynamic", Some("unused 1")).await;
    assert_eq!(count(&corner.open().await).await, 3);
}

#[tokio::test]
async fn clients_of_a_neighbour_are_not_counted_whatever_the_prefix_means_in_a_pattern() {
    let Some(Corner { url, prefix }) = Corner::new() else {
        return;
    };
    let named = |end: &str| Corner {
        url: url.clone(),
        prefix: format!("{prefix}{end}:"),
    };
    for (own, neighbour) in [("*", "x"), ("?", "x"), ("[xy]", "x"), ("\\x", "x")] {
        let (own, neighbour) = (named(own), named(neighbour));
        old_store(&neighbour, 5).await;
        old_store(&own, 2).await;
        assert_eq!(count(&own.open().await).await, 3, "{}", own.prefix);
        assert_eq!(count(&neighbour.open().await).await, 6);
    }
}
