use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::store::{
    CodeStore, GrantStore, Insertion, PendingStore, Redemption, RedisStore, RefreshTokenStore,
    Rotation,
};

use crate::server::{Corner, code, grant_id, hash, issued, now, pending, rotated};

const LIFE: Duration = Duration::from_secs(600);

/// One of each that changes something, in the order of a sign-in.
async fn use_all(store: &RedisStore, name: &str) {
    let key = hash(name);
    let answer = store.insert_pending(pending(name, LIFE)).await;
    assert_eq!(answer.unwrap(), Insertion::Done);
    let taken = store.take_pending(&key, now()).await.unwrap();
    assert!(taken.is_some());
    let answer = store.insert_code(code(name, LIFE)).await;
    assert_eq!(answer.unwrap(), Insertion::Done);
    let answer = store.redeem_code(&key, issued(name, LIFE), now());
    assert_eq!(answer.await.unwrap(), Redemption::Done);
    let next = rotated(name, name, &format!("{name} next"), LIFE);
    let answer = store.rotate_refresh_token(&key, next, now());
    assert_eq!(answer.await.unwrap(), Rotation::Done);
    assert!(store.revoke_grant(&grant_id(name)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connections_change_no_answer() {
    let Some(corner) = Corner::new() else {
        return;
    };
    // Other tests share the server: only the connection of this one is killed.
    let mut connection = corner.connect().await;
    let client = redis::Client::open(corner.url.as_str()).unwrap();
    let manager = client.get_connection_manager().await.unwrap();
    let mut own = manager.clone();
    let opening = RedisStore::from_connection(manager).with_prefix(&corner.prefix);
    let store = Arc::new(opening.await.unwrap());
    let mut killed = 0;
    for number in 0..100 {
        let user = Arc::clone(&store);
        let use_all = tokio::spawn(async move { use_all(&user, &number.to_string()).await });
        // Somewhere among the calls, at another point each time.
        tokio::time::sleep(Duration::from_micros(number * 37)).await;
        let mut id = redis::cmd("CLIENT");
        if let Ok(id) = id.arg("ID").query_async::<u64>(&mut own).await {
            let mut kill = redis::cmd("CLIENT");
            kill.arg("KILL").arg("ID").arg(id);
            let count: u64 = kill.query_async(&mut connection).await.unwrap();
            killed += count;
        }
        use_all.await.unwrap();
    }
    assert!(killed > 90, "{killed} connections were killed");
}

#[tokio::test]
async fn forgotten_scripts_are_taught_again() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let store = corner.open().await;
    for name in ["a", "b"] {
        let mut flush = redis::cmd("SCRIPT");
        flush.arg("FLUSH");
        flush.exec_async(&mut corner.connect().await).await.unwrap();
        use_all(&store, name).await;
    }
}
