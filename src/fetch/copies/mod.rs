#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
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
    /// How long to leave a document alone after it could not be loaded, while there
    /// is a copy, and after something newer than a fresh copy was asked for.
    pub pause: Duration,
}

impl Default for RemoteCopiesLimits {
    /// A thousand copies and 32 loads, with a pause of 30 seconds.
    fn default() -> Self {
        Self {
            copies: 1000,
            loads: 32,
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
/// more gets the copy there is, or [`TooManyLoads`] at once.
///
/// Only a document that was loaded takes a place, so that names which lead nowhere
/// push nothing out. When all places are taken, a new document pushes out one that
/// was used but once, as long as there is such a one: a flood of good documents
/// that are asked for once each leaves alone what has been used again since it was
/// loaded. A flood that asks twice for each does not; then a document in use is
/// loaded again when it is needed next.
#[derive(Debug)]
pub struct RemoteCopies<K, T, E> {
    limits: RemoteCopiesLimits,
    kept: Cache<K, Arc<RemoteCopy<T, E>>>,
    /// What somebody loads or waits for, whether it is kept or not.
    under_way: Mutex<HashMap<K, Shared<T, E>>>,
    loads: Semaphore,
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
        }
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
        let outcome = seat.copy.current_for(now, bounded(&self.loads, load)).await;
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
        let newer = seat
            .copy
            .newer_for(seen, now, bounded(&self.loads, load))
            .await;
        seat.settle(now);
        newer
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

/// Loads if fewer than the limit do so.
async fn bounded<T, E, F>(loads: &Semaphore, load: F) -> Loaded<T, E>
where
    E: From<TooManyLoads>,
    F: Future<Output = Loaded<T, E>> + Send,
{
    match loads.try_acquire() {
        Some(_permit) => load.await,
        None => Loaded::Failed(TooManyLoads.into()),
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
