mod limits;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::IssuedRecords;
use crate::store::contract::sample;
use crate::store::{
    ApiKeyStore, ClientStore, CodeStore, GrantStore, Insertion, MemoryLimits, MemoryStore,
    PendingStore, Redemption, RefreshTokenStore, ReplayStore, Rotation, StoreError, Sweep,
};
use crate::types::{Clock, Timestamp};

mod contract {
    use crate::store::MemoryStore;

    crate::store_contract_tests!(MemoryStore::new());
}

const LIMIT: usize = 50;
const FLOOD: usize = 200;

#[derive(Debug)]
struct HandClock(AtomicU64);

impl HandClock {
    fn advance(&self, duration: Duration) {
        self.0.fetch_add(duration.as_secs(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }
}

struct Bench {
    store: MemoryStore,
    clock: Arc<HandClock>,
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(HandClock(AtomicU64::new(1_000_000)));
        let store = MemoryStore::with_clock(clock.clone()).with_limits(MemoryLimits {
            clients: LIMIT,
            pending: LIMIT,
            codes: LIMIT,
            grants: LIMIT,
            access_tokens: LIMIT,
            replays: LIMIT,
            api_keys: LIMIT,
        });
        Self { store, clock }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn pend(&self, name: impl ToString) -> Result<Insertion, StoreError> {
        let pending = sample::pending(&name.to_string(), self.now());
        self.store.insert_pending(pending).await
    }

    async fn register(&self, name: impl ToString) -> Result<Insertion, StoreError> {
        let client = sample::client(&name.to_string(), self.now());
        self.store.insert_client(client).await
    }

    async fn keep_key(&self, name: impl ToString) -> Result<Insertion, StoreError> {
        let key = sample::api_key(&name.to_string(), self.now());
        self.store.insert_api_key(key).await
    }

    async fn hand_out(&self, name: impl ToString) -> Result<Insertion, StoreError> {
        let code = sample::code(&name.to_string(), self.now());
        self.store.insert_code(code).await
    }

    async fn redeem(&self, name: impl ToString) -> Result<Redemption, StoreError> {
        let name = name.to_string();
        let issued = sample::issued(&name, self.now());
        let code = sample::hash("code", &name);
        self.store.redeem_code(&code, issued, self.now()).await
    }

    async fn sign_in(&self, name: impl ToString) -> Result<Redemption, StoreError> {
        let name = name.to_string();
        self.hand_out(&name).await.unwrap();
        self.redeem(&name).await
    }

    async fn use_up(&self, name: impl ToString) -> Result<bool, StoreError> {
        let id = sample::hash("assertion", &name.to_string());
        let until = self.now().plus(sample::SHORT);
        self.store.use_once(&id, until, self.now()).await
    }

    /// Clients, pending, codes, grants, access tokens, expiries.
    fn counts(&self) -> [usize; 6] {
        let state = self.store.state();
        [
            state.clients.len(),
            state.pending.len(),
            state.codes.len(),
            state.grants.len(),
            state.access_tokens.len(),
            state.expiries.len() + state.short_lived.len(),
        ]
    }
}

fn cause(error: &StoreError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

#[tokio::test]
async fn a_key_that_is_taken_is_refused_as_a_whole() {
    let bench = Bench::new();
    bench.sign_in("a").await.unwrap();
    bench.hand_out("b").await.unwrap();
    let before = bench.counts();
    let other = sample::issued("b", bench.now());
    let taken = sample::issued("a", bench.now());
    for issued in [
        IssuedRecords {
            grant: taken.grant,
            ..other.clone()
        },
        IssuedRecords {
            access: taken.access,
            ..other
        },
    ] {
        let code = sample::hash("code", "b");
        let answer = bench.store.redeem_code(&code, issued, bench.now()).await;
        assert!(cause(&answer.unwrap_err()).contains("taken"));
        assert_eq!(bench.counts(), before);
    }
}

#[tokio::test]
async fn nothing_expired_lingers_while_there_is_traffic() {
    let bench = Bench::new();
    for number in 0..20 {
        bench.register(format!("unused {number}")).await.unwrap();
        bench.pend(number).await.unwrap();
        bench.sign_in(number).await.unwrap();
    }
    assert_eq!(bench.counts(), [20, 20, 20, 20, 20, 100]);

    bench.clock.advance(sample::WHOLE);
    for number in 0..16 {
        bench.pend(format!("late {number}")).await.unwrap();
    }
    assert_eq!(bench.counts(), [0, 16, 0, 0, 0, 16]);
    assert!(bench.store.state().grants_of.is_empty());
}

#[tokio::test]
async fn a_refreshed_grant_takes_no_more_room_than_a_new_one() {
    let bench = Bench::new();
    bench.sign_in("a").await.unwrap();
    let mut record = sample::refresh("a", bench.now());
    let fresh = bench.counts();
    for number in 0..10_000 {
        // Half with an opaque access token, of which ten are alive at a time.
        bench.clock.advance(sample::SHORT / 20);
        let mut next = sample::rotation(&record, "a", &number.to_string(), bench.now());
        next.access = next.access.filter(|_| number % 2 == 0);
        let answer = bench
            .store
            .rotate_refresh_token(&record.current, next.clone(), bench.now())
            .await;
        assert_eq!(answer.unwrap(), Rotation::Done);
        record = next.refresh;
        let [_, _, _, grants, access, expiries] = bench.counts();
        assert_eq!(grants, 1);
        assert!(access <= 12 && expiries <= access + 3, "{expiries}");
    }
    assert_eq!(fresh, [0, 0, 1, 1, 1, 3]);
}

#[tokio::test]
async fn a_client_is_forgotten_when_its_last_grant_has_ended() {
    let bench = Bench::new();
    bench.register("a client").await.unwrap();
    bench.sign_in("a").await.unwrap();
    bench.sign_in("b").await.unwrap();
    bench.clock.advance(sample::UNUSED);
    bench.store.sweep(bench.now(), usize::MAX).await.unwrap();
    assert_eq!(bench.counts(), [1, 0, 0, 2, 0, 2]);

    bench
        .store
        .revoke_grant(&sample::grant_id("a"))
        .await
        .unwrap();
    bench.store.sweep(bench.now(), usize::MAX).await.unwrap();
    assert_eq!(bench.counts()[0], 1);

    bench.clock.advance(sample::WHOLE);
    let deleted = bench.store.sweep(bench.now(), usize::MAX).await.unwrap();
    assert_eq!(deleted, 2);
    assert_eq!(bench.counts(), [0; 6]);
}

#[tokio::test]
async fn a_client_that_is_stored_after_its_grant_is_kept_for_it() {
    let bench = Bench::new();
    bench.sign_in("a").await.unwrap();
    bench.register("a client").await.unwrap();
    bench.clock.advance(sample::UNUSED);
    bench.store.sweep(bench.now(), usize::MAX).await.unwrap();
    assert_eq!(bench.counts()[0], 1);
}

#[tokio::test]
async fn the_store_prints_counts_only() {
    let bench = Bench::new();
    bench.register("a client").await.unwrap();
    assert_eq!(
        format!("{:?}", bench.store),
        "MemoryStore { clients: 1, pending: 0, codes: 0, grants: 0, access_tokens: 0, api_keys: 0, .. }"
    );
}

#[tokio::test]
async fn a_poisoned_lock_is_recovered() {
    let bench = Bench::new();
    bench.register("a").await.unwrap();
    let poisoned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _state = bench.store.state();
        panic!("on purpose");
    }));
    assert!(poisoned.is_err());

    let found = bench.store.find_client(&sample::client_id("a")).await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn a_token_is_forgotten_with_its_grant() {
    let bench = Bench::new();
    bench.hand_out("a").await.unwrap();
    let code = sample::hash("code", "a");
    let mut issued = sample::issued("a", bench.now());
    issued.grant.expires_at = bench.now().plus(sample::SHORT / 2);
    let answer = bench.store.redeem_code(&code, issued, bench.now()).await;
    assert_eq!(answer.unwrap(), Redemption::Done);

    bench.clock.advance(sample::SHORT / 2);
    bench.store.sweep(bench.now(), usize::MAX).await.unwrap();
    assert_eq!(bench.counts(), [0, 0, 1, 0, 0, 1]);
}

#[tokio::test]
async fn the_answer_to_a_spent_token_is_forgotten_after_five_minutes() {
    let bench = Bench::new();
    bench.sign_in("a").await.unwrap();
    let first = sample::refresh("a", bench.now());
    let next = sample::rotation(&first, "a", "next", bench.now());
    let answer = bench
        .store
        .rotate_refresh_token(&first.current, next, bench.now())
        .await;
    assert_eq!(answer.unwrap(), Rotation::Done);
    for (after, held) in [(299, true), (1, false)] {
        bench.clock.advance(Duration::from_secs(after));
        bench.store.sweep(bench.now(), usize::MAX).await.unwrap();
        let found = bench
            .store
            .find_refresh_token(&first.grant_id, bench.now())
            .await;
        let (refresh, _) = found.unwrap().unwrap();
        let spent = refresh.previous.unwrap();
        assert_eq!(spent.hash, first.current, "the token is still known");
        assert_eq!(!spent.answer.as_bytes().is_empty(), held);
    }
}
