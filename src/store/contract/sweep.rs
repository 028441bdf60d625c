#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use std::time::Duration;

use crate::types::Timestamp;

use super::client::{begin_for_client, unused_until};
use super::trial::Trial;
use super::{Answered as _, begin, begin_sample, sample, stored_at, sweep_all};

const SECOND: Duration = Duration::from_secs(1);

/// A sweep deletes at most `limit` records and says how many; fewer than
/// `limit` means that there are no more.
pub async fn a_sweep_keeps_to_its_limit(trial: &Trial) {
    let store = trial.store();
    let names: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    for name in &names {
        let client = sample::client(name, trial.now());
        store.insert_client(client).await.answered();
    }
    let expiry = trial.now().plus(sample::UNUSED);
    assert_eq!(store.sweep(expiry, 0).await.answered(), 0);
    for (deleted, left) in [(4, 6), (4, 2), (2, 0), (0, 0)] {
        assert_eq!(store.sweep(expiry, 4).await.answered(), deleted);
        let mut known = 0;
        for name in &names {
            known += usize::from(has_client(trial, name).await);
        }
        assert_eq!(known, left);
    }
}

/// A sweep deletes nothing that has not expired.
pub async fn a_sweep_deletes_only_what_has_expired(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    begin_sample(trial, "a").await;
    let pending = sample::pending("a", now);
    let fresh = sample::code("fresh", now);
    store.insert_pending(pending.clone()).await.answered();
    store.insert_code(fresh.clone()).await.answered();
    store
        .insert_client(sample::client("a", now))
        .await
        .answered();

    assert_eq!(sweep_all(trial, now).await, 0);
    let found = store.find_pending(&pending.state, now).await.answered();
    assert_eq!(found, Some(pending));
    let found = store.find_code(&fresh.hash, now).await.answered();
    assert_eq!(found, Some(fresh));
    let redeemed = sample::hash("code", "a");
    assert!(store.find_code(&redeemed, now).await.answered().is_some());
    assert!(has_client(trial, "a").await);
    assert_eq!(stored_at(trial, "a", now).await, [true; 3]);

    // What expired first takes nothing along that lives on.
    let later = now.plus(sample::LONG);
    sweep_all(trial, later).await;
    assert_eq!(stored_at(trial, "a", later).await, [true, false, false]);
}

/// A sweep forgets a dynamic client from its `unused_until` on, if it never
/// held a grant.
pub async fn a_sweep_forgets_clients_that_nobody_used(trial: &Trial) {
    let client = sample::client("a", trial.now());
    trial.store().insert_client(client).await.answered();
    let expiry = trial.now().plus(sample::UNUSED);

    sweep_all(trial, trial.now()).await;
    assert!(has_client(trial, "a").await);
    sweep_all(trial, expiry).await;
    assert!(!has_client(trial, "a").await);
}

/// A sweep never forgets a client that holds a live grant, and does once the
/// last one has ended.
pub async fn a_sweep_keeps_clients_that_hold_a_grant(trial: &Trial) {
    let store = trial.store();
    for name in ["revoked", "expired"] {
        let client = sample::client(name, trial.now());
        store.insert_client(client).await.answered();
    }
    for (grant, client) in [
        ("first", "revoked"),
        ("second", "revoked"),
        ("third", "expired"),
    ] {
        let mut issued = sample::issued(grant, trial.now());
        issued.grant.client_id = sample::client_id(client);
        begin(trial, grant, issued).await;
    }
    let unused = trial.now().plus(sample::UNUSED);
    for grant in ["first", "second"] {
        sweep_all(trial, unused).await;
        assert!(has_client(trial, "revoked").await, "{grant} is alive");
        let id = sample::grant_id(grant);
        assert!(store.revoke_grant(&id).await.answered());
    }
    sweep_all(trial, unused).await;
    assert!(!has_client(trial, "revoked").await);
    assert!(has_client(trial, "expired").await);

    sweep_all(trial, trial.now().plus(sample::WHOLE)).await;
    assert!(!has_client(trial, "expired").await);
}

/// A sweep never forgets a preregistered client.
pub async fn a_sweep_keeps_preregistered_clients(trial: &Trial) {
    let client = sample::preregistered("a");
    trial.store().insert_client(client).await.answered();

    sweep_all(trial, Timestamp::from_secs(u32::MAX.into())).await;

    assert!(has_client(trial, "a").await);
}

/// From an update on, the new `unused_until` alone decides when a sweep forgets
/// the client.
pub async fn a_sweep_forgets_an_updated_client_at_its_new_time(trial: &Trial) {
    let store = trial.store();
    let first_end = trial.now().plus(sample::UNUSED);
    let later = first_end.plus(sample::UNUSED);
    let sooner = trial.now().plus(sample::SHORT);
    for (name, end) in [("later", later), ("sooner", sooner)] {
        let old = sample::client(name, trial.now());
        store.insert_client(old.clone()).await.answered();
        let new = unused_until(&old, end);
        assert!(store.update_client(&old, new).await.answered());
    }
    let old = sample::client("the operator's", trial.now());
    let new = sample::preregistered("the operator's");
    store.insert_client(old.clone()).await.answered();
    assert!(store.update_client(&old, new).await.answered());

    for (now, expected) in [
        (sooner.minus(SECOND), [true, true, true]),
        (sooner, [true, false, true]),
        (first_end, [true, false, true]),
        (later.minus(SECOND), [true, false, true]),
        (later, [false, false, true]),
    ] {
        sweep_all(trial, now).await;
        for (name, kept) in ["later", "sooner", "the operator's"].iter().zip(expected) {
            assert_eq!(has_client(trial, name).await, kept, "{name} at {now:?}");
        }
    }
}

/// So it is with a client that is updated while it holds a grant: that still keeps
/// it, and when it has ended, the new `unused_until` decides.
pub async fn a_client_updated_while_it_holds_a_grant_is_kept_for_it(trial: &Trial) {
    let store = trial.store();
    let end = trial.now().plus(sample::UNUSED);
    for (name, new_end) in [("sooner", end.minus(SECOND)), ("later", end.plus(SECOND))] {
        let old = begin_for_client(trial, name).await;
        let new = unused_until(&old, new_end);
        assert!(store.update_client(&old, new).await.answered());

        sweep_all(trial, new_end).await;
        assert!(has_client(trial, name).await, "{name}: it holds a grant");
        let grant = sample::grant_id(name);
        assert!(store.revoke_grant(&grant).await.answered());
        sweep_all(trial, new_end.minus(SECOND)).await;
        assert!(
            has_client(trial, name).await,
            "{name}: its time has not come"
        );
        sweep_all(trial, new_end).await;
        assert!(!has_client(trial, name).await, "{name}");
    }
}

async fn has_client(trial: &Trial, name: &str) -> bool {
    let id = sample::client_id(name);
    trial.store().find_client(&id).await.answered().is_some()
}
