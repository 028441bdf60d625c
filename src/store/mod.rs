//! Where records are kept (layer 3): narrow ports, one file each.
//!
//! A backend implements every trait here and gets [`Store`] for it. All that
//! could go wrong for safety happens above: a backend sees hashes and sealed
//! bytes. Expired means absent, swept or not, so that every `find` and `take`
//! is told the time.
#![cfg_attr(
    feature = "test-util",
    doc = "[`contract`] holds each promise as a function that any backend can run."
)]
#![cfg_attr(
    not(feature = "test-util"),
    doc = "`contract` (feature `test-util`) holds each promise as a function that any backend can run."
)]

mod access_token;
mod api_key;
#[cfg(feature = "server")]
mod api_keys;
mod client;
mod code;
#[cfg(any(test, feature = "test-util"))]
pub mod contract;
#[cfg(feature = "server")]
mod details;
mod error;
mod grant;
#[cfg(feature = "server")]
mod key_schedule;
mod lease;
mod memory;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod open_error;
mod pending;
#[cfg(feature = "redis")]
mod redis;
mod refresh_token;
mod replay;
mod revocations;
mod signing_key;
#[cfg(feature = "server")]
mod signing_keys;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
mod sweep;
#[cfg(feature = "server")]
mod vault;

#[cfg(feature = "redis")]
pub use self::redis::{OpenRedis, RedisStore};
pub use access_token::AccessTokenStore;
pub use api_key::ApiKeyStore;
pub use client::{ClientStore, Insertion};
pub use code::{CodeStore, Redemption};
pub use error::StoreError;
pub use grant::GrantStore;
#[cfg(feature = "server")]
pub use key_schedule::KeySchedule;
pub use lease::LeaseStore;
pub use memory::{MemoryLimits, MemoryStore};
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
pub use open_error::StoreOpenError;
pub use pending::PendingStore;
pub use refresh_token::{RefreshTokenStore, Rotation};
pub use replay::ReplayStore;
pub use revocations::{BeforeLooking, Revocations, Standing};
pub use signing_key::SigningKeyStore;
#[cfg(feature = "server")]
pub use signing_keys::SigningKeys;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use sql::{Database, SqlStore};
#[cfg(feature = "postgres")]
pub use sql::{Postgres, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sql::{Sqlite, SqliteStore};
pub use sweep::Sweep;
#[cfg(feature = "server")]
pub use vault::Vault;

/// Everything an authorization server keeps.
pub trait Store:
    ClientStore
    + PendingStore
    + CodeStore
    + GrantStore
    + AccessTokenStore
    + RefreshTokenStore
    + ReplayStore
    + ApiKeyStore
    + SigningKeyStore
    + LeaseStore
    + Sweep
{
}

impl<S> Store for S where
    S: ClientStore
        + PendingStore
        + CodeStore
        + GrantStore
        + AccessTokenStore
        + RefreshTokenStore
        + ReplayStore
        + ApiKeyStore
        + SigningKeyStore
        + LeaseStore
        + Sweep
{
}
