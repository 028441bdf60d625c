//! What a write costs when there is a lot already, beside the same when there is
//! little.

use std::time::Duration;

use oauth_for_mcp::store::{Insertion, Redemption, Rotation, Store};

use crate::place::{Databases, Kind};
use crate::records;
use crate::rounds::{Rounds, compare, timed};

const AIM: f64 = 1.2;

#[derive(Clone, Copy)]
enum Verb {
    InsertClient,
    InsertPending,
    TakePending,
    InsertCode,
    RedeemCode,
    RotateRefreshToken,
    ResealGrant,
    TakeLease,
    RevokeGrant,
}

/// In an order in which each finds what it needs.
const VERBS: [(Verb, &str); 9] = [
    (Verb::InsertClient, "insert_client"),
    (Verb::InsertPending, "insert_pending"),
    (Verb::TakePending, "take_pending"),
    (Verb::InsertCode, "insert_code"),
    (Verb::RedeemCode, "redeem_code"),
    (Verb::RotateRefreshToken, "rotate_refresh_token"),
    (Verb::ResealGrant, "reseal_grant"),
    (Verb::TakeLease, "take_lease"),
    (Verb::RevokeGrant, "revoke_grant"),
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
        Verb::InsertClient => {
            let call = store.insert_client(records::client(number));
            done(call, Insertion::Done).await
        }
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
        Verb::RevokeGrant => {
            let id = records::grant_id(number);
            done(store.revoke_grant(&id), true).await
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
