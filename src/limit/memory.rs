use std::collections::HashMap;
use std::ops::Add;
use std::sync::Arc;

use async_trait::async_trait;
use governor::clock::{Clock as GovernorClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;

use crate::limit::state::BoundedState;
use crate::limit::{Limit, LimitKey, Quota, RateLimiter, RateLimits, TooMany};
use crate::types::Clock;

/// Counts in the memory of this process.
///
/// Bounded: of each limit it remembers 65,536 keys, 4 MiB, and a key only until it
/// has its whole burst again. Whoever comes while all of them are in use shares
/// one more.
#[derive(Debug)]
pub struct MemoryRateLimiter {
    clock: Ticks,
    limiters: HashMap<Limit, Limiter>,
}

type Limiter = governor::RateLimiter<LimitKey, BoundedState, Ticks, NoOpMiddleware<Tick>>;

impl MemoryRateLimiter {
    /// A limiter with these quotas; what they do not limit is always admitted.
    #[must_use]
    pub fn new(limits: &RateLimits, clock: Arc<dyn Clock>) -> Self {
        let clock = Ticks(clock);
        let limiter = |quota| {
            let (state, quota) = (BoundedState::new(quota, clock.clone()), rate(quota));
            Limiter::new(quota, state, clock.clone())
        };
        Self {
            limiters: limits
                .iter()
                .map(|(limit, quota)| (limit, limiter(quota)))
                .collect(),
            clock,
        }
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn admit(&self, limit: Limit, key: &LimitKey) -> Result<(), TooMany> {
        let Some(limiter) = self.limiters.get(&limit) else {
            return Ok(());
        };
        limiter.check_key(key).map_err(|refusal| TooMany {
            retry_after: refusal.wait_time_from(self.clock.now()),
        })
    }
}

fn rate(quota: Quota) -> governor::Quota {
    governor::Quota::per_minute(quota.per_minute).allow_burst(quota.burst)
}

/// Our clock, as the one that the limiter asks.
#[derive(Clone, Debug)]
pub(super) struct Ticks(Arc<dyn Clock>);

/// Nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Tick(u64);

impl GovernorClock for Ticks {
    type Instant = Tick;

    fn now(&self) -> Tick {
        Tick(self.0.now().as_secs().saturating_mul(1_000_000_000))
    }
}

impl Add<Nanos> for Tick {
    type Output = Self;

    fn add(self, nanos: Nanos) -> Self {
        Self(self.0.saturating_add(nanos.as_u64()))
    }
}

impl Reference for Tick {
    fn duration_since(&self, earlier: Self) -> Nanos {
        Nanos::new(self.0.saturating_sub(earlier.0))
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.as_u64()).unwrap_or(self.0))
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
