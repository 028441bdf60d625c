//! Master keys that change while the servers run.

use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::jose::KeyRing;
use oauth_for_mcp::model::{MasterKey, MasterKeys};
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::test_util::{TestClient, TestServer, Tokens};
use oauth_for_mcp::types::Subject;

use super::faulty_store::FaultyStore;
use super::support::{PING, expect_outage, key, post_mcp, refresh_token};

fn old() -> MasterKey {
    MasterKey::from_bytes(&[1; 32])
}

fn new() -> MasterKey {
    MasterKey::from_bytes(&[2; 32])
}

/// Two servers of one store, each with a set of master keys of its own.
struct Pair {
    store: FaultyStore,
    servers: [TestServer; 2],
    keys: [Arc<MasterKeys>; 2],
    client: TestClient,
    /// The tokens of everybody who ever signed in.
    people: Vec<Tokens>,
}

impl Pair {
    async fn new(format: AccessTokenFormat) -> Self {
        let store = FaultyStore::new();
        let keys = [(); 2].map(|()| Arc::new(MasterKeys::new(old())));
        let (shared, own) = (Arc::new(store.clone()), Arc::clone(&keys[0]));
        let first =
            TestServer::with(|builder| builder.store(shared, own).access_token_format(format));
        let (shared, own) = (Arc::new(store.clone()), Arc::clone(&keys[1]));
        let second = first.replica_with(|builder| builder.store(shared, own));
        let client = TestClient::register(&first).await;
        Self {
            store,
            servers: [first, second],
            keys,
            client,
            people: Vec::new(),
        }
    }

    /// A server that starts now, with the new key alone.
    fn restarted(&self) -> TestServer {
        let (shared, keys) = (Arc::new(self.store.clone()), MasterKeys::new(new()));
        self.servers[0].replica_with(|builder| builder.store(shared, Arc::new(keys)))
    }

    /// Makes sure that nobody has to sign in again, that people can sign in, and
    /// that everybody is listed, at either server.
    async fn expect_works(&mut self, step: &str) {
        // The signing keys are read again, too.
        self.servers[0].clock().advance(Duration::from_secs(61));
        let alice = Subject::parse("alice").expect("a name is a subject");
        for server in &self.servers {
            for tokens in &mut self.people {
                let answer = post_mcp(server, &tokens.access_token, PING).await;
                assert_eq!(answer.status(), 200, "{step}: {answer:?}");
                let answer = self.client.refresh(server, refresh_token(tokens)).await;
                *tokens = answer
                    .tokens()
                    .unwrap_or_else(|| panic!("{step}: {answer:?}"));
            }
            self.people
                .push(self.client.sign_in(server, "notes:read").await);
            let grants = server.auth().grants();
            let page = grants.of_subject(&alice, None).await;
            let listed = page.map(|page| page.grants.len());
            assert_eq!(listed.ok(), Some(self.people.len()), "{step}");
            let ready = server.auth().prepare().await;
            assert!(ready.is_ok(), "{step}: {ready:?}");
        }
    }
}

const FORMATS: [AccessTokenFormat; 2] = [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque];

/// E9
#[tokio::test]
async fn a_master_key_is_replaced_while_two_servers_run_and_nobody_signs_in_again() {
    for format in FORMATS {
        let mut pair = Pair::new(format).await;
        pair.expect_works("before").await;
        for number in 0..2 {
            pair.keys[number].add(new());
            pair.expect_works("added").await;
        }
        let mut under_old = pair.people.len();
        assert!(pair.keys[0].activate(new().id()));
        pair.expect_works("activated at one").await;
        under_old += 1; // the one who signed in at the other
        assert!(pair.keys[1].activate(new().id()));
        pair.expect_works("activated at both").await;

        let grants = pair.servers[0].auth().grants();
        assert_eq!(grants.reseal().await.unwrap(), under_old);
        pair.expect_works("sealed again").await;
        let grants = pair.servers[1].auth().grants();
        assert_eq!(grants.reseal().await.unwrap(), 0);
        for number in 0..2 {
            pair.keys[number].remove(old().id()).unwrap();
            pair.expect_works("removed").await;
        }
        pair.servers[1] = pair.restarted();
        pair.expect_works("restarted").await;
    }
}

/// E9, E7
#[tokio::test]
async fn after_sealing_again_the_old_master_key_is_needed_for_nothing() {
    let pair = Pair::new(AccessTokenFormat::Jwt).await;
    let tokens = pair.client.sign_in(&pair.servers[0], "notes:read").await;
    let keys = &pair.keys[0];
    keys.add(new());
    keys.activate(new().id());
    // At once: the signing keys were read a moment ago.
    pair.servers[0].auth().grants().reseal().await.unwrap();
    keys.remove(old().id()).unwrap();

    let server = pair.restarted();
    server.auth().prepare().await.unwrap();
    let answer = post_mcp(&server, &tokens.access_token, PING).await;
    assert_eq!(answer.status(), 200);
}

/// E9, E8
#[tokio::test]
async fn a_master_key_that_is_removed_too_early_is_an_outage_and_no_refusal() {
    for format in FORMATS {
        let mut pair = Pair::new(format).await;
        pair.expect_works("before").await;
        for keys in &pair.keys {
            keys.add(new());
            keys.activate(new().id());
            keys.remove(old().id()).unwrap();
        }
        let restarted = pair.restarted();
        for server in pair.servers.iter().chain([&restarted]) {
            server.clock().advance(Duration::from_secs(61));
            for tokens in &pair.people {
                let answer = post_mcp(server, &tokens.access_token, PING).await;
                expect_outage(&answer, "access token");
                let answer = pair.client.refresh(server, refresh_token(tokens)).await;
                expect_outage(answer.response(), "refresh token");
            }
            assert!(server.auth().prepare().await.is_err());
            assert!(server.auth().grants().reseal().await.is_err());
        }
        for keys in &pair.keys {
            keys.add(old());
        }
        pair.expect_works("added again").await;
    }
}

/// E9
#[tokio::test]
async fn a_grant_that_does_not_open_keeps_no_other_from_being_sealed_again() {
    let store = FaultyStore::new();
    let share = || Arc::new(store.clone());
    let ring = Arc::new(KeyRing::new(key(1) as _).unwrap());
    let lost = Arc::new(MasterKeys::new(MasterKey::from_bytes(&[9; 32])));
    let first = TestServer::with(|builder| builder.keys(ring).store(share(), lost));
    let client = TestClient::register(&first).await;
    let under =
        |keys: MasterKeys| first.replica_with(|builder| builder.store(share(), Arc::new(keys)));
    let before = under(MasterKeys::new(old()));
    // Some of those that do not open come before the others, whatever their names.
    for _ in 0..8 {
        let _ = client.sign_in(&first, "notes:read").await;
        let _ = client.sign_in(&before, "notes:read").await;
    }

    let keys = MasterKeys::new(new());
    keys.add(old());
    assert!(under(keys).auth().grants().reseal().await.is_err());

    let alice = Subject::parse("alice").unwrap();
    let after = under(MasterKeys::new(new()));
    let found = after.auth().grants().of_subject(&alice, None).await;
    assert_eq!(found.unwrap().grants.len(), 8);
}
