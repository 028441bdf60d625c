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
mod client;
mod code;
#[cfg(any(test, feature = "test-util"))]
pub mod contract;
#[cfg(feature = "server")]
mod details;
mod error;
mod grant;
mod lease;
mod memory;
mod pending;
mod refresh_token;
mod signing_key;
#[cfg(feature = "server")]
mod signing_keys;
mod sweep;
#[cfg(feature = "server")]
mod vault;

pub use access_token::AccessTokenStore;
pub use client::{ClientStore, Insertion};
pub use code::{CodeStore, Redemption};
pub use error::StoreError;
pub use grant::GrantStore;
pub use lease::LeaseStore;
pub use memory::{MemoryLimits, MemoryStore};
pub use pending::PendingStore;
pub use refresh_token::{RefreshTokenStore, Rotation};
pub use signing_key::SigningKeyStore;
#[cfg(feature = "server")]
pub use signing_keys::{KeySchedule, SigningKeys};
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
        + SigningKeyStore
        + LeaseStore
        + Sweep
{
}
