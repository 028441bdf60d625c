//! What the adapters promise holds behind each framework, over sockets.
#![cfg(all(
    feature = "actix",
    feature = "axum",
    feature = "jwt-aws-lc",
    feature = "rmcp",
    feature = "server"
))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/agent.rs"]
#[allow(dead_code, reason = "end-to-end tests use the rest of it")]
mod agent;
mod fronts;
#[path = "support/wire.rs"]
#[allow(dead_code, reason = "end-to-end tests use the rest of it")]
mod wire;

mod frameworks {
    #[cfg(feature = "test-util")]
    mod actix_handlers;
    mod bodies;
    mod heads;
    mod lists;
    mod sessions;
    mod stage;
}
