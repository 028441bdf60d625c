use thiserror::Error;

use crate::jose::Algorithm;
use crate::model::{
    AccessTokenRecord, ApiKeyRecord, CodeRecord, CodeStage, GrantRecord, PendingRecord,
    RefreshRecord, Sealed, SigningKeyRecord, SpentToken,
};
use crate::types::{ApiKeyId, ClientId, GrantId, Scope, Timestamp, TokenHash};

pub(super) const PENDING: [&str; 2] = ["authorization", "expires_at"];
pub(super) const CODE: [&str; 3] = ["login", "expires_at", "grant"];
/// The grant stands first, as `find_access_token.lua` needs it.
pub(super) const ACCESS: [&str; 4] = ["grant", "scope", "issued_at", "expires_at"];
/// The end stands last, as `list_grants.lua` needs it.
pub(super) const GRANT: [&str; 5] = ["client", "subject", "details", "granted_at", "expires_at"];
/// The end stands last, as `list_api_keys.lua` needs it, and the identifier first, as
/// `find_api_key.lua` does; a key without an end has no such field.
pub(super) const API_KEY: [&str; 4] = ["id", "details", "created_at", "expires_at"];
/// The refresh token in the hash of its grant; what the one before it got is a
/// key of its own, so that it can vanish early.
pub(super) const REFRESH: [&str; 5] =
    ["family", "current", "refresh_until", "previous", "spent_at"];

/// A record is not what this store writes.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("a record in Redis is damaged")]
pub(super) struct Damaged;

/// The fields of a record to store, each with its value.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Vec<u8>)>);

impl Fields {
    fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    fn with_time(self, name: &'static str, time: Timestamp) -> Self {
        self.with(name, time.as_secs().to_string())
    }

    pub(super) fn into_arguments(self) -> impl Iterator<Item = Vec<u8>> {
        let pairs = self.0.into_iter();
        pairs.flat_map(|(name, value)| [name.as_bytes().to_vec(), value])
    }
}

pub(super) fn pending_fields(pending: &PendingRecord) -> Fields {
    Fields::default()
        .with("authorization", pending.authorization.as_bytes())
        .with_time("expires_at", pending.expires_at)
}

pub(super) fn code_fields(code: &CodeRecord) -> Fields {
    let fields = Fields::default()
        .with("login", code.login.as_bytes())
        .with_time("expires_at", code.expires_at);
    match &code.stage {
        CodeStage::Fresh => fields,
        CodeStage::Redeemed(grant) => fields.with("grant", grant.as_str()),
    }
}

pub(super) fn access_fields(access: &AccessTokenRecord) -> Fields {
    Fields::default()
        .with("grant", access.grant_id.as_str())
        .with("scope", access.scope.to_string())
        .with_time("issued_at", access.issued_at)
        .with_time("expires_at", access.expires_at)
}

/// The fields of a grant and of its refresh token, if it has one.
pub(super) fn grant_fields(grant: &GrantRecord, refresh: Option<&RefreshRecord>) -> Fields {
    let fields = refresh.map(refresh_fields).unwrap_or_default();
    fields
        .with("client", grant.client_id.as_str())
        .with("subject", *grant.subject.as_bytes())
        .with("details", grant.details.as_bytes())
        .with_time("granted_at", grant.granted_at)
        .with_time("expires_at", grant.expires_at)
}

pub(super) fn api_key_fields(key: &ApiKeyRecord) -> Fields {
    let fields = Fields::default()
        .with("id", key.id.as_str())
        .with("details", key.details.as_bytes())
        .with_time("created_at", key.created_at);
    match key.expires_at {
        None => fields,
        Some(end) => fields.with_time("expires_at", end),
    }
}

pub(super) fn refresh_fields(refresh: &RefreshRecord) -> Fields {
    let fields = Fields::default()
        .with("family", *refresh.family.as_bytes())
        .with("current", *refresh.current.as_bytes())
        .with_time("refresh_until", refresh.expires_at);
    match &refresh.previous {
        None => fields,
        Some(spent) => fields
            .with("previous", *spent.hash.as_bytes())
            .with_time("spent_at", spent.spent_at),
    }
}

/// `ES256 1700000000 `, then what is sealed: `reseal_signing_key.lua` changes
/// only that.
pub(super) fn signing_key_value(key: &SigningKeyRecord) -> Vec<u8> {
    let said = format!("{} {} ", key.algorithm.as_str(), key.signs_from.as_secs());
    [said.as_bytes(), key.private.as_bytes()].concat()
}

pub(super) fn signing_key(generation: u32, value: &[u8]) -> Result<SigningKeyRecord, Damaged> {
    let mut parts = value.splitn(3, |byte| *byte == b' ');
    Ok(SigningKeyRecord {
        generation,
        algorithm: Algorithm::parse(text(parts.next())?).map_err(|_| Damaged)?,
        signs_from: time(parts.next())?,
        private: Sealed::from_bytes(parts.next().ok_or(Damaged)?.to_vec()),
    })
}

/// The values of some fields, in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct Row(std::vec::IntoIter<Option<Vec<u8>>>);

impl Row {
    /// `None` if there is no record: the first field is one that every has.
    pub(super) fn of(values: Vec<Option<Vec<u8>>>) -> Option<Self> {
        let there = values.first().is_some_and(Option::is_some);
        there.then(|| Self(values.into_iter()))
    }

    /// A row that may begin with a missing value.
    pub(super) fn partial(values: Vec<Option<Vec<u8>>>) -> Self {
        Self(values.into_iter())
    }

    fn optional(&mut self) -> Option<Vec<u8>> {
        self.0.next().flatten()
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Damaged> {
        self.optional().ok_or(Damaged)
    }

    fn text(&mut self) -> Result<String, Damaged> {
        String::from_utf8(self.bytes()?).map_err(|_| Damaged)
    }

    fn time(&mut self) -> Result<Timestamp, Damaged> {
        time(Some(&self.bytes()?))
    }

    fn hash(&mut self) -> Result<TokenHash, Damaged> {
        hash(self.bytes()?)
    }

    pub(super) fn pending(mut self, state: TokenHash) -> Result<PendingRecord, Damaged> {
        Ok(PendingRecord {
            state,
            authorization: Sealed::from_bytes(self.bytes()?),
            expires_at: self.time()?,
        })
    }

    pub(super) fn code(mut self, hash: TokenHash) -> Result<CodeRecord, Damaged> {
        let login = Sealed::from_bytes(self.bytes()?);
        let expires_at = self.time()?;
        let stage = match self.optional() {
            None => CodeStage::Fresh,
            Some(grant) => CodeStage::Redeemed(grant_id(grant)?),
        };
        Ok(CodeRecord {
            hash,
            login,
            stage,
            expires_at,
        })
    }

    pub(super) fn access(mut self, hash: TokenHash) -> Result<AccessTokenRecord, Damaged> {
        Ok(AccessTokenRecord {
            hash,
            grant_id: grant_id(self.bytes()?)?,
            scope: Scope::parse(&self.text()?).map_err(|_| Damaged)?,
            issued_at: self.time()?,
            expires_at: self.time()?,
        })
    }

    pub(super) fn grant(&mut self, id: GrantId) -> Result<GrantRecord, Damaged> {
        Ok(GrantRecord {
            id,
            client_id: ClientId::parse(&self.text()?).map_err(|_| Damaged)?,
            subject: self.hash()?,
            details: Sealed::from_bytes(self.bytes()?),
            granted_at: self.time()?,
            expires_at: self.time()?,
        })
    }

    pub(super) fn api_key(mut self, hash: TokenHash) -> Result<ApiKeyRecord, Damaged> {
        Ok(ApiKeyRecord {
            id: ApiKeyId::from(self.text()?),
            hash,
            details: Sealed::from_bytes(self.bytes()?),
            created_at: self.time()?,
            expires_at: self.optional().map(|end| time(Some(&end))).transpose()?,
        })
    }

    /// The refresh token of a grant, if it has one, and the answer after it.
    pub(super) fn refresh(mut self, grant_id: GrantId) -> Result<Option<RefreshRecord>, Damaged> {
        let Some(family) = self.optional() else {
            return Ok(None);
        };
        Ok(Some(RefreshRecord {
            grant_id,
            family: hash(family)?,
            current: self.hash()?,
            expires_at: self.time()?,
            previous: self.previous()?,
        }))
    }

    fn previous(&mut self) -> Result<Option<SpentToken>, Damaged> {
        let Some(spent) = self.optional() else {
            return Ok(None);
        };
        Ok(Some(SpentToken {
            hash: hash(spent)?,
            spent_at: self.time()?,
            answer: Sealed::from_bytes(self.optional().unwrap_or_default()),
        }))
    }
}

pub(super) fn grant_id(bytes: Vec<u8>) -> Result<GrantId, Damaged> {
    let text = String::from_utf8(bytes).map_err(|_| Damaged)?;
    Ok(GrantId::from(text))
}

pub(super) fn hash(bytes: Vec<u8>) -> Result<TokenHash, Damaged> {
    let bytes = bytes.try_into().map_err(|_| Damaged)?;
    Ok(TokenHash::from_bytes(bytes))
}

fn text(bytes: Option<&[u8]>) -> Result<&str, Damaged> {
    str::from_utf8(bytes.ok_or(Damaged)?).map_err(|_| Damaged)
}

fn time(bytes: Option<&[u8]>) -> Result<Timestamp, Damaged> {
    let seconds = text(bytes)?.parse().map_err(|_| Damaged)?;
    Ok(Timestamp::from_secs(seconds))
}
