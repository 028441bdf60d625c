#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use crate::model::{GrantFilter, GrantRecord};
use crate::types::Timestamp;

use super::trial::Trial;
use super::{Answered as _, begin, sample};

/// [`list_grants`](crate::store::GrantStore::list_grants) finds the grants of one
/// subject, of one client, or all, exactly as they were stored.
pub async fn grants_are_listed_by_subject_and_by_client(trial: &Trial) {
    let now = trial.now();
    let [ada_desk, ada_phone, bob_desk] = [
        grant(trial, "1", "ada", "desk").await,
        grant(trial, "2", "ada", sample::ODD).await,
        grant(trial, "3", "bob", "desk").await,
    ];
    let all = [ada_desk.clone(), ada_phone.clone(), bob_desk.clone()];
    for (filter, expected) in [
        (GrantFilter::All, all.to_vec()),
        (of(&["ada"]), vec![ada_desk.clone(), ada_phone.clone()]),
        (of(&["bob"]), vec![bob_desk.clone()]),
        (of(&["nobody", "bob", "ada"]), all.to_vec()),
        (of(&["nobody"]), vec![]),
        (of(&[]), vec![]),
        (client("desk"), vec![ada_desk, bob_desk]),
        (client(sample::ODD), vec![ada_phone]),
        (client("des"), vec![]),
    ] {
        let found = list(trial, &filter, now).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

/// A list is in the order of identifiers and goes on after the last one.
pub async fn a_list_of_grants_comes_in_pages(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    for name in ["b", "d", "a", "B", "c"] {
        grant(trial, name, "ada", "desk").await;
    }
    for filter in [GrantFilter::All, of(&["ada", "bob"]), client("desk")] {
        let mut seen = Vec::new();
        for length in [2, 2, 1] {
            let after = seen.last();
            let page = store.list_grants(&filter, after, 2, now).await.answered();
            assert_eq!(page.len(), length);
            seen.extend(page.into_iter().map(|grant| grant.id));
        }
        let expected = ["B", "a", "b", "c", "d"].map(sample::grant_id);
        assert_eq!(seen, expected);
        let page = store.list_grants(&filter, seen.last(), 2, now).await;
        assert_eq!(page.answered(), []);
    }
}

/// What is revoked or expired is in no list, swept or not; what was refreshed is.
pub async fn a_list_of_grants_has_only_live_ones(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    let kept = grant(trial, "kept", "ada", "desk").await;
    let revoked = grant(trial, "revoked", "ada", "desk").await;
    store.revoke_grant(&revoked.id).await.answered();
    let later = now.plus(sample::LONG / 2);
    let first = sample::refresh("kept", now);
    let next = sample::rotation(&first, "kept", "next", later);
    let answer = store.rotate_refresh_token(&first.current, next, later);
    answer.await.answered();
    grant(trial, "lapsed", "ada", "desk").await;

    let end = now.plus(sample::WHOLE);
    let refreshed = GrantRecord {
        expires_at: later.plus(sample::WHOLE),
        ..kept
    };
    for filter in [GrantFilter::All, of(&["ada"]), client("desk")] {
        let found = list(trial, &filter, end).await;
        assert_eq!(found, std::slice::from_ref(&refreshed));
    }
    store.sweep(end, 10).await.answered();
    for filter in [GrantFilter::All, of(&["ada"]), client("desk")] {
        let found = list(trial, &filter, end).await;
        assert_eq!(found, std::slice::from_ref(&refreshed));
        assert_eq!(list(trial, &filter, refreshed.expires_at).await, []);
    }
}

/// A grant that was resealed is found under its new subject and not under the old.
pub async fn a_resealed_grant_is_listed_under_its_new_hash(trial: &Trial) {
    let now = trial.now();
    let old = grant(trial, "a", "ada", "desk").await;
    let new = GrantRecord {
        subject: sample::hash("subject", "ada again"),
        details: sample::big(),
        ..old.clone()
    };
    let resealed = trial.store().reseal_grant(&old, &new).await;
    assert!(resealed.answered());
    assert_eq!(list(trial, &of(&["ada"]), now).await, []);
    assert_eq!(
        list(trial, &of(&["ada again"]), now).await,
        std::slice::from_ref(&new)
    );
    trial.store().revoke_grant(&new.id).await.answered();
    assert_eq!(list(trial, &of(&["ada again"]), now).await, []);
    assert_eq!(list(trial, &client("desk"), now).await, []);
}

async fn grant(trial: &Trial, name: &str, subject: &str, client: &str) -> GrantRecord {
    let mut issued = sample::issued(name, trial.now());
    issued.grant.subject = sample::hash("subject", subject);
    issued.grant.client_id = sample::client_id(client);
    begin(trial, name, issued.clone()).await;
    issued.grant
}

fn of(subjects: &[&str]) -> GrantFilter {
    let hashes = subjects.iter().map(|name| sample::hash("subject", name));
    GrantFilter::Subject(hashes.collect())
}

fn client(name: &str) -> GrantFilter {
    GrantFilter::Client(sample::client_id(name))
}

async fn list(trial: &Trial, filter: &GrantFilter, now: Timestamp) -> Vec<GrantRecord> {
    let found = trial.store().list_grants(filter, None, 100, now).await;
    found.answered()
}
