use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    AccessTokenRecord, CodeStage, GrantFilter, GrantRecord, IssuedRecords, RefreshRecord,
    RotatedRecords, Sealed,
};
use crate::store::{Insertion, Redemption, Rotation};
use crate::types::{GrantId, Timestamp, TokenHash};

use super::state::{HeldGrant, HeldRefresh, Key, Refusal, ShortLived, State, remove};

/// No grace period is longer; a spent token's answer is forgotten after it.
const ANSWER_KEPT: Duration = Duration::from_secs(300);

impl HeldGrant {
    /// When the held answer to a spent refresh token is of no use any more.
    fn answer_until(&self) -> Option<Timestamp> {
        let spent = self.refresh.as_ref()?.previous.as_ref()?;
        let held = !spent.answer.as_bytes().is_empty();
        held.then(|| spent.spent_at.plus(ANSWER_KEPT))
    }
}

/// What a code and a refresh token give.
impl State {
    pub(super) fn redeem_code(
        &mut self,
        hash: &TokenHash,
        issued: IssuedRecords,
        now: Timestamp,
    ) -> Result<Redemption, Refusal> {
        match self.codes.get(hash).filter(|code| code.expires_at > now) {
            None => return Ok(Redemption::Absent),
            Some(code) => {
                if let CodeStage::Redeemed(grant) = &code.stage {
                    return Ok(Redemption::Replayed(grant.clone()));
                }
            }
        }
        self.make_room_for(&issued)?;
        // Looked up again: making room may have forgotten it.
        let Some(code) = self.codes.get_mut(hash) else {
            return Ok(Redemption::Absent);
        };
        Arc::make_mut(code).stage = CodeStage::Redeemed(issued.grant.id.clone());
        self.insert_issued(issued);
        Ok(Redemption::Done)
    }

    pub(super) fn begin_grant(&mut self, issued: IssuedRecords) -> Result<Insertion, Refusal> {
        if self.grants.contains_key(&issued.grant.id) {
            return Ok(Insertion::Conflict);
        }
        self.make_room_for(&issued)?;
        self.insert_issued(issued);
        Ok(Insertion::Done)
    }

    /// Refuses what cannot be stored as a whole, before any of it is.
    fn make_room_for(&mut self, issued: &IssuedRecords) -> Result<(), Refusal> {
        if self.grants.contains_key(&issued.grant.id) {
            return Err(Refusal::KeyTaken);
        }
        self.make_room("grants", self.limits.grants, |state| state.grants.len())?;
        self.make_room_for_access(issued.access.as_ref())
    }

    fn make_room_for_access(&mut self, access: Option<&AccessTokenRecord>) -> Result<(), Refusal> {
        let Some(access) = access else {
            return Ok(());
        };
        if self.access_tokens.contains_key(&access.hash) {
            return Err(Refusal::KeyTaken);
        }
        self.make_room("access tokens", self.limits.access_tokens, |state| {
            state.access_tokens.len()
        })
    }

    fn insert_issued(&mut self, mut issued: IssuedRecords) {
        self.hold_client(&mut issued.grant.client_id);
        let held = HeldGrant {
            record: issued.grant,
            refresh: issued.refresh.map(HeldRefresh::from),
        };
        let ends_at = held.record.expires_at;
        self.insert_grant(Arc::new(held));
        if let Some(access) = issued.access {
            self.insert_access(access, ends_at);
        }
    }

    fn insert_grant(&mut self, held: Arc<HeldGrant>) {
        let id = held.record.id.clone();
        self.expiries
            .insert((held.record.expires_at, Key::Grant(id.clone())));
        if let Some(until) = held.answer_until() {
            self.expiries.insert((until, Key::Answer(id.clone())));
        }
        self.grants.insert(id, held);
    }

    fn remove_grant(&mut self, id: &GrantId) -> Option<Arc<HeldGrant>> {
        let held = remove(&mut self.grants, id)?;
        self.expiries
            .remove(&(held.record.expires_at, Key::Grant(id.clone())));
        if let Some(until) = held.answer_until() {
            self.expiries.remove(&(until, Key::Answer(id.clone())));
        }
        Some(held)
    }

    /// A token is forgotten no later than its grant, which `ends_at`.
    fn insert_access(&mut self, access: AccessTokenRecord, ends_at: Timestamp) {
        let forget_at = access.expires_at.min(ends_at);
        self.short_lived
            .insert((forget_at, ShortLived::AccessToken(access.hash)));
        self.access_tokens.insert(access.hash, Arc::new(access));
    }

    pub(super) fn rotate_refresh_token(
        &mut self,
        spent: &TokenHash,
        next: RotatedRecords,
        now: Timestamp,
    ) -> Result<Rotation, Refusal> {
        let id = next.refresh.grant_id.clone();
        match self.find_refresh_token(&id, now) {
            None => return Ok(Rotation::Absent),
            Some((_, refresh)) if refresh.current != *spent => {
                return Ok(Rotation::Lost(refresh));
            }
            Some(_) => {}
        }
        self.make_room_for_access(next.access.as_ref())?;
        // Only now, as making room may have forgotten it.
        let Some(mut held) = self.remove_grant(&id) else {
            return Ok(Rotation::Absent);
        };
        let grant = Arc::make_mut(&mut held);
        grant.record.expires_at = next.grant_expires_at;
        grant.refresh = Some(next.refresh.into());
        self.insert_grant(held);
        if let Some(access) = next.access {
            self.insert_access(access, next.grant_expires_at);
        }
        Ok(Rotation::Done)
    }
}

/// Grants and their tokens.
impl State {
    pub(super) fn find_grant(&self, id: &GrantId, now: Timestamp) -> Option<Arc<HeldGrant>> {
        let held = self.grants.get(id)?;
        (held.record.expires_at > now).then(|| Arc::clone(held))
    }

    pub(super) fn find_refresh_token(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Option<(Arc<HeldGrant>, RefreshRecord)> {
        let held = self.find_grant(id, now)?;
        let HeldRefresh {
            family,
            current,
            previous,
            expires_at,
        } = held.refresh.clone()?;
        let refresh = RefreshRecord {
            grant_id: held.record.id.clone(),
            family,
            current,
            previous,
            expires_at,
        };
        (expires_at > now).then_some((held, refresh))
    }

    pub(super) fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Option<(Arc<AccessTokenRecord>, Arc<HeldGrant>)> {
        let access = self.access_tokens.get(hash)?;
        let grant = self.find_grant(&access.grant_id, now)?;
        (access.expires_at > now).then(|| (Arc::clone(access), grant))
    }

    /// Looks at every grant: an index would cost each of them memory, for a
    /// question that operators ask rarely.
    pub(super) fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
        now: Timestamp,
    ) -> Vec<Arc<HeldGrant>> {
        let wanted = |grant: &GrantRecord| match filter {
            GrantFilter::All => true,
            GrantFilter::Client(client) => grant.client_id == *client,
            GrantFilter::Subject(hashes) => hashes.contains(&grant.subject),
        };
        let all = self.grants.values().filter(|held| {
            let grant = &held.record;
            grant.expires_at > now && after.is_none_or(|after| grant.id > *after) && wanted(grant)
        });
        let mut found: Vec<_> = all.collect();
        found.sort_unstable_by(|a, b| a.record.id.cmp(&b.record.id));
        found.into_iter().take(limit).map(Arc::clone).collect()
    }

    /// Opaque access tokens stay until they expire; without the grant nobody
    /// finds them.
    pub(super) fn revoke_grant(&mut self, id: &GrantId) -> bool {
        let removed = self.remove_grant(id);
        if let Some(held) = &removed {
            self.release_client(&held.record.client_id);
        }
        removed.is_some()
    }

    pub(super) fn reseal_grant(&mut self, old: &GrantRecord, new: &GrantRecord) -> bool {
        let held = self.grants.get_mut(&old.id);
        let Some(held) = held.filter(|held| held.record.details == old.details) else {
            return false;
        };
        let record = &mut Arc::make_mut(held).record;
        record.subject = new.subject;
        record.details = new.details.clone();
        true
    }

    /// Forgets the answer to a spent refresh token.
    pub(super) fn forget_answer(&mut self, id: &GrantId) {
        if let Some(held) = self.grants.get_mut(id)
            && let Some(refresh) = &mut Arc::make_mut(held).refresh
            && let Some(spent) = &mut refresh.previous
        {
            spent.answer = Sealed::from_bytes(vec![]);
        }
    }
}
