//! Grants that the host lists and ends.

use std::collections::BTreeSet;
use std::sync::Arc;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::model::{GrantFilter, GrantRecord, Identity, MasterKey, MasterKeys};
use oauth_for_mcp::server::{AccessTokenFormat, GrantPage};
use oauth_for_mcp::store::GrantStore as _;
use oauth_for_mcp::test_util::{TestClient, TestServer, Tokens};
use oauth_for_mcp::types::{ClientId, GrantId, Subject};

use super::faulty_store::{CAUSE, FaultyStore, master_keys};
use super::support::{PING, expect_refusal, post_mcp, refresh_token};

/// Two servers of one store: at one everybody is alice, at the other bob.
struct Pair {
    alice: TestServer,
    bob: TestServer,
    clients: [TestClient; 2],
}

impl Pair {
    async fn new(format: AccessTokenFormat) -> Self {
        let alice = TestServer::with(|builder| builder.access_token_format(format));
        let identity = Identity::new("https://idp.example.com", subject("bob"));
        let idp = FixedIdentity::new(identity);
        let bob = alice.replica_with(|builder| builder.identity_provider(idp));
        let clients = [
            TestClient::register(&alice).await,
            TestClient::register(&alice).await,
        ];
        Self {
            alice,
            bob,
            clients,
        }
    }

    /// The tokens of alice with either client, then those of bob.
    async fn sign_in(&self) -> [Tokens; 4] {
        let [first, second] = &self.clients;
        [
            first.sign_in(&self.alice, "notes:read").await,
            second.sign_in(&self.alice, "notes:read").await,
            first.sign_in(&self.bob, "notes:read").await,
            second.sign_in(&self.bob, "notes:read").await,
        ]
    }

    /// Makes sure of the tokens of [`sign_in`](Self::sign_in), at either server,
    /// which are alive and which are not.
    async fn expect_alive(&self, tokens: &[Tokens; 4], alive: [bool; 4]) {
        for (number, (tokens, alive)) in tokens.iter().zip(alive).enumerate() {
            let client = &self.clients[number % 2];
            for server in [&self.alice, &self.bob] {
                let answer = post_mcp(server, &tokens.access_token, PING).await;
                // Within the grace, both servers give the same answer.
                let refreshed = client.refresh(server, refresh_token(tokens)).await;
                if alive {
                    assert_eq!(answer.status(), 200, "{number}");
                    let _ = refreshed.expect_tokens();
                } else {
                    expect_refusal(&answer, 401, "invalid_token", "ended");
                    expect_refusal(refreshed.response(), 400, "invalid_grant", "ended");
                }
            }
        }
    }

    fn client_id(&self, number: usize) -> ClientId {
        ClientId::parse(&self.clients[number].client_id).expect("we made it")
    }

    /// The grants whose end the operator of alice's server heard of.
    fn ended(&self) -> Vec<GrantId> {
        let events = self.alice.events().all().into_iter();
        let ended = events.filter_map(|event| {
            if let Event::GrantRevoked { grant_id, .. } = event {
                Some(grant_id)
            } else {
                None
            }
        });
        ended.collect()
    }
}

fn subject(name: &str) -> Subject {
    Subject::parse(name).expect("a name is a subject")
}

fn ids(page: &GrantPage) -> Vec<GrantId> {
    page.grants.iter().map(|grant| grant.id.clone()).collect()
}

const FORMATS: [AccessTokenFormat; 2] = [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque];

/// E9
#[tokio::test]
async fn grants_are_listed_by_subject_and_by_client_a_hundred_at_a_time() {
    let pair = Pair::new(AccessTokenFormat::Opaque).await;
    for (server, client, count) in [
        (&pair.alice, 0, 130),
        (&pair.alice, 1, 70),
        (&pair.bob, 0, 75),
        (&pair.bob, 1, 1),
    ] {
        for _ in 0..count {
            pair.clients[client].sign_in(server, "notes:read").await;
        }
    }
    let grants = pair.bob.auth().grants();
    for (name, total) in [("alice", 200), ("bob", 76), ("carol", 0)] {
        let (mut seen, mut after, who) = (BTreeSet::new(), None, subject(name));
        loop {
            let page = grants.of_subject(&who, after.as_ref()).await.unwrap();
            assert!(page.grants.len() <= 100);
            assert!(page.grants.iter().all(|grant| grant.details.subject == who));
            let fresh = ids(&page).into_iter().filter(|id| seen.insert(id.clone()));
            assert_eq!(fresh.count(), page.grants.len(), "none comes twice");
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), total, "{name}");
    }
    for (client, total) in [(0, 205), (1, 71)] {
        let (mut seen, mut after, id) = (0, None, pair.client_id(client));
        loop {
            let page = grants.of_client(&id, after.as_ref()).await.unwrap();
            assert!(page.grants.iter().all(|grant| grant.client_id == id));
            seen += page.grants.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, total);
    }
    assert_eq!(grants.revoke_subject(&subject("alice")).await.unwrap(), 200);
    assert_eq!(grants.revoke_client(&pair.client_id(0)).await.unwrap(), 75);
    assert_eq!(
        ids(&grants.of_client(&pair.client_id(1), None).await.unwrap()).len(),
        1
    );
}

/// E9
#[tokio::test]
async fn a_grant_says_who_let_which_client_do_what() {
    let pair = Pair::new(AccessTokenFormat::Jwt).await;
    pair.clients[0].sign_in(&pair.alice, "notes:write").await;
    let page = pair.bob.auth().grants();
    let page = page.of_subject(&subject("alice"), None).await.unwrap();
    let [grant] = &page.grants[..] else {
        panic!("{page:?}");
    };
    assert_eq!(grant.client_id, pair.client_id(0));
    assert_eq!(grant.details.scope.to_string(), "notes:write");
    let identity = grant.details.identity.as_ref();
    let email = identity.and_then(|identity| identity.email.as_deref());
    assert_eq!(email, Some("alice@example.com"));
    assert_eq!(grant.granted_at, pair.alice.now());
    assert!(grant.expires_at < grant.details.ends_at);
    assert_eq!(page.next, None);
}

/// E9
#[tokio::test]
async fn one_grant_is_ended_at_every_server_at_once_and_no_other() {
    for format in FORMATS {
        let pair = Pair::new(format).await;
        let tokens = pair.sign_in().await;
        let grants = pair.alice.auth().grants();
        let page = grants.of_subject(&subject("alice"), None).await.unwrap();
        let first = page
            .grants
            .iter()
            .find(|grant| grant.client_id == pair.client_id(0));
        let id = first.unwrap().id.clone();

        assert!(grants.revoke(&id).await.unwrap());
        assert!(!grants.revoke(&id).await.unwrap(), "it was ended before");
        let unknown = GrantId::parse(&"A".repeat(22)).unwrap();
        assert!(!grants.revoke(&unknown).await.unwrap());

        pair.expect_alive(&tokens, [false, true, true, true]).await;
        assert_eq!(pair.ended(), [id]);
    }
}

/// E9
#[tokio::test]
async fn everything_of_a_subject_is_ended_at_every_server_at_once_and_nothing_else() {
    for format in FORMATS {
        let pair = Pair::new(format).await;
        let tokens = pair.sign_in().await;
        let grants = pair.alice.auth().grants();
        let page = grants.of_subject(&subject("bob"), None).await.unwrap();

        assert_eq!(grants.revoke_subject(&subject("bob")).await.unwrap(), 2);
        assert_eq!(grants.revoke_subject(&subject("bob")).await.unwrap(), 0);
        assert_eq!(grants.revoke_subject(&subject("carol")).await.unwrap(), 0);

        pair.expect_alive(&tokens, [true, true, false, false]).await;
        assert_eq!(pair.ended(), ids(&page));
        let page = grants.of_subject(&subject("bob"), None).await.unwrap();
        assert_eq!(ids(&page), []);
    }
}

/// E9
#[tokio::test]
async fn everything_of_a_client_is_ended_at_every_server_at_once_and_nothing_else() {
    for format in FORMATS {
        let pair = Pair::new(format).await;
        let tokens = pair.sign_in().await;
        let grants = pair.alice.auth().grants();
        let page = grants.of_client(&pair.client_id(1), None).await.unwrap();

        assert_eq!(grants.revoke_client(&pair.client_id(1)).await.unwrap(), 2);
        assert_eq!(grants.revoke_client(&pair.client_id(1)).await.unwrap(), 0);

        pair.expect_alive(&tokens, [true, false, true, false]).await;
        assert_eq!(pair.ended(), ids(&page));
    }
}

/// E9
#[tokio::test]
async fn what_has_expired_is_neither_listed_nor_ended() {
    let pair = Pair::new(AccessTokenFormat::Jwt).await;
    pair.sign_in().await;
    let grants = pair.alice.auth().grants();
    let page = grants.of_subject(&subject("alice"), None).await.unwrap();
    let last = page.grants[0].expires_at;
    pair.alice.clock().advance(last.since(pair.alice.now()));

    let listed = grants.of_subject(&subject("alice"), None).await.unwrap();
    assert_eq!(ids(&listed), []);
    assert_eq!(grants.revoke_subject(&subject("alice")).await.unwrap(), 0);
    assert!(!grants.revoke(&page.grants[0].id).await.unwrap());
    assert_eq!(pair.ended(), []);
}

/// E9, E8
#[tokio::test]
async fn while_the_store_is_down_the_host_is_told_so_and_nothing_is_said_to_be_ended() {
    let store = FaultyStore::new();
    let shared = Arc::new(store.clone());
    let server = TestServer::with(|builder| builder.store(shared, master_keys()));
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let grants = server.auth().grants();
    let page = grants.of_subject(&subject("alice"), None).await.unwrap();

    store.set_down(true);
    let outages = [
        grants.of_subject(&subject("alice"), None).await.err(),
        grants.revoke(&page.grants[0].id).await.err(),
        grants.revoke_subject(&subject("alice")).await.err(),
        grants.reseal().await.err(),
    ];
    for outage in outages {
        let cause = format!("{:?}", outage.expect("an outage"));
        assert!(cause.contains(CAUSE), "{cause}");
    }
    store.set_down(false);
    let answer = post_mcp(&server, &tokens.access_token, PING).await;
    assert_eq!(answer.status(), 200);
    let revoked = |event: &Event| matches!(event, Event::GrantRevoked { .. });
    assert!(!server.events().all().iter().any(revoked));
}

/// E9
#[tokio::test]
async fn a_grant_that_does_not_open_keeps_no_other_from_being_listed_and_can_be_ended() {
    let store = FaultyStore::new();
    let shared = Arc::new(store.clone());
    let server = TestServer::with(|builder| builder.store(shared, master_keys()));
    let client = TestClient::register(&server).await;
    for _ in 0..4 {
        client.sign_in(&server, "notes:read").await;
    }
    let rows = store.list_grants(&GrantFilter::All, None, 10, server.now());
    let rows = rows.await.unwrap();
    // What one says is put in the place of another.
    let spoiled = GrantRecord {
        details: rows[0].details.clone(),
        ..rows[1].clone()
    };
    assert!(store.reseal_grant(&rows[1], &spoiled).await.unwrap());

    let grants = server.auth().grants();
    let client_id = ClientId::parse(&client.client_id).unwrap();
    let good = [0, 2, 3].map(|number: usize| rows[number].id.clone());
    for page in [
        grants.of_subject(&subject("alice"), None).await.unwrap(),
        grants.of_client(&client_id, None).await.unwrap(),
    ] {
        assert_eq!(ids(&page), good);
        assert_eq!(page.unreadable, std::slice::from_ref(&spoiled.id));
        assert_eq!(page.next, None);
    }
    assert!(grants.revoke(&spoiled.id).await.unwrap());
    let page = grants.of_client(&client_id, None).await.unwrap();
    assert_eq!((ids(&page), page.unreadable), (good.to_vec(), vec![]));
    let ended = |event: &Event| matches!(event, Event::GrantRevoked { grant_id, .. } if *grant_id == spoiled.id);
    assert!(server.events().all().iter().any(ended));
}

/// E9
#[tokio::test]
async fn grants_whose_master_key_is_lost_are_listed_by_client_as_such_and_ended() {
    let store = FaultyStore::new();
    let share = || Arc::new(store.clone());
    let lost = Arc::new(MasterKeys::new(MasterKey::from_bytes(&[9; 32])));
    let before = TestServer::with(|builder| builder.store(share(), lost));
    let client = TestClient::register(&before).await;
    // More than there are on a page.
    for _ in 0..130 {
        client.sign_in(&before, "notes:read").await;
    }
    let after = before.replica_with(|builder| builder.store(share(), master_keys()));
    let grants = after.auth().grants();
    let client_id = ClientId::parse(&client.client_id).unwrap();
    let (mut unreadable, mut last) = (Vec::new(), None);
    loop {
        let page = grants.of_client(&client_id, last.as_ref()).await.unwrap();
        assert_eq!(ids(&page), []);
        unreadable.extend(page.unreadable);
        last = page.next;
        if last.is_none() {
            break;
        }
    }
    assert_eq!(unreadable.len(), 130);
    // Under keys that are not here nobody can be looked for.
    let of_alice = grants.of_subject(&subject("alice"), None).await.unwrap();
    assert_eq!((ids(&of_alice), of_alice.unreadable), (vec![], vec![]));

    assert!(grants.revoke(&unreadable[0]).await.unwrap());
    assert_eq!(grants.revoke_client(&client_id).await.unwrap(), 129);
}
