use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::types::Text;

/// One permission, such as `notes:read` ([RFC 6749, section 3.3]).
///
/// [RFC 6749, section 3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "Text<'_>")]
pub struct ScopeToken(Arc<str>);

/// The text is no scope.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidScope {
    /// A scope token is empty or holds a character that RFC 6749 does not allow.
    #[error(
        "a scope token is 1 to 256 characters of printable ASCII without space, quote or backslash"
    )]
    Token,
    /// There are more than 128 tokens.
    #[error("a scope has at most 128 tokens")]
    TooMany,
}

impl ScopeToken {
    /// Parses one scope token.
    ///
    /// # Errors
    ///
    /// [`InvalidScope::Token`] unless `text` is 1 to 256 of the characters that
    /// RFC 6749 allows (printable ASCII without space, `"` and `\`).
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if text.is_empty() || text.len() > 256 || !text.bytes().all(allowed) {
            return Err(InvalidScope::Token);
        }
        Ok(Self(text.into()))
    }

    /// The token as it is on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ScopeToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<Text<'_>> for ScopeToken {
    type Error = InvalidScope;

    fn try_from(Text(text): Text<'_>) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for ScopeToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<ScopeToken> for String {
    fn from(token: ScopeToken) -> Self {
        token.as_str().to_owned()
    }
}

/// A set of permissions, printed as tokens with a space between them.
///
/// Order and repetition on the wire mean nothing ([RFC 6749, section 3.3]).
///
/// [RFC 6749, section 3.3]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq)]
#[serde(try_from = "Text<'_>")]
pub struct Scope(
    // In order, and none twice. A token has few, for which a tree is more than it takes.
    Vec<ScopeToken>,
);

impl Scope {
    const MAX_TOKENS: usize = 128;

    /// The set without any permission.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// Parses tokens with spaces between them; an empty text is the empty set.
    ///
    /// # Errors
    ///
    /// [`InvalidScope`] if a token is malformed or there are more than 128.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        Self::from_texts(text.split(' ').filter(|token| !token.is_empty()))
    }

    /// The set of these tokens.
    ///
    /// # Errors
    ///
    /// [`InvalidScope`] if a token is malformed or there are more than 128.
    pub fn from_texts<T: AsRef<str>>(
        texts: impl IntoIterator<Item = T>,
    ) -> Result<Self, InvalidScope> {
        let scope: Self = texts
            .into_iter()
            .map(|text| ScopeToken::parse(text.as_ref()))
            .collect::<Result<_, _>>()?;
        if scope.len() > Self::MAX_TOKENS {
            return Err(InvalidScope::TooMany);
        }
        Ok(scope)
    }

    /// Whether there is no permission in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many permissions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `token` itself is in the set (see [`ScopeHierarchy`] for "or covered").
    ///
    /// [`ScopeHierarchy`]: crate::types::ScopeHierarchy
    #[must_use]
    pub fn contains(&self, token: &ScopeToken) -> bool {
        self.0.binary_search(token).is_ok()
    }

    /// Whether every permission of this set is in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|token| other.contains(token))
    }

    /// The permissions that are in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).cloned().collect()
    }

    /// The permissions that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let in_both = self.iter().filter(|token| other.contains(token));
        Self(in_both.cloned().collect())
    }

    /// The permissions in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &ScopeToken> {
        self.0.iter()
    }
}

impl FromIterator<ScopeToken> for Scope {
    fn from_iter<I: IntoIterator<Item = ScopeToken>>(tokens: I) -> Self {
        let mut tokens: Vec<_> = tokens.into_iter().collect();
        tokens.sort_unstable();
        let length = tokens.len();
        tokens.dedup();
        if tokens.len() < length {
            tokens.shrink_to_fit();
        }
        Self(tokens)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, token) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { " " };
            write!(formatter, "{separator}{token}")?;
        }
        Ok(())
    }
}

impl TryFrom<Text<'_>> for Scope {
    type Error = InvalidScope;

    fn try_from(Text(text): Text<'_>) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn order_and_repetition_mean_nothing() {
        let scope = Scope::parse("b a  b").unwrap();
        assert_eq!(scope.to_string(), "a b");
        assert_eq!(scope, Scope::parse("a b").unwrap());
    }

    #[test]
    fn a_token_holds_only_the_characters_of_rfc_6749() {
        for bad in ["a\"b", "a\\b", "é", "a\tb", "a\nb", "\u{0}"] {
            assert_eq!(Scope::parse(bad), Err(InvalidScope::Token), "{bad:?}");
        }
        assert!(Scope::parse("https://example.com/a?b=c#d").is_ok());
    }

    #[test]
    fn sets_of_permissions_are_sets() {
        let texts = ["", "a", "b", "c", "b a", "c a", "b c", "c b a c"];
        let set = |scope: &Scope| scope.iter().cloned().collect::<BTreeSet<_>>();
        for one in texts.map(|text| Scope::parse(text).unwrap()) {
            for other in texts.map(|text| Scope::parse(text).unwrap()) {
                let (left, right) = (set(&one), set(&other));
                let (union, intersection) = (one.union(&other), one.intersection(&other));
                assert!(union.iter().eq(left.union(&right)), "{one}, {other}");
                assert!(
                    intersection.iter().eq(left.intersection(&right)),
                    "{one}, {other}"
                );
                assert_eq!(
                    one.is_subset(&other),
                    left.is_subset(&right),
                    "{one}, {other}"
                );
                assert_eq!(one == other, left == right, "{one}, {other}");
                let contained = other.iter().filter(|token| one.contains(token));
                assert_eq!(contained.count(), intersection.len(), "{one}, {other}");
            }
        }
    }

    #[test]
    fn a_scope_has_a_bounded_number_of_tokens() {
        let many: Vec<_> = (0..129).map(|number| format!("s{number}")).collect();
        assert_eq!(Scope::from_texts(&many), Err(InvalidScope::TooMany));
        assert!(Scope::from_texts(&many[..128]).is_ok());
    }

    #[test]
    fn what_is_there_again_takes_no_room() {
        let scope = Scope::from_texts(std::iter::repeat_n("a", 1000)).unwrap();
        assert_eq!((scope.len(), scope.0.capacity()), (1, 1));
    }
}
