use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::fetch::remote::is_within;
use crate::types::Timestamp;

/// A load that outlasts whoever began it.
///
/// Nothing drives it after they left, but the next one goes on with it: however
/// often strangers begin and leave, the other server is asked once, and in the end
/// somebody has the answer.
pub(crate) struct LastingLoad<T>(async_lock::Mutex<Option<Begun<T>>>);

struct Begun<T> {
    at: Timestamp,
    load: Load<T>,
}

type Load<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<T> LastingLoad<T> {
    /// After that, a load that was left has most likely run out of time.
    const GOES_ON_FOR: Duration = Duration::from_secs(10);

    pub(crate) const fn new() -> Self {
        Self(async_lock::Mutex::new(None))
    }

    /// What comes of the load that was left a moment ago, or else of a new one.
    pub(crate) async fn outcome<F>(&self, now: Timestamp, begin: impl FnOnce() -> F + Send) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut begun = self.0.lock().await;
        begun.take_if(|begun| !is_within(Self::GOES_ON_FOR, begun.at, now));
        let running = begun.get_or_insert_with(|| Begun {
            at: now,
            load: Box::pin(begin()),
        });
        let outcome = running.load.as_mut().await;
        *begun = None;
        outcome
    }
}

impl<T> fmt::Debug for LastingLoad<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LastingLoad")
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_000);

    fn begin<T>(load: &LastingLoad<u32>, now: Timestamp, with: T)
    where
        T: Future<Output = u32> + Send + 'static,
    {
        let mut left = pin!(load.outcome(now, || with));
        let mut context = Context::from_waker(Waker::noop());
        assert!(left.as_mut().poll(&mut context).is_pending());
    }

    async fn after_a_while(value: u32) -> u32 {
        tokio::task::yield_now().await;
        value
    }

    #[tokio::test]
    async fn the_next_one_goes_on_with_what_was_left() {
        let load = LastingLoad::new();
        begin(&load, START, after_a_while(1));
        assert_eq!(load.outcome(START, || ready(2)).await, 1);
        assert_eq!(load.outcome(START, || ready(3)).await, 3);
    }

    #[tokio::test]
    async fn what_was_left_long_ago_is_begun_anew() {
        let load = LastingLoad::new();
        begin(&load, START, pending());
        let later = |seconds| START.plus(Duration::from_secs(seconds));
        begin(&load, later(9), ready(2));
        let mut anew = pin!(load.outcome(later(10), || ready(3)));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(anew.as_mut().poll(&mut context), Poll::Ready(3));
    }
}
