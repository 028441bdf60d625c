//! What was used up, in a map of its own: the store is faulty in nothing else.

use async_trait::async_trait;

use crate::store::{ReplayStore, StoreError};
use crate::types::{Timestamp, TokenHash};

use super::{Fault, Faulty};

/// Until when something is used up, first and now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    first: Timestamp,
    until: Timestamp,
}

impl Faulty {
    fn is_used(&self, id: &TokenHash, now: Timestamp) -> bool {
        let notes = self.notes();
        notes.uses.get(id).is_some_and(|held| held.until > now)
    }

    fn note_use(&self, id: TokenHash, until: Timestamp) {
        let mut notes = self.notes();
        let held = notes.uses.entry(id).or_insert(Use {
            first: until,
            until,
        });
        held.until = until;
    }

    pub(super) fn sweep_uses(&self, now: Timestamp) {
        let by_the_first_end = self.has(Fault::SweepForgetsUsesByTheirFirstEnd);
        let forgets_all = self.has(Fault::SweepForgetsUses);
        let lives = |held: &Use| {
            let end = if by_the_first_end {
                held.first
            } else {
                held.until
            };
            !forgets_all && end > now
        };
        self.notes().uses.retain(|_, held| lives(held));
    }

    /// What the store tells uses by, and when it takes them to end.
    fn as_told(&self, id: &TokenHash, until: Timestamp) -> (TokenHash, Timestamp) {
        let mut id = *id;
        if self.has(Fault::UseLooksAtTheFirstByte) {
            id = TokenHash::from_bytes([id.as_bytes()[0]; 32]);
        }
        let mut end = until.as_secs();
        if self.has(Fault::UseIgnoresTheEnd) {
            end = u64::MAX;
        }
        end = end.saturating_add(self.has(Fault::UseEndsLate).into());
        end -= u64::from(self.has(Fault::UseEndsEarly));
        (id, Timestamp::from_secs(end))
    }
}

#[async_trait]
impl ReplayStore for Faulty {
    async fn use_once(
        &self,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (id, until) = self.as_told(id, until);
        if self.has(Fault::UseReadsThenWrites) {
            let used = self.is_used(&id, now);
            tokio::task::yield_now().await;
            self.note_use(id, until);
            return Ok(!used);
        }
        let _one_by_one = self.using.lock().await;
        let used = self.is_used(&id, now);
        if !used || self.has(Fault::RefusedUseCounts) {
            self.note_use(id, until);
        }
        Ok(!used || self.has(Fault::UseIsAlwaysTheFirst))
    }
}
