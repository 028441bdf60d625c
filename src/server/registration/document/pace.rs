use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::types::Timestamp;

/// Keeps strangers from turning this server against a host: of what is fetched
/// from it in a minute, only so much may be of no use.
///
/// A fetch that is under way counts as well, until it turns out to be of use; one
/// that was given up counts to the end of its minute. Hosts that nobody asks for are
/// forgotten first.
#[derive(Debug)]
pub(super) struct Pace {
    hosts: Cache<String, Arc<Mutex<Window>>>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    fetches: u32,
}

/// A fetch that counts until it is of use.
#[derive(Debug)]
pub(super) struct Attempt {
    window: Arc<Mutex<Window>>,
    since: Timestamp,
}

impl Pace {
    const HOSTS: usize = 4096;
    const PERIOD: Duration = Duration::from_secs(60);
    const FETCHES: u32 = 60;

    pub(super) fn new() -> Self {
        Self {
            hosts: Cache::new(Self::HOSTS),
        }
    }

    /// Begins a fetch, unless the host had enough of them.
    pub(super) fn begin(&self, host: &str, now: Timestamp) -> Option<Attempt> {
        let fresh = Window {
            since: now,
            fetches: 0,
        };
        let new = || Ok::<_, Infallible>(Arc::new(Mutex::new(fresh)));
        let Ok(shared) = self.hosts.get_or_insert_with(host, new);
        let mut window = lock(&shared);
        let age = now.since(window.since).max(window.since.since(now));
        if age >= Self::PERIOD {
            *window = fresh;
        }
        if window.fetches >= Self::FETCHES {
            return None;
        }
        window.fetches += 1;
        let since = window.since;
        drop(window);
        Some(Attempt {
            window: shared,
            since,
        })
    }
}

impl Attempt {
    pub(super) fn was_of_use(self) {
        let mut window = lock(&self.window);
        // In a later minute it does not count any more, and others do.
        if window.since == self.since {
            window.fetches = window.fetches.saturating_sub(1);
        }
    }
}

fn lock(window: &Mutex<Window>) -> MutexGuard<'_, Window> {
    // Two numbers, of which each is right by itself.
    window.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn begun(pace: &Pace, host: &str, now: Timestamp) -> usize {
        (0..100).filter(|_| pace.begin(host, now).is_some()).count()
    }

    #[test]
    fn a_host_is_left_alone_after_sixty_useless_fetches_in_a_minute() {
        let pace = Pace::new();
        assert_eq!(begun(&pace, "a.example", NOW), 60);
        assert_eq!(
            begun(&pace, "a.example", NOW.plus(Duration::from_secs(59))),
            0
        );
        assert_eq!(begun(&pace, "b.example", NOW), 60);
        assert_eq!(
            begun(&pace, "a.example", NOW.plus(Duration::from_secs(60))),
            60
        );
        // A clock that was set back does not pause a host for ever.
        assert_eq!(
            begun(&pace, "a.example", NOW.minus(Duration::from_secs(500))),
            60
        );
    }

    #[test]
    fn a_fetch_that_was_of_use_does_not_count() {
        let pace = Pace::new();
        for _ in 0..200 {
            pace.begin("a.example", NOW).unwrap().was_of_use();
        }
        assert_eq!(begun(&pace, "a.example", NOW), 60);
    }

    #[test]
    fn a_fetch_that_was_given_up_counts_to_the_end_of_its_minute() {
        let pace = Pace::new();
        for _ in 0..60 {
            drop(pace.begin("a.example", NOW).unwrap());
        }
        assert_eq!(
            begun(&pace, "a.example", NOW.plus(Duration::from_secs(59))),
            0
        );
        assert_eq!(
            begun(&pace, "a.example", NOW.plus(Duration::from_secs(60))),
            60
        );
    }

    #[test]
    fn a_fetch_of_the_minute_before_makes_no_room_in_this_one() {
        let pace = Pace::new();
        let slow = pace.begin("a.example", NOW).unwrap();
        let later = NOW.plus(Duration::from_secs(60));
        assert_eq!(begun(&pace, "a.example", later), 60);
        slow.was_of_use();
        assert_eq!(begun(&pace, "a.example", later), 0);
    }

    #[test]
    fn a_flood_of_hosts_does_not_make_a_paused_one_forgotten() {
        let pace = Pace::new();
        assert_eq!(begun(&pace, "victim.example", NOW), 60);
        for number in 0..20_000 {
            assert_eq!(begun_once(&pace, &format!("h{number}.example")), 1);
        }
        assert!(pace.hosts.len() <= Pace::HOSTS);
        assert_eq!(begun(&pace, "victim.example", NOW), 0);
    }

    fn begun_once(pace: &Pace, host: &str) -> usize {
        usize::from(pace.begin(host, NOW).is_some())
    }
}
