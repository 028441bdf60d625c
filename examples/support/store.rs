//! The store of the reference server.

use std::{error::Error, sync::Arc};

use oauth_for_mcp::{
    model::{MasterKey, MasterKeys},
    store::{MemoryStore, PostgresStore, RedisStore, SqliteStore, Store},
    types::SystemEntropy,
};

use crate::settings::BadSetting;

/// Where records are kept, and the key that seals them there.
pub(crate) struct Storage {
    kind: Kind,
    url: String,
    master_key: MasterKey,
    is_key_lost: bool,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Memory,
    Sqlite,
    Postgres,
    Redis,
}

impl Storage {
    /// Reads `STORE` and `MASTER_KEY`.
    ///
    /// # Errors
    ///
    /// [`BadSetting`] if the one names no kind of store or the other is no key.
    pub(crate) fn read(url: &str, master_key: Option<String>) -> Result<Self, BadSetting> {
        // What follows may hold a password and is never printed.
        let kind = match url.split_once(':').map_or(url, |(kind, _)| kind) {
            "memory" if url == "memory" => Kind::Memory,
            "sqlite" => Kind::Sqlite,
            "postgres" | "postgresql" => Kind::Postgres,
            "redis" | "rediss" => Kind::Redis,
            _ => {
                return Err(BadSetting::new(
                    "STORE names no kind of store: use memory, sqlite:PATH, postgres://… or \
                     redis://…",
                ));
            }
        };
        let is_generated = master_key.is_none();
        let master_key = match master_key {
            Some(text) => MasterKey::parse(&text)
                .map_err(|error| BadSetting::new(format!("MASTER_KEY is unusable: {error}")))?,
            None => MasterKey::generate(&SystemEntropy)
                .map_err(|error| BadSetting::new(error.to_string()))?,
        };
        Ok(Self {
            kind,
            url: url.to_owned(),
            master_key,
            is_key_lost: is_generated && kind != Kind::Memory,
        })
    }

    /// What the operator should know.
    pub(crate) fn note(&self) -> Option<&'static str> {
        self.is_key_lost.then_some(
            "MASTER_KEY is not set: the one generated now is gone when this process ends, and \
             what was stored under it can then not be read",
        )
    }

    /// Opens the store.
    ///
    /// # Errors
    ///
    /// [`BadSetting`] if it cannot be reached or used.
    pub(crate) async fn open(self) -> Result<(Arc<dyn Store>, Arc<MasterKeys>), BadSetting> {
        let url = &self.url;
        let store: Arc<dyn Store> = match self.kind {
            Kind::Memory => Arc::new(MemoryStore::new()),
            Kind::Sqlite => Arc::new(SqliteStore::open(url).await.map_err(refused)?),
            Kind::Postgres => Arc::new(PostgresStore::open(url).await.map_err(refused)?),
            Kind::Redis => Arc::new(RedisStore::open(url).await.map_err(refused)?),
        };
        Ok((store, Arc::new(MasterKeys::new(self.master_key))))
    }
}

fn refused(error: impl Error) -> BadSetting {
    BadSetting::caused_by("STORE", &error)
}
