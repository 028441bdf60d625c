//! Clients, and how many there are.

use async_trait::async_trait;

use crate::model::{ClientRecord, GrantFilter, Registration};
use crate::store::{ClientStore, GrantStore, Insertion, StoreError};
use crate::types::{ClientId, Timestamp};

use super::{Due, Fault, Faulty};

impl Faulty {
    async fn holds_a_grant(&self, id: &ClientId, now: Timestamp) -> Result<bool, StoreError> {
        let of_client = GrantFilter::Client(id.clone());
        let held = self.inner.list_grants(&of_client, None, 1, now).await?;
        Ok(!held.is_empty())
    }

    /// Replaces whatever is stored by `new`.
    async fn replace(&self, new: ClientRecord) -> Result<bool, StoreError> {
        let Some(stands) = self.inner.find_client(&new.id).await? else {
            return Ok(false);
        };
        self.inner.update_client(&stands, new).await
    }

    /// What an update leaves behind, for a sweep to go wrong by.
    async fn note_update(&self, old: &ClientRecord, new: &ClientRecord) -> Result<(), StoreError> {
        let holder = self.holds_a_grant(&old.id, Timestamp::default()).await?;
        if self.has(Fault::UpdateKeepsTheOldTime)
            || (holder && self.has(Fault::UpdateOfAHolderKeepsTheOldTime))
        {
            self.sweep_at(&old.id, old.registration.unused_until(), false);
        }
        if self.has(Fault::UpdateForgetsTheGrants) {
            self.sweep_at(&old.id, new.registration.unused_until(), true);
        }
        Ok(())
    }

    pub(super) fn sweep_at(&self, client: &ClientId, at: Option<Timestamp>, despite_grants: bool) {
        self.notes().due.extend(at.map(|at| Due {
            client: client.clone(),
            at,
            despite_grants,
        }));
    }

    pub(super) async fn sweep_what_is_due(&self, now: Timestamp) -> Result<(), StoreError> {
        let due = self.notes().due.clone();
        for due in due.into_iter().filter(|due| due.at <= now) {
            if due.despite_grants || !self.holds_a_grant(&due.client, now).await? {
                self.inner.remove_client(&due.client).await?;
            }
        }
        Ok(())
    }

    fn note_insertion(&self, client: &ClientRecord) {
        let removed = self.notes().removed.contains(&client.id);
        if removed && self.has(Fault::RemovedClientsLoseTheirGrants) {
            self.sweep_at(&client.id, client.registration.unused_until(), true);
        }
        let dynamic = matches!(client.registration, Registration::Dynamic { .. });
        let mut notes = self.notes();
        notes.ever_inserted += usize::from(dynamic);
        notes.preregistered += usize::from(!dynamic);
    }
}

#[async_trait]
impl ClientStore for Faulty {
    async fn insert_client(&self, client: ClientRecord) -> Result<Insertion, StoreError> {
        if self.has(Fault::InsertOverwrites) {
            let mut notes = self.notes();
            notes.overwritten.insert(client.id.clone(), client);
            return Ok(Insertion::Done);
        }
        if self.has(Fault::RemovedIdsStayTaken) && self.notes().removed.contains(&client.id) {
            return Ok(Insertion::Conflict);
        }
        let count = self.notes().ever_inserted;
        let inserted = self.inner.insert_client(client.clone()).await?;
        if inserted == Insertion::Done {
            self.note_insertion(&client);
        }
        if self.has(Fault::CountReadsThenWrites) {
            tokio::task::yield_now().await;
            self.notes().ever_inserted = count + 1;
        }
        Ok(inserted)
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        if self.has(Fault::InsertOverwrites) {
            return Ok(self.notes().overwritten.get(id).cloned());
        }
        self.inner.find_client(id).await
    }

    async fn update_client(
        &self,
        old: &ClientRecord,
        new: ClientRecord,
    ) -> Result<bool, StoreError> {
        let found = self.inner.find_client(&old.id).await?;
        if self.has(Fault::UpdateDoesNotCompare) {
            return self.replace(new).await;
        }
        if self.has(Fault::UpdateComparesTheName) {
            let same = found.is_some_and(|found| found.name == old.name);
            return Ok(same && self.replace(new).await?);
        }
        if self.has(Fault::UpdateReadsThenWrites) {
            tokio::task::yield_now().await;
            return Ok(found.as_ref() == Some(old) && self.replace(new).await?);
        }
        if self.has(Fault::UpdateInserts) && found.is_none() {
            self.inner.insert_client(new).await?;
            return Ok(false);
        }
        let updated = self.inner.update_client(old, new.clone()).await?;
        if updated {
            self.note_update(old, &new).await?;
        }
        Ok(updated)
    }

    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        self.notes().removed.insert(id.clone());
        if self.has(Fault::RemoveLeavesTheClient) {
            return Ok(self.inner.find_client(id).await?.is_some());
        }
        if self.has(Fault::RemoveEndsTheGrants) {
            let of_client = GrantFilter::Client(id.clone());
            let now = Timestamp::default();
            for grant in self.inner.list_grants(&of_client, None, 10, now).await? {
                self.inner.revoke_grant(&grant.id).await?;
            }
        }
        let removed = self.inner.remove_client(id).await?;
        Ok(removed || self.has(Fault::RemoveIsAlwaysTrue))
    }

    async fn count_clients(&self, most: usize) -> Result<usize, StoreError> {
        let (ever, preregistered) = {
            let notes = self.notes();
            (notes.ever_inserted, notes.preregistered)
        };
        if self.has(Fault::CountIgnoresTheMost) {
            return self.inner.count_clients(usize::MAX).await;
        }
        if self.has(Fault::CountNeverFalls) || self.has(Fault::CountReadsThenWrites) {
            return Ok(ever.min(most));
        }
        let mut count = self.inner.count_clients(most).await?;
        if self.has(Fault::CountTakesPreregisteredOnes) {
            count += preregistered;
        }
        Ok(count.min(most))
    }
}
