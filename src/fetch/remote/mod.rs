#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
mod lasting;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::types::Timestamp;

#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub(crate) use lasting::LastingLoad;

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

impl RemoteCopyLimits {
    /// What a load found that leaves it to the limits how long that serves.
    fn applied_to<T, E>(self, loaded: Result<T, E>) -> Loaded<T, E> {
        let Self { fresh, stale, .. } = self;
        match loaded {
            Ok(value) => Loaded::Current(value, Lifetime { fresh, stale }),
            Err(error) => Loaded::Failed(error),
        }
    }
}

/// For how long one copy serves, counted from when it was loaded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lifetime {
    /// For how long the copy is as good as the document.
    pub fresh: Duration,
    /// For how long the copy is better than nothing, while there is no new one.
    pub stale: Duration,
}

/// What a load found, for a [`RemoteCopy`] whose loads say for how long it serves.
#[derive(Debug)]
pub enum Loaded<T, E> {
    /// The document.
    Current(T, Lifetime),
    /// The other server answered, and what it has now is of no use.
    ///
    /// A copy that was made before does not serve on.
    Withdrawn(E),
    /// The other server could not be asked. A copy that was made before serves on.
    Failed(E),
}

/// The copy of a document that another server changes now and then, such as its
/// set of keys.
///
/// One load runs at a time; who comes meanwhile gets the copy there is, or waits
/// for the outcome. While the other server is down the copy serves on.
#[derive(Debug)]
pub struct RemoteCopy<T, E> {
    limits: RemoteCopyLimits,
    /// How many loads for something newer may begin before one has ended.
    attempts: u32,
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
    /// When a fresh copy was last not new enough, and how many loads may still
    /// begin because of that.
    forced: Option<(Timestamp, u32)>,
}

#[derive(Debug)]
struct Held<T> {
    value: Arc<T>,
    loaded_at: Timestamp,
    lifetime: Lifetime,
}

impl<T, E: Clone> RemoteCopy<T, E> {
    /// Somebody may leave by chance; a stranger who leaves on purpose does not have
    /// the other server asked again and again.
    const ATTEMPTS: u32 = 2;

    /// No copy yet.
    #[must_use]
    pub fn new(limits: RemoteCopyLimits) -> Self {
        Self {
            limits,
            state: Mutex::new(State {
                held: None,
                loads: 0,
                failure: None,
                forced: None,
            }),
            attempts: Self::ATTEMPTS,
            turn: async_lock::Mutex::new(()),
        }
    }

    /// Lets loads for something newer begin until one has ended, however many are
    /// left before: for those that cost the other server nothing, such as when
    /// each goes on with the one before.
    #[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
    pub(crate) fn of_lasting_loads(self) -> Self {
        Self {
            attempts: u32::MAX,
            ..self
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
        let limits = self.limits;
        let load = async move { limits.applied_to(load.await) };
        self.current_for(now, load).await
    }

    /// The copy, from `load` if there is none that is fresh; the load says for how
    /// long it will be.
    ///
    /// # Errors
    ///
    /// That of `load` if there is no document any more, or if it failed and there
    /// is no usable copy.
    pub async fn current_for<F>(&self, now: Timestamp, load: F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Loaded<T, E>> + Send,
    {
        let (copy, loads) = {
            let state = self.state();
            let copy = state.usable(now);
            let settled = state.is_fresh(now) || state.is_paused(self.limits, now);
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

    /// The copy if it is fresh, without waiting for anything.
    #[must_use]
    pub fn fresh(&self, now: Timestamp) -> Option<Arc<T>> {
        let state = self.state();
        state.is_fresh(now).then(|| state.usable(now)).flatten()
    }

    /// How the last load failed, if it did a moment ago, so that the other server is
    /// left alone for now.
    #[must_use]
    pub fn failure(&self, now: Timestamp) -> Option<E> {
        let state = self.state();
        let (_, error) = state.failure.as_ref()?;
        state.is_paused(self.limits, now).then(|| error.clone())
    }

    /// Whether there is a copy that serves, if nothing else does.
    #[cfg(any(
        feature = "server",
        feature = "jwt-aws-lc",
        feature = "jwt-rust-crypto"
    ))]
    pub(crate) fn is_usable(&self, now: Timestamp) -> bool {
        self.state().usable(now).is_some()
    }

    /// A copy that is newer than `seen`, from `load` unless the other server was
    /// asked for one a moment ago; `seen` itself if there is none.
    pub async fn newer<F>(&self, seen: Arc<T>, now: Timestamp, load: F) -> Arc<T>
    where
        F: Future<Output = Result<T, E>> + Send,
    {
        let limits = self.limits;
        let load = async move { limits.applied_to(load.await) };
        self.newer_for(seen, now, load).await
    }

    /// Like [`Self::newer`]; the load says for how long its copy will be fresh.
    ///
    /// `seen` is the answer as well if there is no document any more: who asks next
    /// hears of it.
    ///
    /// Who leaves before the load has ended has asked for nothing: the next one loads
    /// again, unless that was left as well.
    pub async fn newer_for<F>(&self, seen: Arc<T>, now: Timestamp, load: F) -> Arc<T>
    where
        F: Future<Output = Loaded<T, E>> + Send,
    {
        let _turn = self.turn.lock().await;
        {
            let mut state = self.state();
            if let Some(value) = state.held_other_than(&seen) {
                return value;
            }
            if state.is_paused(self.limits, now) {
                return seen;
            }
            let forced = state.forced;
            let forced = forced.filter(|(time, _)| is_within(self.limits.pause, *time, now));
            let (since, attempts) = forced.unwrap_or((now, self.attempts));
            if attempts == 0 {
                return seen;
            }
            state.forced = Some((since, attempts.saturating_sub(1)));
        }
        let loaded = load.await;
        self.state().forced = Some((now, 0));
        self.keep(loaded, now).unwrap_or(seen)
    }

    /// Keeps what was loaded, or else how it failed; what is left then is the copy.
    fn keep(&self, loaded: Loaded<T, E>, now: Timestamp) -> Result<Arc<T>, E> {
        let mut state = self.state();
        state.loads = state.loads.wrapping_add(1);
        let error = match loaded {
            Loaded::Current(value, lifetime) => {
                let value = Arc::new(value);
                state.failure = None;
                state.held = Some(Held {
                    value: Arc::clone(&value),
                    loaded_at: now,
                    lifetime,
                });
                return Ok(value);
            }
            Loaded::Withdrawn(error) => {
                state.held = None;
                error
            }
            Loaded::Failed(error) => error,
        };
        state.failure = Some((now, error.clone()));
        state.usable(now).ok_or(error)
    }

    /// What a load left that ended since `loads` were counted, if one did.
    fn outcome_since(&self, loads: u64, now: Timestamp) -> Option<Result<Arc<T>, E>> {
        let state = self.state();
        if state.loads == loads {
            return None;
        }
        let failure = state.failure.as_ref().map(|(_, error)| error.clone());
        let copy = state.usable(now);
        copy.map(Ok).or_else(|| failure.map(Err))
    }

    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        // Each change of the state is whole, so a panic elsewhere leaves no half.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, E> State<T, E> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        let held = self.held.as_ref();
        held.is_some_and(|held| is_within(held.lifetime.fresh, held.loaded_at, now))
    }

    fn usable(&self, now: Timestamp) -> Option<Arc<T>> {
        let held = self.held.as_ref()?;
        let age = held.lifetime.stale.max(held.lifetime.fresh);
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
mod tests;
