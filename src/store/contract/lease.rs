#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use super::trial::Trial;
use super::{Answered as _, sample};

/// A lease is its holder's until it ends; the holder may extend it.
pub async fn a_lease_has_one_holder_until_it_ends(trial: &Trial) {
    let now = trial.now();
    let end = now.plus(sample::SHORT);
    let later = end.plus(sample::SHORT);
    for (name, holder, until, at, taken) in [
        ("sweep", "a", end, now, true),
        ("sweep", "b", end, now, false),
        ("other", "b", end, now, true),
        ("sweep", "a", later, now, true),
        ("sweep", "b", later, end, false),
        ("sweep", "b", later.plus(sample::SHORT), later, true),
        ("sweep", "a", later.plus(sample::SHORT), later, false),
    ] {
        let answer = trial.store().take_lease(name, holder, until, at).await;
        assert_eq!(answer.answered(), taken, "{name} for {holder} at {at:?}");
    }
}

/// Of any number of holders that ask at once, one gets the lease.
pub async fn of_concurrent_holders_one_gets_the_lease(trial: &Trial) {
    let now = trial.now();
    let until = now.plus(sample::SHORT);
    let answers = trial
        .race(|store, number| async move {
            let holder = number.to_string();
            let taken = store.take_lease("sweep", &holder, until, now).await;
            taken.answered()
        })
        .await;
    super::only(&answers, |taken| *taken);
}
