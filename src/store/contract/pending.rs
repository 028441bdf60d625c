#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use std::time::Duration;

use crate::model::Sealed;
use crate::store::Insertion;

use super::trial::Trial;
use super::{Answered as _, sample};

/// [`find_pending`](crate::store::PendingStore::find_pending) and
/// [`take_pending`](crate::store::PendingStore::take_pending) return exactly
/// what was stored.
pub async fn a_pending_request_is_found_exactly_as_it_was_stored(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let mut requests = Vec::new();
    for (name, sealed) in [
        ("small", Sealed::from_bytes(vec![0])),
        ("empty", Sealed::from_bytes(Vec::new())),
        ("big", sample::big()),
    ] {
        let mut pending = sample::pending(name, now);
        pending.authorization = sealed;
        let inserted = store.insert_pending(pending.clone()).await.answered();
        assert_eq!(inserted, Insertion::Done, "{name}");
        requests.push(pending);
    }
    for pending in requests {
        let state = pending.state;
        let found = store.find_pending(&state, now).await.answered();
        assert_eq!(found.as_ref(), Some(&pending));
        let taken = store.take_pending(&state, now).await.answered();
        assert_eq!(taken, Some(pending));
    }
}

/// [`insert_pending`](crate::store::PendingStore::insert_pending) reports a
/// conflict and leaves the request that is there as it was.
pub async fn inserting_a_pending_request_never_overwrites_one(trial: &Trial) {
    let store = trial.store();
    let first = sample::pending("a", trial.now());
    let mut second = first.clone();
    second.authorization = sample::big();

    let inserted = store.insert_pending(first.clone()).await.answered();
    assert_eq!(inserted, Insertion::Done);
    let inserted = store.insert_pending(second).await.answered();
    assert_eq!(inserted, Insertion::Conflict);

    let state = first.state;
    let found = store.find_pending(&state, trial.now()).await.answered();
    assert_eq!(found, Some(first));
}

/// From `expires_at` on, a request is neither found nor taken, swept or not.
pub async fn an_expired_pending_request_is_absent(trial: &Trial) {
    let store = trial.store();
    for name in ["found", "taken"] {
        let pending = sample::pending(name, trial.now());
        store.insert_pending(pending).await.answered();
    }
    let found = sample::hash("state", "found");
    let taken = sample::hash("state", "taken");
    let expiry = trial.now().plus(sample::SHORT);

    let just_before = expiry.minus(Duration::from_secs(1));
    let answer = store.find_pending(&found, just_before).await.answered();
    assert!(answer.is_some(), "absent before it expired");
    assert_eq!(store.find_pending(&found, expiry).await.answered(), None);
    assert_eq!(store.take_pending(&taken, expiry).await.answered(), None);

    store.sweep(expiry, 10).await.answered();
    assert_eq!(store.find_pending(&found, expiry).await.answered(), None);
    assert_eq!(store.take_pending(&found, expiry).await.answered(), None);
}

/// A request that was taken is gone; one that was never there is absent.
pub async fn a_pending_request_is_taken_once(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let pending = sample::pending("a", now);
    let state = pending.state;
    let other = sample::pending("b", now);
    assert_eq!(store.take_pending(&state, now).await.answered(), None);
    store.insert_pending(pending.clone()).await.answered();
    store.insert_pending(other.clone()).await.answered();

    let taken = store.take_pending(&state, now).await.answered();
    assert_eq!(taken, Some(pending));
    assert_eq!(store.take_pending(&state, now).await.answered(), None);
    assert_eq!(store.find_pending(&state, now).await.answered(), None);

    let found = store.find_pending(&other.state, now).await.answered();
    assert_eq!(found, Some(other));
}

/// Of any number of concurrent calls for one state, one gets the request.
pub async fn of_concurrent_takes_one_gets_the_pending_request(trial: &Trial) {
    let now = trial.now();
    let pending = sample::pending("a", now);
    let state = pending.state;
    trial
        .store()
        .insert_pending(pending.clone())
        .await
        .answered();

    let answers = trial
        .race(|store, _| async move { store.take_pending(&state, now).await.answered() })
        .await;

    let winner = super::only(&answers, Option::is_some);
    assert_eq!(answers[winner], Some(pending));
}
