//! Our verbs beside what the bare driver does at least.

use oauth_for_mcp::store::{Redemption, Rotation};

use crate::place::{Databases, Kind, Place};
use crate::records;
use crate::rounds::{Comparison, Rounds, compare, timed};

/// How many records there are of each kind before anything is measured.
const FILLED: usize = 1_000;

pub(crate) const READ_AIM: f64 = 2.0;
pub(crate) const COMMIT_AIM: f64 = 1.3;

/// One database for our store, and one for the bare driver, alike.
struct Pair {
    ours: Place,
    floor: Place,
}

pub(crate) async fn run(databases: &Databases, size: Rounds) {
    println!("\nreads and commits: µs of ours, µs of the bare driver, ratio (quartiles)");
    for kind in Kind::ALL {
        if kind == Kind::Memory {
            continue;
        }
        let pair = Pair {
            ours: databases.open(kind).await,
            floor: databases.open(kind).await,
        };
        pair.ours.fill(0, FILLED).await;
        pair.floor.fill(0, FILLED).await;
        let name = |verb| format!("{} {verb}", kind.name());
        let read = pair.find_client(size).await;
        read.print(&name("find_client"), Some(READ_AIM));
        let read = pair.find_grant(size).await;
        read.print(&name("find_grant"), Some(READ_AIM));
        let commit = pair.redeem(size).await;
        commit.print(&name("code exchange"), Some(COMMIT_AIM));
        let commit = pair.rotate(size, FILLED).await;
        commit.print(&name("refresh"), Some(COMMIT_AIM));
        if let Some(commit) = pair.rotate_alone(size).await {
            commit.print(&name("refresh, floor of one statement"), None);
        }
    }
}

/// A record that is there.
const fn some(number: usize) -> usize {
    number * 7919 % FILLED
}

impl Pair {
    fn floor(&self) -> &dyn crate::bare::Bare {
        &**self.floor.bare.as_ref().expect("a driver")
    }

    async fn find_client(&self, size: Rounds) -> Comparison {
        compare(
            size,
            async |number| {
                let id = records::client_id(some(number));
                let (time, found) = timed(self.ours.store.find_client(&id)).await;
                found.expect("an answer").expect("a client");
                time
            },
            async |number| {
                let id = records::client_id(some(number));
                timed(self.floor().find_client(&id)).await.0
            },
        )
        .await
    }

    async fn find_grant(&self, size: Rounds) -> Comparison {
        let now = records::now();
        compare(
            size,
            async |number| {
                let id = records::grant_id(some(number));
                let (time, found) = timed(self.ours.store.find_grant(&id, now)).await;
                found.expect("an answer").expect("a grant");
                time
            },
            async |number| {
                let id = records::grant_id(some(number));
                timed(self.floor().find_grant(&id, now)).await.0
            },
        )
        .await
    }

    async fn redeem(&self, size: Rounds) -> Comparison {
        let now = records::now();
        compare(
            size,
            async |turn| {
                let number = FILLED + turn;
                let inserted = self.ours.store.insert_code(records::code(number)).await;
                inserted.expect("a code");
                let (code, issued) = (records::code_hash(number), records::issued(number));
                let redeemed = self.ours.store.redeem_code(&code, issued, now);
                let (time, redeemed) = timed(redeemed).await;
                assert_eq!(redeemed.expect("an answer"), Redemption::Done);
                time
            },
            async |turn| {
                let number = FILLED + turn;
                let inserted = self.floor.beside.insert_code(records::code(number)).await;
                inserted.expect("a code");
                let (code, issued) = (records::code_hash(number), records::issued(number));
                timed(self.floor().redeem(&code, &issued, now)).await.0
            },
        )
        .await
    }

    /// Rotates the grants that [`redeem`](Self::redeem) began.
    async fn rotate(&self, size: Rounds, first: usize) -> Comparison {
        let now = records::now();
        compare(
            size,
            async |turn| self.rotate_ours(first + turn, 0).await,
            async |turn| {
                let number = first + turn;
                let (spent, next) = (records::token_hash(number, 0), records::rotated(number, 0));
                timed(self.floor().rotate(&spent, &next, now)).await.0
            },
        )
        .await
    }

    /// Rotates them once more.
    async fn rotate_alone(&self, size: Rounds) -> Option<Comparison> {
        let now = records::now();
        let mut there = true;
        let comparison = compare(
            size,
            async |turn| self.rotate_ours(FILLED + turn, 1).await,
            async |turn| {
                let number = FILLED + turn;
                let (spent, next) = (records::token_hash(number, 1), records::rotated(number, 1));
                let (time, done) = timed(self.floor().rotate_alone(&spent, &next, now)).await;
                there &= done;
                time
            },
        )
        .await;
        there.then_some(comparison)
    }

    async fn rotate_ours(&self, number: usize, rotations: usize) -> std::time::Duration {
        let spent = records::token_hash(number, rotations);
        let next = records::rotated(number, rotations);
        let rotated = self
            .ours
            .store
            .rotate_refresh_token(&spent, next, records::now());
        let (time, rotated) = timed(rotated).await;
        assert_eq!(rotated.expect("an answer"), Rotation::Done);
        time
    }
}
