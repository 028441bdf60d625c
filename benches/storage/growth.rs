//! What a write costs when there is a lot already, beside the same when there is
//! little.

use std::time::Duration;

use oauth_for_mcp::store::{Insertion, Redemption, Rotation, Store};

use crate::place::{Databases, Kind};
use crate::records;
use crate::rounds::{Rounds, compare, timed};

const AIM: f64 = 1.2;

/// Numbers of grants that no code gives.
const ELSEWHERE: usize = 10_000_000;

#[derive(Clone, Copy)]
enum Verb {
    Client(OfClient),
    InsertPending,
    TakePending,
    InsertCode,
    RedeemCode,
    RotateRefreshToken,
    InsertGrant,
    ResealGrant,
    UseOnce,
    TakeLease,
    RevokeGrant,
}

#[derive(Clone, Copy)]
enum OfClient {
    Insert,
    Count,
    Update,
    Remove,
}

/// In an order in which each finds what it needs.
const VERBS: [(Verb, &str); 14] = [
    (Verb::Client(OfClient::Insert), "insert_client"),
    (Verb::Client(OfClient::Count), "count_clients, to 1000"),
    (Verb::Client(OfClient::Update), "update_client"),
    (Verb::InsertPending, "insert_pending"),
    (Verb::TakePending, "take_pending"),
    (Verb::InsertCode, "insert_code"),
    (Verb::RedeemCode, "redeem_code"),
    (Verb::RotateRefreshToken, "rotate_refresh_token"),
    (Verb::InsertGrant, "insert_grant"),
    (Verb::ResealGrant, "reseal_grant"),
    (Verb::UseOnce, "use_once"),
    (Verb::TakeLease, "take_lease"),
    (Verb::RevokeGrant, "revoke_grant"),
    (Verb::Client(OfClient::Remove), "remove_client"),
];

pub(crate) async fn run(databases: &Databases, size: Rounds, [few, many]: [usize; 2]) {
    println!(
        "\ngrowth: µs at {many} clients, requests, codes and grants each, µs at {few}, \
         ratio (quartiles)"
    );
    for kind in Kind::ALL {
        let (full, empty) = (databases.open(kind).await, databases.open(kind).await);
        full.fill(0, many).await;
        empty.fill(0, few).await;
        for (verb, name) in VERBS {
            // Numbers that neither has.
            let number = |turn| many + turn;
            let comparison = compare(
                size,
                async |turn| write(&*full.store, verb, number(turn)).await,
                async |turn| write(&*empty.store, verb, number(turn)).await,
            )
            .await;
            comparison.print(&format!("{} {name}", kind.name()), Some(AIM));
        }
    }
}

async fn write(store: &dyn Store, verb: Verb, number: usize) -> Duration {
    let now = records::now();
    match verb {
        Verb::Client(verb) => write_client(store, verb, number).await,
        Verb::InsertPending => {
            let call = store.insert_pending(records::pending(number));
            done(call, Insertion::Done).await
        }
        Verb::TakePending => {
            let state = records::state_hash(number);
            let (time, taken) = timed(store.take_pending(&state, now)).await;
            taken.expect("an answer").expect("a request");
            time
        }
        Verb::InsertCode => {
            let call = store.insert_code(records::code(number));
            done(call, Insertion::Done).await
        }
        Verb::RedeemCode => {
            let code = records::code_hash(number);
            let call = store.redeem_code(&code, records::issued(number), now);
            done(call, Redemption::Done).await
        }
        Verb::RotateRefreshToken => {
            let (spent, next) = (records::token_hash(number, 0), records::rotated(number, 0));
            let call = store.rotate_refresh_token(&spent, next, now);
            done(call, Rotation::Done).await
        }
        Verb::InsertGrant => {
            let call = store.insert_grant(records::issued(number + ELSEWHERE));
            done(call, Insertion::Done).await
        }
        Verb::UseOnce => {
            let (id, until) = records::assertion(number);
            done(store.use_once(&id, until, now), true).await
        }
        Verb::ResealGrant => {
            let (old, mut new) = (records::grant(number), records::grant(number));
            new.details = records::grant(number + 1).details;
            done(store.reseal_grant(&old, &new), true).await
        }
        Verb::TakeLease => {
            // Another time each time: SQLite does not write what is there already.
            let until = now.plus(Duration::from_secs(60 + number as u64));
            done(store.take_lease("sweep", "benchmark", until, now), true).await
        }
        Verb::RevokeGrant => done(store.revoke_grant(&records::grant_id(number)), true).await,
    }
}

async fn write_client(store: &dyn Store, verb: OfClient, number: usize) -> Duration {
    match verb {
        OfClient::Insert => {
            let call = store.insert_client(records::client(number));
            done(call, Insertion::Done).await
        }
        OfClient::Count => {
            let (time, counted) = timed(store.count_clients(1000)).await;
            counted.expect("an answer");
            time
        }
        OfClient::Update => {
            let found = store.find_client(&records::client_id(number)).await;
            let old = found.expect("an answer").expect("a client");
            let mut new = old.clone();
            new.registration = records::renewed(number);
            done(store.update_client(&old, new), true).await
        }
        OfClient::Remove => {
            let id = records::client_id(number);
            done(store.remove_client(&id), true).await
        }
    }
}

/// The time of a call that has to come to this.
async fn done<T, E>(call: impl Future<Output = Result<T, E>>, expected: T) -> Duration
where
    T: PartialEq + std::fmt::Debug,
    E: std::fmt::Debug,
{
    let (time, answer) = timed(call).await;
    assert_eq!(answer.expect("an answer"), expected);
    time
}
