use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_lock::{OnceCell, Semaphore};
use quick_cache::sync::Cache;

use crate::types::TokenHash;

/// The calls that are under way: one a token, and so many of all tokens.
///
/// Some places are left to tokens that were good before, so that a flood of others
/// does not keep those away who work.
pub(super) struct Calls<T> {
    under_way: Mutex<HashMap<TokenHash, Shared<T>>>,
    places: Semaphore,
    /// Who asks about a token that was never good needs one of these as well.
    places_of_unknown: Semaphore,
    /// Which tokens were good; nothing is concluded from it but who may call.
    good: Cache<TokenHash, ()>,
}

/// All places are taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct TooManyCalls;

/// One call and how many wait for its answer.
struct Shared<T> {
    answer: Arc<OnceCell<T>>,
    seats: usize,
}

impl<T: Clone> Calls<T> {
    /// How many tokens are remembered as good.
    const REMEMBERED: usize = 10_000;

    /// At most `places` calls at once, a quarter of them for tokens that were good.
    pub(super) fn new(places: usize) -> Self {
        Self {
            under_way: Mutex::default(),
            places: Semaphore::new(places),
            places_of_unknown: Semaphore::new(places - places / 4),
            good: Cache::new(Self::REMEMBERED),
        }
    }

    /// The answer to `call`, or to the one about this token that is under way.
    ///
    /// Who began a call may leave: another one then calls.
    pub(super) async fn share<F>(&self, token: &TokenHash, call: F) -> T
    where
        F: Future<Output = T> + Send,
    {
        let seat = self.seat(token);
        seat.answer.get_or_init(|| call).await.clone()
    }

    /// Calls if there is a place, and never waits for one.
    pub(super) async fn bounded<F>(
        &self,
        token: &TokenHash,
        call: F,
    ) -> Result<F::Output, TooManyCalls>
    where
        F: Future + Send,
    {
        let is_known = self.good.get(token).is_some();
        let place = (!is_known).then(|| self.places_of_unknown.try_acquire());
        match (place, self.places.try_acquire()) {
            (Some(None), _) | (_, None) => Err(TooManyCalls),
            (_place, Some(_call)) => Ok(call.await),
        }
    }

    /// Remembers that the token was good.
    pub(super) fn remember(&self, token: &TokenHash) {
        self.good.insert(*token, ());
    }

    /// Forgets that the token was good.
    pub(super) fn forget(&self, token: &TokenHash) {
        self.good.remove(token);
    }

    fn seat(&self, token: &TokenHash) -> Seat<'_, T> {
        let mut under_way = self.under_way();
        let shared = under_way.entry(*token).or_insert_with(Shared::begin);
        // Whoever comes after the answer asks anew: it is no cache.
        if shared.answer.is_initialized() {
            *shared = Shared::begin();
        }
        shared.seats += 1;
        Seat {
            calls: self,
            token: *token,
            answer: Arc::clone(&shared.answer),
        }
    }
}

impl<T> Calls<T> {
    fn under_way(&self) -> MutexGuard<'_, HashMap<TokenHash, Shared<T>>> {
        // Each change of the map is whole, so a panic elsewhere leaves no half.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Shared<T> {
    fn begin() -> Self {
        Self {
            answer: Arc::default(),
            seats: 0,
        }
    }
}

/// Keeps a call within reach of those who come while it is under way.
struct Seat<'a, T> {
    calls: &'a Calls<T>,
    token: TokenHash,
    answer: Arc<OnceCell<T>>,
}

impl<T> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        let mut under_way = self.calls.under_way();
        let shared = under_way.get_mut(&self.token);
        // Another call may have taken the place of this one.
        let Some(shared) = shared.filter(|shared| Arc::ptr_eq(&shared.answer, &self.answer)) else {
            return;
        };
        shared.seats -= 1;
        if shared.seats == 0 {
            under_way.remove(&self.token);
        }
    }
}

impl<T> fmt::Debug for Calls<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Calls({} under way)", self.under_way().len())
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Waker};

    use super::*;

    /// Lets a future begin, and no more.
    fn begin(future: std::pin::Pin<&mut impl Future>) {
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.poll(&mut context).is_pending());
    }

    fn token(text: &str) -> TokenHash {
        TokenHash::of(text)
    }

    #[tokio::test]
    async fn who_comes_while_a_call_is_under_way_gets_its_answer_and_later_ones_do_not() {
        let calls = Calls::new(64);
        let gate = Semaphore::new(0);
        let made = AtomicUsize::new(0);
        let call = || async {
            let _open = gate.acquire().await;
            made.fetch_add(1, Ordering::Relaxed) + 1
        };
        let same = token("a");
        let mut first = pin!(calls.share(&same, call()));
        let mut second = pin!(calls.share(&same, call()));
        begin(first.as_mut());
        begin(second.as_mut());
        gate.add_permits(1);
        assert_eq!(first.as_mut().await, 1);
        // The second has not looked at the answer yet, which is old by now.
        assert_eq!(calls.share(&same, call()).await, 2);
        assert_eq!(second.as_mut().await, 1);
        assert_eq!(calls.share(&same, call()).await, 3);
    }

    #[tokio::test]
    async fn tokens_that_differ_in_anything_have_answers_of_their_own() {
        let calls = Calls::new(64);
        let texts = ["a", "A", "a=", "aa", ""];
        for text in texts {
            assert_eq!(calls.share(&token(text), ready(text)).await, text);
        }
        let long = token("a");
        let mut waiting = pin!(calls.share(&long, pending()));
        begin(waiting.as_mut());
        assert_eq!(calls.share(&token("b"), ready("b")).await, "b");
    }

    #[tokio::test]
    async fn when_who_began_a_call_leaves_another_one_calls_and_nothing_is_left_behind() {
        let calls = Calls::new(64);
        let same = token("a");
        let mut left = Box::pin(calls.share(&same, pending()));
        begin(left.as_mut());
        let mut stayed = pin!(calls.share(&same, ready(7)));
        begin(stayed.as_mut());
        drop(left);
        assert_eq!(stayed.as_mut().await, 7);
        let mut alone = Box::pin(calls.share(&same, pending()));
        begin(alone.as_mut());
        drop(alone);
        let left_behind = calls.under_way().len();
        assert_eq!(left_behind, 0);
    }

    #[tokio::test]
    async fn a_flood_of_unknown_tokens_leaves_places_to_those_that_were_good() {
        let calls = Calls::<()>::new(8);
        let mut flood = Vec::new();
        for number in 0..6 {
            let hash = token(&number.to_string());
            let calls = &calls;
            let mut call = Box::pin(async move { calls.bounded(&hash, pending::<()>()).await });
            begin(call.as_mut());
            flood.push(call);
        }
        let good = token("good");
        assert_eq!(calls.bounded(&good, ready(())).await, Err(TooManyCalls));
        calls.remember(&good);
        assert_eq!(calls.bounded(&good, ready(())).await, Ok(()));
        calls.forget(&good);
        assert_eq!(calls.bounded(&good, ready(())).await, Err(TooManyCalls));
        drop(flood);
        assert_eq!(calls.bounded(&good, ready(())).await, Ok(()));
    }
}
