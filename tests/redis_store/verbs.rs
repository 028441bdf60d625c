use std::time::Duration;

use oauth_for_mcp::jose::Algorithm;
use oauth_for_mcp::model::{
    ApiKeyRecord, AuthMethod, ClientRecord, GrantFilter, GrantRecord, Registration,
    SigningKeyRecord,
};
use oauth_for_mcp::store::{
    AccessTokenStore, ApiKeyStore, ClientStore, CodeStore, GrantStore, Insertion, LeaseStore,
    PendingStore, Redemption, RedisStore, RefreshTokenStore, ReplayStore, Rotation,
    SigningKeyStore, Sweep,
};
use oauth_for_mcp::types::{ApiKeyId, ClientId, Timestamp};

use crate::server::{code, grant_id, hash, issued, now, pending, rotated, sealed};

const LIFE: Duration = Duration::from_secs(600);

/// Makes every call there is, names each to `called`, and expects the answers
/// that a store gives on which nothing else is going on.
///
/// `round` tells the records of one use from those of others.
pub(crate) async fn use_all(store: &RedisStore, round: u32, mut called: impl AsyncFnMut(&str)) {
    let name = format!("round {round}");
    use_clients(store, &name, &mut called).await;
    use_pending(store, &name, &mut called).await;
    use_grants(store, &name, &mut called).await;
    use_machines(store, &name, &mut called).await;
    use_api_keys(store, &name, &mut called).await;
    use_signing_keys(store, round + 1, &mut called).await;
    let until = now().plus(LIFE);
    let taken = store.take_lease(&name, "holder", until, now()).await;
    assert!(taken.unwrap());
    called("take_lease").await;
    assert_eq!(store.sweep(now(), 10).await.unwrap(), 0);
    called("sweep").await;
}

async fn use_clients(store: &RedisStore, name: &str, called: &mut impl AsyncFnMut(&str)) {
    let client = client(name, now().plus(LIFE));
    let inserted = store.insert_client(client.clone()).await.unwrap();
    assert_eq!(inserted, Insertion::Done);
    called("insert_client").await;
    let found = store.find_client(&client.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&client));
    called("find_client").await;
    let count = store.count_clients(1).await.unwrap();
    assert_eq!(count, 1);
    called("count_clients").await;
    let new = ClientRecord {
        name: Some("new".to_owned()),
        ..client.clone()
    };
    assert!(store.update_client(&client, new).await.unwrap());
    called("update_client").await;
    assert!(store.remove_client(&client.id).await.unwrap());
    called("remove_client").await;
}

async fn use_pending(store: &RedisStore, name: &str, called: &mut impl AsyncFnMut(&str)) {
    let record = pending(name, LIFE);
    let inserted = store.insert_pending(record.clone()).await.unwrap();
    assert_eq!(inserted, Insertion::Done);
    called("insert_pending").await;
    let found = store.find_pending(&record.state, now()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&record));
    called("find_pending").await;
    let taken = store.take_pending(&record.state, now()).await.unwrap();
    assert_eq!(taken, Some(record));
    called("take_pending").await;
}

async fn use_grants(store: &RedisStore, name: &str, called: &mut impl AsyncFnMut(&str)) {
    let (id, key, at) = (grant_id(name), hash(name), now());
    let inserted = store.insert_code(code(name, LIFE)).await.unwrap();
    assert_eq!(inserted, Insertion::Done);
    called("insert_code").await;
    assert!(store.find_code(&key, at).await.unwrap().is_some());
    called("find_code").await;
    let records = issued(name, LIFE);
    let grant = records.grant.clone();
    let redeemed = store.redeem_code(&key, records, at).await.unwrap();
    assert_eq!(redeemed, Redemption::Done);
    called("redeem_code").await;
    let found = store.find_grant(&id, at).await.unwrap();
    assert_eq!(found.as_ref(), Some(&grant));
    called("find_grant").await;
    assert!(store.find_access_token(&key, at).await.unwrap().is_some());
    called("find_access_token").await;
    assert!(store.find_refresh_token(&id, at).await.unwrap().is_some());
    called("find_refresh_token").await;
    let next = rotated(name, name, &format!("{name} next"), LIFE);
    let rotation = store.rotate_refresh_token(&key, next, at).await.unwrap();
    assert_eq!(rotation, Rotation::Done);
    called("rotate_refresh_token").await;
    let mine = GrantFilter::Subject(vec![hash("nobody"), grant.subject]);
    let listed = store.list_grants(&mine, None, 10, at).await.unwrap();
    assert_eq!(listed.len(), 1);
    called("list_grants").await;
    let resealed = GrantRecord {
        subject: hash("under another key"),
        details: sealed("again"),
        ..grant.clone()
    };
    assert!(store.reseal_grant(&grant, &resealed).await.unwrap());
    called("reseal_grant").await;
    assert!(store.revoke_grant(&id).await.unwrap());
    called("revoke_grant").await;
}

/// What a client with an assertion and without a person needs.
async fn use_machines(store: &RedisStore, name: &str, called: &mut impl AsyncFnMut(&str)) {
    let assertion = hash(&format!("assertion of {name}"));
    let until = now().plus(LIFE);
    assert!(store.use_once(&assertion, until, now()).await.unwrap());
    called("use_once").await;
    let machine = format!("machine of {name}");
    let inserted = store.insert_grant(issued(&machine, LIFE)).await.unwrap();
    assert_eq!(inserted, Insertion::Done);
    called("insert_grant").await;
}

async fn use_api_keys(store: &RedisStore, name: &str, called: &mut impl AsyncFnMut(&str)) {
    let key = ApiKeyRecord {
        id: ApiKeyId::from(format!("key of {name}")),
        hash: hash(&format!("API key of {name}")),
        details: sealed("old"),
        created_at: now(),
        expires_at: Some(now().plus(LIFE)),
    };
    let inserted = store.insert_api_key(key.clone()).await.unwrap();
    assert_eq!(inserted, Insertion::Done);
    called("insert_api_key").await;
    let found = store.find_api_key(&key.hash, now()).await.unwrap();
    assert_eq!(found.as_ref(), Some(&key));
    called("find_api_key").await;
    let listed = store.list_api_keys(None, 10, now()).await.unwrap();
    assert!(listed.contains(&key));
    called("list_api_keys").await;
    let new = sealed("new");
    assert!(store.reseal_api_key(&key, &new).await.unwrap());
    called("reseal_api_key").await;
    assert!(store.remove_api_key(&key.id).await.unwrap());
    called("remove_api_key").await;
}

async fn use_signing_keys(store: &RedisStore, generation: u32, called: &mut impl AsyncFnMut(&str)) {
    let key = SigningKeyRecord {
        generation,
        algorithm: Algorithm::Es256,
        signs_from: now(),
        private: sealed("old"),
    };
    let inserted = store.insert_signing_key(key.clone()).await.unwrap();
    assert_eq!(inserted, Insertion::Done);
    called("insert_signing_key").await;
    let new = sealed("new");
    let resealed = store.reseal_signing_key(generation, &key.private, &new);
    assert!(resealed.await.unwrap());
    called("reseal_signing_key").await;
    let listed = store.list_signing_keys().await.unwrap();
    assert!(listed.iter().any(|key| key.private == new));
    called("list_signing_keys").await;
    store.remove_signing_key(generation).await.unwrap();
    called("remove_signing_key").await;
}

pub(crate) fn client(name: &str, unused_until: Timestamp) -> ClientRecord {
    ClientRecord {
        id: ClientId::parse(name).unwrap(),
        registration: Registration::Dynamic {
            registered_at: now(),
            unused_until,
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
