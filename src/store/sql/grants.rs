use async_trait::async_trait;

use crate::model::{
    AccessTokenRecord, GrantFilter, GrantRecord, IssuedRecords, RefreshRecord, RotatedRecords,
    Sealed, SpentToken,
};
use crate::store::sql::codes::{access_values, issued_values};
use crate::store::sql::database::{Database, Read, SqlStore};
use crate::store::sql::value::{Columns, Value, malformed};
use crate::store::{
    AccessTokenStore, GrantStore, Insertion, RefreshTokenStore, Rotation, StoreError,
};
use crate::types::{ClientId, GrantId, Scope, Timestamp, TokenHash};

/// The columns of a grant, at the positions that [`read_grant`] reads.
macro_rules! grant {
    () => {
        "g.id, g.client_id, g.subject, g.details, g.granted_at, g.expires_at"
    };
}

const FIND: &str = concat!(
    "SELECT ",
    grant!(),
    " FROM oauth_grants g WHERE g.id = $1 AND g.expires_at > $2"
);
const FIND_REFRESH: &str = concat!(
    "SELECT ",
    grant!(),
    ", g.family, g.current, g.previous, g.spent_at, g.answer, g.refresh_expires_at",
    " FROM oauth_grants g",
    " WHERE g.id = $1 AND g.expires_at > $2 AND g.refresh_expires_at > $2"
);
const FIND_ACCESS: &str = concat!(
    "SELECT ",
    grant!(),
    ", a.hash, a.scope, a.issued_at, a.expires_at",
    " FROM oauth_access_tokens a JOIN oauth_grants g ON g.id = a.grant_id",
    " WHERE a.hash = $1 AND a.expires_at > $2 AND g.expires_at > $2"
);
const LIST: &str = concat!(
    "SELECT ",
    grant!(),
    " FROM oauth_grants g WHERE g.id > $1 AND g.expires_at > $2 ORDER BY g.id LIMIT $3"
);
const LIST_OF_CLIENT: &str = concat!(
    "SELECT ",
    grant!(),
    " FROM oauth_grants g WHERE g.client_id = $4 AND g.id > $1 AND g.expires_at > $2",
    " ORDER BY g.id LIMIT $3"
);
const LIST_OF_SUBJECT: &str = concat!(
    "SELECT ",
    grant!(),
    " FROM oauth_grants g WHERE g.subject = $4 AND g.id > $1 AND g.expires_at > $2",
    " ORDER BY g.id LIMIT $3"
);
const REVOKE: &str = "DELETE FROM oauth_grants WHERE id = $1";
const RESEAL: &str = "UPDATE oauth_grants SET subject = $3, details = $4 \
                      WHERE id = $1 AND details = $2";

/// When a grant may be swept: the day after it ends, so that the index on it
/// stays as it is at most refreshes.
pub(super) fn sweep_from(expires_at: Timestamp) -> Timestamp {
    const DAY: u64 = 24 * 60 * 60;
    let day = expires_at.as_secs() / DAY;
    Timestamp::from_secs(day.saturating_add(1).saturating_mul(DAY))
}

const READ: Read<GrantRecord> = |row| read_grant(row);

fn read_grant(row: &dyn Columns) -> Result<GrantRecord, sqlx::Error> {
    Ok(GrantRecord {
        id: GrantId::from(row.string(0)?),
        client_id: ClientId::parse(&row.string(1)?).map_err(malformed)?,
        subject: row.hash(2)?,
        details: Sealed::from_bytes(row.blob(3)?),
        granted_at: row.time(4)?,
        expires_at: row.time(5)?,
    })
}

fn read_refresh(row: &dyn Columns) -> Result<(RefreshRecord, GrantRecord), sqlx::Error> {
    let grant = read_grant(row)?;
    let previous = match row.maybe_hash(8)? {
        None => None,
        Some(hash) => Some(SpentToken {
            hash,
            spent_at: row.time(9)?,
            answer: Sealed::from_bytes(row.blob(10)?),
        }),
    };
    let refresh = RefreshRecord {
        grant_id: grant.id.clone(),
        family: row.hash(6)?,
        current: row.hash(7)?,
        previous,
        expires_at: row.time(11)?,
    };
    Ok((refresh, grant))
}

fn read_access(row: &dyn Columns) -> Result<(AccessTokenRecord, GrantRecord), sqlx::Error> {
    let grant = read_grant(row)?;
    let access = AccessTokenRecord {
        hash: row.hash(6)?,
        grant_id: grant.id.clone(),
        scope: Scope::parse(&row.string(7)?).map_err(malformed)?,
        issued_at: row.time(8)?,
        expires_at: row.time(9)?,
    };
    Ok((access, grant))
}

#[async_trait]
impl<D: Database> GrantStore for SqlStore<D> {
    async fn insert_grant(&self, issued: IssuedRecords) -> Result<Insertion, StoreError> {
        let has_access = issued.access.is_some();
        let (id, details) = (issued.grant.id.clone(), issued.grant.details.clone());
        let inserted = self.transact(D::INSERT_GRANT, has_access, issued_values(issued));
        let inserted = inserted.await?;
        if inserted.value || !inserted.repeated {
            return Ok(Insertion::of(inserted.value));
        }
        match self.find_grant(&id, Timestamp::default()).await? {
            // An attempt of this very call, on a connection that broke.
            Some(grant) if grant.details == details => Ok(Insertion::Done),
            Some(_) => Ok(Insertion::Conflict),
            None => inserted.absent(Insertion::Conflict),
        }
    }

    async fn find_grant(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<GrantRecord>, StoreError> {
        let values = vec![Value::text(id.as_str()), Value::time(now)];
        self.fetch_one(FIND, values, READ).await
    }

    async fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let list = |sql, of: Option<Value>| {
            let after = after.map_or("", GrantId::as_str);
            let mut values = vec![Value::text(after), Value::time(now), Value::count(limit)];
            values.extend(of);
            self.fetch(sql, values, READ)
        };
        match filter {
            GrantFilter::All => list(LIST, None).await,
            GrantFilter::Client(client) => {
                list(LIST_OF_CLIENT, Some(Value::text(client.as_str()))).await
            }
            GrantFilter::Subject(hashes) => {
                let mut found = Vec::new();
                // A reseal that goes on meanwhile moves grants to the first hash:
                // asked last, it shows them twice and never hides one.
                for hash in hashes.iter().rev() {
                    let of = Value::bytes(hash.as_bytes());
                    found.extend(list(LIST_OF_SUBJECT, Some(of)).await?);
                }
                found.sort_unstable_by(|a, b| a.id.cmp(&b.id));
                found.dedup_by(|a, b| a.id == b.id);
                found.truncate(limit);
                Ok(found)
            }
        }
    }

    /// Opaque access tokens stay until they expire; without the grant nobody
    /// finds them. If the answer to the first attempt was lost, it was most likely
    /// that attempt that ended it.
    async fn revoke_grant(&self, id: &GrantId) -> Result<bool, StoreError> {
        let values = vec![Value::text(id.as_str())];
        let ended = self.change(REVOKE, values).await?;
        Ok(ended.value == 1 || ended.repeated)
    }

    async fn reseal_grant(&self, old: &GrantRecord, new: &GrantRecord) -> Result<bool, StoreError> {
        let values = vec![
            Value::text(old.id.as_str()),
            Value::bytes(old.details.as_bytes()),
            Value::bytes(new.subject.as_bytes()),
            Value::bytes(new.details.as_bytes()),
        ];
        let resealed = self.change(RESEAL, values).await?;
        if resealed.value == 1 || !resealed.repeated {
            return Ok(resealed.value == 1);
        }
        let found = self.find_grant(&old.id, Timestamp::default()).await?;
        Ok(found.is_some_and(|grant| grant.details == new.details))
    }
}

#[async_trait]
impl<D: Database> AccessTokenStore for SqlStore<D> {
    async fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(AccessTokenRecord, GrantRecord)>, StoreError> {
        let values = vec![Value::bytes(hash.as_bytes()), Value::time(now)];
        self.fetch_one(FIND_ACCESS, values, |row| read_access(row))
            .await
    }
}

#[async_trait]
impl<D: Database> RefreshTokenStore for SqlStore<D> {
    async fn find_refresh_token(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError> {
        let values = vec![Value::text(grant.as_str()), Value::time(now)];
        self.fetch_one(FIND_REFRESH, values, |row| read_refresh(row))
            .await
    }

    async fn rotate_refresh_token(
        &self,
        spent: &TokenHash,
        next: RotatedRecords,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let has_access = next.access.is_some();
        let (grant, current) = (next.refresh.grant_id.clone(), next.refresh.current);
        let values = rotation(spent, next, now);
        let rotated = self.transact(D::ROTATE, has_access, values).await?;
        if rotated.value {
            return Ok(Rotation::Done);
        }
        match self.find_refresh_token(&grant, now).await? {
            // An attempt of this very call, on a connection that broke.
            Some((held, _)) if held.current == current => Ok(Rotation::Done),
            Some((held, _)) => Ok(Rotation::Lost(held)),
            None => rotated.absent(Rotation::Absent),
        }
    }
}

/// What `Database::ROTATE` binds.
fn rotation(spent: &TokenHash, next: RotatedRecords, now: Timestamp) -> Vec<Value> {
    let refresh = next.refresh;
    let previous = refresh.previous.as_ref();
    let mut values = vec![
        Value::text(refresh.grant_id.as_str()),
        Value::bytes(spent.as_bytes()),
        Value::time(now),
        Value::bytes(refresh.family.as_bytes()),
        Value::bytes(refresh.current.as_bytes()),
        Value::maybe_bytes(previous.map(|spent| spent.hash.as_bytes().as_slice())),
        Value::maybe_time(previous.map(|spent| spent.spent_at)),
        Value::maybe_bytes(previous.map(|spent| spent.answer.as_bytes())),
        Value::time(refresh.expires_at),
        Value::time(next.grant_expires_at),
        Value::time(sweep_from(next.grant_expires_at)),
    ];
    values.extend(access_values(next.access));
    values
}
