#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use crate::store::Insertion;

use super::trial::Trial;
use super::{Answered as _, sample};

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
