//! Every promise of the store's traits, as a function that any backend can run.
//!
//! A function is named after its promise, is given a [`Trial`], which is a
//! fresh store and a way to run tasks beside each other, and panics if the
//! promise is broken. In the tests of a backend, one line runs them all, each
//! as a test of its own:
//!
//! ```
//! # use oauth_for_mcp::store::MemoryStore;
//! oauth_for_mcp::store_contract_tests!(MemoryStore::new());
//! # fn main() {}
//! ```
//!
//! Without a test harness, [`run_all`] or [`PROMISES`] do the same.
//!
//! A backend may also let records vanish by themselves once they have expired
//! by the clock of the machine. So the functions tell it times from now on, and
//! look at clients, which `find` without being told the time, to see what a
//! sweep deleted.

mod access_token;
mod api_key;
mod client;
mod code;
#[cfg(test)]
mod faulty;
mod grant;
mod grant_list;
mod inserted_grant;
mod lease;
mod pending;
mod promise;
mod refresh_token;
mod replay;
pub(in crate::store) mod sample;
mod signing_key;
mod sweep;
mod trial;

pub use access_token::*;
pub use api_key::*;
pub use client::*;
pub use code::*;
pub use grant::*;
pub use grant_list::*;
pub use inserted_grant::*;
pub use lease::*;
pub use pending::*;
pub use promise::{PROMISES, Promise, run_all};
pub use refresh_token::*;
pub use replay::*;
pub use signing_key::*;
pub use sweep::*;
pub use trial::{Task, Trial};

use std::fmt;

use crate::model::IssuedRecords;
use crate::store::{Insertion, Redemption, StoreError};
use crate::types::Timestamp;

/// An answer that a store owes: a failure is no answer.
trait Answered {
    type Answer;

    fn answered(self) -> Self::Answer;
}

impl<T> Answered for Result<T, StoreError> {
    type Answer = T;

    fn answered(self) -> T {
        self.expect("the store fails")
    }
}

/// The index of the one answer for which `won` holds.
fn only<T: fmt::Debug>(answers: &[T], won: impl Fn(&T) -> bool) -> usize {
    let winners: Vec<_> = (0..answers.len())
        .filter(|index| won(&answers[*index]))
        .collect();
    match winners[..] {
        [winner] => winner,
        _ => panic!("not one winner but {winners:?} in {answers:?}"),
    }
}

/// Whether the grant with this name, its access token and its refresh token
/// are found.
async fn stored(trial: &Trial, name: &str) -> [bool; 3] {
    stored_at(trial, name, trial.now()).await
}

async fn stored_at(trial: &Trial, name: &str, now: Timestamp) -> [bool; 3] {
    let store = trial.store();
    let id = sample::grant_id(name);
    let access = sample::hash("access token", name);
    let grant = store.find_grant(&id, now).await.answered();
    let access = store.find_access_token(&access, now).await.answered();
    let refresh = store.find_refresh_token(&id, now).await.answered();
    [grant.is_some(), access.is_some(), refresh.is_some()]
}

/// Stores these records, as a sign-in does.
async fn begin(trial: &Trial, name: &str, issued: IssuedRecords) {
    let store = trial.store();
    let code = sample::code(name, trial.now());
    let hash = code.hash;
    assert_eq!(store.insert_code(code).await.answered(), Insertion::Done);
    let answer = store.redeem_code(&hash, issued, trial.now()).await;
    assert_eq!(answer.answered(), Redemption::Done);
}

/// Stores a grant with both tokens, all named alike.
async fn begin_sample(trial: &Trial, name: &str) {
    begin(trial, name, sample::issued(name, trial.now())).await;
}

/// Sweeps until there is no more, and returns how much there was.
async fn sweep_all(trial: &Trial, now: Timestamp) -> usize {
    const LIMIT: usize = 2;
    let mut deleted = 0;
    // More often than there are records in any trial, but not forever.
    for _ in 0..100 {
        let batch = trial.store().sweep(now, LIMIT).await.answered();
        assert!(batch <= LIMIT, "{batch} deleted, more than {LIMIT}");
        deleted += batch;
        if batch < LIMIT {
            return deleted;
        }
    }
    panic!("the store sweeps without end");
}
