#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use std::time::Duration;

use crate::model::RefreshRecord;
use crate::store::Rotation;
use crate::types::Timestamp;

use super::trial::{CONCURRENCY, Trial};
use super::{Answered as _, begin, begin_sample, sample, stored, stored_at};

/// From its own `expires_at` on, a refresh token is absent, swept or not, and
/// cannot be rotated; its grant is not.
pub async fn an_expired_refresh_token_is_absent(trial: &Trial) {
    begin_sample(trial, "a").await;
    let expiry = trial.now().plus(sample::LONG);

    let just_before = expiry.minus(Duration::from_secs(1));
    assert_eq!(
        stored_at(trial, "a", just_before).await,
        [true, false, true]
    );
    assert_eq!(stored_at(trial, "a", expiry).await, [true, false, false]);
    assert_eq!(rotate(trial, "a", "late", expiry).await, Rotation::Absent);
    assert_eq!(stored_at(trial, "a", expiry).await, [true, false, false]);
    trial.store().sweep(expiry, 10).await.answered();
    assert_eq!(stored_at(trial, "a", expiry).await, [true, false, false]);
}

/// After [`Rotation::Done`], the next record and the access token are found
/// with their grant, and the access token from before still is.
pub async fn a_rotation_stores_everything_it_issued(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    begin_sample(trial, "a").await;
    let first = sample::refresh("a", now);
    let mut next = sample::rotation(&first, "a", "next", now);
    if let Some(spent) = &mut next.refresh.previous {
        spent.answer = sample::big();
    }
    let answer = store
        .rotate_refresh_token(&first.current, next.clone(), now)
        .await;
    assert_eq!(answer.answered(), Rotation::Done);

    let grant = sample::grant("a", now);
    let found = store.find_refresh_token(&grant.id, now).await.answered();
    assert_eq!(found, Some((next.refresh, grant.clone())));
    let hash = sample::hash("access token", "next");
    let found = store.find_access_token(&hash, now).await.answered();
    assert_eq!(found, next.access.map(|access| (access, grant)));
    assert_eq!(stored(trial, "a").await, [true; 3]);
}

/// A rotation may move the expiry: token and grant live as long as the new
/// records say, be that longer or shorter than before.
pub async fn a_rotation_moves_the_expiry(trial: &Trial) {
    let store = trial.store();
    begin_sample(trial, "a").await;
    let later = trial.now().plus(sample::LONG / 2);
    assert_eq!(rotate(trial, "a", "next", later).await, Rotation::Done);

    let old_expiry = trial.now().plus(sample::LONG);
    store.sweep(old_expiry, 10).await.answered();
    assert!(
        stored_at(trial, "a", old_expiry).await[2],
        "expired too soon"
    );
    let new_expiry = later.plus(sample::LONG);
    assert!(
        !stored_at(trial, "a", new_expiry).await[2],
        "expired too late"
    );
    let old_end = trial.now().plus(sample::WHOLE);
    store.sweep(old_end, 10).await.answered();
    assert!(stored_at(trial, "a", old_end).await[0], "ended too soon");
    let new_end = later.plus(sample::WHOLE);
    assert!(!stored_at(trial, "a", new_end).await[0], "ended too late");
}

/// A grant may end sooner than it was to, if its last rotation says so.
pub async fn a_rotation_may_bring_the_end_forward(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    begin_sample(trial, "a").await;
    let first = sample::refresh("a", now);
    let mut next = sample::rotation(&first, "a", "next", now);
    next.grant_expires_at = now.plus(sample::SHORT / 2);
    let answer = store.rotate_refresh_token(&first.current, next, now).await;
    assert_eq!(answer.answered(), Rotation::Done);

    let end = now.plus(sample::SHORT / 2);
    assert_eq!(stored_at(trial, "a", end).await, [false; 3]);
    assert!(!has_access(trial, "next", end).await);
    store.sweep(end, 10).await.answered();
    assert_eq!(stored_at(trial, "a", end).await, [false; 3]);
}

/// A token that was spent, or that never was the valid one, is
/// [`Rotation::Lost`] with the record as it stands, and nothing is stored.
pub async fn a_token_that_is_not_valid_is_not_rotated(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    begin_sample(trial, "a").await;
    let first = sample::refresh("a", now);
    let second = sample::rotated(&first, "second", now);
    assert_eq!(rotate(trial, "a", "second", now).await, Rotation::Done);

    let guess = sample::hash("refresh token", "guess");
    for spent in [first.current, guess] {
        let next = sample::rotation(&second, "a", "third", now);
        let answer = store.rotate_refresh_token(&spent, next, now).await;
        assert_eq!(answer.answered(), Rotation::Lost(second.clone()));
        assert_eq!(found(trial, "a").await, Some(second.clone()));
        assert!(!has_access(trial, "third", trial.now()).await);
    }
}

/// Of any number of concurrent rotations of one token, one is
/// [`Rotation::Done`]; every other gets the winner's record, and nothing of it
/// is stored.
pub async fn of_concurrent_rotations_one_is_done(trial: &Trial) {
    let now = trial.now();
    begin_sample(trial, "a").await;
    let first = sample::refresh("a", now);

    let spent = first.clone();
    let answers = trial
        .race(move |store, number| {
            let name = number.to_string();
            let next = sample::rotation(&spent, "a", &name, now);
            let spent = spent.current;
            async move {
                let answer = store.rotate_refresh_token(&spent, next, now).await;
                answer.answered()
            }
        })
        .await;

    let winner = super::only(&answers, |answer| *answer == Rotation::Done);
    let stands = sample::rotated(&first, &winner.to_string(), now);
    for (number, answer) in answers.into_iter().enumerate() {
        let won = number == winner;
        assert!(won || answer == Rotation::Lost(stands.clone()));
        assert_eq!(
            has_access(trial, &number.to_string(), trial.now()).await,
            won
        );
    }
    assert_eq!(found(trial, "a").await, Some(stands));
}

/// A rotation in a grant that is revoked, expired or unknown is
/// [`Rotation::Absent`], and nothing is stored.
pub async fn a_rotation_in_an_absent_grant_stores_nothing(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    begin_sample(trial, "revoked").await;
    let revoked = sample::grant_id("revoked");
    store.revoke_grant(&revoked).await.answered();
    for name in ["revoked", "unknown"] {
        assert_eq!(rotate(trial, name, name, now).await, Rotation::Absent);
        assert_eq!(stored(trial, name).await, [false; 3]);
    }

    let expiry = now.plus(sample::WHOLE);
    let mut issued = sample::issued("expired", now);
    if let Some(refresh) = &mut issued.refresh {
        refresh.expires_at = expiry.plus(sample::LONG);
    }
    begin(trial, "expired", issued).await;
    let answer = rotate(trial, "expired", "late", expiry).await;
    assert_eq!(answer, Rotation::Absent);
    assert_eq!(stored_at(trial, "expired", expiry).await, [false; 3]);
    assert!(!has_access(trial, "late", trial.now()).await);
}

/// A revocation among rotations leaves no token alive, whichever came first.
pub async fn a_revocation_among_rotations_leaves_no_token(trial: &Trial) {
    let now = trial.now();
    for round in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        begin_sample(trial, round).await;
        let name = move |number: usize| format!("{round}{number}");
        let answers = trial
            .race(|store, number| async move {
                // One in the middle revokes, the others rotate.
                if number == CONCURRENCY / 2 {
                    let id = sample::grant_id(round);
                    return store.revoke_grant(&id).await.answered();
                }
                let first = sample::refresh(round, now);
                let next = sample::rotation(&first, round, &name(number), now);
                let answer = store.rotate_refresh_token(&first.current, next, now).await;
                answer.answered();
                false
            })
            .await;

        super::only(&answers, |revoked| *revoked);
        assert_eq!(stored(trial, round).await, [false; 3]);
        for number in 0..CONCURRENCY {
            assert!(!has_access(trial, &name(number), trial.now()).await);
        }
    }
}

/// Spends the first refresh token of `grant` at `now`.
async fn rotate(trial: &Trial, grant: &str, name: &str, now: Timestamp) -> Rotation {
    let first = sample::refresh(grant, trial.now());
    let next = sample::rotation(&first, grant, name, now);
    let answer = trial
        .store()
        .rotate_refresh_token(&first.current, next, now);
    answer.await.answered()
}

async fn found(trial: &Trial, grant: &str) -> Option<RefreshRecord> {
    let id = sample::grant_id(grant);
    let answer = trial.store().find_refresh_token(&id, trial.now()).await;
    answer.answered().map(|(refresh, _)| refresh)
}

async fn has_access(trial: &Trial, name: &str, now: Timestamp) -> bool {
    let hash = sample::hash("access token", name);
    let answer = trial.store().find_access_token(&hash, now).await;
    answer.answered().is_some()
}
