#![expect(clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use std::time::Duration;

use super::trial::Trial;
use super::{Answered as _, begin_sample, sample, stored_at};

/// From its own `expires_at` on, an access token is absent, swept or not; its
/// grant is not.
pub async fn an_expired_access_token_is_absent(trial: &Trial) {
    begin_sample(trial, "a").await;
    let expiry = trial.now().plus(sample::SHORT);

    let just_before = expiry.minus(Duration::from_secs(1));
    assert_eq!(stored_at(trial, "a", just_before).await, [true; 3]);
    assert_eq!(stored_at(trial, "a", expiry).await, [true, false, true]);
    trial.store().sweep(expiry, 10).await.answered();
    assert_eq!(stored_at(trial, "a", expiry).await, [true, false, true]);
}

/// An access token that was not issued is absent, whatever else has its hash.
pub async fn an_unknown_access_token_is_absent(trial: &Trial) {
    let store = trial.store();
    let now = trial.now();
    begin_sample(trial, "a").await;
    for hash in [
        sample::hash("access token", "b"),
        sample::hash("family", "a"),
        sample::hash("first refresh token", "a"),
        sample::hash("code", "a"),
    ] {
        let found = store.find_access_token(&hash, now).await.answered();
        assert_eq!(found, None);
    }
}
