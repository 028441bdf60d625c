#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use crate::model::{GrantFilter, GrantRecord, IssuedRecords};
use crate::store::{Insertion, Rotation};

use super::trial::{CONCURRENCY, Trial};
use super::{Answered as _, begin_sample, sample, stored, stored_at, sweep_all};

/// [`insert_grant`](crate::store::GrantStore::insert_grant) stores the grant and
/// its tokens, as they were issued.
pub async fn an_inserted_grant_is_stored_with_all_it_issued(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let issued = sample::issued("a", now);
    let inserted = store.insert_grant(issued.clone()).await.answered();
    assert_eq!(inserted, Insertion::Done);

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

/// A grant may be inserted without an opaque access token or without a refresh
/// token.
pub async fn a_grant_may_be_inserted_without_tokens(trial: &Trial) {
    for (name, tokens) in [
        ("neither", [true, false, false]),
        ("access only", [true, true, false]),
        ("refresh only", [true, false, true]),
    ] {
        let whole = sample::issued(name, trial.now());
        let issued = IssuedRecords {
            access: whole.access.filter(|_| tokens[1]),
            refresh: whole.refresh.filter(|_| tokens[2]),
            ..whole
        };
        let inserted = trial.store().insert_grant(issued).await.answered();
        assert_eq!(inserted, Insertion::Done);
        assert_eq!(stored(trial, name).await, tokens);
    }
}

/// Inserting a grant reports a conflict with one that is there, be it inserted or
/// of a code; that one stays as it was, and nothing is stored.
pub async fn inserting_a_grant_never_overwrites_one(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    insert_sample(trial, "inserted").await;
    begin_sample(trial, "of a code").await;
    for name in ["inserted", "of a code"] {
        let mut second = sample::issued(name, now);
        second.grant.details = sample::big();
        second.grant.subject = sample::hash("subject", "another");
        second.grant.client_id = sample::client_id("another");
        second.access = Some(sample::access("second", name, now));
        second.refresh = Some(sample::rotated(&sample::refresh(name, now), "second", now));
        let inserted = store.insert_grant(second.clone()).await.answered();
        assert_eq!(inserted, Insertion::Conflict);

        assert_eq!(stored(trial, name).await, [true; 3]);
        let found = store.find_refresh_token(&second.grant.id, now).await;
        let first = (sample::refresh(name, now), sample::grant(name, now));
        assert_eq!(found.answered(), Some(first));
        let key = sample::hash("access token", "second");
        let found = store.find_access_token(&key, now).await.answered();
        assert_eq!(found, None);
        for filter in [
            GrantFilter::Client(second.grant.client_id),
            GrantFilter::Subject(vec![second.grant.subject]),
        ] {
            let listed = store.list_grants(&filter, None, 10, now).await;
            assert_eq!(listed.answered(), []);
        }
    }
}

/// Of any number of concurrent insertions of one grant, one is done, and nothing
/// of the others is stored.
pub async fn of_concurrent_insertions_of_a_grant_one_is_done(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let numbered = move |number: usize| {
        let mut issued = sample::issued("a", now);
        issued.grant.subject = sample::hash("subject", &number.to_string());
        issued.access = Some(sample::access(&number.to_string(), "a", now));
        issued
    };
    let answers = trial
        .race(|store, number| async move { store.insert_grant(numbered(number)).await.answered() })
        .await;

    let winner = super::only(&answers, |answer| *answer == Insertion::Done);
    let found = store.find_grant(&sample::grant_id("a"), now).await;
    assert_eq!(found.answered(), Some(numbered(winner).grant));
    for number in 0..CONCURRENCY {
        let key = sample::hash("access token", &number.to_string());
        let found = store.find_access_token(&key, now).await.answered();
        assert_eq!(found.is_some(), number == winner, "{number}");
    }
}

/// A grant that was inserted is listed, refreshed, resealed and revoked as one
/// that a code began.
pub async fn an_inserted_grant_is_listed_rotated_and_revoked(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    insert_sample(trial, "a").await;
    let grant = sample::grant("a", now);
    for filter in [
        GrantFilter::All,
        GrantFilter::Client(grant.client_id.clone()),
        GrantFilter::Subject(vec![grant.subject]),
    ] {
        let listed = store.list_grants(&filter, None, 10, now).await;
        assert_eq!(listed.answered(), std::slice::from_ref(&grant));
    }
    let first = sample::refresh("a", now);
    let next = sample::rotation(&first, "a", "next", now);
    let answer = store.rotate_refresh_token(&first.current, next, now).await;
    assert_eq!(answer.answered(), Rotation::Done);
    let resealed = GrantRecord {
        details: sample::big(),
        ..grant.clone()
    };
    assert!(store.reseal_grant(&grant, &resealed).await.answered());

    assert!(store.revoke_grant(&grant.id).await.answered());
    assert!(!store.revoke_grant(&grant.id).await.answered());
    assert_eq!(stored(trial, "a").await, [false; 3]);
    let listed = store.list_grants(&GrantFilter::All, None, 10, now).await;
    assert_eq!(listed.answered(), []);
}

/// From its `expires_at` on, a grant that was inserted is absent with its tokens,
/// swept or not.
pub async fn an_inserted_grant_expires(trial: &Trial) {
    insert_sample(trial, "a").await;
    let end = trial.now().plus(sample::WHOLE);
    let tokens_end = trial.now().plus(sample::LONG);
    assert_eq!(
        stored_at(trial, "a", tokens_end).await,
        [true, false, false]
    );
    assert_eq!(stored_at(trial, "a", end).await, [false; 3]);
    sweep_all(trial, end).await;
    assert_eq!(stored_at(trial, "a", end).await, [false; 3]);
}

/// A client that holds a grant that was inserted is kept by every sweep, and
/// forgotten once that has ended.
pub async fn an_inserted_grant_holds_its_client(trial: &Trial) {
    let store = trial.store();
    let has = async |name: &str| {
        let id = sample::client_id(name);
        store.find_client(&id).await.answered().is_some()
    };
    for name in ["revoked", "expired"] {
        let client = sample::client(name, trial.now());
        store.insert_client(client).await.answered();
        let mut issued = sample::issued(name, trial.now());
        issued.grant.client_id = sample::client_id(name);
        let inserted = store.insert_grant(issued).await.answered();
        assert_eq!(inserted, Insertion::Done);
    }
    let unused = trial.now().plus(sample::UNUSED);
    sweep_all(trial, unused).await;
    assert!(has("revoked").await && has("expired").await);
    let id = sample::grant_id("revoked");
    assert!(store.revoke_grant(&id).await.answered());
    sweep_all(trial, unused).await;
    assert!(!has("revoked").await);
    assert!(has("expired").await);
    sweep_all(trial, trial.now().plus(sample::WHOLE)).await;
    assert!(!has("expired").await);
}

/// Inserts a grant with both tokens, all named alike.
async fn insert_sample(trial: &Trial, name: &str) {
    let issued = sample::issued(name, trial.now());
    let inserted = trial.store().insert_grant(issued).await.answered();
    assert_eq!(inserted, Insertion::Done);
}
