//! Whole flows in process, for the tests of hosts.

#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
mod openid_provider;

#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub use openid_provider::{FakeEndpoint, FakeOpenIdProvider, Fault};
