#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use crate::model::{AuthMethod, ClientRecord, GrantFilter, Registration};
use crate::store::Insertion;
use crate::types::Timestamp;

use super::trial::{CONCURRENCY, Trial};
use super::{Answered as _, begin, sample, stored, sweep_all};

/// [`find_client`](crate::store::ClientStore::find_client) returns exactly what was stored.
pub async fn a_client_is_found_exactly_as_it_was_stored(trial: &Trial) {
    let store = trial.store();
    let long = "x".repeat(2048);
    let names = ["a", "A", " a", "a ", "a%20", sample::ODD, &long];
    let mut clients: Vec<_> = names
        .iter()
        .map(|name| sample::client(name, trial.now()))
        .collect();
    clients.push(sample::preregistered("operator's own"));
    for client in &clients {
        let inserted = store.insert_client(client.clone()).await.answered();
        assert_eq!(inserted, Insertion::Done, "{client:?}");
    }
    for client in clients {
        let found = store.find_client(&client.id).await.answered();
        assert_eq!(found, Some(client));
    }
    let unknown = sample::client_id("a%");
    assert_eq!(store.find_client(&unknown).await.answered(), None);
}

/// [`insert_client`](crate::store::ClientStore::insert_client) reports a
/// conflict and leaves the client that is there as it was.
pub async fn inserting_a_client_never_overwrites_one(trial: &Trial) {
    let store = trial.store();
    let first = sample::client("a", trial.now());
    let second = sample::preregistered("a");

    let inserted = store.insert_client(first.clone()).await.answered();
    assert_eq!(inserted, Insertion::Done);
    let inserted = store.insert_client(second).await.answered();
    assert_eq!(inserted, Insertion::Conflict);

    let found = store.find_client(&first.id).await.answered();
    assert_eq!(found, Some(first));
}

/// Of any number of concurrent insertions of one client, one is done, and it is
/// the one that is found.
pub async fn of_concurrent_insertions_of_a_client_one_is_done(trial: &Trial) {
    let now = trial.now();
    let named = move |number: usize| {
        let mut client = sample::client("a", now);
        client.name = Some(number.to_string());
        client
    };
    let answers = trial
        .race(|store, number| async move { store.insert_client(named(number)).await.answered() })
        .await;

    let winner = super::only(&answers, |answer| *answer == Insertion::Done);
    let found = trial
        .store()
        .find_client(&sample::client_id("a"))
        .await
        .answered();
    assert_eq!(found, Some(named(winner)));
}

/// [`update_client`](crate::store::ClientStore::update_client) replaces the whole
/// record as long as all of the stored one is as it was read, and says whether it
/// did.
pub async fn a_client_is_updated_only_as_it_was_read(trial: &Trial) {
    let store = trial.store();
    let first = sample::client("a", trial.now());
    let other = sample::client("b", trial.now());
    for client in [&first, &other] {
        store.insert_client(client.clone()).await.answered();
    }
    for old in differing_in_one_part_from(&first) {
        let updated = store.update_client(&old, other_of(&first, "never")).await;
        assert!(!updated.answered(), "it was read otherwise: {old:?}");
    }
    assert_eq!(find(trial, "a").await, Some(first.clone()));

    let second = other_of(&first, "second");
    let updated = store.update_client(&first, second.clone()).await;
    assert!(updated.answered());
    assert_eq!(find(trial, "a").await, Some(second.clone()));
    let late = store.update_client(&first, other_of(&first, "late")).await;
    assert!(!late.answered(), "it was updated meanwhile");
    assert_eq!(find(trial, "a").await, Some(second.clone()));

    let bare = sample::preregistered("a");
    let updated = store.update_client(&second, bare.clone()).await;
    assert!(updated.answered());
    assert_eq!(find(trial, "a").await, Some(bare));
    assert_eq!(find(trial, "b").await, Some(other));
}

/// The update of a client that is unknown, or was removed, stores nothing.
pub async fn updating_an_absent_client_stores_nothing(trial: &Trial) {
    let store = trial.store();
    let unknown = sample::client("a", trial.now());
    let removed = sample::client("b", trial.now());
    store.insert_client(removed.clone()).await.answered();
    assert!(store.remove_client(&removed.id).await.answered());

    for client in [unknown, removed] {
        let updated = store.update_client(&client, other_of(&client, "new")).await;
        assert!(!updated.answered());
        assert_eq!(store.find_client(&client.id).await.answered(), None);
    }
    assert_eq!(store.count_clients(10).await.answered(), 0);
}

/// Of any number of concurrent updates of one client as it was read, one is done,
/// and it is the one that is found.
pub async fn of_concurrent_updates_of_a_client_one_is_done(trial: &Trial) {
    let old = sample::client("a", trial.now());
    trial.store().insert_client(old.clone()).await.answered();

    let answers = trial
        .race(|store, number| {
            let old = old.clone();
            async move {
                let new = other_of(&old, &number.to_string());
                store.update_client(&old, new).await.answered()
            }
        })
        .await;

    let winner = super::only(&answers, |updated| *updated);
    let expected = other_of(&old, &winner.to_string());
    assert_eq!(find(trial, "a").await, Some(expected));
}

/// [`remove_client`](crate::store::ClientStore::remove_client) is true for the
/// call that forgot the client, and for no later one; other clients stay.
pub async fn a_client_is_removed_once(trial: &Trial) {
    let store = trial.store();
    for name in ["a", "b"] {
        let client = sample::client(name, trial.now());
        store.insert_client(client).await.answered();
    }
    let operators = sample::preregistered("operator's own");
    store.insert_client(operators.clone()).await.answered();

    for id in [sample::client_id("a"), operators.id] {
        assert!(store.remove_client(&id).await.answered());
        assert_eq!(store.find_client(&id).await.answered(), None);
        assert!(!store.remove_client(&id).await.answered());
    }
    let unknown = sample::client_id("c");
    assert!(!store.remove_client(&unknown).await.answered());
    assert!(find(trial, "b").await.is_some());
}

/// Of any number of concurrent removals of one client, one forgot it.
pub async fn of_concurrent_removals_one_forgets_the_client(trial: &Trial) {
    let client = sample::client("a", trial.now());
    trial.store().insert_client(client).await.answered();

    let answers = trial
        .race(|store, _| async move {
            let id = sample::client_id("a");
            store.remove_client(&id).await.answered()
        })
        .await;

    super::only(&answers, |removed| *removed);
    assert_eq!(find(trial, "a").await, None);
}

/// The grants of a client that was removed stay, with their tokens.
pub async fn a_removed_client_leaves_its_grants(trial: &Trial) {
    let store = trial.store();
    let id = begin_for_client(trial, "a").await.id;

    assert!(store.remove_client(&id).await.answered());

    assert_eq!(stored(trial, "a").await, [true; 3]);
    let of_client = GrantFilter::Client(id);
    let listed = store.list_grants(&of_client, None, 10, trial.now()).await;
    assert_eq!(listed.answered().len(), 1);
}

/// A client that was removed can be inserted again; it holds the grants that it
/// left, and is forgotten at its new time.
pub async fn a_removed_client_can_be_inserted_again(trial: &Trial) {
    let store = trial.store();
    let first = begin_for_client(trial, "a").await;
    assert!(store.remove_client(&first.id).await.answered());

    let end = trial.now().plus(sample::UNUSED).plus(sample::UNUSED);
    let second = unused_until(&first, end);
    let inserted = store.insert_client(second.clone()).await.answered();
    assert_eq!(inserted, Insertion::Done);
    assert_eq!(find(trial, "a").await, Some(second.clone()));

    sweep_all(trial, end).await;
    assert!(find(trial, "a").await.is_some(), "it holds a grant");
    let grant = sample::grant_id("a");
    assert!(store.revoke_grant(&grant).await.answered());
    sweep_all(trial, trial.now().plus(sample::UNUSED)).await;
    assert!(find(trial, "a").await.is_some(), "its time has not come");
    assert!(store.remove_client(&second.id).await.answered());
    assert!(!store.remove_client(&second.id).await.answered());
}

/// [`count_clients`](crate::store::ClientStore::count_clients) counts each client
/// that registered itself once, whether or not it holds a grant, and no other.
pub async fn clients_that_registered_themselves_are_counted(trial: &Trial) {
    let store = trial.store();
    assert_eq!(store.count_clients(10).await.answered(), 0);
    let first = begin_for_client(trial, "a").await;
    for client in [
        sample::client("b", trial.now()),
        sample::client("c", trial.now()),
        sample::preregistered("operator's own"),
        // A conflict, and none more for it.
        sample::client("b", trial.now()),
    ] {
        store.insert_client(client).await.answered();
    }
    assert_eq!(store.count_clients(10).await.answered(), 3);

    let second = other_of(&first, "second");
    let updated = store.update_client(&first, second.clone()).await;
    assert!(updated.answered());
    assert_eq!(store.count_clients(10).await.answered(), 3);
    // The operator takes it over, and gives it back.
    let operators = sample::preregistered("a");
    for (old, new, count) in [(&second, &operators, 2), (&operators, &second, 3)] {
        let updated = store.update_client(old, new.clone()).await;
        assert!(updated.answered());
        assert_eq!(store.count_clients(10).await.answered(), count);
    }
}

/// Counting clients ends at `most`.
pub async fn counting_clients_ends_at_the_most(trial: &Trial) {
    let store = trial.store();
    for name in ["a", "b", "c"] {
        let client = sample::client(name, trial.now());
        store.insert_client(client).await.answered();
    }
    for (most, count) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (usize::MAX, 3)] {
        assert_eq!(store.count_clients(most).await.answered(), count);
    }
}

/// Clients that were removed or swept are not counted any more.
pub async fn forgotten_clients_are_not_counted(trial: &Trial) {
    let store = trial.store();
    for name in ["a", "b", "c", "d"] {
        let client = sample::client(name, trial.now());
        store.insert_client(client).await.answered();
    }
    let held = begin_for_client(trial, "holds a grant").await;
    let id = sample::client_id("a");
    for _ in 0..2 {
        store.remove_client(&id).await.answered();
        assert_eq!(store.count_clients(10).await.answered(), 4);
    }
    // All that expires sooner.
    sweep_all(trial, trial.now().plus(sample::SHORT)).await;
    let unused = trial.now().plus(sample::UNUSED);
    assert_eq!(store.sweep(unused, 1).await.answered(), 1);
    assert_eq!(store.count_clients(10).await.answered(), 3);
    sweep_all(trial, unused).await;
    assert_eq!(store.count_clients(10).await.answered(), 1);
    assert!(store.remove_client(&held.id).await.answered());
    assert_eq!(store.count_clients(10).await.answered(), 0);
    let again = sample::client("a", unused);
    store.insert_client(again).await.answered();
    assert_eq!(store.count_clients(10).await.answered(), 1);
}

/// However many register at once, each is counted.
pub async fn concurrent_registrations_are_all_counted(trial: &Trial) {
    let now = trial.now();
    trial
        .race(|store, number| async move {
            let client = sample::client(&number.to_string(), now);
            store.insert_client(client).await.answered()
        })
        .await;
    let count = trial.store().count_clients(usize::MAX).await;
    assert_eq!(count.answered(), CONCURRENCY);
}

async fn find(trial: &Trial, name: &str) -> Option<ClientRecord> {
    let id = sample::client_id(name);
    trial.store().find_client(&id).await.answered()
}

/// Stores a client that holds a grant of the same name.
pub(super) async fn begin_for_client(trial: &Trial, name: &str) -> ClientRecord {
    let client = sample::client(name, trial.now());
    trial.store().insert_client(client.clone()).await.answered();
    let mut issued = sample::issued(name, trial.now());
    issued.grant.client_id = client.id.clone();
    begin(trial, name, issued).await;
    client
}

/// The same client with another name.
fn other_of(client: &ClientRecord, name: &str) -> ClientRecord {
    ClientRecord {
        name: Some(name.to_owned()),
        ..client.clone()
    }
}

/// The same client, to be forgotten at another time.
pub(super) fn unused_until(client: &ClientRecord, unused_until: Timestamp) -> ClientRecord {
    let registration = match client.registration {
        Registration::Dynamic { registered_at, .. } => Registration::Dynamic {
            registered_at,
            unused_until,
        },
        other @ (Registration::Preregistered
        | Registration::Document
        | Registration::SelfContained { .. }) => other,
    };
    ClientRecord {
        registration,
        ..client.clone()
    }
}

/// The same client as it is not: once for each part of it.
fn differing_in_one_part_from(client: &ClientRecord) -> Vec<ClientRecord> {
    let changes: [fn(&mut ClientRecord); 11] = [
        |client| client.name = None,
        |client| client.client_uri = None,
        |client| client.redirect_uris.truncate(1),
        |client| client.redirect_uris.reverse(),
        |client| client.auth_method = AuthMethod::ClientSecretPost,
        |client| client.secrets.truncate(1),
        |client| client.grant_types.clear(),
        |client| client.scope = None,
        |client| client.keys = None,
        |client| client.management = None,
        |client| client.registration = Registration::Preregistered,
    ];
    let changed = changes.into_iter().map(|change| {
        let mut other = client.clone();
        change(&mut other);
        other
    });
    let later = client.registration.unused_until().unwrap_or_default();
    let later = later.plus(sample::SHORT);
    changed.chain([unused_until(client, later)]).collect()
}
