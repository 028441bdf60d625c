//! The reference server is killed (SIGKILL) at random moments under load, again and
//! again: what it answered with 200 before has to be true after.
//!
//! `CRASH_SEED` repeats the choices of a run, `CRASH_KILLS` says how often it is
//! killed on each database.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::env;
use std::time::{Duration, Instant, UNIX_EPOCH};

use support::cluster::Cluster;
use support::database::{Database, Kind};
use support::e2e;
use support::load::Load;
use support::random::Random;

const CLIENTS: usize = 8;
const KILLS: u64 = 200;
/// Milliseconds of load between a start and the next kill.
const SHORTEST_LIFE: usize = 200;
const LONGEST_LIFE: usize = 700;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_on_sqlite_outlives_every_kill() {
    if e2e::enabled() {
        kill_again_and_again(Kind::Sqlite).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_on_postgres_outlives_every_kill() {
    if e2e::enabled() {
        kill_again_and_again(Kind::Postgres).await;
    }
}

async fn kill_again_and_again(kind: Kind) {
    let seed = number("CRASH_SEED").unwrap_or_else(new_seed);
    let kills = number("CRASH_KILLS").unwrap_or(KILLS);
    println!("{kind:?}: CRASH_SEED={seed} CRASH_KILLS={kills}");
    let begin = Instant::now();
    let mut random = Random::new(seed);
    let mut cluster = Cluster::start(Database::start(kind).await, 1).await;
    let wire = cluster.wire();
    let load = Load::start(&wire, CLIENTS, seed);

    let mut killed = 0;
    while killed < kills && !load.has_failed() {
        let life = SHORTEST_LIFE + random.below(LONGEST_LIFE - SHORTEST_LIFE);
        tokio::time::sleep(Duration::from_millis(life as u64)).await;
        if load.has_failed() {
            break;
        }
        cluster.kill(0).await;
        killed += 1;
        cluster.restart(0).await;
        load.check();
    }
    if load.has_failed() {
        println!("after {killed} kills:\n{}", cluster.output());
    }
    let counts = load.finish().await;

    let [sent, cut, busy] = wire.counts();
    println!(
        "{kind:?}: {killed} kills, {sent} requests, {cut} cut off or refused, {busy} answered 503, {:?}",
        begin.elapsed()
    );
    println!("{kind:?}: {counts:?}");
    assert_eq!(
        busy,
        0,
        "there was no outage to tell of:\n{}",
        cluster.output()
    );
    assert!(
        cut > 0 && counts.refreshes_repeated > 0,
        "no request was cut off"
    );
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}

fn new_seed() -> u64 {
    u64::from(UNIX_EPOCH.elapsed().unwrap().subsec_nanos())
}
