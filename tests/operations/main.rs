//! What the protection reads is what a real handler reads: rmcp, over sockets
//! and with bodies of chance.
#![cfg(all(
    feature = "actix",
    feature = "axum",
    feature = "jwt-aws-lc",
    feature = "test-util"
))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the behaviour list uses the rest of it")]
mod attacks;
#[path = "../fronts/mod.rs"]
mod fronts;
mod handler;
mod http1;
mod http2;
mod readings;
mod sockets;
mod world;
