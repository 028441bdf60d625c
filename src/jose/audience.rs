use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who a token is meant for: the `aud` claim ([RFC 7519, section 4.1.3]).
///
/// One text, or an array of them. Compared byte for byte.
///
/// [RFC 7519, section 4.1.3]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Audience(Vec<String>);

impl Audience {
    /// The audience of one recipient, printed as a text.
    #[must_use]
    pub fn one(recipient: impl Into<String>) -> Self {
        Self(vec![recipient.into()])
    }

    /// The audience of these recipients, printed as an array unless it is one.
    #[must_use]
    pub const fn of(recipients: Vec<String>) -> Self {
        Self(recipients)
    }

    /// Whether `recipient` is among those the token is meant for.
    #[must_use]
    pub fn contains(&self, recipient: &str) -> bool {
        self.0.iter().any(|text| text == recipient)
    }

    /// All that the token is meant for.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudienceVisitor)
    }
}

struct AudienceVisitor;

impl<'de> Visitor<'de> for AudienceVisitor {
    type Value = Audience;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or an array of texts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Audience, E> {
        Ok(Audience::one(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Audience, A::Error> {
        let mut recipients = Vec::new();
        while let Some(text) = array.next_element()? {
            recipients.push(text);
        }
        Ok(Audience(recipients))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_a_text_or_an_array_of_texts() {
        for (json, printed) in [
            (r#""a""#, r#""a""#),
            (r#"["a"]"#, r#""a""#),
            (r#"["a","b"]"#, r#"["a","b"]"#),
            ("[]", "[]"),
        ] {
            let audience: Audience = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&audience).unwrap(), printed);
        }
        for json in ["1", "null", "{}", "[1]", r#"["a",null]"#, r#"[["a"]]"#] {
            assert!(serde_json::from_str::<Audience>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_audience_contains_a_recipient_byte_for_byte() {
        let audience = Audience::of(vec!["https://a.example".into(), "b".into()]);
        assert!(audience.contains("https://a.example"));
        for other in ["https://a.example/", "https://a", "B", ""] {
            assert!(!audience.contains(other), "{other}");
        }
    }
}
