#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use std::time::Duration;

use crate::model::GrantRecord;

use super::trial::Trial;
use super::{Answered as _, begin, begin_sample, sample, stored, stored_at};

/// From its `expires_at` on, a grant is absent and with it every token it
/// carried, however long those live, swept or not.
pub async fn an_expired_grant_is_absent_with_its_tokens(trial: &Trial) {
    let store = trial.store();
    let expiry = trial.now().plus(sample::WHOLE);
    let later = expiry.plus(sample::WHOLE);
    let mut issued = sample::issued("a", trial.now());
    if let Some(access) = &mut issued.access {
        access.expires_at = later;
    }
    if let Some(refresh) = &mut issued.refresh {
        refresh.expires_at = later;
    }
    begin(trial, "a", issued).await;

    let just_before = expiry.minus(Duration::from_secs(1));
    assert_eq!(stored_at(trial, "a", just_before).await, [true; 3]);
    assert_eq!(stored_at(trial, "a", expiry).await, [false; 3]);
    store.sweep(expiry, 10).await.answered();
    assert_eq!(stored_at(trial, "a", expiry).await, [false; 3]);
}

/// A grant that is revoked is absent, and so is every token it carried; other
/// grants are as they were.
pub async fn a_revoked_grant_is_absent_with_its_tokens(trial: &Trial) {
    begin_sample(trial, "a").await;
    begin_sample(trial, "b").await;

    let id = sample::grant_id("a");
    assert!(trial.store().revoke_grant(&id).await.answered());

    assert_eq!(stored(trial, "a").await, [false; 3]);
    assert_eq!(stored(trial, "b").await, [true; 3]);
}

/// A revocation takes along the access token of a rotation, too.
pub async fn a_revoked_grant_is_absent_with_its_rotated_tokens(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    begin_sample(trial, "a").await;
    let first = sample::refresh("a", now);
    let next = sample::rotation(&first, "a", "next", now);
    let answer = store.rotate_refresh_token(&first.current, next, now).await;
    answer.answered();

    let id = sample::grant_id("a");
    assert!(store.revoke_grant(&id).await.answered());

    assert_eq!(stored(trial, "a").await, [false; 3]);
    let access = sample::hash("access token", "next");
    let found = store.find_access_token(&access, now).await.answered();
    assert_eq!(found, None);
}

/// [`revoke_grant`](crate::store::GrantStore::revoke_grant) is true for the
/// call that ended the grant, and for no later one.
pub async fn a_grant_is_revoked_once(trial: &Trial) {
    begin_sample(trial, "a").await;
    let id = sample::grant_id("a");

    assert!(trial.store().revoke_grant(&id).await.answered());
    assert!(!trial.store().revoke_grant(&id).await.answered());
    assert_eq!(stored(trial, "a").await, [false; 3]);
}

/// Revoking a grant that never was is false and leaves nothing behind.
pub async fn revoking_an_unknown_grant_ends_nothing(trial: &Trial) {
    let id = sample::grant_id("a");
    assert!(!trial.store().revoke_grant(&id).await.answered());

    begin_sample(trial, "a").await;
    assert_eq!(stored(trial, "a").await, [true; 3]);
}

/// Of any number of concurrent revocations of one grant, one ended it.
pub async fn of_concurrent_revocations_one_ends_the_grant(trial: &Trial) {
    begin_sample(trial, "a").await;

    let answers = trial
        .race(|store, _| async move {
            let id = sample::grant_id("a");
            store.revoke_grant(&id).await.answered()
        })
        .await;

    super::only(&answers, |ended| *ended);
    assert_eq!(stored(trial, "a").await, [false; 3]);
}

/// [`reseal_grant`](crate::store::GrantStore::reseal_grant) replaces subject and
/// details, and nothing else, as long as nobody else was faster.
pub async fn a_grant_is_resealed_only_as_it_was_read(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    begin_sample(trial, "a").await;
    let old = sample::grant("a", now);
    let resealed = |answer: &str| GrantRecord {
        subject: sample::hash("subject", answer),
        details: sample::big(),
        ..old.clone()
    };
    let first = resealed("first");
    let elsewhere = GrantRecord {
        client_id: sample::client_id("another"),
        expires_at: now,
        ..first.clone()
    };
    assert!(store.reseal_grant(&old, &elsewhere).await.answered());
    let second = store.reseal_grant(&old, &resealed("second")).await;
    assert!(!second.answered(), "it was resealed meanwhile");

    let found = store.find_refresh_token(&old.id, now).await.answered();
    assert_eq!(found, Some((sample::refresh("a", now), first.clone())));
    assert!(store.revoke_grant(&old.id).await.answered());
    assert!(!store.reseal_grant(&first, &old).await.answered());
    assert_eq!(stored(trial, "a").await, [false; 3]);
}
