//! API keys of a vault, sealed and opened.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{ApiKey, ApiKeyDetails, ApiKeyRecord, OpenError, Place, SealError, Sealed};
use crate::store::{StoreError, Vault};
use crate::types::{ApiKeyId, Entropy, ResourceUri, Scope, Subject, Timestamp, TokenHash};

/// How many keys are read at once.
const PAGE: usize = 100;

/// [`ApiKeyDetails`] as they are sealed. The end stands here as well: who can write to
/// the store cannot put it off.
#[derive(Deserialize, Serialize)]
struct SealedApiKey {
    name: String,
    sub: Subject,
    scope: Scope,
    aud: ResourceUri,
    #[serde(default, skip_serializing_if = "is_false")]
    machine: bool,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    claims: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<Timestamp>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Vault {
    /// The record of `key`, whose secret has this hash.
    pub(crate) fn seal_api_key(
        &self,
        key: &ApiKey,
        hash: TokenHash,
        entropy: &dyn Entropy,
    ) -> Result<ApiKeyRecord, SealError> {
        Ok(ApiKeyRecord {
            details: self.seal_details(key, &hash, entropy)?,
            id: key.id.clone(),
            hash,
            created_at: key.created_at,
            expires_at: key.expires_at,
        })
    }

    fn seal_details(
        &self,
        key: &ApiKey,
        hash: &TokenHash,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, SealError> {
        let details = key.details.clone();
        let sealed = SealedApiKey {
            name: details.name,
            sub: details.subject,
            scope: details.scope,
            aud: details.resource,
            machine: details.is_machine,
            claims: details.claims,
            ends: key.expires_at,
        };
        let place = place_of(&key.id, hash);
        self.master_keys().seal(&sealed, api_keys(&place), entropy)
    }

    /// Opens what is sealed of a key.
    pub(crate) fn open_api_key(&self, record: ApiKeyRecord) -> Result<ApiKey, StoreError> {
        let place = place_of(&record.id, &record.hash);
        let sealed: SealedApiKey = self
            .master_keys()
            .open(&record.details, api_keys(&place))
            .map_err(|error| unreadable(&record.id, error))?;
        Ok(ApiKey {
            id: record.id,
            details: ApiKeyDetails {
                name: sealed.name,
                subject: sealed.sub,
                scope: sealed.scope,
                resource: sealed.aud,
                is_machine: sealed.machine,
                claims: sealed.claims,
            },
            created_at: record.created_at,
            expires_at: sealed.ends,
        })
    }

    /// The key with this hash, if it counts at `now`.
    pub(crate) async fn find_api_key(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ApiKey>, StoreError> {
        let Some(record) = self.store().find_api_key(hash, now).await? else {
            return Ok(None);
        };
        let key = self.open_api_key(record)?;
        Ok(Some(key).filter(|key| key.expires_at.is_none_or(|end| end > now)))
    }

    /// The key with this identifier, even if it has ended.
    pub(crate) async fn find_api_key_by_id(
        &self,
        id: &ApiKeyId,
    ) -> Result<Option<ApiKey>, StoreError> {
        // Whatever the clock shows: it may be ahead.
        let begin = Timestamp::default();
        let mut after = just_before(id);
        loop {
            let mut found = self.store().list_api_keys(after.as_ref(), 1, begin).await?;
            match found.pop() {
                Some(record) if record.id == *id => return self.open_api_key(record).map(Some),
                // By chance they differ in their ends alone.
                Some(record) if record.id < *id => after = Some(record.id),
                Some(_) | None => return Ok(None),
            }
        }
    }

    /// Up to a hundred keys that follow `after`, and what to ask with for more.
    pub(crate) async fn list_api_keys(
        &self,
        after: Option<&ApiKeyId>,
        now: Timestamp,
    ) -> Result<(Vec<ApiKeyRecord>, Option<ApiKeyId>), StoreError> {
        let page = self.store().list_api_keys(after, PAGE, now).await?;
        let full = page.len() == PAGE;
        let next = page.last().filter(|_| full).map(|key| key.id.clone());
        Ok((page, next))
    }

    /// Removes a key, here at once; whether there was one.
    pub(crate) async fn revoke_api_key(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        let removed = self.store().remove_api_key(id).await;
        // Even if nobody knows whether the store did it: to look again does no harm.
        self.revocations().note(id.as_str());
        removed
    }

    /// Seals every key again that is not under the active master key; how many.
    ///
    /// One that does not open is reported after all others were sealed again.
    pub(crate) async fn reseal_api_keys(
        &self,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let (mut resealed, mut after, mut unreadable) = (0, None, None);
        loop {
            let (page, next) = self.list_api_keys(after.as_ref(), now).await?;
            for old in page {
                if self.master_keys().is_current(&old.details) {
                    continue;
                }
                match self.open_api_key(old.clone()) {
                    Ok(key) => {
                        let new = self.seal_details(&key, &old.hash, entropy);
                        let new = new.map_err(StoreError::new)?;
                        resealed += usize::from(self.store().reseal_api_key(&old, &new).await?);
                    }
                    Err(error) => unreadable = unreadable.or(Some(error)),
                }
            }
            match (next, unreadable.take()) {
                (None, None) => return Ok(resealed),
                (None, Some(error)) => return Err(error),
                (next, still) => (after, unreadable) = (next, still),
            }
        }
    }
}

/// What comes before `id`, with next to nothing in between.
fn just_before(id: &ApiKeyId) -> Option<ApiKeyId> {
    let mut start = id.as_str().to_owned();
    start.pop();
    (!start.is_empty()).then(|| start.into())
}

fn unreadable(id: &ApiKeyId, error: OpenError) -> StoreError {
    StoreError::new(format!("the API key {id}: {error}"))
}

/// What is sealed opens for one name and one secret: neither can be put in place of
/// another by who can write to the store.
fn place_of(id: &ApiKeyId, hash: &TokenHash) -> String {
    use std::fmt::Write as _;

    let mut place = format!("{id} ");
    for byte in hash.as_bytes() {
        let _ = write!(place, "{byte:02x}");
    }
    place
}

const fn api_keys(place: &str) -> Place<'_> {
    Place {
        table: "API keys",
        key: place,
    }
}
