use std::sync::Arc;

use crate::model::{AccessTokenRecord, CodeStage, GrantRecord, IssuedRecords, RefreshRecord};
use crate::store::{Redemption, Rotation};
use crate::types::{GrantId, Timestamp, TokenHash};

use super::state::{HeldGrant, Key, Refusal, State};

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

    /// Refuses what cannot be stored as a whole, before any of it is.
    fn make_room_for(&mut self, issued: &IssuedRecords) -> Result<(), Refusal> {
        let family = issued.refresh.as_ref().map(|refresh| refresh.family);
        if self.grants.contains_key(&issued.grant.id)
            || family.is_some_and(|family| self.refresh_tokens.contains_key(&family))
        {
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

    fn insert_issued(&mut self, issued: IssuedRecords) {
        let ends_at = issued.grant.expires_at;
        self.hold_client(&issued.grant.client_id);
        self.expiries
            .insert((ends_at, Key::Grant(issued.grant.id.clone())));
        let held = HeldGrant {
            family: issued.refresh.as_ref().map(|refresh| refresh.family),
            record: Arc::new(issued.grant),
        };
        self.grants.insert(held.record.id.clone(), held);
        if let Some(refresh) = issued.refresh {
            self.insert_refresh(refresh, ends_at);
        }
        if let Some(access) = issued.access {
            self.insert_access(access, ends_at);
        }
    }

    /// A token is forgotten no later than its grant, which `ends_at`.
    fn insert_access(&mut self, access: AccessTokenRecord, ends_at: Timestamp) {
        let forget_at = access.expires_at.min(ends_at);
        self.expiries
            .insert((forget_at, Key::AccessToken(access.hash)));
        self.access_tokens.insert(access.hash, Arc::new(access));
    }

    fn insert_refresh(&mut self, refresh: RefreshRecord, ends_at: Timestamp) {
        let forget_at = refresh.expires_at.min(ends_at);
        self.expiries
            .insert((forget_at, Key::RefreshToken(refresh.family)));
        self.refresh_tokens
            .insert(refresh.family, Arc::new(refresh));
    }

    fn remove_refresh(&mut self, family: &TokenHash, ends_at: Timestamp) {
        if let Some(refresh) = self.refresh_tokens.remove(family) {
            let forget_at = refresh.expires_at.min(ends_at);
            self.expiries
                .remove(&(forget_at, Key::RefreshToken(*family)));
        }
    }

    pub(super) fn rotate_refresh_token(
        &mut self,
        spent: &TokenHash,
        next: RefreshRecord,
        access: Option<AccessTokenRecord>,
        now: Timestamp,
    ) -> Result<Rotation, Refusal> {
        match self.find_refresh_token(&next.family, now) {
            None => return Ok(Rotation::Absent),
            Some((held, _)) if held.current != *spent => {
                return Ok(Rotation::Lost(RefreshRecord::clone(&held)));
            }
            Some(_) => {}
        }
        self.make_room_for_access(access.as_ref())?;
        // Looked up again: making room may have forgotten it.
        let Some((held, grant)) = self.find_refresh_token(&next.family, now) else {
            return Ok(Rotation::Absent);
        };
        self.remove_refresh(&held.family, grant.expires_at);
        self.insert_refresh(next, grant.expires_at);
        if let Some(access) = access {
            self.insert_access(access, grant.expires_at);
        }
        Ok(Rotation::Done)
    }
}

/// Grants and their tokens.
impl State {
    pub(super) fn find_grant(&self, id: &GrantId, now: Timestamp) -> Option<Arc<GrantRecord>> {
        let held = self.grants.get(id)?;
        (held.record.expires_at > now).then(|| Arc::clone(&held.record))
    }

    pub(super) fn find_refresh_token(
        &self,
        family: &TokenHash,
        now: Timestamp,
    ) -> Option<(Arc<RefreshRecord>, Arc<GrantRecord>)> {
        let refresh = self.refresh_tokens.get(family)?;
        let grant = self.find_grant(&refresh.grant_id, now)?;
        (refresh.expires_at > now).then(|| (Arc::clone(refresh), grant))
    }

    pub(super) fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Option<(Arc<AccessTokenRecord>, Arc<GrantRecord>)> {
        let access = self.access_tokens.get(hash)?;
        let grant = self.find_grant(&access.grant_id, now)?;
        (access.expires_at > now).then(|| (Arc::clone(access), grant))
    }

    /// Opaque access tokens stay until they expire; without the grant nobody
    /// finds them.
    pub(super) fn revoke_grant(&mut self, id: &GrantId) -> bool {
        let Some(HeldGrant { record, family }) = self.grants.remove(id) else {
            return false;
        };
        self.expiries
            .remove(&(record.expires_at, Key::Grant(id.clone())));
        if let Some(family) = family {
            self.remove_refresh(&family, record.expires_at);
        }
        self.release_client(&record.client_id);
        true
    }
}
