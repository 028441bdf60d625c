use std::time::Duration;

use crate::jose::Algorithm;
use crate::model::SigningKeyRecord;
use crate::types::Timestamp;

/// When keys follow each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeySchedule {
    /// With what new keys sign: `ES256`, or `EdDSA`.
    pub algorithm: Algorithm,
    /// How long one key signs: 90 days. `None`: without end.
    pub period: Option<Duration>,
    /// How long the next key is published before it signs, and the former one
    /// after: a day. At least as long as an access token lives and a copy of the
    /// key set is kept.
    pub overlap: Duration,
}

impl Default for KeySchedule {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            algorithm: Algorithm::Es256,
            period: Some(DAY * 90),
            overlap: DAY,
        }
    }
}

impl KeySchedule {
    /// Every instance has read a new key this long after it was made, and so
    /// has whoever fetches the key set.
    pub(crate) const SPREAD: Duration = Duration::from_secs(600);

    /// When the key that follows `keys` is to sign, if it has to be made now.
    pub(super) fn due(&self, keys: &[SigningKeyRecord], now: Timestamp) -> Option<Timestamp> {
        let Some(last) = keys.last() else {
            return Some(now);
        };
        let earliest = now.plus(self.overlap);
        // One that waits for its turn is enough, whatever changed meanwhile.
        if last.signs_from > now {
            return None;
        }
        if last.algorithm != self.algorithm {
            return Some(earliest);
        }
        let planned = last.signs_from.plus(self.period?);
        (planned <= earliest).then_some(earliest)
    }

    /// The generations that nothing has to be verified with any more.
    pub(super) fn over(&self, keys: &[SigningKeyRecord], now: Timestamp) -> Vec<u32> {
        let followed = keys.iter().zip(keys.iter().skip(1));
        followed
            .filter(|(_, next)| next.signs_from.plus(self.overlap) <= now)
            .map(|(former, _)| former.generation)
            .collect()
    }
}
