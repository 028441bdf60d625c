//! The server scenarios of the official MCP conformance suite, through a client that
//! holds a token: our protection changes nothing of what passes without it.
//!
//! The suite cannot be given a token, so a forwarder in front adds it. Each revision runs
//! twice, against the same server open to everybody and guarded, and check by check the
//! outcome has to be the same: whatever passes without us passes with us.
//!
//! Every scenario of a revision runs. Left out are those of extensions (`tasks-*` and
//! `sep-2640-*`), which belong to no revision.
#![cfg(all(
    feature = "actix",
    feature = "axum",
    feature = "jwt-aws-lc",
    feature = "server"
))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fronts;
mod support;

mod conformance_server {
    pub(super) mod everything;
    pub(super) mod fixtures;
    pub(super) mod forwarder;
    pub(super) mod suite;
    pub(super) mod table;
}

use oauth_for_mcp::McpAuth;
use tokio_util::sync::DropGuard;

use conformance_server::everything;
use conformance_server::forwarder::Forwarder;
use conformance_server::suite;
use conformance_server::table;
use fronts::{Front, Place};
use support::agent::{self, Agent};
use support::e2e;
use support::wire::Wire;

#[tokio::test]
async fn revision_2025_06_18_passes_on_axum() {
    passes(Front::Axum, "2025-06-18", 27).await;
}

#[tokio::test]
async fn revision_2025_06_18_passes_on_actix() {
    passes(Front::Actix, "2025-06-18", 27).await;
}

#[tokio::test]
async fn revision_2025_11_25_passes_on_axum() {
    passes(Front::Axum, "2025-11-25", 33).await;
}

#[tokio::test]
async fn revision_2025_11_25_passes_on_actix() {
    passes(Front::Actix, "2025-11-25", 33).await;
}

#[tokio::test]
async fn revision_2026_07_28_passes_on_axum() {
    passes(Front::Axum, "2026-07-28", 40).await;
}

#[tokio::test]
async fn revision_2026_07_28_passes_on_actix() {
    passes(Front::Actix, "2026-07-28", 40).await;
}

/// Runs the scenarios of a revision, which are `count`.
async fn passes(front: Front, revision: &str, count: usize) {
    if !e2e::enabled() {
        return;
    }
    let name = format!("{front:?}-{revision}");
    let (open_url, _open) = open(front);
    let guarded = guarded(front).await;

    let of_most = guarded.of_most.url("/mcp");
    table::is_in_front(&open_url, &of_most, revision).await;
    // One after the other: some checks wait for half a second and no longer.
    let open = suite::run(&format!("{name}-open"), &open_url, revision).await;
    let held = suite::run(&format!("{name}-guarded"), &guarded.url, revision).await;

    println!("{name}: {held}");
    let differences = open.differences(&held);
    assert!(
        differences.is_empty(),
        "open, then guarded: {differences:#?}"
    );
    assert_eq!(held.passed().len(), count, "{name}: {held}");
    assert!(
        guarded.forwarder.requests() >= count,
        "the suite took another way"
    );
}

fn open(front: Front) -> (String, DropGuard) {
    let place = Place::new();
    let url = format!("{}/mcp", place.url);
    (url, front.serve(place, None, everything::service()))
}

struct Guarded {
    /// Where the client that holds a token listens.
    url: String,
    forwarder: Forwarder,
    /// The way of a client that does not hold all that the suite needs.
    of_most: Forwarder,
    _running: DropGuard,
}

/// A server whose table of scopes holds whatever one can, and a client with a token that
/// is good for everything that the suite asks for.
async fn guarded(front: Front) -> Guarded {
    let place = Place::new();
    let auth = table::protect(McpAuth::builder(&place.url))
        .development_login()
        .build()
        .unwrap();
    let (address, url) = (place.address, place.url.clone());
    let running = front.serve(place, Some(auth), everything::service());
    let wire = Wire::new(&url, vec![url.clone()]);
    let client = Agent::register(&wire, "none").await.unwrap();
    let holding = async |scope: &str| {
        let code = client.authorize(&wire, "alice", scope).await.unwrap();
        let reply = client.redeem(&wire, &code).await.unwrap();
        Forwarder::start(address, &agent::tokens(&reply).unwrap().access).await
    };
    let forwarder = holding(table::HELD).await;
    Guarded {
        url: forwarder.url("/mcp"),
        forwarder,
        of_most: holding(table::MOST).await,
        _running: running,
    }
}
