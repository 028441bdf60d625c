//! The same comparisons as the other benchmarks, for counting instructions:
//! `scripts/instructions` runs each case under callgrind, which counts between
//! the entry and the exit of [`measured`].
//!
//! Counts hardly depend on what else the machine does, so they are what a change
//! is judged by.

#![allow(clippy::disallowed_methods, reason = "the floor has no ports")]

#[path = "support/bearer.rs"]
mod bearer;
#[path = "support/foreign.rs"]
mod foreign;
#[path = "support/hand_written.rs"]
mod hand_written;
#[path = "support/ours.rs"]
mod ours;
#[path = "support/published.rs"]
mod published;
#[path = "support/ready.rs"]
mod ready;
#[path = "support/walk.rs"]
mod walk;

use std::hint::black_box;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use oauth_for_mcp::jose::Algorithm;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::resource::TokenCacheConfig;
use oauth_for_mcp::types::{Clock as _, SystemClock, TokenHash};
use quick_cache::sync::Cache;

use bearer::Bearer;
use foreign::Foreign;
use ready::ready;

/// How often each case is repeated: the mean of that is printed.
const REPETITIONS: usize = 50;
/// How many tokens are remembered, and how many come before it is counted what one more
/// costs: it takes the place of another.
const REMEMBERED: u32 = 20;
const BEFORE: usize = 100;
const CASES: [&str; 14] = [
    "own-ES256",
    "own-EdDSA",
    "foreign-RS256",
    "foreign-PS256",
    "foreign-ES256",
    "foreign-EdDSA",
    "foreign-ES384",
    "known",
    "known-call",
    "form",
    "code",
    "refresh",
    "authorize",
    "whole",
];
const FORM: &[u8] = b"grant_type=refresh_token&client_id=s6BhdRkqt3&refresh_token=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&resource=https%3A%2F%2Fmcp.example.com%2Fmcp";

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [case, "ours"] => run(case, true),
        [case, "floor"] => run(case, false),
        ["--repetitions"] => println!("{REPETITIONS}"),
        // As `cargo bench` does, or `cargo test --benches`.
        _ => println!("{}", CASES.join("\n")),
    }
}

/// What is counted.
#[inline(never)]
fn measured<R>(work: impl FnOnce() -> R) -> R {
    black_box(work())
}

fn run(case: &str, ours: bool) {
    match case {
        "own-ES256" => own(Algorithm::Es256, ours),
        "own-EdDSA" => own(Algorithm::EdDsa, ours),
        "foreign-RS256" => foreign(Algorithm::Rs256, ours),
        "foreign-PS256" => foreign(Algorithm::Ps256, ours),
        "foreign-ES256" => foreign(Algorithm::Es256, ours),
        "foreign-EdDSA" => foreign(Algorithm::EdDsa, ours),
        "foreign-ES384" => foreign(Algorithm::Es384, ours),
        "known" => known(ours, Bearer::authenticate),
        "known-call" => known(ours, Bearer::verify),
        "form" => form(ours),
        case if ours => {
            let auth = ours::server("http://127.0.0.1:1");
            let endpoints = auth.endpoints();
            step(case, |request| ready(endpoints.respond(request)));
        }
        case => {
            let server = hand_written::Server::new("http://127.0.0.1:1", true);
            step(case, |request| server.respond(&request));
        }
    }
}

fn own(algorithm: Algorithm, ours: bool) {
    let tokens = BEFORE + 1 + REPETITIONS;
    let bearer = Bearer::signed_with(algorithm, tokens, |builder| {
        builder.token_cache(remembered())
    });
    never_seen(ours, || bearer.verify(), || bearer.floor().verify());
}

fn foreign(algorithm: Algorithm, ours: bool) {
    let tokens = BEFORE + 1 + REPETITIONS;
    let foreign = Foreign::signed_with(algorithm, tokens, |builder| {
        builder.token_cache(remembered())
    });
    never_seen(ours, || foreign.verify(), || foreign.floor().verify());
}

fn remembered() -> TokenCacheConfig {
    TokenCacheConfig {
        capacity: REMEMBERED,
        ..TokenCacheConfig::default()
    }
}

/// One token after another, each for the first time.
fn never_seen(ours: bool, verify: impl Fn(), floor: impl Fn()) {
    if ours {
        (0..BEFORE).for_each(|_| verify());
        repeat(verify);
    } else {
        repeat(floor);
    }
}

/// A token that was seen before, against the least that finding it again takes.
fn known(ours: bool, work: fn(&Bearer)) {
    let bearer = Bearer::known();
    if ours {
        repeat(|| work(&bearer));
    } else {
        let value = bearer.headers()[AUTHORIZATION].to_str().expect("a text");
        let token = value.strip_prefix("Bearer ").expect("a token");
        let known = Cache::new(10_000);
        known.insert(TokenHash::of(token), u64::MAX);
        repeat(|| {
            let end = known.get(&TokenHash::of(token)).expect("it is there");
            SystemClock.now().as_secs() < end
        });
    }
}

fn form(ours: bool) {
    if ours {
        repeat(|| Form::parse(black_box(FORM)).is_ok());
    } else {
        repeat(|| -> Vec<(String, String)> {
            form_urlencoded::parse(black_box(FORM))
                .into_owned()
                .collect()
        });
    }
}

fn repeat<R>(work: impl Fn() -> R) {
    // What happens once, such as finding out what the processor can do, is no cost.
    black_box(work());
    for _ in 0..REPETITIONS {
        measured(&work);
    }
}

/// One step of the way, or all of it, in memory; only the server's work counts.
fn step(case: &str, server: impl Fn(Request<Bytes>) -> Response<Bytes>) {
    let mut silent = &server;
    let mut counted = |request| measured(|| server(request));
    walk::whole(&mut silent);
    for _ in 0..REPETITIONS {
        match case {
            "authorize" => drop(walk::authorize(&mut counted)),
            "whole" => walk::whole(&mut counted),
            "code" => {
                let request = walk::redemption(&walk::authorize(&mut silent));
                drop(counted(request));
            }
            "refresh" => {
                let request = walk::redemption(&walk::authorize(&mut silent));
                let request = walk::renewal(&walk::refresh_token(&silent(request)));
                drop(counted(request));
            }
            other => panic!("there is no case {other}"),
        }
    }
}
