//! What the protection reads is what a real handler reads: rmcp, over sockets
//! and with bodies of chance.
#![cfg(all(feature = "axum", feature = "jwt-aws-lc", feature = "test-util"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the behaviour list uses the rest of it")]
mod attacks;
mod handler;
mod readings;
mod sockets;
