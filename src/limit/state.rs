use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::limit::{LimitKey, Quota, TooMany};
use crate::types::Timestamp;

/// How many keys of one limit are remembered.
pub(super) const MAX_KEYS: usize = 65_536;

const SECOND: u64 = 1_000_000_000;

/// The state of every key of one limit, in bounded memory.
///
/// A request takes something of the burst of its key, and all of it comes back with
/// time. So one number says everything: when the burst will be whole again.
///
/// To keep a key in use costs a request in every time that one request takes to be
/// forgotten, so that to fill the memory for a while takes tens of thousands of
/// requests a second.
#[derive(Debug)]
pub(super) struct BoundedState {
    /// How long one request takes to be forgotten.
    one: u64,
    /// How long it takes at most until a key has its whole burst again.
    longest: u64,
    keys: Mutex<Keys>,
}

/// Times are nanoseconds since the epoch, not since a start that the clock could be
/// put back behind.
#[derive(Debug, Default)]
struct Keys {
    /// When each key will have its whole burst again.
    whole_at: HashMap<LimitKey, u64>,
    swept_at: Option<u64>,
}

impl BoundedState {
    pub(super) fn new(quota: Quota) -> Self {
        let one = 60 * SECOND / u64::from(quota.per_minute.get());
        Self {
            one,
            longest: one.saturating_mul(u64::from(quota.burst.get())),
            keys: Mutex::default(),
        }
    }

    /// Counts a request, if the burst of its key has room for it.
    pub(super) fn count(&self, key: LimitKey, now: Timestamp) -> Result<(), TooMany> {
        let now = now.as_secs().saturating_mul(SECOND);
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key = self.place(key, &mut keys, now);
        let known = keys.whole_at.get(&key).copied();
        let known = known.filter(|whole_at| self.is_in_use(*whole_at, now));
        let whole_at = known.unwrap_or(now).saturating_add(self.one);
        let lacks = whole_at.saturating_sub(now);
        if lacks > self.longest {
            let retry_after = Duration::from_nanos(lacks - self.longest);
            return Err(TooMany { retry_after });
        }
        keys.whole_at.insert(key, whole_at);
        Ok(())
    }

    /// Whether a key still lacks something of its burst. If that would be for
    /// longer than it can, the clock was put back, and nobody shall wait for it.
    fn is_in_use(&self, whole_at: u64, now: u64) -> bool {
        let left = whole_at.saturating_sub(now);
        (1..=self.longest).contains(&left)
    }

    /// The key to count under: a new one if there is room, or else a shared one.
    fn place(&self, key: LimitKey, keys: &mut Keys, now: u64) -> LimitKey {
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

#[cfg(test)]
impl BoundedState {
    pub(super) fn len(&self) -> usize {
        self.keys.lock().unwrap().whole_at.len()
    }
}
