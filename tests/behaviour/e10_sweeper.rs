//! What keeps the store small.

use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::model::{MasterKey, MasterKeys};
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use tokio::sync::{Semaphore, mpsc};

use super::faulty_store::{CAUSE, FaultyStore, master_keys};
use super::support::{PING, open, post_mcp, refresh_token};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A server whose store forgets nothing by itself.
fn server_on(store: &FaultyStore) -> TestServer {
    let shared = Arc::new(store.clone());
    let format = AccessTokenFormat::Opaque;
    TestServer::with(|builder| {
        builder
            .store(shared, master_keys())
            .access_token_format(format)
    })
}

/// Leaves a code, tokens and a grant behind that expire within a year.
async fn leave_something(server: &TestServer) {
    let client = TestClient::register(server).await;
    client.sign_in(server, "notes:read").await;
    server.clock().advance(DAY * 365);
}

fn swept(server: &TestServer) -> Vec<usize> {
    let events = server.events().all().into_iter();
    let swept = events.filter_map(|event| {
        if let Event::Swept { deleted } = event {
            Some(deleted)
        } else {
            None
        }
    });
    swept.collect()
}

/// E10
#[tokio::test]
async fn of_two_servers_one_sweeps_until_its_lease_ends() {
    let store = FaultyStore::new();
    let a = server_on(&store);
    let b = a.replica();
    let (at_a, at_b) = (a.auth().sweeper().unwrap(), b.auth().sweeper().unwrap());
    leave_something(&a).await;
    let deleted = at_a.sweep().await.unwrap();
    assert!(deleted > 2, "only {deleted}");
    for _ in 0..10 {
        a.clock().advance(MINUTE);
        assert_eq!(at_a.sweep().await.unwrap(), 0, "there is no more");
        let client = TestClient::register(&b).await;
        open(&b, client.authorization_parameters("notes:read")).await;
    }
    // Now there is something, and the lease of a lasts for five minutes more.
    for _ in 0..4 {
        let client = TestClient::register(&b).await;
        client.authorize(&b, "notes:read").await;
        a.clock().advance(MINUTE);
        assert_eq!(at_b.sweep().await.unwrap(), 0, "it is not its turn");
    }
    a.clock().advance(MINUTE);
    assert!(swept(&b).is_empty());
    assert!(at_b.sweep().await.unwrap() > 0, "it takes over");
    assert_eq!(swept(&b).len(), 1);

    leave_something(&a).await;
    assert!(at_b.sweep().await.unwrap() > 0);
    leave_something(&a).await;
    assert!(at_b.sweep().await.unwrap() > 0);
    assert_eq!(at_a.sweep().await.unwrap(), 0);
    assert_eq!(swept(&a), [deleted]);
}

/// E10
#[tokio::test]
async fn nothing_that_is_alive_is_swept() {
    let store = FaultyStore::new();
    let server = server_on(&store);
    let sweeper = server.auth().sweeper().unwrap();
    let client = TestClient::register(&server).await;
    let mut tokens = client.sign_in(&server, "notes:read").await;
    let idle = TestClient::register(&server).await;
    for _ in 0..89 {
        server.clock().advance(DAY);
        let answer = client.refresh(&server, refresh_token(&tokens)).await;
        tokens = answer.expect_tokens();
        let code = idle.authorize(&server, "notes:read").await;
        sweeper.sweep().await.unwrap();
        server.clock().advance(Duration::from_secs(59));
        sweeper.sweep().await.unwrap();
        let answer = post_mcp(&server, &tokens.access_token, PING).await;
        assert_eq!(answer.status(), 200);
        let _ = idle.redeem(&server, &code).await.expect_tokens();
    }
    assert!(!swept(&server).is_empty());
}

/// E10, E8
#[tokio::test]
async fn a_sweeper_goes_on_after_an_outage_and_reports_it() {
    let store = FaultyStore::new();
    let server = server_on(&store);
    let (asleep, mut naps) = mpsc::unbounded_channel();
    let wake = Arc::new(Semaphore::new(0));
    let alarm = Arc::clone(&wake);
    let sleep = move |time: Duration| {
        asleep.send(time).expect("the test listens");
        let alarm = Arc::clone(&alarm);
        async move { alarm.acquire().await.expect("it is open").forget() }
    };
    let outages = || {
        let outage = |event: &&Event| {
            matches!(event, Event::Outage { cause }
                if cause.starts_with("sweep: ") && cause.contains(CAUSE))
        };
        server.events().all().iter().filter(outage).count()
    };
    let task = tokio::spawn(server.auth().sweeper().unwrap().run(sleep));
    assert_eq!(naps.recv().await, Some(MINUTE));
    assert_eq!((swept(&server).len(), outages()), (0, 0));

    leave_something(&server).await;
    store.set_down(true);
    for number in 1..=3 {
        wake.add_permits(1);
        assert_eq!(naps.recv().await, Some(MINUTE));
        assert_eq!(outages(), number);
        server.clock().advance(MINUTE);
    }
    assert!(swept(&server).is_empty());
    store.set_down(false);
    wake.add_permits(1);
    assert_eq!(naps.recv().await, Some(MINUTE));
    assert_eq!(swept(&server).len(), 1);
    task.abort();
}

/// E10
#[tokio::test]
async fn keys_that_cannot_be_read_do_not_let_the_store_grow() {
    let store = FaultyStore::new();
    let server = server_on(&store);
    server.auth().prepare().await.unwrap();
    leave_something(&server).await;
    let (shared, wrong) = (Arc::new(store.clone()), MasterKey::from_bytes(&[8; 32]));
    let keys = Arc::new(MasterKeys::new(wrong));
    let other = server.replica_with(|builder| builder.store(shared, keys));

    assert!(other.auth().sweeper().unwrap().sweep().await.is_err());
    assert_eq!(swept(&other).len(), 1);
}

/// E10, E7
#[tokio::test]
async fn a_sweeper_makes_the_next_signing_key_though_nobody_signs_in() {
    let server = TestServer::new();
    let sweeper = server.auth().sweeper().unwrap();
    let made = || {
        let made = |event: &&Event| matches!(event, Event::SigningKeyCreated { .. });
        server.events().all().iter().filter(made).count()
    };
    for day in 0..88 {
        sweeper.sweep().await.unwrap();
        assert_eq!(made(), 1, "{day}");
        server.clock().advance(DAY);
    }
    server.clock().advance(DAY);
    sweeper.sweep().await.unwrap();
    assert_eq!(made(), 2);
}
