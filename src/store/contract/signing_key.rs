#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use crate::store::Insertion;

use super::trial::Trial;
use super::{Answered as _, sample};

/// Signing keys are listed exactly as they were stored, by generation.
pub async fn signing_keys_are_listed_as_they_were_stored(trial: &Trial) {
    let store = trial.store();
    assert_eq!(store.list_signing_keys().await.answered(), []);
    let mut keys: Vec<_> = [10, 2, 1]
        .map(|generation| sample::signing_key(generation, trial.now()))
        .to_vec();
    for key in &keys {
        let inserted = store.insert_signing_key(key.clone()).await.answered();
        assert_eq!(inserted, Insertion::Done);
    }
    keys.reverse();
    assert_eq!(store.list_signing_keys().await.answered(), keys);
}

/// Of any number of concurrent insertions of one generation, one is done, and
/// its key is the one that is kept.
pub async fn of_concurrent_signing_keys_one_is_kept(trial: &Trial) {
    let now = trial.now();
    let key = move |number: usize| {
        let mut key = sample::signing_key(1, now);
        key.private = crate::model::Sealed::from_bytes(number.to_string().into_bytes());
        key
    };
    let answers = trial
        .race(|store, number| async move { store.insert_signing_key(key(number)).await.answered() })
        .await;

    let winner = super::only(&answers, |answer| *answer == Insertion::Done);
    let kept = trial.store().list_signing_keys().await.answered();
    assert_eq!(kept, [key(winner)]);
}

/// A signing key is resealed only as it was read, and nothing else of it changes.
pub async fn a_signing_key_is_resealed_only_as_it_was_read(trial: &Trial) {
    let store = trial.store();
    let mut key = sample::signing_key(1, trial.now());
    let other = sample::signing_key(2, trial.now());
    for key in [&key, &other] {
        store.insert_signing_key(key.clone()).await.answered();
    }
    let (old, new) = (key.private.clone(), sample::big());
    let resealed = store.reseal_signing_key(1, &old, &new).await;
    assert!(resealed.answered());
    let again = store.reseal_signing_key(1, &old, &old).await;
    assert!(!again.answered(), "it was resealed meanwhile");
    let unknown = store.reseal_signing_key(3, &old, &new).await;
    assert!(!unknown.answered());

    key.private = new;
    assert_eq!(store.list_signing_keys().await.answered(), [key, other]);
}

/// A signing key that was removed is gone, and no other.
pub async fn a_signing_key_is_removed_alone(trial: &Trial) {
    let store = trial.store();
    let keys = [1, 2].map(|generation| sample::signing_key(generation, trial.now()));
    for key in &keys {
        store.insert_signing_key(key.clone()).await.answered();
    }
    for _ in 0..2 {
        store.remove_signing_key(1).await.answered();
        assert_eq!(store.list_signing_keys().await.answered(), keys[1..]);
    }
}
