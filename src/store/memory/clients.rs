use std::mem;

use crate::model::ClientRecord;
use crate::store::Insertion;
use crate::types::{ClientId, Timestamp};

use super::client::HeldClient;
use super::state::{Key, Refusal, State, remove};

/// Clients and the grants they hold.
impl State {
    pub(super) fn insert_client(&mut self, client: ClientRecord) -> Result<Insertion, Refusal> {
        if self.clients.contains_key(&client.id) {
            return Ok(Insertion::Conflict);
        }
        self.make_room("clients", self.limits.clients, |state| state.clients.len())?;
        let (id, held) = HeldClient::new(client).map_err(|_| Refusal::Unwritable)?;
        self.dynamic_clients += usize::from(held.is_dynamic());
        self.clients.insert(id.clone(), held);
        if !self.grants_of.contains_key(&id) {
            self.expiries.extend(self.expiry_of_client(&id));
        }
        Ok(Insertion::Done)
    }

    pub(super) fn update_client(
        &mut self,
        old: &ClientRecord,
        new: ClientRecord,
    ) -> Result<bool, Refusal> {
        let id = &old.id;
        let held = self.clients.get(id).map(|held| held.record(id));
        let held = held.transpose().map_err(|_| Refusal::Unwritable)?;
        if held.as_ref() != Some(old) {
            return Ok(false);
        }
        let (_, new) = HeldClient::new(new).map_err(|_| Refusal::Unwritable)?;
        if let Some(expiry) = self.expiry_of_client(id) {
            self.expiries.remove(&expiry);
        }
        self.dynamic_clients += usize::from(new.is_dynamic());
        // Not inserted again: a map that is full would double for it.
        if let Some(held) = self.clients.get_mut(id) {
            let replaced = mem::replace(held, new);
            self.dynamic_clients -= usize::from(replaced.is_dynamic());
        }
        if !self.grants_of.contains_key(id) {
            self.expiries.extend(self.expiry_of_client(id));
        }
        Ok(true)
    }

    pub(super) fn remove_client(&mut self, id: &ClientId) -> bool {
        if let Some(expiry) = self.expiry_of_client(id) {
            self.expiries.remove(&expiry);
        }
        self.forget_client(id)
    }

    pub(super) fn forget_client(&mut self, id: &ClientId) -> bool {
        let Some(held) = remove(&mut self.clients, id) else {
            return false;
        };
        self.dynamic_clients -= usize::from(held.is_dynamic());
        true
    }

    fn expiry_of_client(&self, id: &ClientId) -> Option<(Timestamp, Key)> {
        let unused_until = self.clients.get(id)?.registration.unused_until()?;
        Some((unused_until, Key::Client(id.clone())))
    }

    /// Counts a grant of this client, and lets `id` share the memory of the same
    /// identifier.
    pub(super) fn hold_client(&mut self, id: &mut ClientId) {
        if let Some((known, _)) = self.clients.get_key_value(id) {
            *id = known.clone();
        }
        let held = self.grants_of.entry(id.clone()).or_default();
        *held += 1;
        if *held == 1
            && let Some(expiry) = self.expiry_of_client(id)
        {
            self.expiries.remove(&expiry);
        }
    }

    pub(super) fn release_client(&mut self, id: &ClientId) {
        if let Some(held) = self.grants_of.get_mut(id) {
            *held -= 1;
            if *held == 0 {
                remove(&mut self.grants_of, id);
                self.expiries.extend(self.expiry_of_client(id));
            }
        }
    }
}
