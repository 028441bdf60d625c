use async_trait::async_trait;

use crate::model::{ApiKeyRecord, Sealed};
use crate::store::{ApiKeyStore, Insertion, RedisStore, StoreError};
use crate::types::{ApiKeyId, Timestamp, TokenHash};

use super::record::{self, API_KEY, Damaged, Row};
use super::script::{
    Call, FIND_API_KEY, INSERT_API_KEY, LIST_API_KEYS, REMOVE_API_KEY, RESEAL_API_KEY,
};

/// One script holds up all others, so that it must not read too much.
const READ_AT_ONCE: usize = 256;

type Values = Vec<Option<Vec<u8>>>;
/// The last key that was read if there are more, and the live ones among those
/// that were read: hash and fields.
type Page = (Option<Vec<u8>>, Vec<(Vec<u8>, Values)>);

#[async_trait]
impl ApiKeyStore for RedisStore {
    async fn insert_api_key(&self, key: ApiKeyRecord) -> Result<Insertion, StoreError> {
        let end = key.expires_at.map(|end| end.as_secs().to_string().into());
        let call = Call::of(&INSERT_API_KEY)
            .key(self.keys.api_key(&key.hash))
            .key(self.keys.api_key_hashes())
            .key(self.keys.api_keys())
            .key(self.keys.api_key_ends())
            .argument(key.id.as_str())
            .argument(*key.hash.as_bytes())
            .list(end)
            .fields(record::api_key_fields(&key));
        self.insert(call).await
    }

    async fn find_api_key(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        let call = Call::of(&FIND_API_KEY)
            .key(self.keys.api_key(hash))
            .key(self.keys.api_key_hashes())
            .key(self.keys.api_keys())
            .argument(*hash.as_bytes())
            .names(&API_KEY);
        let found: Option<(bool, Values)> = self.link.ask(call).await?;
        let Some((is_listed, values)) = found else {
            return Ok(None);
        };
        // It would let in whoever has it, and nobody could end it.
        if !is_listed {
            return Err(StoreError::new("an API key in Redis is in no list"));
        }
        let key = Row::of(values).map(|row| row.api_key(*hash));
        let key = key.transpose().map_err(StoreError::new)?;
        Ok(key.filter(|key| key.expires_at.is_none_or(|end| end > now)))
    }

    async fn list_api_keys(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let mut found = Vec::new();
        let mut start = after.map_or_else(|| b"-".to_vec(), |id| following(id.as_str().as_bytes()));
        while found.len() < limit {
            // One more than is missing, to learn whether there are more.
            let length = READ_AT_ONCE.min((limit - found.len()).saturating_add(1));
            let call = Call::of(&LIST_API_KEYS)
                .key(self.keys.api_keys())
                .key(self.keys.api_key_hashes())
                .argument(self.keys.every_api_key())
                .time(now)
                .argument(start)
                .number(length)
                .names(&API_KEY);
            let (last, page): Page = self.link.ask(call).await?;
            for (hash, values) in page {
                found.push(read(hash, values).map_err(StoreError::new)?);
            }
            let Some(last) = last else {
                break;
            };
            start = following(&last);
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn remove_api_key(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        let call = Call::of(&REMOVE_API_KEY)
            .key(self.keys.api_key_hashes())
            .key(self.keys.removed_api_key(id))
            .argument(self.keys.prefix())
            .argument(id.as_str())
            .argument(self.calls.name())
            .argument(self.remembered());
        self.link.ask(call).await
    }

    async fn reseal_api_key(&self, old: &ApiKeyRecord, new: &Sealed) -> Result<bool, StoreError> {
        let call = Call::of(&RESEAL_API_KEY)
            .key(self.keys.api_key(&old.hash))
            .argument(old.id.as_str())
            .argument(old.details.as_bytes())
            .argument(new.as_bytes());
        self.link.ask(call).await
    }
}

/// What follows `id`, in the words of `ZRANGEBYLEX`.
fn following(id: &[u8]) -> Vec<u8> {
    [b"(", id].concat()
}

fn read(hash: Vec<u8>, values: Values) -> Result<ApiKeyRecord, Damaged> {
    let hash = record::hash(hash)?;
    Row::of(values).ok_or(Damaged)?.api_key(hash)
}
