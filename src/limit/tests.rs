use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::limit::Quota;
use crate::limit::state::MAX_KEYS;
use crate::types::Timestamp;

#[derive(Debug, Default)]
struct HandClock {
    seconds: AtomicU64,
    /// How far each look at it moves it.
    step: AtomicU64,
}

impl HandClock {
    fn set(&self, seconds: u64) {
        self.seconds.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        let step = self.step.load(Ordering::SeqCst);
        Timestamp::from_secs(self.seconds.fetch_add(step, Ordering::SeqCst))
    }
}

const LIMIT: Limit = Limit::TokenByGrant;

fn limiter(burst: u32, per_minute: u32) -> (MemoryRateLimiter, Arc<HandClock>) {
    let clock = Arc::new(HandClock::default());
    clock.set(1_000_000);
    (limiter_with(burst, per_minute, &clock), clock)
}

fn limiter_with(burst: u32, per_minute: u32, clock: &Arc<HandClock>) -> MemoryRateLimiter {
    let quota = Quota::new(burst, per_minute).unwrap();
    let limits = RateLimits::off().with(LIMIT, quota);
    MemoryRateLimiter::new(&limits, Arc::clone(clock) as Arc<dyn Clock>)
}

fn key(number: u64) -> LimitKey {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    LimitKey(bytes)
}

/// How many of `attempts` requests with this key are admitted.
fn admitted(limiter: &MemoryRateLimiter, key: &LimitKey, attempts: usize) -> usize {
    let asks = (0..attempts).map(|_| limiter.count(LIMIT, key));
    asks.filter(Result::is_ok).count()
}

#[test]
fn a_burst_is_let_in_at_once_and_the_rest_at_the_pace_of_the_quota() {
    let (limiter, clock) = limiter(5, 30);
    let one = key(1);

    assert_eq!(admitted(&limiter, &one, 100), 5);
    clock.set(1_000_001);
    assert_eq!(admitted(&limiter, &one, 100), 0, "one in two seconds");
    clock.set(1_000_002);
    assert_eq!(admitted(&limiter, &one, 100), 1);
    clock.set(1_000_062);
    assert_eq!(
        admitted(&limiter, &one, 100),
        5,
        "never more than the burst"
    );
    assert_eq!(
        admitted(&limiter, &key(2), 100),
        5,
        "another key is another"
    );
}

#[tokio::test]
async fn who_is_refused_hears_when_there_is_room_and_then_there_is() {
    let (limiter, clock) = limiter(2, 7);
    let one = key(1);
    for _ in 0..2 {
        limiter.admit(LIMIT, &one).await.unwrap();
    }
    for _ in 0..20 {
        let refusal = limiter.admit(LIMIT, &one).await.unwrap_err();
        assert!(refusal.retry_after > Duration::from_secs(8));
        assert_eq!(refusal.seconds(), 9, "60 / 7 seconds, rounded up");
    }
    clock.set(1_000_008);
    assert!(limiter.admit(LIMIT, &one).await.is_err());
    clock.set(1_000_009);
    assert!(
        limiter.admit(LIMIT, &one).await.is_ok(),
        "refusals are not counted"
    );
}

#[tokio::test]
async fn a_limit_that_is_off_lets_everything_through() {
    let (limiter, _) = limiter(1, 1);
    for _ in 0..1_000 {
        limiter.admit(Limit::NewClients, &key(1)).await.unwrap();
    }
}

#[test]
fn a_clock_that_is_put_back_locks_nobody_out() {
    // To after, about and long before the time at which the limiter was made.
    for put_back_to in [1_500_000, 1_000_000, 992_800, 10] {
        let (limiter, clock) = limiter(3, 60);
        let [busy, other] = [key(1), key(2)];
        clock.set(2_000_000);
        assert_eq!(admitted(&limiter, &busy, 10), 3);
        assert_eq!(admitted(&limiter, &other, 10), 3);

        clock.set(put_back_to);
        assert_eq!(admitted(&limiter, &busy, 10), 3, "at {put_back_to}");
        for second in 1..100 {
            clock.set(put_back_to + second);
            let one = admitted(&limiter, &busy, 10);
            assert_eq!(one, 1, "{second} s after {put_back_to}");
        }
        assert_eq!(admitted(&limiter, &other, 10), 3, "after {put_back_to}");
    }
}

#[test]
fn a_clock_that_is_put_back_a_little_costs_nobody_more_than_one_wait() {
    let (limiter, clock) = limiter(10, 60);
    let one = key(1);
    assert_eq!(admitted(&limiter, &one, 5), 5);
    clock.set(999_995);
    assert_eq!(admitted(&limiter, &one, 20), 0, "as if all were used up");
    clock.set(999_996);
    assert_eq!(admitted(&limiter, &one, 20), 1);
}

#[test]
fn a_clock_that_ticks_while_the_limiter_is_made_loosens_no_limit() {
    let clock = Arc::new(HandClock::default());
    clock.step.store(1, Ordering::SeqCst);
    let limiter = limiter_with(5, 600, &clock);
    clock.step.store(0, Ordering::SeqCst);

    assert_eq!(admitted(&limiter, &key(1), 100), 5);
}

#[test]
fn a_million_keys_take_no_more_memory_than_sixty_five_thousand() {
    let (limiter, clock) = limiter(1, 60);
    let early = key(u64::MAX);
    assert_eq!(admitted(&limiter, &early, 1), 1);
    for number in 0..1_000_000 {
        admitted(&limiter, &key(number), 1);
    }
    let state = &limiter.states[&LIMIT];
    assert_eq!(state.len(), MAX_KEYS + 1);
    drop((early, clock));
}

#[test]
fn while_all_keys_are_in_use_newcomers_share_one_and_known_ones_keep_theirs() {
    let (limiter, clock) = limiter(3, 60);
    let known = key(0);
    for number in 0..MAX_KEYS as u64 {
        admitted(&limiter, &key(number), 1);
    }
    assert_eq!(admitted(&limiter, &known, 10), 2, "what it had left");
    assert_eq!(admitted(&limiter, &key(1_000_000), 10), 3);
    assert_eq!(admitted(&limiter, &key(1_000_001), 10), 0, "shared");

    clock.set(1_000_001);
    assert_eq!(
        admitted(&limiter, &key(1_000_002), 10),
        3,
        "there is room again"
    );
}

#[test]
fn keys_are_forgotten_when_they_are_whole_again_and_not_before() {
    let (limiter, clock) = limiter(10, 60);
    let busy = key(u64::MAX);
    assert_eq!(admitted(&limiter, &busy, 10), 10);
    for second in 1..5 {
        clock.set(1_000_000 + second);
        for number in 0..MAX_KEYS as u64 {
            admitted(&limiter, &key(second * 1_000_000 + number), 1);
        }
    }
    assert_eq!(admitted(&limiter, &busy, 10), 4, "one a second");
}
