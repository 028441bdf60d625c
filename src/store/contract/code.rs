#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use std::time::Duration;

use crate::model::{CodeRecord, CodeStage, IssuedRecords, Sealed};
use crate::store::{Insertion, Redemption};
use crate::types::TokenHash;

use super::trial::{CONCURRENCY, Trial};
use super::{Answered as _, sample};

/// [`find_code`](crate::store::CodeStore::find_code) returns exactly what was stored.
pub async fn a_code_is_found_exactly_as_it_was_stored(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let small = sample::code("small", now);
    let mut empty = sample::code("empty", now);
    empty.login = Sealed::from_bytes(Vec::new());
    let mut big = sample::code("big", now);
    big.login = sample::big();
    for code in [&small, &empty, &big] {
        let inserted = store.insert_code(code.clone()).await.answered();
        assert_eq!(inserted, Insertion::Done);
    }
    for code in [small, empty, big] {
        let found = store.find_code(&code.hash, now).await.answered();
        assert_eq!(found, Some(code));
    }
    let unknown = sample::hash("code", "unknown");
    assert_eq!(store.find_code(&unknown, now).await.answered(), None);
}

/// [`insert_code`](crate::store::CodeStore::insert_code) reports a conflict and
/// leaves the code that is there in the stage it is in.
pub async fn inserting_a_code_never_overwrites_one(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let first = insert(trial, "a").await;
    let mut second = first.clone();
    second.login = sample::big();

    let inserted = store.insert_code(second.clone()).await.answered();
    assert_eq!(inserted, Insertion::Conflict);
    let found = store.find_code(&first.hash, now).await.answered();
    assert_eq!(found, Some(first.clone()));

    redeem(trial, &first.hash, "a").await;
    let inserted = store.insert_code(second).await.answered();
    assert_eq!(inserted, Insertion::Conflict);
    let replay = sample::issued("b", now);
    let answer = store.redeem_code(&first.hash, replay, now).await.answered();
    assert_eq!(answer, Redemption::Replayed(sample::grant_id("a")));
}

/// From `expires_at` on, a code is absent in either stage, swept or not.
pub async fn an_expired_code_is_absent(trial: &Trial) {
    let store = trial.store();
    let fresh = insert(trial, "fresh").await.hash;
    let redeemed = insert(trial, "redeemed").await.hash;
    redeem(trial, &redeemed, "redeemed").await;
    let expiry = trial.now().plus(sample::SHORT);
    let just_before = expiry.minus(Duration::from_secs(1));
    for hash in [&fresh, &redeemed] {
        let found = store.find_code(hash, just_before).await.answered();
        assert!(found.is_some(), "absent before it expired");
        assert_eq!(store.find_code(hash, expiry).await.answered(), None);
    }
    store.sweep(expiry, 10).await.answered();
    for hash in [&fresh, &redeemed] {
        assert_eq!(store.find_code(hash, expiry).await.answered(), None);
    }
}

/// After [`Redemption::Done`], the grant and both tokens are found, as they
/// were issued.
pub async fn a_redemption_stores_everything_it_issued(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let hash = insert(trial, "a").await.hash;
    let issued = sample::issued("a", now);

    let answer = store
        .redeem_code(&hash, issued.clone(), now)
        .await
        .answered();
    assert_eq!(answer, Redemption::Done);

    let IssuedRecords {
        grant,
        access,
        refresh,
    } = issued;
    let found = store.find_grant(&grant.id, now).await.answered();
    assert_eq!(found, Some(grant.clone()));
    let key = sample::hash("access token", "a");
    let found = store.find_access_token(&key, now).await.answered();
    assert_eq!(found, access.map(|access| (access, grant.clone())));
    let found = store.find_refresh_token(&grant.id, now).await.answered();
    assert_eq!(found, refresh.map(|refresh| (refresh, grant)));
}

/// A redemption may issue a grant without an opaque access token or without a
/// refresh token.
pub async fn a_redemption_may_issue_no_tokens(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    for name in ["neither", "access only", "refresh only"] {
        let hash = insert(trial, name).await.hash;
        let whole = sample::issued(name, now);
        let issued = IssuedRecords {
            access: whole.access.filter(|_| name == "access only"),
            refresh: whole.refresh.filter(|_| name == "refresh only"),
            ..whole
        };
        let answer = store.redeem_code(&hash, issued, now).await.answered();
        assert_eq!(answer, Redemption::Done);

        let id = sample::grant_id(name);
        assert!(store.find_grant(&id, now).await.answered().is_some());
        let key = sample::hash("access token", name);
        let found = store.find_access_token(&key, now).await.answered();
        assert_eq!(found.is_some(), name == "access only");
        let found = store.find_refresh_token(&id, now).await.answered();
        assert_eq!(found.is_some(), name == "refresh only");
        assert!(store.revoke_grant(&id).await.answered());
    }
}

/// A redeemed code is found with [`CodeStage::Redeemed`] and nothing else changed.
pub async fn a_redeemed_code_shows_its_grant(trial: &Trial) {
    let code = insert(trial, "a").await;
    redeem(trial, &code.hash, "a").await;

    let found = trial.store().find_code(&code.hash, trial.now()).await;
    let redeemed = CodeRecord {
        stage: CodeStage::Redeemed(sample::grant_id("a")),
        ..code
    };
    assert_eq!(found.answered(), Some(redeemed));
}

/// A second redemption is [`Redemption::Replayed`] with the grant of the first
/// and stores nothing, even when that grant is revoked.
pub async fn a_code_is_redeemed_once(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let hash = insert(trial, "a").await.hash;
    redeem(trial, &hash, "a").await;

    for name in ["b", "c"] {
        let replay = sample::issued(name, now);
        let answer = store.redeem_code(&hash, replay, now).await.answered();
        assert_eq!(answer, Redemption::Replayed(sample::grant_id("a")));
        assert_nothing_is_stored(trial, name).await;
        store.revoke_grant(&sample::grant_id("a")).await.answered();
    }
    assert_nothing_is_stored(trial, "a").await;
}

/// The redemption of a code that is unknown or expired is
/// [`Redemption::Absent`] and stores nothing.
pub async fn redeeming_an_absent_code_stores_nothing(trial: &Trial) {
    let store = trial.store();
    let unknown = sample::hash("code", "unknown");
    let issued = sample::issued("a", trial.now());
    let answer = store.redeem_code(&unknown, issued, trial.now()).await;
    assert_eq!(answer.answered(), Redemption::Absent);
    assert_nothing_is_stored(trial, "a").await;

    let expired = insert(trial, "b").await.hash;
    let expiry = trial.now().plus(sample::SHORT);
    let mut issued = sample::issued("b", expiry);
    issued.access = None;
    let answer = store.redeem_code(&expired, issued, expiry).await.answered();
    assert_eq!(answer, Redemption::Absent);
    assert_nothing_is_stored(trial, "b").await;
}

/// Of any number of concurrent redemptions, one is [`Redemption::Done`]; every
/// other hears the winner's grant, and nothing of it is stored.
pub async fn of_concurrent_redemptions_one_is_done(trial: &Trial) {
    let now = trial.now();
    let hash = insert(trial, "a").await.hash;

    let answers = trial
        .race(|store, number| async move {
            let issued = sample::issued(&number.to_string(), now);
            store.redeem_code(&hash, issued, now).await.answered()
        })
        .await;

    let winner = super::only(&answers, |answer| *answer == Redemption::Done);
    let replayed = Redemption::Replayed(sample::grant_id(&winner.to_string()));
    for number in (0..CONCURRENCY).filter(|number| *number != winner) {
        assert_eq!(answers[number], replayed);
        assert_nothing_is_stored(trial, &number.to_string()).await;
    }
    assert_all_is_stored(trial, &winner.to_string()).await;
}

async fn insert(trial: &Trial, name: &str) -> CodeRecord {
    let code = sample::code(name, trial.now());
    let inserted = trial.store().insert_code(code.clone()).await.answered();
    assert_eq!(inserted, Insertion::Done);
    code
}

async fn redeem(trial: &Trial, hash: &TokenHash, name: &str) {
    let issued = sample::issued(name, trial.now());
    let answer = trial.store().redeem_code(hash, issued, trial.now()).await;
    assert_eq!(answer.answered(), Redemption::Done);
}

async fn assert_all_is_stored(trial: &Trial, name: &str) {
    assert_eq!(super::stored(trial, name).await, [true; 3], "{name}");
}

async fn assert_nothing_is_stored(trial: &Trial, name: &str) {
    assert_eq!(super::stored(trial, name).await, [false; 3], "{name}");
}
