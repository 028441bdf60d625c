use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::types::{Entropy, EntropyError, TokenHash};

/// Names one API key, to list and to revoke it by.
///
/// Public: it proves nothing, and nobody can tell the key from it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(from = "String")]
pub struct ApiKeyId(Arc<str>);

/// The text is no identifier of an API key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("an API key is named by 22 characters of base64url")]
pub struct InvalidApiKeyId;

impl ApiKeyId {
    /// A new identifier of 128 bits.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source of randomness failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self(entropy.identifier()?.into()))
    }

    /// The identifier of a key that no store named, the same in every process.
    #[must_use]
    pub fn of(key: &TokenHash) -> Self {
        // Hashed once more: a part of the hash of the key would stand in logs.
        let digest = Sha256::new()
            .chain_update(b"name of an API key\0")
            .chain_update(key.as_bytes())
            .finalize();
        Self(URL_SAFE_NO_PAD.encode(&digest[..16]).into())
    }

    /// Parses an identifier.
    ///
    /// # Errors
    ///
    /// [`InvalidApiKeyId`] unless `text` is 22 characters of base64url.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKeyId> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.len() != 22 || !text.bytes().all(unreserved) {
            return Err(InvalidApiKeyId);
        }
        Ok(Self(text.into()))
    }

    /// The identifier as text, for a store to use as a key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<String> for ApiKeyId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for ApiKeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<ApiKeyId> for String {
    fn from(id: ApiKeyId) -> Self {
        id.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_one_key_and_no_part_of_its_hash() {
        let hash = TokenHash::of("a key");
        let name = ApiKeyId::of(&hash);
        assert_eq!(name, ApiKeyId::of(&hash));
        assert_ne!(name, ApiKeyId::of(&TokenHash::of("another key")));
        assert_eq!(ApiKeyId::parse(name.as_str()), Ok(name.clone()));
        let text = serde_json::to_string(&hash).unwrap();
        assert!(!text.contains(&name.as_str()[..8]), "{text} {name}");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "short", &"a".repeat(23), "a/aaaaaaaaaaaaaaaaaaaa"] {
            assert_eq!(ApiKeyId::parse(text), Err(InvalidApiKeyId), "{text}");
        }
    }
}
