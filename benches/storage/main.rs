//! What keeping records costs, side by side with the bare drivers.
//!
//! `scripts/storage` starts the databases and runs this; with names of sections
//! (`memory`, `floors`, `growth`, `flows`) only those.

#![allow(clippy::disallowed_methods, reason = "the floor has no ports")]

mod bare;
mod bare_redis;
mod bare_sql;
mod floors;
mod flows;
mod growth;
mod memory;
#[path = "../support/people.rs"]
mod people;
mod place;
#[path = "../support/ready.rs"]
mod ready;
mod records;
mod rounds;
#[path = "../support/walk.rs"]
mod walk;

use std::time::Duration;

use peak_alloc::PeakAlloc;
use tokio::runtime::Builder;

use place::Databases;
use rounds::Rounds;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const SECTIONS: [&str; 4] = ["memory", "floors", "growth", "flows"];

/// How much of everything.
struct Size {
    people: &'static [usize],
    refreshed: usize,
    rounds: Rounds,
    filled: [usize; 2],
    flows: Duration,
}

const WHOLE: Size = Size {
    // As many as the store takes by default; hash maps full; hash maps that have
    // just doubled, which is the worst case. One client stands beside these.
    people: &[100_000, 114_687, 114_688],
    refreshed: 10_000,
    rounds: Rounds {
        rounds: 31,
        turns: 40,
    },
    filled: [1_000, 100_000],
    flows: Duration::from_secs(10),
};

/// Only to see that it runs.
const TRIAL: Size = Size {
    people: &[100],
    refreshed: 10,
    rounds: Rounds {
        rounds: 1,
        turns: 2,
    },
    filled: [10, 100],
    flows: Duration::from_millis(200),
};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let trial = arguments.iter().any(|argument| argument == "--test");
    let named = |section: &str| arguments.iter().any(|argument| argument == section);
    let all = !SECTIONS.into_iter().any(named);
    let wanted = |section: &str| all || named(section);
    // `cargo test --benches` starts no databases.
    if trial && std::env::var_os("OAUTH_FOR_MCP_POSTGRES").is_none() {
        return println!("no databases: use scripts/storage --test");
    }

    let size = if trial { TRIAL } else { WHOLE };
    if wanted("memory") {
        memory::run(size.people, size.refreshed);
    }
    let databases = Databases::new();
    // On one thread, where least depends on what else the machine does.
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    if wanted("floors") {
        runtime.block_on(floors::run(&databases, size.rounds));
    }
    if wanted("growth") {
        runtime.block_on(growth::run(&databases, size.rounds, size.filled));
    }
    if wanted("flows") {
        flows::run(&databases, size.flows);
    }
}
