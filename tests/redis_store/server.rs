use std::error::Error;
use std::time::Duration;

use oauth_for_mcp::model::{
    AccessTokenRecord, CodeRecord, CodeStage, GrantRecord, IssuedRecords, PendingRecord,
    RefreshRecord, RotatedRecords, Sealed, SpentToken,
};
use oauth_for_mcp::store::{OpenRedis, RedisStore};
use oauth_for_mcp::types::{
    ClientId, Clock as _, Entropy, GrantId, Scope, SystemClock, SystemEntropy, Timestamp, TokenHash,
};

const SWITCH: &str = "OAUTH_FOR_MCP_REDIS";

/// A corner of the Redis server that tests may use, for one test.
pub(crate) struct Corner {
    pub(crate) url: String,
    pub(crate) prefix: String,
}

impl Corner {
    /// `None` if there is no server to test with; says so.
    pub(crate) fn new() -> Option<Self> {
        let Ok(url) = std::env::var(SWITCH) else {
            println!("not run: {SWITCH} is not set; `scripts/services run` starts a server");
            return None;
        };
        let entropy: &dyn Entropy = &SystemEntropy;
        let prefix = format!("{{test {}}}:", entropy.identifier().unwrap());
        Some(Self { url, prefix })
    }

    pub(crate) fn opening(&self) -> OpenRedis {
        RedisStore::open(&self.url).with_prefix(&self.prefix)
    }

    pub(crate) async fn open(&self) -> RedisStore {
        self.opening().await.unwrap()
    }

    /// A connection beside that of the store.
    pub(crate) async fn connect(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// The keys of this corner, without the prefix, and how long each has to
    /// live in seconds; -1 is without end.
    pub(crate) async fn keys(&self) -> Vec<(String, i64)> {
        let mut connection = self.connect().await;
        let pattern = format!("{}*", self.prefix);
        let mut keys = redis::cmd("KEYS");
        keys.arg(pattern);
        let found: Vec<Vec<u8>> = keys.query_async(&mut connection).await.unwrap();
        let mut all = Vec::new();
        for key in found {
            let mut ttl = redis::cmd("TTL");
            ttl.arg(&key);
            let ttl = ttl.query_async(&mut connection).await.unwrap();
            let name = &key[self.prefix.len()..];
            all.push((String::from_utf8_lossy(name).into_owned(), ttl));
        }
        all.sort();
        all
    }
}

/// An error with all its causes, as a log shows it.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn hash(text: &str) -> TokenHash {
    TokenHash::of(text)
}

pub(crate) fn grant_id(name: &str) -> GrantId {
    GrantId::from(name.to_owned())
}

pub(crate) fn client_id() -> ClientId {
    ClientId::parse("a client").unwrap()
}

pub(crate) fn sealed(text: &str) -> Sealed {
    Sealed::from_bytes(text.into())
}

pub(crate) fn pending(name: &str, life: Duration) -> PendingRecord {
    PendingRecord {
        state: hash(name),
        authorization: sealed(name),
        expires_at: now().plus(life),
    }
}

pub(crate) fn code(name: &str, life: Duration) -> CodeRecord {
    CodeRecord {
        hash: hash(name),
        login: sealed(name),
        stage: CodeStage::Fresh,
        expires_at: now().plus(life),
    }
}

fn access(name: &str, grant: &str, life: Duration) -> AccessTokenRecord {
    AccessTokenRecord {
        hash: hash(name),
        grant_id: grant_id(grant),
        scope: Scope::parse("a b").unwrap(),
        issued_at: now(),
        expires_at: now().plus(life),
    }
}

/// A grant whose access token has the name `name`, as the refresh token does.
pub(crate) fn issued(name: &str, life: Duration) -> IssuedRecords {
    IssuedRecords {
        grant: GrantRecord {
            id: grant_id(name),
            client_id: client_id(),
            subject: hash(&format!("subject of {name}")),
            details: sealed(name),
            granted_at: now(),
            expires_at: now().plus(life),
        },
        access: Some(access(name, name, life)),
        refresh: Some(RefreshRecord {
            grant_id: grant_id(name),
            family: hash("family"),
            current: hash(name),
            previous: None,
            expires_at: now().plus(life),
        }),
    }
}

/// Replaces the refresh token `spent` of `grant` by `next`.
pub(crate) fn rotated(grant: &str, spent: &str, next: &str, life: Duration) -> RotatedRecords {
    RotatedRecords {
        refresh: RefreshRecord {
            grant_id: grant_id(grant),
            family: hash("family"),
            current: hash(next),
            previous: Some(SpentToken {
                hash: hash(spent),
                spent_at: now(),
                answer: sealed(next),
            }),
            expires_at: now().plus(life),
        },
        access: Some(access(next, grant, life)),
        grant_expires_at: now().plus(life),
    }
}
