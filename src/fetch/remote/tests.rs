use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use super::*;

const START: u64 = 1_000_000;

#[derive(Debug)]
struct Server {
    copy: RemoteCopy<u32, &'static str>,
    loads: AtomicU32,
}

impl Server {
    fn new() -> Self {
        Self {
            copy: RemoteCopy::new(RemoteCopyLimits::default()),
            loads: AtomicU32::new(0),
        }
    }

    async fn up(&self) -> Result<u32, &'static str> {
        tokio::task::yield_now().await;
        Ok(self.loads.fetch_add(1, Ordering::Relaxed) + 1)
    }

    async fn down(&self) -> Result<u32, &'static str> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        Err("down")
    }

    async fn current(&self, now: u64) -> Result<u32, &'static str> {
        let loaded = self.copy.current(at(now), self.up()).await;
        loaded.map(|value| *value)
    }

    async fn current_while_down(&self, now: u64) -> Result<u32, &'static str> {
        let loaded = self.copy.current(at(now), self.down()).await;
        loaded.map(|value| *value)
    }

    fn loads(&self) -> u32 {
        self.loads.load(Ordering::Relaxed)
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(START).plus(Duration::from_secs(seconds))
}

#[tokio::test]
async fn a_fresh_copy_is_not_loaded_again() {
    let server = Server::new();
    assert_eq!(server.current(0).await, Ok(1));
    assert_eq!(server.current(899).await, Ok(1));
    assert_eq!(server.current(900).await, Ok(2));
}

#[tokio::test]
async fn a_stale_copy_serves_for_a_day_while_the_server_is_down() {
    let server = Server::new();
    assert_eq!(server.current(0).await, Ok(1));
    assert_eq!(server.current_while_down(900).await, Ok(1));
    assert_eq!(server.current_while_down(86_399).await, Ok(1));
    assert_eq!(server.current_while_down(86_400).await, Err("down"));
    assert_eq!(server.current(86_401).await, Ok(5));
}

#[tokio::test]
async fn a_server_that_failed_is_left_alone_while_there_is_a_copy() {
    let server = Server::new();
    server.current(0).await.unwrap();
    for second in 900..930 {
        assert_eq!(server.current_while_down(second).await, Ok(1));
    }
    assert_eq!(server.loads(), 2);
    assert_eq!(server.current(930).await, Ok(3));
}

#[tokio::test]
async fn without_a_copy_a_failure_is_told_to_all_who_waited_and_then_tried_again() {
    let server = Server::new();
    let (one, two) = tokio::join!(server.current_while_down(1), server.current_while_down(0));
    assert_eq!((one, two, server.loads()), (Err("down"), Err("down"), 1));
    assert_eq!(server.current(1).await, Ok(2));
}

#[tokio::test]
async fn many_who_come_at_once_share_one_load_even_if_their_clocks_differ() {
    let server = Server::new();
    let (one, two, three) = tokio::join!(server.current(5), server.current(3), server.current(7));
    assert_eq!((one, two, three), (Ok(1), Ok(1), Ok(1)));
}

#[tokio::test]
async fn nobody_waits_for_a_load_while_there_is_a_stale_copy() {
    let server = Server::new();
    server.current(0).await.unwrap();
    let mut hanging = Box::pin(server.copy.current(at(900), pending()));
    let polled = poll_once(hanging.as_mut()).await;
    assert!(polled.is_pending());
    assert_eq!(server.current(900).await, Ok(1));
    // Who is cancelled leaves the turn to the next.
    drop(hanging);
    assert_eq!(server.current(900).await, Ok(2));
}

async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

#[tokio::test]
async fn a_newer_copy_is_asked_for_once_in_a_while() {
    let server = Server::new();
    let first = server.copy.current(at(0), server.up()).await.unwrap();
    let second = server.copy.newer(Arc::clone(&first), at(1), server.up());
    let second = second.await;
    assert_eq!(*second, 2);
    // Somebody else already got it: nothing is loaded.
    assert_eq!(*server.copy.newer(first, at(2), server.up()).await, 2);
    for second_of_window in 1..31 {
        let now = at(second_of_window);
        let seen = Arc::clone(&second);
        assert_eq!(*server.copy.newer(seen, now, server.up()).await, 2);
    }
    assert_eq!(server.loads(), 2);
    assert_eq!(*server.copy.newer(second, at(31), server.up()).await, 3);
}

#[tokio::test]
async fn who_leaves_before_something_newer_is_there_has_asked_for_nothing() {
    let server = Server::new();
    let seen = server.copy.current(at(0), server.up()).await.unwrap();
    let mut left = Box::pin(server.copy.newer(Arc::clone(&seen), at(1), server.up()));
    assert!(poll_once(left.as_mut()).await.is_pending());
    drop(left);
    assert_eq!(*server.copy.newer(seen, at(2), server.up()).await, 2);
}

#[tokio::test]
async fn who_leaves_again_and_again_has_the_other_server_asked_twice() {
    let server = Server::new();
    let seen = server.copy.current(at(0), server.up()).await.unwrap();
    let begun = AtomicU32::new(0);
    for second in 1..30 {
        let hanging = async {
            begun.fetch_add(1, Ordering::Relaxed);
            pending().await
        };
        let mut left = Box::pin(server.copy.newer(Arc::clone(&seen), at(second), hanging));
        let _ = poll_once(left.as_mut()).await;
    }
    assert_eq!(begun.load(Ordering::Relaxed), 2);
    let seen_again = server.copy.newer(Arc::clone(&seen), at(30), server.up());
    assert_eq!(*seen_again.await, 1);
    assert_eq!(*server.copy.newer(seen, at(31), server.up()).await, 2);
}

#[tokio::test]
async fn a_failed_attempt_at_something_newer_leaves_the_copy() {
    let server = Server::new();
    let seen = server.copy.current(at(0), server.up()).await.unwrap();
    let newer = server.copy.newer(seen, at(1), server.down()).await;
    assert_eq!(*newer, 1);
    assert_eq!(server.current(2).await, Ok(1));
}

#[tokio::test]
async fn a_clock_that_was_set_back_far_does_not_keep_a_copy_for_ever() {
    let server = Server::new();
    server.current(0).await.unwrap();
    let long_ago = Timestamp::from_secs(0);
    let loaded = server.copy.current(long_ago, server.up()).await;
    assert_eq!(*loaded.unwrap(), 2);
}

/// A load that says for how many seconds its value is fresh, and stale after that.
async fn lasting(value: u32, fresh: u64, stale: u64) -> Loaded<u32, &'static str> {
    let (fresh, stale) = (Duration::from_secs(fresh), Duration::from_secs(stale));
    Loaded::Current(value, Lifetime { fresh, stale })
}

#[tokio::test]
async fn a_load_says_for_how_long_its_own_copy_serves() {
    let Server { copy, .. } = Server::new();
    assert_eq!(
        copy.current_for(at(0), lasting(1, 5, 9)).await,
        Ok(Arc::new(1))
    );
    assert_eq!(copy.fresh(at(4)), Some(Arc::new(1)));
    assert_eq!(copy.fresh(at(5)), None);
    let down = || async { Loaded::Failed("down") };
    assert_eq!(copy.current_for(at(8), down()).await, Ok(Arc::new(1)));
    assert_eq!(copy.current_for(at(9), down()).await, Err("down"));
    // Longer than the limits say as well, and shorter than fresh is stale never.
    let loaded = copy.current_for(at(10), lasting(2, 100_000, 0)).await;
    assert_eq!(loaded, Ok(Arc::new(2)));
    let loaded = copy.current_for(at(100_009), down()).await;
    assert_eq!(loaded, Ok(Arc::new(2)));
    assert_eq!(copy.current_for(at(100_010), down()).await, Err("down"));
}

#[tokio::test]
async fn a_document_that_was_withdrawn_does_not_serve_on() {
    let Server { copy, .. } = Server::new();
    let withdrawn = || async { Loaded::Withdrawn("gone") };
    assert_eq!(
        copy.current_for(at(0), lasting(1, 5, 900)).await,
        Ok(Arc::new(1))
    );
    assert_eq!(copy.current_for(at(5), withdrawn()).await, Err("gone"));
    // Neither is the refusal kept: what comes next counts.
    let down = async { Loaded::Failed("down") };
    assert_eq!(copy.current_for(at(6), down).await, Err("down"));
    assert_eq!(
        copy.current_for(at(7), lasting(2, 5, 9)).await,
        Ok(Arc::new(2))
    );
}

#[tokio::test]
async fn whoever_waited_for_a_document_that_was_withdrawn_hears_so() {
    let Server { copy, .. } = Server::new();
    let withdrawn = async {
        tokio::task::yield_now().await;
        Loaded::Withdrawn("gone")
    };
    let (one, two) = tokio::join!(
        copy.current_for(at(0), withdrawn),
        copy.current_for(at(0), lasting(1, 5, 9)),
    );
    assert_eq!((one, two), (Err("gone"), Err("gone")));
}

#[tokio::test]
async fn a_copy_that_is_asked_to_be_newer_may_turn_out_to_be_withdrawn() {
    let Server { copy, .. } = Server::new();
    let seen = copy.current_for(at(0), lasting(1, 90, 90)).await.unwrap();
    let withdrawn = async { Loaded::Withdrawn("gone") };
    assert_eq!(*copy.newer_for(seen, at(1), withdrawn).await, 1);
    assert_eq!(copy.fresh(at(2)), None);
    let newer = copy.current_for(at(2), lasting(2, 90, 90)).await.unwrap();
    assert_eq!(*copy.newer_for(newer, at(40), lasting(3, 1, 1)).await, 3);
    assert_eq!(copy.fresh(at(41)), None);
}
