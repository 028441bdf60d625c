use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::types::Text;

/// Who a token speaks for: the `sub` claim ([RFC 7519, section 4.1.2]).
///
/// Unique within one issuer and never reassigned; 1 to 255 characters without
/// control characters, compared byte for byte.
///
/// [RFC 7519, section 4.1.2]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.2
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "Text<'_>")]
pub struct Subject(Arc<str>);

/// The text is no subject.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a subject is 1 to 255 characters, none of them a control character")]
pub struct InvalidSubject;

impl Subject {
    /// Parses a subject.
    ///
    /// # Errors
    ///
    /// [`InvalidSubject`] if `text` is empty, longer than 255 characters or has
    /// a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidSubject> {
        let length = text.chars().count();
        if length == 0 || length > 255 || text.chars().any(char::is_control) {
            return Err(InvalidSubject);
        }
        Ok(Self(text.into()))
    }

    /// The subject as it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<Text<'_>> for Subject {
    type Error = InvalidSubject;

    fn try_from(Text(text): Text<'_>) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.as_str().to_owned()
    }
}
