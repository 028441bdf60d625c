use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::limit::state::BoundedState;
use crate::limit::{Limit, LimitKey, RateLimiter, RateLimits, TooMany};
use crate::types::Clock;

/// Counts in the memory of this process.
///
/// Bounded: of each limit it remembers 65,536 keys, 4 MiB, and a key only until it
/// has its whole burst again. Whoever comes while all of them are in use shares
/// one more.
#[derive(Debug)]
pub struct MemoryRateLimiter {
    clock: Arc<dyn Clock>,
    states: HashMap<Limit, BoundedState>,
}

impl MemoryRateLimiter {
    /// A limiter with these quotas; what they do not limit is always admitted.
    #[must_use]
    pub fn new(limits: &RateLimits, clock: Arc<dyn Clock>) -> Self {
        let states = limits.iter();
        let states = states.map(|(limit, quota)| (limit, BoundedState::new(quota)));
        Self {
            clock,
            states: states.collect(),
        }
    }

    fn count(&self, limit: Limit, key: &LimitKey) -> Result<(), TooMany> {
        match self.states.get(&limit) {
            Some(state) => state.count(*key, self.clock.now()),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn admit(&self, limit: Limit, key: &LimitKey) -> Result<(), TooMany> {
        self.count(limit, key)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
