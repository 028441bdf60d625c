//! What is particular to Redis; the promises of the store are in `tests/stores.rs`.
//!
//! Runs against the server at `OAUTH_FOR_MCP_REDIS`; `scripts/services` starts one.

#![cfg(all(feature = "redis", feature = "test-util"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "redis_store/api_keys.rs"]
mod api_keys;
#[path = "redis_store/open.rs"]
mod open;
#[path = "redis_store/outages.rs"]
mod outages;
#[path = "redis_store/own_server.rs"]
mod own_server;
#[path = "redis_store/proxy.rs"]
mod proxy;
#[path = "redis_store/round_trips.rs"]
mod round_trips;
#[path = "redis_store/server.rs"]
mod server;
#[path = "redis_store/traces.rs"]
mod traces;
#[path = "redis_store/upgrade.rs"]
mod upgrade;
#[path = "redis_store/verbs.rs"]
mod verbs;
