use std::fmt;
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::types::{Timestamp, TokenHash};

/// Tokens that were refused a moment ago, by their hash.
///
/// When all places are taken, a new one takes that of another: a flood of bad tokens
/// costs no more memory than that, and good tokens are not in here.
pub(super) struct Refusals {
    count_for: Duration,
    known: Cache<TokenHash, (Refusal, Timestamp)>,
}

/// A definitive no.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    Refused(&'static str),
    /// The endpoint does not know tokens of such a kind.
    Foreign,
}

impl Refusals {
    pub(super) fn new(capacity: usize, count_for: Duration) -> Self {
        Self {
            count_for,
            known: Cache::new(capacity),
        }
    }

    /// The refusal of the token with this hash, if it need not be asked about.
    pub(super) fn find(&self, hash: &TokenHash, now: Timestamp) -> Option<Refusal> {
        let (refusal, at) = self.known.get(hash)?;
        // A clock that was put back leads no refusal past its time.
        let age = now.since(at).max(at.since(now));
        if age < self.count_for {
            return Some(refusal);
        }
        self.known.remove(hash);
        None
    }

    pub(super) fn remember(&self, hash: TokenHash, refusal: Refusal, at: Timestamp) {
        self.known.insert(hash, (refusal, at));
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Refusals({} tokens)", self.known.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn a_refusal_counts_for_its_time_in_either_direction_of_the_clock() {
        let refusals = Refusals::new(10, Duration::from_secs(10));
        let token = TokenHash::of("a");
        for (now, found) in [
            (NOW, true),
            (NOW + 9, true),
            (NOW + 10, false),
            (NOW - 9, true),
            (NOW - 10, false),
            (0, false),
        ] {
            refusals.remember(token, Refusal::Foreign, at(NOW));
            assert_eq!(refusals.find(&token, at(now)).is_some(), found, "{now}");
        }
        assert_eq!(refusals.find(&TokenHash::of("A"), at(NOW)), None);
    }

    #[test]
    fn a_flood_of_bad_tokens_takes_no_more_than_the_places_there_are() {
        let refusals = Refusals::new(100, Duration::from_secs(10));
        for number in 0..20_000 {
            let token = TokenHash::of(&number.to_string());
            refusals.remember(token, Refusal::Refused("no"), at(NOW));
        }
        assert!(refusals.known.len() <= 100, "{refusals:?}");
    }
}
