use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use thiserror::Error;

use crate::model::{
    AccessTokenRecord, CodeRecord, GrantRecord, PendingRecord, RefreshRecord, Sealed,
    SigningKeyRecord, SpentToken,
};
use crate::store::{Insertion, MemoryLimits};
use crate::types::{ApiKeyId, ClientId, GrantId, Timestamp, TokenHash};

use super::api_keys::HeldApiKeys;
use super::client::HeldClient;

/// How many expired records one write forgets: more than it adds, so that the
/// store shrinks while there is traffic.
const FORGOTTEN_PER_WRITE: usize = 8;

/// Why a record is not stored.
#[derive(Clone, Copy, Debug, Error)]
pub(super) enum Refusal {
    #[error("the memory store is full: no room for more {0}")]
    Full(&'static str),
    #[error("the key of a new record is taken")]
    KeyTaken,
    #[error("a record cannot be written as JSON")]
    Unwritable,
}

/// The records. Behind an `Arc`, so that they are copied outside the lock.
#[derive(Default)]
pub(super) struct State {
    pub(super) limits: MemoryLimits,
    pub(super) clients: HashMap<ClientId, HeldClient>,
    pub(super) pending: HashMap<TokenHash, Arc<PendingRecord>>,
    pub(super) codes: HashMap<TokenHash, Arc<CodeRecord>>,
    pub(super) grants: HashMap<GrantId, Arc<HeldGrant>>,
    pub(super) access_tokens: HashMap<TokenHash, Arc<AccessTokenRecord>>,
    /// What was used up, and until when.
    pub(super) replays: HashMap<TokenHash, Timestamp>,
    pub(super) api_keys: HeldApiKeys,
    pub(super) signing_keys: BTreeMap<u32, SigningKeyRecord>,
    /// Who holds which lease, and until when.
    pub(super) leases: HashMap<String, (String, Timestamp)>,
    /// How many clients registered themselves.
    pub(super) dynamic_clients: usize,
    /// How many grants each client holds; none is not an entry.
    pub(super) grants_of: HashMap<ClientId, usize>,
    /// What expires when: an entry for each record that does, and no other.
    /// A client is here only while it holds no grant.
    pub(super) expiries: BTreeSet<(Timestamp, Key)>,
    /// The same for what lives for minutes: there is less of it, and its keys take
    /// more memory.
    pub(super) short_lived: BTreeSet<(Timestamp, ShortLived)>,
    /// The time at which the write under way began.
    written_at: Timestamp,
}

/// A grant and its refresh token.
#[derive(Clone)]
pub(super) struct HeldGrant {
    pub(super) record: GrantRecord,
    pub(super) refresh: Option<HeldRefresh>,
}

/// A [`RefreshRecord`] without what stands in its grant.
#[derive(Clone)]
pub(super) struct HeldRefresh {
    pub(super) family: TokenHash,
    pub(super) current: TokenHash,
    pub(super) previous: Option<SpentToken>,
    pub(super) expires_at: Timestamp,
}

impl From<RefreshRecord> for HeldRefresh {
    fn from(record: RefreshRecord) -> Self {
        Self {
            family: record.family,
            current: record.current,
            previous: record.previous,
            expires_at: record.expires_at,
        }
    }
}

/// Which request, code or token expires.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum ShortLived {
    Pending(TokenHash),
    Code(TokenHash),
    AccessToken(TokenHash),
    Replay(TokenHash),
}

/// What else expires. What does so at the same time goes in this order, after
/// what is short-lived: a grant before its client.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Key {
    /// What a spent refresh token got.
    Answer(GrantId),
    Grant(GrantId),
    Client(ClientId),
    Api(ApiKeyId),
}

impl State {
    pub(super) fn begin_write(&mut self, now: Timestamp) {
        self.written_at = now;
        self.sweep(now, FORGOTTEN_PER_WRITE);
    }

    pub(super) fn sweep(&mut self, now: Timestamp, limit: usize) -> usize {
        let mut forgotten = 0;
        while forgotten < limit && self.forget_one(now) {
            forgotten += 1;
        }
        forgotten
    }

    /// Forgets what expired first, if anything has at `now`.
    fn forget_one(&mut self, now: Timestamp) -> bool {
        let short = self.short_lived.first().map(|(at, _)| *at);
        let long = self.expiries.first().map(|(at, _)| *at);
        let expired = |at: &Timestamp| *at <= now;
        match (short.filter(expired), long.filter(expired)) {
            (None, None) => false,
            (Some(short), Some(long)) if long < short => self.forget_long_lived(),
            (Some(_), _) => self.forget_short_lived(),
            (None, Some(_)) => self.forget_long_lived(),
        }
    }

    fn forget_short_lived(&mut self) -> bool {
        let Some((_, key)) = self.short_lived.pop_first() else {
            return false;
        };
        match key {
            ShortLived::Pending(state) => drop(remove(&mut self.pending, &state)),
            ShortLived::Code(hash) => drop(remove(&mut self.codes, &hash)),
            ShortLived::AccessToken(hash) => drop(remove(&mut self.access_tokens, &hash)),
            ShortLived::Replay(id) => drop(remove(&mut self.replays, &id)),
        }
        true
    }

    fn forget_long_lived(&mut self) -> bool {
        let Some((_, key)) = self.expiries.pop_first() else {
            return false;
        };
        match key {
            Key::Answer(id) => self.forget_answer(&id),
            Key::Grant(id) => drop(self.revoke_grant(&id)),
            Key::Client(id) => drop(self.forget_client(&id)),
            Key::Api(id) => drop(self.api_keys.remove(&id)),
        }
        true
    }

    /// Makes sure that `count` is below `limit`, forgetting what has expired.
    pub(super) fn make_room(
        &mut self,
        what: &'static str,
        limit: usize,
        count: impl Fn(&Self) -> usize,
    ) -> Result<(), Refusal> {
        while count(self) >= limit {
            if !self.forget_one(self.written_at) {
                return Err(Refusal::Full(what));
            }
        }
        Ok(())
    }
}

/// Removes an entry, and gives memory back when few are left of many: what a
/// flood took is not kept for the next one.
pub(super) fn remove<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: &K) -> Option<V> {
    let removed = map.remove(key);
    if map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
    removed
}

/// Authorization requests and fresh codes.
impl State {
    pub(super) fn insert_pending(&mut self, pending: PendingRecord) -> Result<Insertion, Refusal> {
        let key = pending.state;
        if self.pending.contains_key(&key) {
            return Ok(Insertion::Conflict);
        }
        self.make_room("authorization requests", self.limits.pending, |state| {
            state.pending.len()
        })?;
        self.short_lived
            .insert((pending.expires_at, ShortLived::Pending(key)));
        self.pending.insert(key, Arc::new(pending));
        Ok(Insertion::Done)
    }

    pub(super) fn take_pending(
        &mut self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Option<Arc<PendingRecord>> {
        let pending = remove(&mut self.pending, state)?;
        self.short_lived
            .remove(&(pending.expires_at, ShortLived::Pending(*state)));
        (pending.expires_at > now).then_some(pending)
    }

    pub(super) fn insert_code(&mut self, code: CodeRecord) -> Result<Insertion, Refusal> {
        let key = code.hash;
        if self.codes.contains_key(&key) {
            return Ok(Insertion::Conflict);
        }
        self.make_room("codes", self.limits.codes, |state| state.codes.len())?;
        self.short_lived
            .insert((code.expires_at, ShortLived::Code(key)));
        self.codes.insert(key, Arc::new(code));
        Ok(Insertion::Done)
    }
}

/// Replays, signing keys and leases.
impl State {
    pub(super) fn use_once(
        &mut self,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        if let Some(end) = self.replays.get(id).copied() {
            if end > now {
                return Ok(false);
            }
            // Both, so that there is room for it and nothing is left if not.
            self.short_lived.remove(&(end, ShortLived::Replay(*id)));
            remove(&mut self.replays, id);
        }
        self.make_room("used assertions", self.limits.replays, |state| {
            state.replays.len()
        })?;
        self.short_lived.insert((until, ShortLived::Replay(*id)));
        self.replays.insert(*id, until);
        Ok(true)
    }

    pub(super) fn insert_signing_key(&mut self, key: SigningKeyRecord) -> Insertion {
        match self.signing_keys.entry(key.generation) {
            Entry::Occupied(_) => Insertion::Conflict,
            Entry::Vacant(entry) => {
                entry.insert(key);
                Insertion::Done
            }
        }
    }

    pub(super) fn reseal_signing_key(
        &mut self,
        generation: u32,
        old: &Sealed,
        new: &Sealed,
    ) -> bool {
        let key = self.signing_keys.get_mut(&generation);
        let Some(key) = key.filter(|key| key.private == *old) else {
            return false;
        };
        key.private = new.clone();
        true
    }

    pub(super) fn take_lease(
        &mut self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> bool {
        let held = self.leases.get(name);
        if held.is_some_and(|(by, end)| by != holder && *end > now) {
            return false;
        }
        self.leases
            .insert(name.to_owned(), (holder.to_owned(), until));
        true
    }
}
