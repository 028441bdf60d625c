use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What this process revoked, so that whoever remembers a check of something that
/// can be revoked finds out at once that it counts no more.
///
/// Remembers the last 10,000; of what was revoked before them it only knows that
/// it may have been, and lets everybody look again.
#[derive(Debug, Default)]
pub struct Revocations {
    /// How many there were.
    count: AtomicU64,
    remembered: RwLock<Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    /// What was looked at before this many revocations may have been revoked.
    floor: u64,
    /// What was revoked last, and which revocation it was.
    last: HashMap<Box<str>, u64>,
}

/// That something stood, the last time that somebody looked.
#[derive(Clone)]
pub struct Standing {
    revocations: Arc<Revocations>,
    id: Box<str>,
    since: u64,
}

/// The moment before somebody looks: what is revoked from then on is noticed.
#[derive(Debug)]
pub struct BeforeLooking {
    revocations: Arc<Revocations>,
    since: u64,
}

impl Revocations {
    const REMEMBERED: usize = 10_000;

    /// To be taken before anything is read, so that a revocation that happens
    /// meanwhile is not missed.
    #[must_use]
    pub fn before_looking(self: &Arc<Self>) -> BeforeLooking {
        BeforeLooking {
            revocations: Arc::clone(self),
            since: self.count.load(Ordering::SeqCst),
        }
    }

    /// Notes that what has this name counts no more. To be called once the store
    /// has been told.
    pub fn note(&self, id: &str) {
        let remembered = self.remembered.write();
        let mut remembered = remembered.unwrap_or_else(PoisonError::into_inner);
        let number = self.count.load(Ordering::SeqCst) + 1;
        if remembered.last.len() >= Self::REMEMBERED {
            remembered.last.clear();
            remembered.floor = number;
        }
        remembered.last.insert(id.into(), number);
        self.count.store(number, Ordering::SeqCst);
    }

    fn may_have_revoked(&self, id: &str, since: u64) -> bool {
        // The same number: nothing happened, and nothing has to be looked up.
        if self.count.load(Ordering::SeqCst) == since {
            return false;
        }
        let remembered = self.remembered.read();
        let remembered = remembered.unwrap_or_else(PoisonError::into_inner);
        let revoked = remembered.last.get(id);
        since < remembered.floor || revoked.is_some_and(|number| since < *number)
    }
}

impl BeforeLooking {
    /// What was looked at and stands.
    #[must_use]
    pub fn found(self, id: &str) -> Standing {
        Standing {
            revocations: self.revocations,
            id: id.into(),
            since: self.since,
        }
    }
}

impl Standing {
    /// Whether this process has not revoked it since somebody looked.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.revocations.may_have_revoked(&self.id, self.since)
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Standing({}, {})", self.id, self.holds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_revoked_after_somebody_looked_does_not_stand_and_all_else_does() {
        let revocations = Arc::new(Revocations::default());
        let looking = revocations.before_looking();
        let other = revocations.before_looking().found("b");
        revocations.note("a");
        assert!(!looking.found("a").holds(), "revoked while looking");
        assert!(other.holds());
        assert!(revocations.before_looking().found("a").holds(), "a new one");
        revocations.note("b");
        assert!(!other.holds());
    }

    #[test]
    fn what_is_no_longer_remembered_has_to_be_looked_at_again() {
        let revocations = Arc::new(Revocations::default());
        let first = revocations.before_looking().found("first");
        let other = revocations.before_looking().found("other");
        revocations.note("first");
        for number in 0..Revocations::REMEMBERED {
            revocations.note(&number.to_string());
        }
        assert!(!first.holds());
        assert!(!other.holds(), "nobody knows any more");
        assert!(revocations.before_looking().found("other").holds());
        let kept = revocations.remembered.read().unwrap().last.len();
        assert!(kept <= Revocations::REMEMBERED, "{kept}");
    }
}
