#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use std::time::Duration;

use crate::types::{Timestamp, TokenHash};

use super::trial::Trial;
use super::{Answered as _, sample, sweep_all};

const SECOND: Duration = Duration::from_secs(1);

/// [`use_once`](crate::store::ReplayStore::use_once) is true for the first use,
/// and for no other as long as that counts.
pub async fn an_identifier_is_used_once(trial: &Trial) {
    let now = trial.now();
    let end = now.plus(sample::SHORT);

    assert!(uses(trial, "a", end, now).await);
    assert!(!uses(trial, "a", end, now).await);
    let just_before = end.minus(SECOND);
    assert!(!uses(trial, "a", end, just_before).await);
    // Whatever end a later use names.
    assert!(!uses(trial, "a", now, just_before).await);
    assert!(!uses(trial, "a", end.plus(sample::LONG), just_before).await);
}

/// The use of one identifier is not that of another, however alike they are.
pub async fn identifiers_are_told_apart(trial: &Trial) {
    let now = trial.now();
    let end = now.plus(sample::SHORT);
    let first = [b'a'; 32];
    let mut identifiers = vec![first];
    for (at, byte) in [(0, 0), (0, b'A'), (15, 0), (31, b'A'), (31, 0), (31, 255)] {
        let mut other = first;
        other[at] = byte;
        identifiers.push(other);
    }
    for used in [true, false] {
        for bytes in &identifiers {
            let id = TokenHash::from_bytes(*bytes);
            let answer = trial.store().use_once(&id, end, now).await;
            assert_eq!(answer.answered(), used, "{bytes:?}");
        }
    }
}

/// Once `now` has reached the `until` of its use, an identifier is as new, swept
/// or not; a use that was refused does not put that off.
pub async fn a_used_identifier_is_as_new_once_its_time_has_come(trial: &Trial) {
    let now = trial.now();
    let end = now.plus(sample::SHORT);
    let second_end = end.plus(sample::SHORT);
    for name in ["swept", "not swept"] {
        assert!(uses(trial, name, end, now).await);
        assert!(!uses(trial, name, second_end, end.minus(SECOND)).await);
        if name == "swept" {
            sweep_all(trial, end).await;
        }
        assert!(uses(trial, name, second_end, end).await);
        assert!(!uses(trial, name, second_end, end).await);
        assert!(!uses(trial, name, second_end, second_end.minus(SECOND)).await);
    }
}

/// Of any number of concurrent uses of one identifier, one is the first: when it
/// is new, and when it is as new.
pub async fn of_concurrent_uses_one_is_the_first(trial: &Trial) {
    let now = trial.now();
    let end = now.plus(sample::SHORT);
    for (now, until) in [(now, end), (end, end.plus(sample::SHORT))] {
        let answers = trial
            .race(|store, _| async move {
                let id = sample::hash("assertion", "a");
                store.use_once(&id, until, now).await.answered()
            })
            .await;
        super::only(&answers, |used| *used);
        assert!(!uses(trial, "a", until, now).await);
    }
}

/// A sweep deletes no use that still counts, be it the first or a later one.
pub async fn a_sweep_keeps_uses_that_count(trial: &Trial) {
    let now = trial.now();
    let end = now.plus(sample::SHORT);
    let second_end = end.plus(sample::SHORT);
    assert!(uses(trial, "a", end, now).await);
    sweep_all(trial, end.minus(SECOND)).await;
    assert!(!uses(trial, "a", end, end.minus(SECOND)).await);

    assert!(uses(trial, "a", second_end, end).await);
    assert!(uses(trial, "b", end, now).await);
    sweep_all(trial, second_end.minus(SECOND)).await;
    assert!(!uses(trial, "a", second_end, second_end.minus(SECOND)).await);
}

async fn uses(trial: &Trial, name: &str, until: Timestamp, now: Timestamp) -> bool {
    let id = sample::hash("assertion", name);
    trial.store().use_once(&id, until, now).await.answered()
}
