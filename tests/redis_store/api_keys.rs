use oauth_for_mcp::model::ApiKeyRecord;
use oauth_for_mcp::store::{ApiKeyStore, RedisStore};
use oauth_for_mcp::types::{ApiKeyId, TokenHash};

use crate::server::{Corner, hash, now, sealed};

const NAME: &str = "nightly";

async fn insert(store: &RedisStore, name: &str) -> TokenHash {
    let key = ApiKeyRecord {
        id: ApiKeyId::from(name.to_owned()),
        hash: hash(name),
        details: sealed(name),
        created_at: now(),
        expires_at: None,
    };
    store.insert_api_key(key.clone()).await.unwrap();
    key.hash
}

/// Such as when Redis was told to make room by dropping what it likes.
#[tokio::test]
async fn a_key_that_could_not_be_ended_lets_nobody_in() {
    for (command, index) in [("HDEL", "apikeys:hashes"), ("ZREM", "apikeys")] {
        let Some(corner) = Corner::new() else {
            return;
        };
        let store = corner.open().await;
        let (lost, kept) = (insert(&store, NAME).await, insert(&store, "kept").await);
        let mut damage = redis::cmd(command);
        damage.arg(format!("{}{index}", corner.prefix)).arg(NAME);
        let mut connection = corner.connect().await;
        damage.exec_async(&mut connection).await.unwrap();

        assert!(store.find_api_key(&lost, now()).await.is_err(), "{index}");
        let found = store.find_api_key(&kept, now()).await.unwrap();
        assert_eq!(found.unwrap().hash, kept);
    }
}

#[tokio::test]
async fn a_name_that_leads_to_another_key_is_none_to_end_it_by() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let store = corner.open().await;
    let key = insert(&store, NAME).await;
    let mut damage = redis::cmd("HSET");
    damage.arg(format!("{}apikeys:hashes", corner.prefix));
    damage.arg(NAME).arg(&hash("another").as_bytes()[..]);
    let mut connection = corner.connect().await;
    damage.exec_async(&mut connection).await.unwrap();
    assert!(store.find_api_key(&key, now()).await.is_err());
}
