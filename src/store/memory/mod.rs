use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::types::{Clock, SystemClock};

mod api_keys;
mod client;
mod clients;
mod grants;
mod limits;
mod ports;
mod state;
#[cfg(test)]
mod tests;

pub use limits::MemoryLimits;
use state::State;

/// Keeps everything in the memory of this process, within [`MemoryLimits`].
///
/// For tests, and for one process whose clients may sign in again after a
/// restart. It needs no sweeping from outside: every write forgets some of what
/// has expired. When it is full of what has not, it refuses to store more.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store that learns from `clock` what it may forget.
    ///
    /// It has to be the clock of the server that uses the store: with one that
    /// is ahead, records vanish before the server takes them for expired.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    /// The same store with these limits. What it already keeps, it keeps.
    #[must_use]
    pub fn with_limits(self, limits: MemoryLimits) -> Self {
        self.state().limits = limits;
        self
    }

    /// The records, for one critical section; never held across an `await`.
    fn state(&self) -> MutexGuard<'_, State> {
        // No code of others runs under the lock, and nothing there panics
        // between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records for a write, after some of what has expired was forgotten.
    fn state_for_write(&self) -> MutexGuard<'_, State> {
        let now = self.clock.now();
        let mut state = self.state();
        state.begin_write(now);
        state
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints how many records there are, and none of them.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        formatter
            .debug_struct("MemoryStore")
            .field("clients", &state.clients.len())
            .field("pending", &state.pending.len())
            .field("codes", &state.codes.len())
            .field("grants", &state.grants.len())
            .field("access_tokens", &state.access_tokens.len())
            .field("api_keys", &state.api_keys.len())
            .finish_non_exhaustive()
    }
}
