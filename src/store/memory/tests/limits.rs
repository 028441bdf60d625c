//! What a store that is full of what lives refuses.

use crate::store::contract::sample;
use crate::store::{
    ApiKeyStore, GrantStore, Insertion, PendingStore, Redemption, RefreshTokenStore, ReplayStore,
    Rotation, Sweep,
};

use super::{Bench, FLOOD, LIMIT, cause};

#[tokio::test]
async fn a_flood_of_sign_ins_stays_at_the_limit_until_they_expire() {
    let bench = Bench::new();
    for number in 0..FLOOD {
        let answer = bench.pend(number).await;
        assert_eq!(answer.is_ok(), number < LIMIT);
    }
    let error = bench.pend("late").await.unwrap_err();
    assert!(cause(&error).contains("no room for more authorization requests"));
    assert_eq!(bench.counts(), [0, LIMIT, 0, 0, 0, LIMIT]);
    // What is kept was not harmed, and other records have room of their own.
    let state = sample::hash("state", "0");
    let found = bench.store.find_pending(&state, bench.now()).await;
    assert!(found.unwrap().is_some());
    assert_eq!(bench.register("a").await.unwrap(), Insertion::Done);

    bench.clock.advance(sample::SHORT);
    assert_eq!(bench.pend("late").await.unwrap(), Insertion::Done);
}

#[tokio::test]
async fn a_flood_of_registrations_stays_at_the_limit_until_they_are_unused() {
    let bench = Bench::new();
    for number in 0..FLOOD {
        let answer = bench.register(number).await;
        assert_eq!(answer.is_ok(), number < LIMIT);
    }
    assert_eq!(bench.counts(), [LIMIT, 0, 0, 0, 0, LIMIT]);

    bench.clock.advance(sample::UNUSED);
    assert_eq!(bench.register("late").await.unwrap(), Insertion::Done);
}

#[tokio::test]
async fn a_flood_of_codes_stays_at_the_limit_until_they_expire() {
    let bench = Bench::new();
    for number in 0..FLOOD {
        let answer = bench.hand_out(number).await;
        assert_eq!(answer.is_ok(), number < LIMIT);
    }
    assert_eq!(bench.counts(), [0, 0, LIMIT, 0, 0, LIMIT]);

    bench.clock.advance(sample::SHORT);
    assert_eq!(bench.hand_out("late").await.unwrap(), Insertion::Done);
}

#[tokio::test]
async fn a_flood_of_assertions_stays_at_the_limit_until_they_expire() {
    let bench = Bench::new();
    for number in 0..FLOOD {
        let answer = bench.use_up(number).await;
        assert_eq!(answer.is_ok(), number < LIMIT);
    }
    let error = bench.use_up("late").await.unwrap_err();
    assert!(cause(&error).contains("no room for more used assertions"));
    assert!(!bench.use_up(0).await.unwrap(), "it is still known");

    bench.clock.advance(sample::SHORT);
    assert!(bench.use_up("late").await.unwrap());
}

#[tokio::test]
async fn a_flood_of_api_keys_stays_at_the_limit_until_they_end() {
    let bench = Bench::new();
    for number in 0..FLOOD {
        let answer = bench.keep_key(number).await;
        assert_eq!(answer.is_ok(), number < LIMIT);
    }
    let error = bench.keep_key("late").await.unwrap_err();
    assert!(cause(&error).contains("no room for more API keys"));
    // What is removed leaves nothing behind.
    let id = sample::api_key_id("0");
    assert!(bench.store.remove_api_key(&id).await.unwrap());
    assert_eq!(bench.counts(), [0, 0, 0, 0, 0, LIMIT - 1]);
    assert_eq!(bench.keep_key("another").await.unwrap(), Insertion::Done);

    bench.clock.advance(sample::LONG);
    assert_eq!(bench.keep_key("late").await.unwrap(), Insertion::Done);
    let kept = bench.store.list_api_keys(None, FLOOD, bench.now()).await;
    assert_eq!(kept.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_used_anew_takes_the_room_it_had() {
    let bench = Bench::new();
    for number in 0..LIMIT {
        assert!(bench.use_up(number).await.unwrap());
    }
    // The clock of the caller is ahead of that of the store.
    let later = bench.now().plus(sample::SHORT);
    let id = sample::hash("assertion", "7");
    for used in [true, false] {
        let until = later.plus(sample::SHORT);
        let answer = bench.store.use_once(&id, until, later).await;
        assert_eq!(answer.unwrap(), used);
    }
    assert_eq!(bench.counts(), [0, 0, 0, 0, 0, LIMIT]);
    bench.clock.advance(sample::SHORT * 2);
    bench.store.sweep(bench.now(), usize::MAX).await.unwrap();
    assert_eq!(bench.counts(), [0; 6]);
    assert!(bench.store.state().replays.is_empty());
}

#[tokio::test]
async fn an_insertion_of_a_grant_without_room_stores_nothing() {
    let bench = Bench::new();
    for number in 0..FLOOD {
        let issued = sample::issued(&number.to_string(), bench.now());
        let answer = bench.store.insert_grant(issued).await;
        assert_eq!(answer.is_ok(), number < LIMIT);
    }
    assert_eq!(bench.counts(), [0, 0, 0, LIMIT, LIMIT, 2 * LIMIT]);
    // A conflict is told even when there is no room.
    let issued = sample::issued("0", bench.now());
    let answer = bench.store.insert_grant(issued).await;
    assert_eq!(answer.unwrap(), Insertion::Conflict);
}

#[tokio::test]
async fn a_redemption_without_room_stores_nothing_and_leaves_the_code_fresh() {
    let bench = Bench::new();
    for number in 0..LIMIT {
        bench.sign_in(number).await.unwrap();
        bench.clock.advance(sample::SHORT);
    }
    bench.hand_out("late").await.unwrap();
    let before = bench.counts();
    assert_eq!(before[3], LIMIT);

    let error = bench.redeem("late").await.unwrap_err();
    assert!(cause(&error).contains("no room for more grants"));
    assert_eq!(bench.counts(), before);

    // The oldest grant ends; its room is the next one's.
    bench
        .store
        .revoke_grant(&sample::grant_id("0"))
        .await
        .unwrap();
    assert_eq!(bench.redeem("late").await.unwrap(), Redemption::Done);
    // A replay is told even when there is no room.
    let answer = bench.redeem("late").await.unwrap();
    assert_eq!(answer, Redemption::Replayed(sample::grant_id("late")));
}

#[tokio::test]
async fn expired_grants_make_room() {
    let bench = Bench::new();
    for number in 0..LIMIT {
        bench.sign_in(number).await.unwrap();
        bench.clock.advance(sample::SHORT);
    }
    bench.clock.advance(sample::WHOLE);
    assert_eq!(bench.sign_in("late").await.unwrap(), Redemption::Done);
}

#[tokio::test]
async fn a_rotation_without_room_leaves_the_token_valid() {
    let bench = Bench::new();
    bench.sign_in("a").await.unwrap();
    let mut record = sample::refresh("a", bench.now());
    for number in 1..FLOOD {
        let next = sample::rotation(&record, "a", &number.to_string(), bench.now());
        let answer = bench
            .store
            .rotate_refresh_token(&record.current, next.clone(), bench.now())
            .await;
        if number < LIMIT {
            assert_eq!(answer.unwrap(), Rotation::Done);
            record = next.refresh;
        } else {
            let error = answer.unwrap_err();
            assert!(cause(&error).contains("no room for more access tokens"));
        }
    }
    let found = bench
        .store
        .find_refresh_token(&record.grant_id, bench.now())
        .await;
    assert_eq!(found.unwrap().unwrap().0, record);
}
