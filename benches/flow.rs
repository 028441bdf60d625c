//! What the authorization server costs, side by side with a hand-written one
//! that does the same.
//!
//! `cargo bench --features axum --bench flow`
//!
//! First the token endpoint in memory, by the clock. Then the whole way over
//! HTTP on loopback, in CPU time of the server's thread alone, with a server
//! that only repeats answers as the share that HTTP has in both.

#![allow(clippy::disallowed_methods, reason = "the floor has no ports")]

#[path = "support/hand_written.rs"]
mod hand_written;
#[path = "support/loopback.rs"]
mod loopback;
#[path = "support/ours.rs"]
mod ours;
#[path = "support/ready.rs"]
mod ready;
#[path = "support/walk.rs"]
mod walk;

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion};
use http::{Request, Response};

use loopback::{Connection, Served};
use ready::ready;
use walk::Transport;

/// How many clients there are at once: enough that a server has always something
/// to do. One that sleeps between two requests wakes up to cold caches, and what
/// it is charged depends on what else the machine does.
const CLIENTS: usize = 4;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    token_endpoint(&mut criterion);
    criterion.final_summary();
    // Criterion is asked by `--test` whether the benchmarks run at all.
    let (rounds, ways) = if std::env::args().any(|argument| argument == "--test") {
        (1, 2)
    } else {
        (31, 100)
    };
    whole_way(rounds, ways);
}

fn token_endpoint(criterion: &mut Criterion) {
    let auth = ours::server("http://127.0.0.1:1");
    let endpoints = auth.endpoints();
    in_memory(criterion, "ours", |request| {
        ready(endpoints.respond(request))
    });
    let floor = hand_written::Server::new("http://127.0.0.1:1", true);
    in_memory(criterion, "hand-written", |request| floor.respond(&request));
}

fn in_memory(
    criterion: &mut Criterion,
    name: &str,
    server: impl Fn(Request<Bytes>) -> Response<Bytes>,
) {
    let authorized = || walk::redemption(&walk::authorize(&mut &server));
    let mut group = criterion.benchmark_group("token endpoint");
    group.bench_function(format!("code/{name}"), |bench| {
        bench.iter_batched(authorized, &server, BatchSize::SmallInput);
    });
    group.bench_function(format!("refresh/{name}"), |bench| {
        bench.iter_batched(
            || walk::renewal(&walk::refresh_token(&server(authorized()))),
            &server,
            BatchSize::SmallInput,
        );
    });
    group.finish();
    criterion.bench_function(&format!("whole way in memory/{name}"), |bench| {
        bench.iter(|| walk::whole(&mut &server));
    });
}

/// The CPU time of one whole way at each of the servers, in their order.
type Round = [Duration; 4];

fn whole_way(rounds: usize, ways: u32) {
    let ours = Served::start(our_router);
    let floor = Served::start(|origin| hand_written_router(origin, true));
    let bare = Served::start(|origin| hand_written_router(origin, false));
    let recorded = record(&mut floor.connect());
    let http = Served::start(move |_| repeat(recorded));
    let servers = [&ours, &floor, &bare, &http];
    let mut clients = servers.map(|server| [(); CLIENTS].map(|()| server.connect()));
    let mut measure = |server: usize| {
        let before = servers[server].cpu();
        thread::scope(|scope| {
            for client in &mut clients[server] {
                scope.spawn(move || (0..ways).for_each(|_| walk::whole(client)));
            }
        });
        (servers[server].cpu() - before) / (ways * CLIENTS as u32)
    };
    // In turns, so that what disturbs the machine disturbs all of them. The
    // first round is for warming up.
    let rounds: Vec<Round> = (0..=rounds)
        .map(|_| std::array::from_fn(&mut measure))
        .skip(1)
        .collect();
    report(&rounds);
}

fn our_router(origin: &str) -> axum::Router {
    ours::server(origin).router(axum::routing::any(|| async { "the MCP endpoint" }))
}

fn hand_written_router(origin: &str, sealing: bool) -> axum::Router {
    let server = hand_written::Server::new(origin, sealing);
    loopback::router(move |request| server.respond(&request))
}

/// What the hand-written server answered to one way, by path.
fn record(connection: &mut Connection) -> HashMap<String, Response<Bytes>> {
    let mut recorded = HashMap::new();
    walk::whole(&mut |request: Request<Bytes>| {
        let path = request.uri().path().to_owned();
        let response = connection.send(request);
        recorded.insert(path, response.clone());
        response
    });
    assert_eq!(recorded.len(), loopback::PATHS.len(), "what was recorded");
    recorded
}

/// A server that reads what it is sent and says what it always says.
fn repeat(mut recorded: HashMap<String, Response<Bytes>>) -> axum::Router {
    for response in recorded.values_mut() {
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
        response.headers_mut().remove(http::header::DATE);
    }
    loopback::router(move |request| {
        let response = recorded.get(request.uri().path());
        response.expect("a recorded answer").clone()
    })
}

fn report(rounds: &[Round]) {
    println!(
        "whole way over HTTP: median of {} rounds of the CPU time that the server's thread used",
        rounds.len(),
    );
    let names = ["ours", "hand-written", "without sealing", "HTTP alone"];
    for (server, name) in names.into_iter().enumerate() {
        let time = median(rounds, |round| round[server].as_secs_f64() * 1e6);
        let ratio = median(rounds, |round| {
            round[0].as_secs_f64() / round[server].as_secs_f64()
        });
        println!("  {name:16} {time:8.1} µs   ours is {ratio:.3} of it");
    }
}

fn median(rounds: &[Round], value: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<_> = rounds.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
