#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use std::time::Duration;

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
    let next = sample::rotated(&first, "next", now);
    let access = sample::access("next", "a", now);
    store
        .rotate_refresh_token(&first.current, next, Some(access), now)
        .await
        .answered();

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
