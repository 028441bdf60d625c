#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_lock::Semaphore;
use quick_cache::sync::Cache;
use thiserror::Error;

use crate::fetch::{Loaded, RemoteCopy, RemoteCopyLimits};
use crate::types::Timestamp;

/// How much [`RemoteCopies`] may hold and do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RemoteCopiesLimits {
    /// For how many documents there is a copy.
    pub copies: usize,
    /// How many documents are loaded at once.
    pub loads: usize,
    /// How many of these loads are left to documents that were good before.
    pub kept_loads: usize,
    /// Of how many documents it is remembered that they were good.
    pub remembered: usize,
    /// How long to leave a document alone after it could not be loaded, while there
    /// is a copy, and after something newer than a fresh copy was asked for.
    pub pause: Duration,
}

impl Default for RemoteCopiesLimits {
    /// A thousand copies and ten thousand that are remembered; 32 loads, of which
    /// eight are left to what was good before; a pause of 30 seconds.
    fn default() -> Self {
        Self {
            copies: 1000,
            loads: 32,
            kept_loads: 8,
            remembered: 10_000,
            pause: Duration::from_secs(30),
        }
    }
}

/// As many documents are being loaded as may be; asking again later may help.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("too many documents are being fetched")]
pub struct TooManyLoads;

/// Copies of documents that strangers name, each a [`RemoteCopy`].
///
/// One load of a document runs at a time, and not more than
/// [`RemoteCopiesLimits::loads`] of all documents together: who would start one
/// more gets the copy there is, or [`TooManyLoads`] at once. Some of the loads are
/// left to documents that were good before, so that hosts which take their time
/// do not keep them from being loaded anew.
///
/// Only a document that was loaded takes a place, so that names which lead nowhere
/// push nothing out. When all places are taken, a new document pushes out one that
/// was used but once, as long as there is such a one: a flood of good documents
/// that are asked for once each leaves alone what has been used again since it was
/// loaded. A flood that asks twice for each does not; then a document in use is
/// loaded again when it is needed next. That it was good is remembered for longer.
#[derive(Debug)]
pub struct RemoteCopies<K, T, E> {
    limits: RemoteCopiesLimits,
    kept: Cache<K, Arc<RemoteCopy<T, E>>>,
    /// What somebody loads or waits for, whether it is kept or not.
    under_way: Mutex<HashMap<K, Shared<T, E>>>,
    loads: Semaphore,
    /// Who loads what was never good needs one of these as well.
    loads_of_unknown: Semaphore,
    /// Hashes of what was good, under a key of this process.
    good: Cache<u64, ()>,
    hasher: RandomState,
}

/// A copy and how many hold a seat at it.
#[derive(Debug)]
struct Shared<T, E> {
    copy: Arc<RemoteCopy<T, E>>,
    seats: usize,
}

impl<K, T, E> RemoteCopies<K, T, E>
where
    K: Clone + Eq + Hash,
    E: Clone + From<TooManyLoads>,
{
    /// No copies yet.
    #[must_use]
    pub fn new(limits: RemoteCopiesLimits) -> Self {
        Self {
            limits,
            kept: Cache::new(limits.copies),
            under_way: Mutex::default(),
            loads: Semaphore::new(limits.loads),
            loads_of_unknown: Semaphore::new(limits.loads.saturating_sub(limits.kept_loads)),
            good: Cache::new(limits.remembered),
            hasher: RandomState::new(),
        }
    }

    /// Remembers that the document `key` is good, whatever becomes of its copy.
    pub fn remember(&self, key: &K) {
        self.good.insert(self.hasher.hash_one(key), ());
    }

    /// Forgets that the document `key` was good.
    pub fn forget(&self, key: &K) {
        self.good.remove(&self.hasher.hash_one(key));
    }

    /// Whether the document `key` was good, as far as that is remembered.
    #[must_use]
    pub fn was_good(&self, key: &K) -> bool {
        self.good.get(&self.hasher.hash_one(key)).is_some()
    }

    /// Whether somebody who asks for the document `key` gets a copy, or what
    /// another has begun to load.
    #[must_use]
    pub fn is_at_hand(&self, key: &K, now: Timestamp) -> bool {
        self.has_copy(key, now) || self.under_way().contains_key(key)
    }

    /// Whether there is a copy of the document `key` that serves, if nothing newer
    /// does.
    #[must_use]
    pub fn has_copy(&self, key: &K, now: Timestamp) -> bool {
        let kept = self.kept.get(key);
        kept.is_some_and(|copy| copy.is_usable(now))
    }

    /// The copy of the document `key`, from `load` if there is none that is fresh.
    ///
    /// # Errors
    ///
    /// That of `load` if there is no document any more, or if it failed and there
    /// is no usable copy; [`TooManyLoads`] as such a failure.
    pub async fn current<F>(&self, key: &K, now: Timestamp, load: F) -> Result<Arc<T>, E>
    where
        F: Future<Output = Loaded<T, E>> + Send,
    {
        let kept = self.kept.get(key);
        if let Some(value) = kept.and_then(|copy| copy.fresh(now)) {
            return Ok(value);
        }
        let seat = self.seat(key);
        let load = self.bounded(key, now, load);
        let outcome = seat.copy.current_for(now, load).await;
        seat.settle(now);
        outcome
    }

    /// A copy of the document `key` that is newer than `seen`, from `load` unless
    /// one was asked for a moment ago; `seen` itself if there is none.
    pub async fn newer<F>(&self, key: &K, seen: Arc<T>, now: Timestamp, load: F) -> Arc<T>
    where
        F: Future<Output = Loaded<T, E>> + Send,
    {
        let seat = self.seat(key);
        let load = self.bounded(key, now, load);
        let newer = seat.copy.newer_for(seen, now, load).await;
        seat.settle(now);
        newer
    }

    /// Loads if fewer than the limit do so.
    fn bounded<F>(
        &self,
        key: &K,
        now: Timestamp,
        load: F,
    ) -> impl Future<Output = Loaded<T, E>> + Send
    where
        F: Future<Output = Loaded<T, E>> + Send,
    {
        let is_known = self.has_copy(key, now) || self.was_good(key);
        let (loads, of_unknown) = (&self.loads, &self.loads_of_unknown);
        async move {
            let place = (!is_known).then(|| of_unknown.try_acquire());
            match (place, loads.try_acquire()) {
                (Some(None), _) | (_, None) => Loaded::Failed(TooManyLoads.into()),
                (_place, Some(_load)) => load.await,
            }
        }
    }

    /// A seat at the one copy of `key` that whoever comes meanwhile shares.
    fn seat(&self, key: &K) -> Seat<'_, K, T, E> {
        let mut under_way = self.under_way();
        let shared = under_way.entry(key.clone()).or_insert_with(|| Shared {
            copy: self.kept.get(key).unwrap_or_else(|| self.empty()),
            seats: 0,
        });
        shared.seats += 1;
        Seat {
            copies: self,
            key: key.clone(),
            copy: Arc::clone(&shared.copy),
        }
    }

    fn empty(&self) -> Arc<RemoteCopy<T, E>> {
        Arc::new(RemoteCopy::new(RemoteCopyLimits {
            pause: self.limits.pause,
            ..RemoteCopyLimits::default()
        }))
    }
}

impl<K, T, E> RemoteCopies<K, T, E> {
    fn under_way(&self) -> MutexGuard<'_, HashMap<K, Shared<T, E>>> {
        // Each change of the map is whole, so a panic elsewhere leaves no half.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a copy within reach while somebody loads it, even if its place is taken.
#[derive(Debug)]
struct Seat<'a, K: Eq + Hash, T, E> {
    copies: &'a RemoteCopies<K, T, E>,
    key: K,
    copy: Arc<RemoteCopy<T, E>>,
}

impl<K: Clone + Eq + Hash, T, E: Clone> Seat<'_, K, T, E> {
    /// Gives the copy a place if it can serve, and takes it away otherwise.
    fn settle(&self, now: Timestamp) {
        let kept = &self.copies.kept;
        if !self.copy.is_usable(now) {
            kept.remove(&self.key);
        } else if !kept.contains_key(&self.key) {
            kept.insert(self.key.clone(), Arc::clone(&self.copy));
        }
    }
}

impl<K: Eq + Hash, T, E> Drop for Seat<'_, K, T, E> {
    fn drop(&mut self) {
        let mut under_way = self.copies.under_way();
        let Some(shared) = under_way.get_mut(&self.key) else {
            return;
        };
        shared.seats -= 1;
        if shared.seats == 0 {
            under_way.remove(&self.key);
        }
    }
}
