use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::store::Store;
use crate::types::{Clock, SystemClock, Timestamp};

/// How many calls a promise about concurrency makes at once.
pub(super) const CONCURRENCY: usize = 64;

/// What is run beside other tasks.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

type Spawn = dyn Fn(Task) + Send + Sync;

/// A store on trial: fresh, and with a way to run tasks beside each other.
pub struct Trial {
    store: Arc<dyn Store>,
    spawn: Box<Spawn>,
    now: Timestamp,
}

impl Trial {
    /// Puts `store`, which keeps no records yet, on trial.
    ///
    /// `spawn` starts a task on the runtime that the store needs and returns
    /// without waiting for it: with tokio, `|task| { tokio::spawn(task); }`. On
    /// a runtime of several threads, calls really race.
    pub fn new(store: Arc<dyn Store>, spawn: impl Fn(Task) + Send + Sync + 'static) -> Self {
        Self {
            store,
            spawn: Box::new(spawn),
            now: SystemClock.now(),
        }
    }

    /// The store.
    pub(super) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// When the trial began; a backend may have a clock of its own.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Makes one call for each number below [`CONCURRENCY`], all at once, and
    /// returns the answers in the order of the numbers.
    pub(super) async fn race<T, F>(&self, call: impl Fn(Arc<dyn Store>, usize) -> F) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let race = Arc::new(Mutex::new(Race::new()));
        for number in 0..CONCURRENCY {
            let call = call(Arc::clone(&self.store), number);
            let lane = Lane(Arc::clone(&race));
            (self.spawn)(Box::pin(async move {
                lane.start().await;
                let answer = call.await;
                lock(&lane.0).answers[number] = Some(answer);
            }));
        }
        poll_fn(|context| lock(&race).poll_finish(context)).await
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Trial")
            .field("store", &self.store)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Calls that start together, as soon as every one of them is under way.
struct Race<T> {
    waiting: Vec<Waker>,
    started: usize,
    running: usize,
    answers: Vec<Option<T>>,
    finish: Option<Waker>,
}

impl<T> Race<T> {
    fn new() -> Self {
        Self {
            waiting: Vec::new(),
            started: 0,
            running: CONCURRENCY,
            answers: (0..CONCURRENCY).map(|_| None).collect(),
            finish: None,
        }
    }

    fn poll_start(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.started == CONCURRENCY {
            return Poll::Ready(());
        }
        self.waiting.push(context.waker().clone());
        Poll::Pending
    }

    fn poll_finish(&mut self, context: &Context<'_>) -> Poll<Vec<T>> {
        if self.running > 0 {
            self.finish = Some(context.waker().clone());
            return Poll::Pending;
        }
        let answers = self.answers.drain(..);
        Poll::Ready(
            answers
                .map(|answer| answer.expect("a call of the race failed"))
                .collect(),
        )
    }
}

/// One call's part in a race; leaves it even if the call panics.
struct Lane<T>(Arc<Mutex<Race<T>>>);

impl<T> Lane<T> {
    async fn start(&self) {
        {
            let mut race = lock(&self.0);
            race.started += 1;
            if race.started == CONCURRENCY {
                race.waiting.drain(..).for_each(Waker::wake);
            }
        }
        poll_fn(|context| lock(&self.0).poll_start(context)).await;
    }
}

impl<T> Drop for Lane<T> {
    fn drop(&mut self) {
        let mut race = lock(&self.0);
        race.running -= 1;
        if race.running == 0
            && let Some(finish) = race.finish.take()
        {
            finish.wake();
        }
    }
}

fn lock<T>(race: &Mutex<Race<T>>) -> MutexGuard<'_, Race<T>> {
    race.lock().unwrap_or_else(PoisonError::into_inner)
}
