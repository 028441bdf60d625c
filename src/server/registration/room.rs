use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::types::Timestamp;

/// How many clients are stored, as far as this server knows: to count them all for
/// each that registers would cost more than to store it.
#[derive(Debug, Default)]
pub(in crate::server) struct Room(Mutex<Option<Count>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    counted_at: Timestamp,
    clients: usize,
}

impl Room {
    /// For how long a count is believed; other replicas may store meanwhile.
    const PERIOD: Duration = Duration::from_secs(10);

    /// The last count and what was stored since, unless that was too long ago.
    pub(super) fn taken(&self, now: Timestamp) -> Option<usize> {
        let count = (*self.lock())?;
        let age = now.since(count.counted_at).max(count.counted_at.since(now));
        (age < Self::PERIOD).then_some(count.clients)
    }

    pub(super) fn note(&self, clients: usize, counted_at: Timestamp) {
        *self.lock() = Some(Count {
            counted_at,
            clients,
        });
    }

    /// One more was stored.
    pub(super) fn take(&self) {
        if let Some(count) = self.lock().as_mut() {
            count.clients = count.clients.saturating_add(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Count>> {
        // Each change is whole, so a panic elsewhere leaves no half.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
