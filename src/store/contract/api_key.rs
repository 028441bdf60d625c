#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use std::time::Duration;

use crate::model::{ApiKeyRecord, Sealed};
use crate::store::Insertion;
use crate::types::Timestamp;

use super::trial::Trial;
use super::{Answered as _, sample, sweep_all};

const SECOND: Duration = Duration::from_secs(1);

/// An API key is found by its hash, exactly as it was stored, and by no other.
pub async fn an_api_key_is_found_exactly_as_it_was_stored(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    for (name, details) in [
        ("plain", Sealed::from_bytes(vec![])),
        (sample::ODD, sample::big()),
    ] {
        let key = ApiKeyRecord {
            details,
            ..sample::api_key(name, now)
        };
        insert(trial, &key).await;
        assert_eq!(find(trial, &key, now).await, Some(key));
    }
    let unknown = sample::hash("API key", "unknown");
    let found = store.find_api_key(&unknown, now).await.answered();
    assert_eq!(found, None);
}

/// Inserting an API key reports a conflict with one of the same identifier, and with
/// one of the same hash; that one stays as it was, and nothing is stored.
pub async fn inserting_an_api_key_never_overwrites_one(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let first = sample::api_key("first", now);
    insert(trial, &first).await;
    let other = sample::api_key("other", now);
    let same_id = ApiKeyRecord {
        id: first.id.clone(),
        ..other.clone()
    };
    let same_hash = ApiKeyRecord {
        hash: first.hash,
        ..other.clone()
    };
    let again = ApiKeyRecord {
        details: sample::big(),
        ..first.clone()
    };
    for second in [same_id, same_hash, again] {
        let inserted = store.insert_api_key(second).await.answered();
        assert_eq!(inserted, Insertion::Conflict);
    }
    assert_eq!(find(trial, &first, now).await, Some(first.clone()));
    assert_eq!(find(trial, &other, now).await, None);
    assert_eq!(list(trial, now).await, [first]);
}

/// Of any number of concurrent insertions of one identifier, one is done, and its
/// key is the one that is found.
pub async fn of_concurrent_insertions_of_an_api_key_one_is_done(trial: &Trial) {
    let now = trial.now();
    let key = move |number: usize| ApiKeyRecord {
        id: sample::api_key_id("contested"),
        ..sample::api_key(&number.to_string(), now)
    };
    let answers = trial
        .race(|store, number| async move { store.insert_api_key(key(number)).await.answered() })
        .await;

    let winner = super::only(&answers, |answer| *answer == Insertion::Done);
    assert_eq!(list(trial, now).await, [key(winner)]);
    for number in 0..answers.len() {
        let found = find(trial, &key(number), now).await;
        assert_eq!(found.is_some(), number == winner, "{number}");
    }
}

/// From its end on an API key is absent, swept or not.
pub async fn an_expired_api_key_is_absent(trial: &Trial) {
    let now = trial.now();
    let key = sample::api_key("a", now);
    insert(trial, &key).await;
    let end = now.plus(sample::LONG);
    for (at, found) in [(end.minus(SECOND), true), (end, false)] {
        assert_eq!(find(trial, &key, at).await.is_some(), found, "{at:?}");
    }
}

/// An API key without an end is found and listed whatever the time, and no sweep
/// forgets it.
pub async fn an_api_key_without_an_end_stays(trial: &Trial) {
    let key = ApiKeyRecord {
        expires_at: None,
        ..sample::api_key("a", trial.now())
    };
    insert(trial, &key).await;
    let late = Timestamp::from_secs(u32::MAX.into());
    sweep_all(trial, late).await;
    assert_eq!(find(trial, &key, late).await, Some(key.clone()));
    assert_eq!(list(trial, late).await, [key]);
}

/// An API key that was removed is neither found nor listed, and no other is
/// harmed; another one may have its identifier and hash.
pub async fn a_removed_api_key_is_absent(trial: &Trial) {
    let now = trial.now();
    let keys = ["a", "b"].map(|name| sample::api_key(name, now));
    for key in &keys {
        insert(trial, key).await;
    }
    let [removed, kept] = &keys;
    let answer = trial.store().remove_api_key(&removed.id).await;
    assert!(answer.answered());
    assert_eq!(find(trial, removed, now).await, None);
    assert_eq!(find(trial, kept, now).await.as_ref(), Some(kept));
    assert_eq!(list(trial, now).await, std::slice::from_ref(kept));

    insert(trial, removed).await;
    assert_eq!(list(trial, now).await, keys);
}

/// [`remove_api_key`](crate::store::ApiKeyStore::remove_api_key) tells whether there
/// was one.
pub async fn an_api_key_is_removed_once(trial: &Trial) {
    let store = trial.store();
    let key = sample::api_key("a", trial.now());
    insert(trial, &key).await;
    let unknown = sample::api_key_id("unknown");
    assert!(!store.remove_api_key(&unknown).await.answered());
    assert!(store.remove_api_key(&key.id).await.answered());
    assert!(!store.remove_api_key(&key.id).await.answered());
}

/// Of any number of concurrent removals, one removes the API key.
pub async fn of_concurrent_removals_one_removes_the_api_key(trial: &Trial) {
    let key = sample::api_key("a", trial.now());
    insert(trial, &key).await;
    let answers = trial
        .race(|store, _| {
            let id = key.id.clone();
            async move { store.remove_api_key(&id).await.answered() }
        })
        .await;
    super::only(&answers, |removed| *removed);
}

/// A list is in the order of identifiers and goes on after the last one.
pub async fn a_list_of_api_keys_comes_in_pages(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    for name in ["b", "d", "a", "B", "c"] {
        insert(trial, &sample::api_key(name, now)).await;
    }
    let mut seen = Vec::new();
    for length in [2, 2, 1] {
        let page = store.list_api_keys(seen.last(), 2, now).await.answered();
        assert_eq!(page.len(), length);
        seen.extend(page.into_iter().map(|key| key.id));
    }
    assert_eq!(seen, ["B", "a", "b", "c", "d"].map(sample::api_key_id));
    let page = store.list_api_keys(seen.last(), 2, now).await.answered();
    assert_eq!(page, []);
    // A key that is gone still says where to go on.
    store.remove_api_key(&seen[2]).await.answered();
    let page = store.list_api_keys(Some(&seen[2]), 1, now).await.answered();
    assert_eq!(page[0].id, seen[3]);
    // And so does what never named one, such as the beginning of an identifier.
    let start = sample::api_key_id("");
    let page = store.list_api_keys(Some(&start), 1, now).await.answered();
    assert_eq!(page[0].id, seen[0]);
}

/// What has expired is not listed and takes no room on a page, swept or not.
pub async fn a_list_of_api_keys_has_only_live_ones(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let end = now.plus(sample::LONG);
    for name in ["1", "2", "3"] {
        insert(trial, &sample::api_key(name, now)).await;
    }
    let kept = ApiKeyRecord {
        expires_at: Some(end.plus(SECOND)),
        ..sample::api_key("4", now)
    };
    insert(trial, &kept).await;
    let page = store.list_api_keys(None, 1, end).await.answered();
    assert_eq!(page, std::slice::from_ref(&kept));
    assert_eq!(list(trial, end.plus(SECOND)).await, []);
}

/// An API key is resealed only as it was read, and nothing else of it changes.
pub async fn an_api_key_is_resealed_only_as_it_was_read(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let [old, other] = ["a", "b"].map(|name| sample::api_key(name, now));
    insert(trial, &old).await;
    insert(trial, &other).await;
    let new = ApiKeyRecord {
        details: sample::big(),
        ..old.clone()
    };
    for (read, expected) in [(&old, true), (&old, false), (&new, true)] {
        let answer = store.reseal_api_key(read, &new.details).await;
        assert_eq!(answer.answered(), expected);
        assert_eq!(list(trial, now).await, [new.clone(), other.clone()]);
        assert_eq!(find(trial, &old, now).await.as_ref(), Some(&new));
    }
    let unknown = sample::api_key("unknown", now);
    let answer = store.reseal_api_key(&unknown, &new.details).await;
    assert!(!answer.answered());
    assert_eq!(find(trial, &unknown, now).await, None);
}

/// A sweep deletes the API keys that have ended, and keeps to its limit.
pub async fn a_sweep_forgets_api_keys_that_have_ended(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let end = now.plus(sample::LONG);
    let lives = ApiKeyRecord {
        expires_at: Some(end.plus(SECOND)),
        ..sample::api_key("lives", now)
    };
    let ended = ["1", "2", "3"].map(|name| sample::api_key(name, now));
    insert(trial, &lives).await;
    for key in &ended {
        insert(trial, key).await;
    }
    assert_eq!(sweep_all(trial, end.minus(SECOND)).await, 0);
    assert_eq!(store.sweep(end, 2).await.answered(), 2);
    assert_eq!(store.sweep(end, 2).await.answered(), 1);
    assert_eq!(list(trial, now).await, std::slice::from_ref(&lives));
    for key in &ended {
        // Gone for good: neither is taken any more.
        assert_eq!(find(trial, key, now).await, None);
        insert(trial, key).await;
    }
}

async fn insert(trial: &Trial, key: &ApiKeyRecord) {
    let inserted = trial.store().insert_api_key(key.clone()).await;
    assert_eq!(inserted.answered(), Insertion::Done);
}

async fn find(trial: &Trial, key: &ApiKeyRecord, now: Timestamp) -> Option<ApiKeyRecord> {
    let found = trial.store().find_api_key(&key.hash, now).await;
    found.answered()
}

async fn list(trial: &Trial, now: Timestamp) -> Vec<ApiKeyRecord> {
    let found = trial.store().list_api_keys(None, 100, now).await;
    found.answered()
}
