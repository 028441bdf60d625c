use async_trait::async_trait;

use crate::model::{AccessTokenRecord, CodeRecord, CodeStage, IssuedRecords, Sealed};
use crate::store::sql::database::{Database, Read, SqlStore};
use crate::store::sql::grants::sweep_from;
use crate::store::sql::value::Value;
use crate::store::{CodeStore, Insertion, Redemption, StoreError};
use crate::types::{GrantId, Timestamp, TokenHash};

const INSERT: &str = "INSERT INTO oauth_codes (hash, login, grant_id, expires_at) \
                      VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING";
const FIND: &str = "SELECT hash, login, grant_id, expires_at FROM oauth_codes \
                    WHERE hash = $1 AND expires_at > $2";

const READ: Read<CodeRecord> = |row| {
    Ok(CodeRecord {
        hash: row.hash(0)?,
        login: Sealed::from_bytes(row.blob(1)?),
        stage: match row.text(2)? {
            None => CodeStage::Fresh,
            Some(grant) => CodeStage::Redeemed(GrantId::from(grant)),
        },
        expires_at: row.time(3)?,
    })
};

#[async_trait]
impl<D: Database> CodeStore for SqlStore<D> {
    async fn insert_code(&self, code: CodeRecord) -> Result<Insertion, StoreError> {
        let grant_id = match &code.stage {
            CodeStage::Fresh => None,
            CodeStage::Redeemed(grant) => Some(grant.to_string()),
        };
        let values = vec![
            Value::bytes(code.hash.as_bytes()),
            Value::bytes(code.login.as_bytes()),
            Value::Text(grant_id),
            Value::time(code.expires_at),
        ];
        let inserted = self.change(INSERT, values).await?;
        if inserted.value == 1 {
            return Ok(Insertion::Done);
        }
        let own = inserted.repeated
            && self.find_code(&code.hash, Timestamp::default()).await? == Some(code);
        Ok(Insertion::of(own))
    }

    async fn find_code(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<CodeRecord>, StoreError> {
        let values = vec![Value::bytes(hash.as_bytes()), Value::time(now)];
        self.fetch_one(FIND, values, READ).await
    }

    async fn redeem_code(
        &self,
        hash: &TokenHash,
        issued: IssuedRecords,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        let has_access = issued.access.is_some();
        let grant_id = issued.grant.id.clone();
        let values = redemption(hash, issued, now);
        let redeemed = self.transact(D::REDEEM, has_access, values).await?;
        if redeemed.value {
            return Ok(Redemption::Done);
        }
        let found = self.find_code(hash, now).await?;
        match found.map(|code| code.stage) {
            // An attempt of this very call, on a connection that broke.
            Some(CodeStage::Redeemed(grant)) if grant == grant_id => Ok(Redemption::Done),
            Some(CodeStage::Redeemed(grant)) => Ok(Redemption::Replayed(grant)),
            // Fresh and yet not to be redeemed: it was inserted in between.
            Some(CodeStage::Fresh) | None => redeemed.absent(Redemption::Absent),
        }
    }
}

/// What `Database::REDEEM` binds: what was issued, and then the code.
fn redemption(hash: &TokenHash, issued: IssuedRecords, now: Timestamp) -> Vec<Value> {
    let mut values = issued_values(issued);
    values.extend([Value::bytes(hash.as_bytes()), Value::time(now)]);
    values
}

/// What `Database::INSERT_GRANT` binds.
pub(super) fn issued_values(issued: IssuedRecords) -> Vec<Value> {
    let IssuedRecords {
        grant,
        access,
        refresh,
    } = issued;
    let refresh = refresh.as_ref();
    let mut values = vec![
        Value::text(grant.id.as_str()),
        Value::text(grant.client_id.as_str()),
        Value::bytes(grant.subject.as_bytes()),
        Value::bytes(grant.details.as_bytes()),
        Value::time(grant.granted_at),
        Value::time(grant.expires_at),
        Value::time(sweep_from(grant.expires_at)),
        Value::maybe_bytes(refresh.map(|refresh| refresh.family.as_bytes().as_slice())),
        Value::maybe_bytes(refresh.map(|refresh| refresh.current.as_bytes().as_slice())),
        Value::maybe_time(refresh.map(|refresh| refresh.expires_at)),
    ];
    values.extend(access_values(access));
    values
}

/// Four parameters, whether or not there is an access token.
pub(super) fn access_values(access: Option<AccessTokenRecord>) -> [Value; 4] {
    match access {
        None => [
            Value::Bytes(None),
            Value::Text(None),
            Value::Int(None),
            Value::Int(None),
        ],
        Some(access) => [
            Value::bytes(access.hash.as_bytes()),
            Value::text(access.scope.to_string()),
            Value::time(access.issued_at),
            Value::time(access.expires_at),
        ],
    }
}
