use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::types::{Entropy, EntropyError, Text};

/// A client identifier ([RFC 6749, section 2.2]).
///
/// Printable ASCII ([appendix A.1]) of 1 to 2048 characters. Compared byte for
/// byte; it names a client and proves nothing.
///
/// [RFC 6749, section 2.2]: https://www.rfc-editor.org/rfc/rfc6749#section-2.2
/// [appendix A.1]: https://www.rfc-editor.org/rfc/rfc6749#appendix-A.1
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "Text<'_>")]
pub struct ClientId(Arc<str>);

/// The text is no client identifier.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a client_id is 1 to 2048 printable ASCII characters")]
pub struct InvalidClientId;

impl ClientId {
    const MAX_LENGTH: usize = 2048;

    /// Parses a client identifier.
    ///
    /// # Errors
    ///
    /// [`InvalidClientId`] unless `text` is 1 to 2048 characters of printable ASCII.
    pub fn parse(text: &str) -> Result<Self, InvalidClientId> {
        let printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !printable {
            return Err(InvalidClientId);
        }
        Ok(Self(text.into()))
    }

    /// A new identifier of 128 bits, of unreserved characters only.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source of randomness failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self(entropy.identifier()?.into()))
    }

    /// The identifier as it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClientId({:?})", self.as_str())
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<Text<'_>> for ClientId {
    type Error = InvalidClientId;

    fn try_from(Text(text): Text<'_>) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for ClientId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.as_str().to_owned()
    }
}
