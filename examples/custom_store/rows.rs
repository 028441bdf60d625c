//! The map in which records are kept as texts of JSON.

use std::collections::BTreeMap;

use oauth_for_mcp::model::{ApiKeyRecord, ClientRecord, GrantRecord, IssuedRecords, RefreshRecord};
use oauth_for_mcp::store::{Insertion, StoreError};
use oauth_for_mcp::types::{ApiKeyId, ClientId, GrantId, Timestamp, TokenHash};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) type Answer<T> = Result<T, StoreError>;

/// From `table/key` to a record as JSON.
#[derive(Debug, Default)]
pub(crate) struct Rows(pub(crate) BTreeMap<String, String>);

impl Rows {
    pub(crate) fn read<T: DeserializeOwned>(&self, row: &str) -> Answer<Option<T>> {
        let json = self.0.get(row).map(|text| serde_json::from_str(text));
        json.transpose().map_err(StoreError::new)
    }

    /// As `read`, but what has expired is absent.
    pub(crate) fn read_live<T: DeserializeOwned>(
        &self,
        row: &str,
        now: Timestamp,
    ) -> Answer<Option<T>> {
        let json = self.read::<Value>(row)?;
        let live = json.filter(|json| !has_passed(&json["expires_at"], now));
        live.map(serde_json::from_value)
            .transpose()
            .map_err(StoreError::new)
    }

    pub(crate) fn insert<T: Serialize>(&mut self, row: String, record: &T) -> Answer<Insertion> {
        if self.0.contains_key(&row) {
            return Ok(Insertion::Conflict);
        }
        self.0.extend([written(row, record)?]);
        Ok(Insertion::Done)
    }

    /// A token counts only with its grant; a revoked grant is not there.
    pub(crate) fn read_token<T, F>(
        &self,
        row: &str,
        now: Timestamp,
        grant: F,
    ) -> Answer<Option<(T, GrantRecord)>>
    where
        T: DeserializeOwned,
        F: Fn(&T) -> &GrantId,
    {
        let Some(token) = self.read_live(row, now)? else {
            return Ok(None);
        };
        let grant = self.read_live(&grant_row(grant(&token)), now)?;
        Ok(grant.map(|grant| (token, grant)))
    }

    pub(crate) fn refresh(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Answer<Option<(RefreshRecord, GrantRecord)>> {
        self.read_token(&refresh_row(grant), now, |it: &RefreshRecord| &it.grant_id)
    }

    /// The grants that are alive, in the order of their identifiers.
    pub(crate) fn grants(&self, now: Timestamp) -> Answer<Vec<GrantRecord>> {
        let rows = self.0.keys().filter(|row| row.starts_with("grant/"));
        let grants = rows.map(|row| self.read_live(row, now));
        grants.filter_map(Result::transpose).collect()
    }

    /// The API keys that are alive, in the order of their identifiers.
    pub(crate) fn api_keys(&self, now: Timestamp) -> Answer<Vec<ApiKeyRecord>> {
        let rows = self.0.keys().filter(|row| row.starts_with("api key/"));
        let keys = rows.map(|row| self.read_live(row, now));
        keys.filter_map(Result::transpose).collect()
    }

    /// How many clients registered themselves, up to `most`; a database would ask
    /// an index.
    pub(crate) fn dynamic_clients(&self, most: usize) -> Answer<usize> {
        let rows = self.0.keys().filter(|row| row.starts_with("client/"));
        let mut count = 0;
        for row in rows {
            let client = self.read::<ClientRecord>(row)?;
            let unused_until = client.and_then(|client| client.registration.unused_until());
            count += usize::from(count < most && unused_until.is_some());
        }
        Ok(count)
    }

    /// Whether a sweep may delete the row.
    pub(crate) fn is_over(&self, row: &str, json: &str, now: Timestamp) -> Answer<bool> {
        if row.starts_with("signing key/") {
            return Ok(false);
        }
        if !row.starts_with("client/") {
            let json: Value = serde_json::from_str(json).map_err(StoreError::new)?;
            return Ok(has_passed(&json["expires_at"], now));
        }
        let client: ClientRecord = serde_json::from_str(json).map_err(StoreError::new)?;
        let unused_until = client.registration.unused_until();
        Ok(unused_until.is_some_and(|time| time <= now) && !self.holds_grant(&client.id, now)?)
    }

    fn holds_grant(&self, client: &ClientId, now: Timestamp) -> Answer<bool> {
        let mut grants = self.grants(now)?.into_iter();
        Ok(grants.any(|grant| grant.client_id == *client))
    }
}

fn has_passed(time: &Value, now: Timestamp) -> bool {
    time.as_u64().is_some_and(|time| time <= now.as_secs())
}

pub(crate) fn written<T: Serialize>(row: String, record: &T) -> Answer<(String, String)> {
    let json = serde_json::to_string(record).map_err(StoreError::new)?;
    Ok((row, json))
}

/// A grant and its tokens, ready to be stored.
pub(crate) fn all_written(issued: &IssuedRecords) -> Answer<Vec<(String, String)>> {
    let grant = &issued.grant;
    let mut ready = vec![written(grant_row(&grant.id), grant)?];
    if let Some(access) = &issued.access {
        ready.push(written(hash_row("access", &access.hash), access)?);
    }
    if let Some(refresh) = &issued.refresh {
        ready.push(written(refresh_row(&refresh.grant_id), refresh)?);
    }
    Ok(ready)
}

pub(crate) fn client_row(id: &ClientId) -> String {
    format!("client/{id}")
}

pub(crate) fn hash_row(table: &str, hash: &TokenHash) -> String {
    let hex: String = hash
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{table}/{hex}")
}

pub(crate) fn grant_row(id: &GrantId) -> String {
    format!("grant/{id}")
}

pub(crate) fn api_key_row(id: &ApiKeyId) -> String {
    format!("api key/{id}")
}

pub(crate) fn refresh_row(grant: &GrantId) -> String {
    format!("refresh/{grant}")
}

/// With leading zeros, so that the order of the rows is that of the generations.
pub(crate) fn key_row(generation: u32) -> String {
    format!("signing key/{generation:010}")
}
