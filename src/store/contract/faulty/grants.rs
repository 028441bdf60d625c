//! Grants and what they carry.

use async_trait::async_trait;

use crate::model::{
    AccessTokenRecord, GrantFilter, GrantRecord, IssuedRecords, RefreshRecord, RotatedRecords,
};
use crate::store::{
    AccessTokenStore, ClientStore, GrantStore, Insertion, RefreshTokenStore, Rotation, StoreError,
};
use crate::types::{GrantId, Timestamp, TokenHash};

use super::{Fault, Faulty};

#[async_trait]
impl GrantStore for Faulty {
    async fn insert_grant(&self, mut issued: IssuedRecords) -> Result<Insertion, StoreError> {
        let id = issued.grant.id.clone();
        if self.has(Fault::BeginForgetsTheAccessToken) {
            issued.access = None;
        }
        if self.has(Fault::BeginForgetsTheRefreshToken) {
            issued.refresh = None;
        }
        if self.has(Fault::BeginReadsThenWrites) {
            let found = self.inner.find_grant(&id, Timestamp::default()).await?;
            if found.is_some() {
                return Ok(Insertion::Conflict);
            }
            tokio::task::yield_now().await;
        }
        if self.has(Fault::BeginReadsThenWrites) || self.has(Fault::BeginOverwrites) {
            self.inner.revoke_grant(&id).await?;
        }
        let inserted = self.inner.insert_grant(issued.clone()).await?;
        if self.has(Fault::BeginIsNotListed) {
            self.notes().unlisted.insert(id);
        }
        if self.has(Fault::BeginStoresTheTokenOfTheLoser) && inserted == Insertion::Conflict {
            let access = issued.access.map(|access| (access.hash, access));
            self.notes().strays.extend(access);
        }
        if self.has(Fault::BeginDoesNotHoldItsClient) {
            let client = &issued.grant.client_id;
            let found = self.inner.find_client(client).await?;
            let at = found.and_then(|client| client.registration.unused_until());
            self.sweep_at(client, at, true);
        }
        Ok(inserted)
    }

    async fn find_grant(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<GrantRecord>, StoreError> {
        self.inner.find_grant(id, self.told(now)).await
    }

    async fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let after = after.filter(|_| !self.has(Fault::ListForgetsTheOrder));
        let told = self.told(now);
        let mut found = self.inner.list_grants(filter, after, limit, told).await?;
        found.retain(|grant| !self.notes().unlisted.contains(&grant.id));
        Ok(found)
    }

    async fn revoke_grant(&self, id: &GrantId) -> Result<bool, StoreError> {
        let ended = self.inner.revoke_grant(id).await?;
        Ok(ended || self.has(Fault::RevokeIsAlwaysTrue))
    }

    async fn reseal_grant(&self, old: &GrantRecord, new: &GrantRecord) -> Result<bool, StoreError> {
        if self.has(Fault::ResealDoesNotCompare) {
            let found = self.inner.find_grant(&old.id, Timestamp::default()).await?;
            let stands = found.as_ref().unwrap_or(old);
            return self.inner.reseal_grant(stands, new).await;
        }
        self.inner.reseal_grant(old, new).await
    }
}

#[async_trait]
impl AccessTokenStore for Faulty {
    async fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(AccessTokenRecord, GrantRecord)>, StoreError> {
        let stray = self.notes().strays.get(hash).cloned();
        if let Some(access) = stray {
            let grant = self.inner.find_grant(&access.grant_id, now).await?;
            return Ok(grant.map(|grant| (access, grant)));
        }
        self.inner.find_access_token(hash, self.told(now)).await
    }
}

#[async_trait]
impl RefreshTokenStore for Faulty {
    async fn find_refresh_token(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError> {
        self.inner.find_refresh_token(grant, self.told(now)).await
    }

    async fn rotate_refresh_token(
        &self,
        spent: &TokenHash,
        next: RotatedRecords,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let mut spent = *spent;
        if self.has(Fault::RotateReadsThenWrites) {
            let id = &next.refresh.grant_id;
            let found = self.inner.find_refresh_token(id, now).await?;
            if let Some((found, _)) = found.filter(|(found, _)| found.current != spent) {
                return Ok(Rotation::Lost(found));
            }
            tokio::task::yield_now().await;
        }
        loop {
            let answer = self
                .inner
                .rotate_refresh_token(&spent, next.clone(), now)
                .await?;
            match answer {
                Rotation::Lost(stands)
                    if self.has(Fault::RotateDoesNotCompare)
                        || self.has(Fault::RotateReadsThenWrites) =>
                {
                    spent = stands.current;
                }
                Rotation::Done | Rotation::Lost(_) | Rotation::Absent => return Ok(answer),
            }
        }
    }
}
