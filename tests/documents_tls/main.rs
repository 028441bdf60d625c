//! Documents from real servers: TLS on loopback, with an authority of our own.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fetch;
mod hostile;
mod resolver;
mod sign_in;
mod tls;
