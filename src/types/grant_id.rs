use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::types::{Entropy, EntropyError};

/// Names one grant: what one person allowed one client in one sign-in.
///
/// Random and public: it stands in every token of the grant and proves nothing.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(from = "String")]
pub struct GrantId(Arc<str>);

/// The text is no identifier of a grant.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a grant is named by 22 characters of base64url")]
pub struct InvalidGrantId;

impl GrantId {
    /// A new identifier of 128 bits.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source of randomness failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self(entropy.identifier()?.into()))
    }

    /// Parses an identifier.
    ///
    /// # Errors
    ///
    /// [`InvalidGrantId`] unless `text` is 22 characters of base64url.
    pub fn parse(text: &str) -> Result<Self, InvalidGrantId> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.len() != 22 || !text.bytes().all(unreserved) {
            return Err(InvalidGrantId);
        }
        Ok(Self(text.into()))
    }

    /// The identifier as text, for a store to use as a key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<String> for GrantId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for GrantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<GrantId> for String {
    fn from(id: GrantId) -> Self {
        id.as_str().to_owned()
    }
}
