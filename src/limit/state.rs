use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use governor::clock::{Clock as _, Reference as _};
use governor::nanos::Nanos;
use governor::state::StateStore;

use crate::limit::memory::{Tick, Ticks};
use crate::limit::{LimitKey, Quota};

/// How many keys of one limit are remembered.
pub(super) const MAX_KEYS: usize = 65_536;

/// The state of every key of one limit, in bounded memory.
///
/// To keep a key in use costs a request in every time that one request takes to be
/// forgotten, so that to fill the memory for a while takes tens of thousands of
/// requests a second.
#[derive(Debug)]
pub(super) struct BoundedState {
    clock: Ticks,
    /// The origin of the times that are kept.
    start: Tick,
    /// How long it takes at most until a key has its whole burst again.
    longest: u64,
    keys: Mutex<Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    /// When each key will have its whole burst again.
    whole_at: HashMap<LimitKey, Nanos>,
    swept_at: Option<Nanos>,
}

impl BoundedState {
    pub(super) fn new(quota: Quota, clock: Ticks) -> Self {
        let one = 60_000_000_000 / u64::from(quota.per_minute.get());
        Self {
            start: clock.now(),
            clock,
            longest: one.saturating_mul(u64::from(quota.burst.get())),
            keys: Mutex::default(),
        }
    }

    /// Whether a key still lacks something of its burst. If that would be for
    /// longer than it can, the clock was put back, and nobody shall wait for it.
    fn is_in_use(&self, whole_at: Nanos, now: Nanos) -> bool {
        let left = whole_at.as_u64().saturating_sub(now.as_u64());
        (1..=self.longest).contains(&left)
    }

    /// The key to count under: a new one if there is room, or else a shared one.
    fn place(&self, key: LimitKey, keys: &mut Keys, now: Nanos) -> LimitKey {
        let has_room = |keys: &Keys| keys.whole_at.len() < MAX_KEYS;
        if keys.whole_at.contains_key(&key) || has_room(keys) {
            return key;
        }
        // Once a tick: to look through all keys for each new one would be what an
        // attacker wants.
        if keys.swept_at != Some(now) {
            keys.swept_at = Some(now);
            keys.whole_at
                .retain(|_, whole_at| self.is_in_use(*whole_at, now));
        }
        if has_room(keys) {
            key
        } else {
            LimitKey::everybody()
        }
    }
}

impl StateStore for BoundedState {
    type Key = LimitKey;

    fn measure_and_replace<T, F, E>(&self, key: &LimitKey, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let now = self.clock.now().duration_since(self.start);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.place(*key, &mut keys, now);
        let known = keys.whole_at.get(&key).copied();
        let known = known.filter(|whole_at| self.is_in_use(*whole_at, now));
        let (outcome, whole_at) = measure(known)?;
        keys.whole_at.insert(key, whole_at);
        Ok(outcome)
    }
}

#[cfg(test)]
impl BoundedState {
    pub(super) fn len(&self) -> usize {
        self.keys.lock().unwrap().whole_at.len()
    }
}
