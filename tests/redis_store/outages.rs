use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::store::{RedisStore, Sweep};

use crate::proxy::Proxy;
use crate::server::{Corner, now, told};
use crate::verbs::use_all;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_changes_no_answer() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let proxy = Proxy::before(&corner.url).await;
    let opening = RedisStore::open(&proxy.url).with_prefix(&corner.prefix);
    let store = opening.await.unwrap();
    // Teaches the server the scripts, so that the lost answer is not about that.
    use_all(&store, 0, async |_: &str| {}).await;
    proxy.lose_next_answer();
    use_all(&store, 1, async |verb: &str| {
        assert!(proxy.lost(), "{verb}");
        proxy.lose_next_answer();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_connections_change_no_answer() {
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
    for round in 0..50 {
        let user = Arc::clone(&store);
        let using = async move { use_all(&user, round, async |_: &str| {}).await };
        let using = tokio::spawn(using);
        // Somewhere among the calls, at another point each time.
        tokio::time::sleep(Duration::from_micros(u64::from(round) * 73)).await;
        let mut id = redis::cmd("CLIENT");
        if let Ok(id) = id.arg("ID").query_async::<u64>(&mut own).await {
            let mut kill = redis::cmd("CLIENT");
            kill.arg("KILL").arg("ID").arg(id);
            let count: u64 = kill.query_async(&mut connection).await.unwrap();
            killed += count;
        }
        using.await.unwrap();
    }
    assert!(killed > 40, "{killed} connections were killed");
}

#[tokio::test]
async fn a_server_that_vanished_is_an_error_within_seconds() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let proxy = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let url = corner.url.clone();
    let before = proxy.spawn(async move { Proxy::before(&url).await });
    let url = before.await.unwrap().url;
    let opening = RedisStore::open(&url).with_prefix(&corner.prefix);
    let store = opening.await.unwrap();
    proxy.shutdown_background();
    let swept = tokio::time::timeout(Duration::from_secs(9), store.sweep(now(), 1)).await;
    let text = told(&swept.unwrap().unwrap_err());
    assert!(text.contains("refused"), "{text}");
}
