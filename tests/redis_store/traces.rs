use std::time::Duration;

use oauth_for_mcp::model::GrantFilter;
use oauth_for_mcp::store::{
    ClientStore, CodeStore, GrantStore, LeaseStore, PendingStore, RedisStore, RefreshTokenStore,
    ReplayStore, Rotation, Sweep,
};

use crate::server::{Corner, code, grant_id, hash, issued, now, pending, rotated};
use crate::verbs::client;

const LIFE: Duration = Duration::from_secs(60);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

async fn begin(store: &RedisStore, name: &str) {
    store.insert_code(code(name, LIFE)).await.unwrap();
    let key = hash(name);
    let redemption = store.redeem_code(&key, issued(name, LIFE), now());
    redemption.await.unwrap();
}

#[tokio::test]
async fn what_has_expired_leaves_nothing_behind() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let store = corner.open().await;
    for name in ["a client", "removed"] {
        let client = client(name, now().plus(LIFE));
        store.insert_client(client).await.unwrap();
    }
    let removed = client("removed", now()).id;
    assert!(store.remove_client(&removed).await.unwrap());
    let used = store.use_once(&hash("a"), now().plus(LIFE), now()).await;
    assert!(used.unwrap());
    for number in 0..20 {
        let name = number.to_string();
        store.insert_pending(pending(&name, LIFE)).await.unwrap();
        begin(&store, &name).await;
        let key = hash(&name);
        let next = rotated(&name, &name, &format!("{name} next"), LIFE);
        let rotation = store.rotate_refresh_token(&key, next, now());
        assert_eq!(rotation.await.unwrap(), Rotation::Done);
    }
    store.take_pending(&hash("0"), now()).await.unwrap();
    assert!(store.revoke_grant(&grant_id("1")).await.unwrap());
    let until = now().plus(LIFE);
    store.take_lease("a", "b", until, now()).await.unwrap();

    assert_eq!(store.sweep(now().plus(YEAR), 100).await.unwrap(), 19 + 1);

    // What is left goes by itself, or stays for good.
    let (stay, go): (Vec<_>, Vec<_>) = corner.keys().await.into_iter().partition(|key| key.1 < 0);
    assert_eq!(stay, [("schema".to_owned(), -1)]);
    assert!(!go.is_empty());
    for (key, seconds) in go {
        // Longest of all lives the answer to a spent refresh token; its grant
        // took that along.
        assert!(!key.starts_with("answer:"), "{key}");
        assert!(seconds <= 120, "{key} for {seconds} s");
    }
}

#[tokio::test]
async fn records_vanish_by_themselves() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let store = corner.open().await;
    let (long_ago, past) = (Duration::ZERO, Duration::from_secs(3600));
    let mut pending = pending("a", long_ago);
    pending.expires_at = now().minus(past);
    store.insert_pending(pending).await.unwrap();
    let mut code = code("a", long_ago);
    code.expires_at = now().minus(past);
    store.insert_code(code).await.unwrap();
    let until = now().minus(past);
    store.take_lease("a", "b", until, until).await.unwrap();
    assert_eq!(corner.keys().await, [("schema".to_owned(), -1)]);
}

#[tokio::test]
async fn what_is_used_up_stays_so_whatever_the_clock_of_the_server_shows() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let store = corner.open().await;
    let hour = Duration::from_secs(3600);
    for (name, told) in [("behind", now().minus(hour)), ("ahead", now().plus(hour))] {
        let (id, until) = (hash(name), told.plus(LIFE));
        assert!(store.use_once(&id, until, told).await.unwrap());
        assert!(!store.use_once(&id, until, told).await.unwrap(), "{name}");
    }
    let keys = corner.keys().await;
    let used = keys.iter().filter(|key| key.0.starts_with("replay:"));
    let lives: Vec<_> = used.map(|key| key.1).collect();
    assert_eq!(lives.len(), 2);
    // Its life, and a minute.
    let minute = 100..=120;
    assert!(lives.iter().all(|life| minute.contains(life)), "{lives:?}");
}

#[tokio::test]
async fn a_page_is_full_however_many_grants_have_ended() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let store = corner.open().await;
    for number in 0..400 {
        begin(&store, &format!("{number:03}")).await;
    }
    for number in [0, 5, 390, 399] {
        let name = format!("{number:03}");
        let key = hash(&name);
        let next = rotated(&name, &name, &format!("{name} next"), YEAR);
        let rotation = store.rotate_refresh_token(&key, next, now());
        assert_eq!(rotation.await.unwrap(), Rotation::Done);
    }
    let later = now().plus(LIFE * 2);
    let listed = async |limit: usize| {
        let all = GrantFilter::All;
        let page = store.list_grants(&all, None, limit, later).await.unwrap();
        let ids = page.into_iter().map(|grant| grant.id.to_string());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(listed(0).await.len(), 0);
    assert_eq!(listed(3).await, ["000", "005", "390"]);
    for limit in [4, 5, usize::MAX] {
        assert_eq!(listed(limit).await, ["000", "005", "390", "399"]);
    }
    assert_eq!(store.sweep(later, usize::MAX).await.unwrap(), 396);
    assert_eq!(listed(10).await, ["000", "005", "390", "399"]);
}
