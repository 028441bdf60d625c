//! Each preset of a provider takes the access tokens of that provider, in the shape
//! that its vendor documents, and nothing else that it signs.
//!
//! Keys, metadata and tokens are made by the tests; nothing is recorded.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;
mod many_tenants;
mod named;
mod one_tenant;
mod setup;
