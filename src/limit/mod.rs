//! How often something may be asked for (layer 2).
//!
//! [`RateLimits`] are the settings, [`RateLimiter`] is the port that counts.
//! Without a limiter of the host, [`MemoryRateLimiter`] counts in this process:
//! every replica then counts for itself.

mod key;
mod memory;
mod quota;
mod state;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

pub use key::LimitKey;
pub use memory::MemoryRateLimiter;
pub use quota::{Limit, Quota, RateLimits};

/// Counts requests, and tells when there are too many.
///
/// A host whose replicas are to share their counts puts a database behind this.
#[async_trait]
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Counts a request under `key`, if `limit` leaves room for it.
    ///
    /// What is refused is not counted, so that who goes on asking is let in as
    /// soon as who waits. That holds for this `limit`: where a wider one refuses
    /// after it, the request has been counted here.
    ///
    /// A limiter that cannot tell admits: a limit protects the server, and its own
    /// failure must not close it.
    ///
    /// # Errors
    ///
    /// [`TooMany`] if there is no room.
    async fn admit(&self, limit: Limit, key: &LimitKey) -> Result<(), TooMany>;
}

/// There were too many requests.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("too many requests")]
pub struct TooMany {
    /// When there will be room for one.
    pub retry_after: Duration,
}

impl TooMany {
    /// The time to wait as `Retry-After` says it: whole seconds, one at least
    /// ([RFC 9110, section 10.2.3]).
    ///
    /// [RFC 9110, section 10.2.3]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    #[must_use]
    pub fn seconds(&self) -> u64 {
        let begun = u64::from(self.retry_after.subsec_nanos() > 0);
        self.retry_after.as_secs().saturating_add(begun).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_as_none() {
        let cases = [
            (Duration::ZERO, 1),
            (Duration::from_millis(1), 1),
            (Duration::from_secs(1), 1),
            (Duration::from_millis(1001), 2),
            (Duration::MAX, u64::MAX),
        ];
        for (retry_after, expected) in cases {
            assert_eq!(TooMany { retry_after }.seconds(), expected);
        }
    }
}
