use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::types::Timestamp;

/// How old a [`RemoteCopy`] may get.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RemoteCopyLimits {
    /// For how long a copy is as good as the document.
    pub fresh: Duration,
    /// For how long a copy is better than nothing, while there is no new one.
    pub stale: Duration,
    /// How long to leave the other server alone after it failed, and after it
    /// was asked for something newer than a fresh copy.
    pub pause: Duration,
}

impl Default for RemoteCopyLimits {
    /// Fresh for 15 minutes, usable for a day, asked twice a minute at most.
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(15 * 60),
            stale: Duration::from_secs(24 * 60 * 60),
            pause: Duration::from_secs(30),
        }
    }
}

/// The copy of a document that another server changes now and then, such as its
/// set of keys.
///
/// One load runs at a time; who comes meanwhile gets the copy there is, or waits
/// for the outcome. While the other server is down the copy serves on.
#[derive(Debug)]
pub struct RemoteCopy<T, E> {
    limits: RemoteCopyLimits,
    state: Mutex<State<T, E>>,
    /// Whoever holds it loads. The state is never locked while something loads.
    turn: async_lock::Mutex<()>,
}

#[derive(Debug)]
struct State<T, E> {
    held: Option<Held<T>>,
    /// How many loads have ended, either way.
    loads: u64,
    /// When the last load failed and how, if it did.
    failure: Option<(Timestamp, E)>,
    /// When a fresh copy was last not new enough.
    forced_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Held<T> {
    value: Arc<T>,
    loaded_at: Timestamp,
}

impl<T, E: Clone> RemoteCopy<T, E> {
    /// No copy yet.
    #[must_use]
    pub fn new(limits: RemoteCopyLimits) -> Self {
        Self {
            limits,
            state: Mutex::new(State {
                held: None,
                loads: 0,
                failure: None,
                forced_at: None,
            }),
            turn: async_lock::Mutex::new(()),
        }
    }

    /// The copy, from `load` if there is none that is fresh.
    ///
    /// # Errors
    ///
    /// That of `load` if it failed and there is no usable copy.
    pub async fn current<F>(&self, now: Timestamp, load: F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        let (copy, loads) = {
            let state = self.state();
            let copy = state.usable(self.limits, now);
            let settled = state.is_fresh(self.limits, now) || state.is_paused(self.limits, now);
            match copy {
                Some(value) if settled => return Ok(value),
                copy => (copy, state.loads),
            }
        };
        let _turn = match (self.turn.try_lock(), copy) {
            (Some(turn), _) => turn,
            (None, Some(stale)) => return Ok(stale),
            (None, None) => self.turn.lock().await,
        };
        match self.outcome_since(loads, now) {
            Some(outcome) => outcome,
            None => self.keep(load.await, now),
        }
    }

    /// A copy that is newer than `seen`, from `load` unless the other server was
    /// asked for one a moment ago; `seen` itself if there is none.
    pub async fn newer<F>(&self, seen: Arc<T>, now: Timestamp, load: F) -> Arc<T>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        let _turn = self.turn.lock().await;
        {
            let mut state = self.state();
            if let Some(value) = state.held_other_than(&seen) {
                return value;
            }
            let forced = state.forced_at;
            let asked = forced.is_some_and(|time| is_within(self.limits.pause, time, now));
            if asked || state.is_paused(self.limits, now) {
                return seen;
            }
            state.forced_at = Some(now);
        }
        self.keep(load.await, now).unwrap_or(seen)
    }

    /// Keeps what was loaded, or else how it failed; what is left then is the copy.
    fn keep(&self, loaded: Result<T, E>, now: Timestamp) -> Result<Arc<T>, E> {
        let mut state = self.state();
        state.loads = state.loads.wrapping_add(1);
        match loaded {
            Ok(value) => {
                let value = Arc::new(value);
                state.failure = None;
                state.held = Some(Held {
                    value: Arc::clone(&value),
                    loaded_at: now,
                });
                Ok(value)
            }
            Err(error) => {
                state.failure = Some((now, error.clone()));
                state.usable(self.limits, now).ok_or(error)
            }
        }
    }

    /// What a load left that ended since `loads` were counted, if one did.
    fn outcome_since(&self, loads: u64, now: Timestamp) -> Option<Result<Arc<T>, E>> {
        let state = self.state();
        if state.loads == loads {
            return None;
        }
        let failure = state.failure.as_ref().map(|(_, error)| error.clone());
        let copy = state.usable(self.limits, now);
        copy.map(Ok).or_else(|| failure.map(Err))
    }

    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        // Each change of the state is whole, so a panic elsewhere leaves no half.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, E> State<T, E> {
    fn is_fresh(&self, limits: RemoteCopyLimits, now: Timestamp) -> bool {
        let held = self.held.as_ref();
        held.is_some_and(|held| is_within(limits.fresh, held.loaded_at, now))
    }

    fn usable(&self, limits: RemoteCopyLimits, now: Timestamp) -> Option<Arc<T>> {
        let held = self.held.as_ref()?;
        let age = limits.stale.max(limits.fresh);
        is_within(age, held.loaded_at, now).then(|| Arc::clone(&held.value))
    }

    fn is_paused(&self, limits: RemoteCopyLimits, now: Timestamp) -> bool {
        let failed_at = self.failure.as_ref().map(|(time, _)| *time);
        failed_at.is_some_and(|time| is_within(limits.pause, time, now))
    }

    fn held_other_than(&self, seen: &Arc<T>) -> Option<Arc<T>> {
        let value = &self.held.as_ref()?.value;
        (!Arc::ptr_eq(value, seen)).then(|| Arc::clone(value))
    }
}

/// Whether `start` is less than `period` away.
///
/// In either direction: who waited for a load has an older `now` than the one
/// who loaded, and a clock that was set back far ends every period.
fn is_within(period: Duration, start: Timestamp, now: Timestamp) -> bool {
    now.since(start).max(start.since(now)) < period
}

#[cfg(test)]
mod tests {
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
        let (one, two, three) =
            tokio::join!(server.current(5), server.current(3), server.current(7));
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
}
