use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_000_000);
const LIMITS: RemoteCopiesLimits = RemoteCopiesLimits {
    copies: 100,
    loads: 2,
    kept_loads: 0,
    remembered: 1000,
    pause: Duration::from_secs(30),
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Failure {
    Busy,
    Down,
    Gone,
}

impl From<TooManyLoads> for Failure {
    fn from(_: TooManyLoads) -> Self {
        Self::Busy
    }
}

#[derive(Debug)]
struct Servers {
    copies: RemoteCopies<usize, usize, Failure>,
    loads: AtomicUsize,
    /// Loads wait for it.
    gate: async_lock::RwLock<()>,
}

impl Servers {
    fn new() -> Self {
        Self::with(LIMITS)
    }

    fn with(limits: RemoteCopiesLimits) -> Self {
        Self {
            copies: RemoteCopies::new(limits),
            loads: AtomicUsize::new(0),
            gate: async_lock::RwLock::new(()),
        }
    }

    async fn load(&self, outcome: Result<usize, Failure>) -> Loaded<usize, Failure> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.gate.read().await;
        match outcome {
            Ok(value) => Loaded::Current(value, lifetime()),
            Err(Failure::Gone) => Loaded::Withdrawn(Failure::Gone),
            Err(failure @ (Failure::Down | Failure::Busy)) => Loaded::Failed(failure),
        }
    }

    async fn current(&self, key: usize, seconds: u64) -> Result<usize, Failure> {
        self.outcome(key, seconds, Ok(key)).await
    }

    async fn outcome(
        &self,
        key: usize,
        seconds: u64,
        outcome: Result<usize, Failure>,
    ) -> Result<usize, Failure> {
        let now = NOW.plus(Duration::from_secs(seconds));
        let load = self.load(outcome);
        let copy = self.copies.current(&key, now, load).await;
        copy.map(|value| *value)
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.copies.under_way().is_empty()
    }
}

fn lifetime() -> crate::fetch::Lifetime {
    crate::fetch::Lifetime {
        fresh: Duration::from_secs(60),
        stale: Duration::from_secs(3600),
    }
}

/// Polls a future to where it waits.
macro_rules! start {
    ($name:ident = $future:expr) => {
        let mut $name = std::pin::pin!($future);
        assert!(futures_poll($name.as_mut()).await.is_none());
    };
}

async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    use std::task::Poll;
    std::future::poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn every_document_has_its_own_copy() {
    let servers = Servers::new();
    for _ in 0..3 {
        assert_eq!(servers.current(1, 0).await, Ok(1));
        assert_eq!(servers.current(2, 0).await, Ok(2));
    }
    assert_eq!(servers.loads(), 2);
    assert_eq!(servers.current(1, 60).await, Ok(1));
    assert_eq!(servers.loads(), 3);
    assert!(servers.is_idle());
}

#[tokio::test]
async fn a_failure_is_not_kept_and_a_stale_copy_serves_meanwhile() {
    let servers = Servers::new();
    for _ in 0..3 {
        let failed = servers.outcome(1, 0, Err(Failure::Down)).await;
        assert_eq!(failed, Err(Failure::Down));
    }
    assert_eq!(servers.loads(), 3);
    assert_eq!(servers.current(1, 0).await, Ok(1));
    for seconds in 60..90 {
        let served = servers.outcome(1, seconds, Err(Failure::Down)).await;
        assert_eq!(served, Ok(1));
    }
    assert_eq!(servers.loads(), 5);
    let failed = servers.outcome(1, 3600, Err(Failure::Down)).await;
    assert_eq!(failed, Err(Failure::Down));
    assert_eq!(servers.copies.kept.len(), 0);
}

#[tokio::test]
async fn a_document_that_was_withdrawn_leaves_its_place() {
    let servers = Servers::new();
    servers.current(1, 0).await.unwrap();
    let gone = servers.outcome(1, 60, Err(Failure::Gone)).await;
    assert_eq!(gone, Err(Failure::Gone));
    assert_eq!(servers.copies.kept.len(), 0);
    let failed = servers.outcome(1, 61, Err(Failure::Down)).await;
    assert_eq!(failed, Err(Failure::Down));
}

#[tokio::test]
async fn all_who_want_one_document_share_one_load() {
    let servers = Servers::new();
    let closed = servers.gate.write().await;
    start!(one = servers.current(1, 0));
    start!(two = servers.current(1, 0));
    start!(three = servers.current(1, 1));
    drop(closed);
    assert_eq!(tokio::join!(one, two, three), (Ok(1), Ok(1), Ok(1)));
    assert_eq!(servers.loads(), 1);
    assert!(servers.is_idle());
}

#[tokio::test]
async fn nobody_queues_for_a_load_when_there_are_too_many() {
    let servers = Servers::new();
    servers.current(9, 0).await.unwrap();
    let closed = servers.gate.write().await;
    start!(one = servers.current(1, 60));
    start!(two = servers.current(2, 60));
    for key in 3..8 {
        assert_eq!(servers.current(key, 60).await, Err(Failure::Busy));
    }
    // A stale copy is better than nothing.
    assert_eq!(servers.current(9, 60).await, Ok(9));
    assert_eq!(servers.loads(), 3);
    drop(closed);
    assert_eq!(tokio::join!(one, two), (Ok(1), Ok(2)));
    assert_eq!(servers.current(3, 60).await, Ok(3));
}

#[tokio::test]
async fn who_gives_up_leaves_the_load_to_the_next_and_nothing_behind() {
    let servers = Servers::new();
    let closed = servers.gate.write().await;
    {
        start!(_one = servers.current(1, 0));
        start!(_two = servers.current(2, 0));
    }
    assert!(servers.is_idle());
    start!(again = servers.current(1, 0));
    drop(closed);
    assert_eq!(again.await, Ok(1));
    assert_eq!(servers.loads(), 3);
}

#[tokio::test]
async fn who_gives_up_does_not_part_those_who_wait_on() {
    let servers = Servers::new();
    let closed = servers.gate.write().await;
    start!(one = servers.current(1, 0));
    {
        start!(_two = servers.current(1, 0));
    }
    start!(three = servers.current(1, 0));
    drop(closed);
    assert_eq!(tokio::join!(one, three), (Ok(1), Ok(1)));
    assert_eq!(servers.loads(), 1);
}

#[tokio::test]
async fn a_load_under_way_is_found_though_the_copy_was_pushed_out() {
    let servers = Servers::new();
    servers.current(1, 0).await.unwrap();
    let closed = servers.gate.write().await;
    start!(reload = servers.current(1, 60));
    servers.copies.kept.clear();
    assert_eq!(servers.current(1, 60).await, Ok(1));
    assert_eq!(servers.loads(), 2);
    drop(closed);
    assert_eq!(reload.await, Ok(1));
    assert_eq!(servers.current(1, 61).await, Ok(1));
    assert_eq!(servers.loads(), 2);
}

#[tokio::test]
async fn a_flood_of_documents_leaves_alone_what_is_in_use() {
    let servers = Servers::new();
    for key in (0..20).chain(0..20) {
        servers.current(key, 0).await.unwrap();
    }
    for key in 100..10_100 {
        servers.current(key, 0).await.unwrap();
    }
    assert!(servers.copies.kept.len() <= LIMITS.copies);
    let loads = servers.loads();
    for key in 0..20 {
        servers.current(key, 0).await.unwrap();
    }
    assert_eq!(servers.loads(), loads);
}

#[tokio::test]
async fn names_that_lead_nowhere_take_no_place() {
    let servers = Servers::new();
    for key in 0..LIMITS.copies {
        servers.current(key, 0).await.unwrap();
    }
    let kept = servers.copies.kept.len();
    for key in 1000..2000 {
        let _ = servers.outcome(key, 0, Err(Failure::Gone)).await;
        let _ = servers.outcome(key, 0, Err(Failure::Down)).await;
    }
    assert_eq!(servers.copies.kept.len(), kept);
    let there = |key: &usize| servers.copies.kept.contains_key(key);
    assert_eq!((0..LIMITS.copies).filter(there).count(), kept);
}

#[tokio::test]
async fn something_newer_is_asked_for_once_in_a_while() {
    let servers = Servers::new();
    let seen = servers
        .copies
        .current(&1, NOW, servers.load(Ok(1)))
        .await
        .unwrap();
    let newer = |seen, value| servers.copies.newer(&1, seen, NOW, servers.load(Ok(value)));
    let second = newer(seen, 2).await;
    assert_eq!(*second, 2);
    assert_eq!(*newer(second, 3).await, 2);
    assert_eq!(servers.loads(), 2);
    assert_eq!(servers.current(1, 1).await, Ok(2));
    assert!(servers.is_idle());
}

#[tokio::test]
async fn strangers_leave_loads_to_what_was_good_before() {
    let servers = Servers::with(RemoteCopiesLimits {
        loads: 3,
        kept_loads: 1,
        ..LIMITS
    });
    servers.current(7, 0).await.unwrap();
    servers.copies.remember(&8);
    let closed = servers.gate.write().await;
    start!(one = servers.current(1, 60));
    start!(two = servers.current(2, 60));
    assert_eq!(servers.current(3, 60).await, Err(Failure::Busy));
    // What was good takes no place of strangers, and what has a copy is known too.
    start!(renewed = servers.outcome(7, 60, Ok(70)));
    assert_eq!(servers.current(8, 60).await, Err(Failure::Busy));
    drop(closed);
    assert_eq!(tokio::join!(one, two, renewed), (Ok(1), Ok(2), Ok(70)));

    let closed = servers.gate.write().await;
    start!(good = servers.current(8, 120));
    start!(one = servers.current(101, 120));
    start!(two = servers.current(102, 120));
    assert_eq!(servers.current(103, 120).await, Err(Failure::Busy));
    drop(closed);
    assert_eq!(tokio::join!(good, one, two), (Ok(8), Ok(101), Ok(102)));
}

#[tokio::test]
async fn what_was_good_is_remembered_when_its_copy_was_pushed_out() {
    let servers = Servers::new();
    servers.current(1, 0).await.unwrap();
    servers.copies.remember(&1);
    for key in 100..1000 {
        for _ in 0..3 {
            servers.current(key, 0).await.unwrap();
        }
    }
    assert!(!servers.copies.has_copy(&1, NOW));
    assert!(servers.copies.was_good(&1));
    servers.copies.forget(&1);
    assert!(!servers.copies.was_good(&1));
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let servers = Servers::new();
    for key in 0..10_000 {
        servers.copies.remember(&key);
    }
    assert!(servers.copies.good.len() <= LIMITS.remembered);
}

#[tokio::test]
async fn what_has_a_copy_or_is_being_loaded_is_at_hand() {
    let servers = Servers::new();
    let at_hand = |seconds| {
        let now = NOW.plus(Duration::from_secs(seconds));
        servers.copies.is_at_hand(&1, now)
    };
    assert!(!at_hand(0));
    {
        let closed = servers.gate.write().await;
        start!(one = servers.current(1, 0));
        assert!(at_hand(0));
        drop(closed);
        one.await.unwrap();
    }
    // Fresh, stale, and of no use any more.
    assert!(at_hand(59));
    assert!(at_hand(3599));
    assert!(!at_hand(3600));
}
