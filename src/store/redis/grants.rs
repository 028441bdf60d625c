use std::time::Duration;

use async_trait::async_trait;

use crate::model::{
    AccessTokenRecord, CodeRecord, GrantFilter, GrantRecord, IssuedRecords, RefreshRecord,
    RotatedRecords, SpentToken,
};
use crate::store::{
    AccessTokenStore, CodeStore, GrantStore, Insertion, Redemption, RedisStore, RefreshTokenStore,
    Rotation, StoreError,
};
use crate::types::{GrantId, Timestamp, TokenHash};

use super::page;
use super::record::{self, ACCESS, CODE, Damaged, Fields, GRANT, REFRESH, Row};
use super::script::{
    Call, FIND_ACCESS_TOKEN, FIND_REFRESH_TOKEN, INSERT, INSERT_GRANT, REDEEM_CODE, RESEAL_GRANT,
    REVOKE_GRANT, ROTATE_REFRESH_TOKEN,
};

/// No grace period is longer; a spent token's answer is forgotten after it.
const ANSWER_KEPT: Duration = Duration::from_secs(300);

type Values = Vec<Option<Vec<u8>>>;

#[async_trait]
impl CodeStore for RedisStore {
    async fn insert_code(&self, code: CodeRecord) -> Result<Insertion, StoreError> {
        let call = Call::of(&INSERT)
            .key(self.keys.code(&code.hash))
            .vanishes_after(code.expires_at)
            .fields(record::code_fields(&code));
        self.insert(call).await
    }

    async fn find_code(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<CodeRecord>, StoreError> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.keys.code(hash)).arg(&CODE);
        let found: Values = self.link.ask(command).await?;
        let code = Row::of(found).map(|row| row.code(*hash));
        let code = code.transpose().map_err(StoreError::new)?;
        Ok(code.filter(|code| code.expires_at > now))
    }

    async fn redeem_code(
        &self,
        hash: &TokenHash,
        issued: IssuedRecords,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        let IssuedRecords {
            grant,
            access,
            refresh,
        } = issued;
        let fields = record::grant_fields(&grant, refresh.as_ref());
        let call = Call::of(&REDEEM_CODE)
            .key(self.keys.grant(&grant.id))
            .key(self.keys.answer(&grant.id))
            .key(self.keys.code(hash))
            .argument(self.keys.prefix());
        let call = self
            .with_tokens(call, access, refresh.and_then(|refresh| refresh.previous))
            .time(now)
            .argument(grant.id.as_str())
            .argument(grant.client_id.as_str())
            .argument(*grant.subject.as_bytes())
            .time(grant.expires_at)
            .fields(fields);
        let answer: (String, Option<String>) = self.link.ask(call).await?;
        match (answer.0.as_str(), answer.1) {
            ("done", _) => Ok(Redemption::Done),
            ("absent", _) => Ok(Redemption::Absent),
            ("replayed", Some(first)) => Ok(Redemption::Replayed(GrantId::from(first))),
            _ => Err(StoreError::new(Damaged)),
        }
    }
}

#[async_trait]
impl GrantStore for RedisStore {
    async fn insert_grant(&self, issued: IssuedRecords) -> Result<Insertion, StoreError> {
        let IssuedRecords {
            grant,
            access,
            refresh,
        } = issued;
        let fields = record::grant_fields(&grant, refresh.as_ref());
        let call = Call::of(&INSERT_GRANT)
            .key(self.keys.grant(&grant.id))
            .key(self.keys.answer(&grant.id))
            .argument(self.keys.prefix());
        let call = self
            .with_tokens(call, access, refresh.and_then(|refresh| refresh.previous))
            .argument(grant.id.as_str())
            .argument(grant.client_id.as_str())
            .argument(*grant.subject.as_bytes())
            .argument(grant.details.as_bytes())
            .time(grant.expires_at)
            .fields(fields);
        self.insert(call).await
    }

    async fn find_grant(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<GrantRecord>, StoreError> {
        let mut command = redis::cmd("HMGET");
        command.arg(self.keys.grant(id)).arg(&GRANT);
        let found: Values = self.link.ask(command).await?;
        let grant = Row::of(found).map(|mut row| row.grant(id.clone()));
        let grant = grant.transpose().map_err(StoreError::new)?;
        Ok(grant.filter(|grant| grant.expires_at > now))
    }

    async fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let indexes = match filter {
            GrantFilter::All => vec![self.keys.grants()],
            GrantFilter::Client(client) => vec![self.keys.grants_of_client(client)],
            GrantFilter::Subject(hashes) => {
                let hashes = hashes.iter();
                hashes
                    .map(|hash| self.keys.grants_of_subject(hash))
                    .collect()
            }
        };
        page::list(self, &indexes, after, limit, now).await
    }

    async fn revoke_grant(&self, id: &GrantId) -> Result<bool, StoreError> {
        let call = Call::of(&REVOKE_GRANT)
            .key(self.keys.grant(id))
            .key(self.keys.revoked(id))
            .argument(self.keys.prefix())
            .argument(id.as_str())
            .argument(self.calls.name())
            .argument(self.remembered());
        self.link.ask(call).await
    }

    async fn reseal_grant(&self, old: &GrantRecord, new: &GrantRecord) -> Result<bool, StoreError> {
        let call = Call::of(&RESEAL_GRANT)
            .key(self.keys.grant(&old.id))
            .argument(self.keys.prefix())
            .argument(old.id.as_str())
            .argument(old.details.as_bytes())
            .argument(*new.subject.as_bytes())
            .argument(new.details.as_bytes());
        self.link.ask(call).await
    }
}

#[async_trait]
impl AccessTokenStore for RedisStore {
    async fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(AccessTokenRecord, GrantRecord)>, StoreError> {
        let call = Call::of(&FIND_ACCESS_TOKEN)
            .key(self.keys.access_token(hash))
            .argument(self.keys.every_grant())
            .names(&ACCESS)
            .names(&GRANT);
        let found: Option<(Values, Values)> = self.link.ask(call).await?;
        let Some((token, grant)) = found else {
            return Ok(None);
        };
        let (Some(token), Some(mut grant)) = (Row::of(token), Row::of(grant)) else {
            return Ok(None);
        };
        let token = token.access(*hash).map_err(StoreError::new)?;
        let grant = grant.grant(token.grant_id.clone());
        let grant = grant.map_err(StoreError::new)?;
        let live = token.expires_at > now && grant.expires_at > now;
        Ok(live.then_some((token, grant)))
    }
}

#[async_trait]
impl RefreshTokenStore for RedisStore {
    async fn find_refresh_token(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError> {
        let call = Call::of(&FIND_REFRESH_TOKEN)
            .key(self.keys.grant(grant))
            .key(self.keys.answer(grant))
            .names(&[GRANT, REFRESH].concat());
        let found: Values = self.link.ask(call).await?;
        let Some(mut row) = Row::of(found) else {
            return Ok(None);
        };
        let record = row.grant(grant.clone()).map_err(StoreError::new)?;
        let refresh = row.refresh(grant.clone()).map_err(StoreError::new)?;
        let refresh = refresh.filter(|refresh| refresh.expires_at > now);
        let live = refresh.filter(|_| record.expires_at > now);
        Ok(live.map(|refresh| (refresh, record)))
    }

    async fn rotate_refresh_token(
        &self,
        spent: &TokenHash,
        next: RotatedRecords,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let RotatedRecords {
            refresh,
            access,
            grant_expires_at,
        } = next;
        let id = refresh.grant_id.clone();
        let fields = record::refresh_fields(&refresh);
        let call = Call::of(&ROTATE_REFRESH_TOKEN)
            .key(self.keys.grant(&id))
            .key(self.keys.answer(&id))
            .argument(self.keys.prefix());
        let call = self
            .with_tokens(call, access, refresh.previous)
            .time(now)
            .argument(id.as_str())
            .argument(*spent.as_bytes())
            .argument(*refresh.current.as_bytes())
            .time(grant_expires_at)
            .fields(fields)
            .names(&REFRESH);
        let (outcome, stands): (String, Option<Values>) = self.link.ask(call).await?;
        match (outcome.as_str(), stands) {
            ("done", _) => Ok(Rotation::Done),
            ("absent", _) => Ok(Rotation::Absent),
            ("lost", Some(stands)) => {
                let stands = Row::partial(stands).refresh(id).map_err(StoreError::new)?;
                Ok(stands.map_or(Rotation::Absent, Rotation::Lost))
            }
            _ => Err(StoreError::new(Damaged)),
        }
    }
}

impl RedisStore {
    /// What `tokens.lua` takes; the key of the access token comes last.
    fn with_tokens(
        &self,
        call: Call,
        access: Option<AccessTokenRecord>,
        spent: Option<SpentToken>,
    ) -> Call {
        let call = match access {
            None => call.fields(Fields::default()).time(Timestamp::default()),
            Some(access) => call
                .key(self.keys.access_token(&access.hash))
                .fields(record::access_fields(&access))
                .vanishes_after(access.expires_at),
        };
        match spent {
            None => call.list(None).time(Timestamp::default()),
            Some(spent) => call
                .list(Some(spent.answer.as_bytes().to_vec()))
                .vanishes_after(spent.spent_at.plus(ANSWER_KEPT)),
        }
    }
}
