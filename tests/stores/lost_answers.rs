//! What a call answers whose first attempt the database carried out, and then its
//! answer was lost.

use std::time::Duration;

use libtest_mimic::Trial as Test;
use oauth_for_mcp::model::{
    ApiKeyRecord, AuthMethod, ClientRecord, GrantRecord, IssuedRecords, Registration, Sealed,
};
use oauth_for_mcp::store::{
    ApiKeyStore as _, ClientStore as _, GrantStore as _, Insertion, PostgresStore, ReplayStore as _,
};
use oauth_for_mcp::types::{
    ApiKeyId, ClientId, Clock as _, GrantId, SystemClock, Timestamp, TokenHash,
};
use sqlx::postgres::PgPoolOptions;

use crate::fresh::{Backend, Fresh};
use crate::proxy::Proxy;
use crate::test;

const LIFE: Duration = Duration::from_secs(600);

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test(
            "postgres::an_update_whose_answer_was_lost_is_done",
            Backend::Postgres,
            updates,
        ),
        test(
            "postgres::a_removal_whose_answer_was_lost_is_done",
            Backend::Postgres,
            removals,
        ),
        test(
            "postgres::a_grant_whose_insertion_was_not_answered_is_inserted",
            Backend::Postgres,
            insertions,
        ),
        test(
            "postgres::an_api_key_whose_answers_were_lost_is_stored_once_and_removed_once",
            Backend::Postgres,
            api_keys,
        ),
        test(
            "postgres::a_use_whose_answer_was_lost_is_unknown_and_counts",
            Backend::Postgres,
            uses,
        ),
    ]
}

/// A store behind a proxy.
struct Lossy {
    store: PostgresStore,
    proxy: Proxy,
    fresh: Fresh,
}

impl Lossy {
    async fn new() -> Self {
        let fresh = Backend::Postgres.fresh().await;
        let (proxy, url) = Proxy::before(&fresh.place).await;
        // One connection, so that what is prepared stays so.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false);
        let pool = pool.connect(&url).await.unwrap();
        Self {
            store: PostgresStore::from_pool(pool).await.unwrap(),
            proxy,
            fresh,
        }
    }

    /// Makes the call for `"first"`, so that its statement is prepared, and then
    /// for `"second"`, whose answer is lost.
    async fn lose<T>(&self, call: impl AsyncFn(&'static str) -> T) -> [T; 2] {
        let first = call("first").await;
        self.proxy.lose_the_next_answer();
        let second = call("second").await;
        assert!(self.proxy.lost_an_answer());
        [first, second]
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn client(name: &str) -> ClientRecord {
    ClientRecord {
        id: ClientId::parse(name).unwrap(),
        registration: Registration::Dynamic {
            registered_at: now(),
            unused_until: now().plus(LIFE),
        },
        name: None,
        client_uri: None,
        redirect_uris: vec![],
        auth_method: AuthMethod::None,
        secrets: vec![],
        grant_types: [].into(),
        scope: None,
        keys: None,
        management: None,
    }
}

fn grant(name: &str) -> IssuedRecords {
    IssuedRecords {
        grant: GrantRecord {
            id: GrantId::from(name.to_owned()),
            client_id: ClientId::parse("a client").unwrap(),
            subject: TokenHash::of(name),
            details: Sealed::from_bytes(name.into()),
            granted_at: now(),
            expires_at: now().plus(LIFE),
        },
        access: None,
        refresh: None,
    }
}

async fn updates() {
    let lossy = Lossy::new().await;
    let store = &lossy.store;
    let answers = lossy.lose(async |name| {
        let old = client(name);
        // Beside the proxy, which loses the update's answer alone.
        let inserted = lossy.fresh.store.insert_client(old.clone()).await;
        assert_eq!(inserted.unwrap(), Insertion::Done);
        let new = ClientRecord {
            name: Some("new".to_owned()),
            ..old.clone()
        };
        store.update_client(&old, new).await.unwrap()
    });
    assert_eq!(answers.await, [true, true]);
    lossy.fresh.discard().await;
}

async fn removals() {
    let lossy = Lossy::new().await;
    let answers = lossy.lose(async |name| {
        let client = client(name);
        let id = client.id.clone();
        lossy.fresh.store.insert_client(client).await.unwrap();
        lossy.store.remove_client(&id).await.unwrap()
    });
    assert_eq!(answers.await, [true, true]);
    assert_eq!(lossy.store.count_clients(10).await.unwrap(), 0);
    lossy.fresh.discard().await;
}

async fn insertions() {
    let lossy = Lossy::new().await;
    let answers = lossy.lose(async |name| {
        let inserted = lossy.store.insert_grant(grant(name)).await;
        inserted.unwrap()
    });
    assert_eq!(answers.await, [Insertion::Done, Insertion::Done]);
    // Somebody else's stays a conflict.
    lossy.store.insert_grant(grant("third")).await.unwrap();
    lossy.proxy.lose_the_next_answer();
    let mut other = grant("second");
    other.grant.details = Sealed::from_bytes("another".into());
    let inserted = lossy.store.insert_grant(other).await;
    assert!(lossy.proxy.lost_an_answer());
    assert_eq!(inserted.unwrap(), Insertion::Conflict);
    lossy.fresh.discard().await;
}

fn api_key(name: &str) -> ApiKeyRecord {
    ApiKeyRecord {
        id: ApiKeyId::from(name.to_owned()),
        hash: TokenHash::of(name),
        details: Sealed::from_bytes(name.into()),
        created_at: now(),
        expires_at: None,
    }
}

async fn api_keys() {
    let lossy = Lossy::new().await;
    let (store, new) = (&lossy.store, Sealed::from_bytes("new".into()));
    let answers = lossy.lose(async |name| store.insert_api_key(api_key(name)).await.unwrap());
    assert_eq!(answers.await, [Insertion::Done, Insertion::Done]);
    // Somebody else's stays a conflict.
    store.insert_api_key(api_key("third")).await.unwrap();
    lossy.proxy.lose_the_next_answer();
    let mut other = api_key("another");
    other.hash = TokenHash::of("second");
    let inserted = store.insert_api_key(other).await;
    assert!(lossy.proxy.lost_an_answer());
    assert_eq!(inserted.unwrap(), Insertion::Conflict);

    let answers = lossy.lose(async |name| {
        let old = api_key(name);
        store.reseal_api_key(&old, &new).await.unwrap()
    });
    assert_eq!(answers.await, [true, true]);
    let answers = lossy.lose(async |name| {
        let id = ApiKeyId::from(name.to_owned());
        store.remove_api_key(&id).await.unwrap()
    });
    assert_eq!(answers.await, [true, true]);
    let left = store.list_api_keys(None, 10, now()).await.unwrap();
    assert_eq!(left, [api_key("third")]);
    lossy.fresh.discard().await;
}

async fn uses() {
    let lossy = Lossy::new().await;
    let until = now().plus(LIFE);
    let used = async |name: &str| {
        let id = TokenHash::of(name);
        lossy.store.use_once(&id, until, now()).await
    };
    let [first, second] = lossy.lose(used).await;
    assert!(first.unwrap());
    assert!(second.is_err(), "it may have been somebody else's");
    for name in ["first", "second"] {
        assert!(!used(name).await.unwrap());
    }
    lossy.fresh.discard().await;
}
