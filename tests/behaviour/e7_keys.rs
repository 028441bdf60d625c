//! Signing keys that several servers share.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::jose::Algorithm;
use oauth_for_mcp::server::{ConfigError, Lifetimes};
use oauth_for_mcp::store::KeySchedule;
use oauth_for_mcp::test_util::{TestClient, TestClock, TestServer, Tokens};
use oauth_for_mcp::types::Timestamp;
use oauth_for_mcp::{McpAuth, McpAuthError};
use tokio::task::JoinSet;

use super::faulty_store::{FaultyStore, master_keys};
use super::support::{PING, json, kid, post_mcp, published, refresh_token};

const OVERLAP: Duration = Duration::from_secs(1_200);
const PERIOD: Duration = Duration::from_secs(3_600);
const SCHEDULE: KeySchedule = KeySchedule {
    algorithm: Algorithm::Es256,
    period: Some(PERIOD),
    overlap: OVERLAP,
};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn made(server: &TestServer) -> usize {
    let made = |event: &&Event| matches!(event, Event::SigningKeyCreated { .. });
    server.events().all().iter().filter(made).count()
}

async fn expect_good(server: &TestServer, token: &str, case: &str) {
    let answer = post_mcp(server, token, PING).await;
    assert_eq!(answer.status(), 200, "{case}: {answer:?}");
}

/// E7
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_servers_that_start_together_make_one_key() {
    const SERVERS: usize = 10;
    let store = FaultyStore::new();
    let shared = Arc::new(store.clone());
    let first = TestServer::with(|builder| builder.store(shared, master_keys()));
    let client = TestClient::register(&first).await;
    let mut servers: Vec<_> = (1..SERVERS).map(|_| Arc::new(first.replica())).collect();
    servers.push(Arc::new(first));
    // None of them sees a key of another before it makes its own.
    store.gather_key_reads(SERVERS);
    let mut starts = JoinSet::new();
    for server in &servers {
        let (server, client) = (Arc::clone(server), client.clone());
        starts.spawn(async move {
            let keys = server.get("/jwks");
            tokio::join!(keys, client.sign_in(&server, "notes:read"))
        });
    }
    let answers = starts.join_all().await;

    assert_eq!(servers.iter().map(|server| made(server)).sum::<usize>(), 1);
    assert_eq!(published(&servers[0]).await.len(), 1);
    for (keys, tokens) in &answers {
        assert_eq!(keys.body(), answers[0].0.body());
        for server in &servers {
            expect_good(server, &tokens.access_token, "any at any").await;
        }
    }
}

/// E7
#[tokio::test]
async fn the_next_key_is_published_before_it_signs_and_the_former_one_after() {
    let a = TestServer::with(|builder| builder.key_schedule(SCHEDULE));
    let b = a.replica();
    let client = TestClient::register(&a).await;
    let sign_in = || client.sign_in(&b, "notes:read");
    let first = kid(&sign_in().await.access_token);
    assert_eq!(published(&a).await, [first.as_str()]);

    a.clock().advance(PERIOD - OVERLAP - seconds(1));
    assert_eq!(published(&a).await, [first.as_str()], "it is not time yet");
    a.clock().advance(seconds(61));
    let both = published(&a).await;
    assert_eq!((both.len(), &both[0]), (2, &first));
    assert_eq!(published(&b).await, both);
    assert_eq!(a.get("/jwks").await.body(), b.get("/jwks").await.body());
    a.clock().advance(OVERLAP - seconds(1));
    let last = sign_in().await.access_token;
    assert_eq!(kid(&last), first, "the next one does not sign yet");
    a.clock().advance(seconds(1));
    let next = sign_in().await.access_token;
    assert_eq!(kid(&next), both[1]);

    a.clock().advance(seconds(598));
    for server in [&a, &b] {
        expect_good(server, &last, "until it expires").await;
        expect_good(server, &next, "the next").await;
    }
    a.clock().advance(OVERLAP - seconds(599));
    assert_eq!(published(&a).await, both);
    a.clock().advance(seconds(1));
    for server in [&a, &b] {
        assert_eq!(published(server).await, both[1..], "it has left");
    }
    assert_eq!(made(&a) + made(&b), 2);
}

/// A server whose clock may differ, and who is signed in there.
struct Replica {
    server: TestServer,
    clock: Option<Arc<TestClock>>,
    client: TestClient,
    tokens: Tokens,
}

impl Replica {
    async fn of(first: &TestServer, ahead: Option<u64>) -> Self {
        let at = first.now().as_secs();
        let clock = ahead.map(|by| Arc::new(TestClock::at(Timestamp::from_secs(at - 30 + by))));
        let own = clock.clone();
        let server = first.replica_with(|builder| match own {
            Some(clock) => builder.clock(clock),
            None => builder,
        });
        let client = TestClient::register(&server).await;
        let tokens = client.sign_in(&server, "notes:read").await;
        Self {
            server,
            clock,
            client,
            tokens,
        }
    }

    async fn refresh(&mut self) -> &str {
        let spent = refresh_token(&self.tokens);
        let answer = self.client.refresh(&self.server, spent).await;
        self.tokens = answer.expect_tokens();
        &self.tokens.access_token
    }
}

/// E7
#[tokio::test]
async fn every_token_is_good_at_every_server_at_once_whenever_keys_change() {
    const STEPS: [u64; 9] = [1, 59, 7, 61, 353, 5, 601, 211, 1_021];
    let first = TestServer::with(|builder| builder.key_schedule(SCHEDULE));
    // Half a minute behind, in time, and half a minute ahead.
    let mut replicas = [
        Replica::of(&first, Some(0)).await,
        Replica::of(&first, None).await,
        Replica::of(&first, Some(60)).await,
    ];
    let mut signed_by = HashSet::new();
    let mut alive: Vec<(Timestamp, String)> = Vec::new();
    for (round, step) in STEPS.iter().cycle().take(90).enumerate() {
        first.clock().advance(seconds(*step));
        for clock in replicas.iter().filter_map(|replica| replica.clock.as_ref()) {
            clock.advance(seconds(*step));
        }
        // Some are asked often and some are idle for long.
        let issuer = (round * round / 3) % replicas.len();
        let token = replicas[issuer].refresh().await.to_owned();
        signed_by.insert(kid(&token));
        alive.push((first.now().plus(seconds(480)), token));
        alive.retain(|(until, _)| *until > first.now());
        for place in 0..replicas.len() {
            let server = &replicas[(place + round) % replicas.len()].server;
            for (_, token) in &alive {
                expect_good(server, token, &format!("round {round}")).await;
            }
            let keys = published(server).await;
            let newest = alive.last().map(|(_, token)| kid(token));
            assert!(newest.is_some_and(|kid| keys.contains(&kid)), "{round}");
        }
    }
    assert!(signed_by.len() > 3, "only {} keys", signed_by.len());
    assert_eq!(
        published(&first).await,
        published(&replicas[1].server).await
    );
}

/// E7
#[tokio::test]
async fn another_algorithm_takes_over_with_the_same_overlap() {
    let before = TestServer::with(|builder| builder.key_schedule(SCHEDULE));
    let client = TestClient::register(&before).await;
    let old = client.sign_in(&before, "notes:read").await.access_token;
    let schedule = KeySchedule {
        algorithm: Algorithm::EdDsa,
        ..SCHEDULE
    };
    let after = before.replica_with(|builder| builder.key_schedule(schedule));
    let keys = json(&after.get("/jwks").await);
    assert_eq!(
        (&keys["keys"][0]["alg"], &keys["keys"][1]["alg"]),
        (&"ES256".into(), &"EdDSA".into())
    );
    let both = published(&after).await;
    assert_eq!(published(&before).await, both[..1], "not read yet");
    before.clock().advance(seconds(60));
    assert_eq!(published(&before).await, both);
    for server in [&before, &after] {
        expect_good(server, &old, "old").await;
    }

    before.clock().advance(OVERLAP - seconds(61));
    let last = client.sign_in(&after, "notes:read").await.access_token;
    assert_eq!(kid(&last), both[0]);
    // The server with the former setting has to be gone by now.
    before.clock().advance(seconds(1));
    let next = client.sign_in(&after, "notes:read").await.access_token;
    assert_eq!(kid(&next), both[1]);
    expect_good(&after, &last, "last").await;
    expect_good(&after, &next, "next").await;
    before.clock().advance(OVERLAP);
    assert_eq!(published(&after).await, both[1..]);
}

/// E7
#[tokio::test]
async fn a_restart_with_the_same_store_and_master_key_ends_nothing() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let restarted = server.replica();
    drop(server);

    restarted.auth().prepare().await.unwrap();
    expect_good(&restarted, &tokens.access_token, "old").await;
    let answer = client.refresh(&restarted, refresh_token(&tokens)).await;
    expect_good(&restarted, &answer.expect_tokens().access_token, "new").await;
    assert_eq!(made(&restarted), 0);
}

/// E7
#[tokio::test]
async fn a_server_that_is_given_keys_ignores_those_in_the_store() {
    let store = FaultyStore::new();
    let shared = Arc::new(store.clone());
    let stored = TestServer::with(|builder| builder.store(shared, master_keys()));
    let client = TestClient::register(&stored).await;
    let tokens = client.sign_in(&stored, "notes:read").await;
    let reads = store.key_reads();
    let key = super::support::key(7);
    let ring = oauth_for_mcp::jose::KeyRing::new(Arc::clone(&key) as _).unwrap();
    let given = stored.replica_with(|builder| builder.keys(Arc::new(ring)));

    given.auth().prepare().await.unwrap();
    let answer = client.refresh(&given, refresh_token(&tokens)).await;
    let token = answer.expect_tokens().access_token;
    assert_eq!(published(&given).await, [kid(&token)]);
    assert_ne!(published(&stored).await, published(&given).await);
    expect_good(&given, &token, "its own").await;
    assert_eq!(
        post_mcp(&given, &tokens.access_token, PING).await.status(),
        401
    );
    assert_eq!(store.key_reads(), reads);
}

/// E7
#[test]
fn a_schedule_by_which_a_token_could_outlive_its_key_is_refused() {
    let build = |schedule: KeySchedule, lifetimes: Lifetimes| {
        let builder = McpAuth::builder("http://127.0.0.1:8080")
            .scope("read", "Read")
            .development_login();
        let builder = builder.key_schedule(schedule).lifetimes(lifetimes);
        builder.build().map(|_| ())
    };
    let usual = Lifetimes::default();
    let endless = Lifetimes {
        access_token: Duration::MAX,
        grant: Duration::MAX,
        ..usual
    };
    let period = |period| KeySchedule { period, ..SCHEDULE };
    let overlap = |overlap| KeySchedule {
        overlap,
        ..SCHEDULE
    };
    for (schedule, lifetimes) in [
        (overlap(Duration::ZERO), usual),
        (overlap(OVERLAP - seconds(1)), usual),
        (period(Some(OVERLAP)), usual),
        (period(Some(Duration::ZERO)), usual),
        (overlap(PERIOD), usual),
        (overlap(Duration::MAX), usual),
        (SCHEDULE, endless),
    ] {
        let refused = build(schedule, lifetimes);
        let right = matches!(refused, Err(McpAuthError::Server(ConfigError::KeySchedule)));
        assert!(right, "{schedule:?}: {refused:?}");
    }
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es384] {
        let schedule = KeySchedule {
            algorithm,
            ..SCHEDULE
        };
        let refused = build(schedule, usual);
        let right = matches!(refused, Err(McpAuthError::Server(ConfigError::KeyAlgorithm(named))) if named == algorithm);
        assert!(right, "{algorithm}");
    }
    for schedule in [SCHEDULE, period(None), KeySchedule::default()] {
        assert!(build(schedule, usual).is_ok(), "{schedule:?}");
    }
}
