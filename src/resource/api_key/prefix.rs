use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::types::{Entropy, EntropyError, Secret};

/// What all API keys of a kind begin with, such as `mcpkey`: a small letter and 1 to
/// 15 small letters and digits.
///
/// An underscore follows it, and then 256 random bits as 43 characters of
/// base64url.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct ApiKeyPrefix(Box<str>);

/// The text is no prefix of API keys.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a prefix of API keys is a small letter and 1 to 15 small letters and digits")]
pub struct InvalidApiKeyPrefix;

/// The text is no API key, as far as its form goes.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidApiKey {
    /// It is not a prefix, an underscore and 32 bytes as base64url.
    #[error("an API key is a prefix such as mcpkey, an underscore and 43 characters of base64url")]
    Form,
    /// Its bytes repeat as random ones never do.
    #[error("the API key is not random")]
    NotRandom,
}

impl ApiKeyPrefix {
    /// Random bytes hold some 30 different ones; there are fewer than this in less
    /// than one of a billion keys.
    const DISTINCT_BYTES: usize = 20;

    /// Parses a prefix.
    ///
    /// # Errors
    ///
    /// [`InvalidApiKeyPrefix`] unless `text` is a small letter and 1 to 15 small
    /// letters and digits.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKeyPrefix> {
        let in_form = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if !begins || !(2..=16).contains(&text.len()) || !text.bytes().all(in_form) {
            return Err(InvalidApiKeyPrefix);
        }
        Ok(Self(text.into()))
    }

    /// The prefix of `key`, which is a whole and random key.
    ///
    /// # Errors
    ///
    /// [`InvalidApiKey`] if it is not.
    pub fn of(key: &Secret) -> Result<Self, InvalidApiKey> {
        let (prefix, rest) = key.expose().split_once('_').ok_or(InvalidApiKey::Form)?;
        let prefix = Self::parse(prefix).map_err(|_| InvalidApiKey::Form)?;
        let bytes = random_part(rest).ok_or(InvalidApiKey::Form)?;
        if bytes.iter().collect::<BTreeSet<_>>().len() < Self::DISTINCT_BYTES {
            return Err(InvalidApiKey::NotRandom);
        }
        Ok(prefix)
    }

    /// A new key of 256 random bits.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source of randomness failed.
    pub fn generate(&self, entropy: &dyn Entropy) -> Result<Secret, EntropyError> {
        let random = entropy.secret()?;
        Ok(Secret::new(format!("{}_{}", self.0, random.expose())))
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` is of this kind, or was meant to be: nobody else may be asked
    /// about it.
    pub(super) fn begins(&self, text: &str) -> bool {
        let rest = text.strip_prefix(&*self.0);
        rest.is_some_and(|rest| rest.starts_with('_'))
    }

    /// Whether `text` is a whole key of this kind.
    pub(super) fn is_of_form(&self, text: &str) -> bool {
        let rest = text.strip_prefix(&*self.0);
        let rest = rest.and_then(|rest| rest.strip_prefix('_'));
        rest.and_then(random_part).is_some()
    }
}

fn random_part(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().map(Zeroizing::new)?;
    (bytes.len() == 32).then_some(bytes)
}

impl Default for ApiKeyPrefix {
    /// `mcpkey`.
    fn default() -> Self {
        Self("mcpkey".into())
    }
}

impl fmt::Debug for ApiKeyPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ApiKeyPrefix({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SystemEntropy;

    #[test]
    fn a_key_is_its_prefix_and_256_bits_that_were_never_there_before() {
        let prefix = ApiKeyPrefix::default();
        let [first, second] = [(); 2].map(|()| prefix.generate(&SystemEntropy).unwrap());
        assert_ne!(first, second);
        for key in [&first, &second] {
            let text = key.expose();
            assert!(text.starts_with("mcpkey_") && text.len() == 50, "{text}");
            assert!(prefix.is_of_form(text));
            assert_eq!(ApiKeyPrefix::of(key), Ok(prefix.clone()));
        }
    }

    #[test]
    fn a_prefix_is_a_small_letter_and_small_letters_and_digits() {
        for good in ["ab", "a1", "mcpkey", "a234567890123456"] {
            assert_eq!(ApiKeyPrefix::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a",
            "1a",
            "Ab",
            "aB",
            "a_b",
            "a-b",
            "a b",
            "é1",
            "a.b",
            "a2345678901234567",
        ] {
            assert_eq!(ApiKeyPrefix::parse(bad), Err(InvalidApiKeyPrefix), "{bad}");
        }
    }

    #[test]
    fn what_is_only_like_a_key_is_none() {
        let prefix = ApiKeyPrefix::default();
        let key = prefix.generate(&SystemEntropy).unwrap();
        let (_, random) = key.expose().split_once('_').unwrap();
        for text in [
            "mcpkey".to_owned(),
            "mcpkey_".to_owned(),
            format!("mcpkey{random}"),
            format!("mcpkey-{random}"),
            format!("mcpkey__{random}"),
            format!("MCPKEY_{random}"),
            format!("mcpkey2_{random}"),
            format!("mcp_{random}"),
            format!("mcpkey_{}", &random[1..]),
            format!("mcpkey_{random}A"),
            format!("mcpkey_{random}="),
            format!("mcpkey_{}.", &random[1..]),
            // The last character has two bits to spare, which are zero.
            format!("mcpkey_{}_", &random[..42]),
            format!(" mcpkey_{random}"),
        ] {
            assert!(!prefix.is_of_form(&text), "{text}");
        }
    }

    #[test]
    fn whether_a_text_was_meant_for_us_shows_before_the_underscore() {
        let prefix = ApiKeyPrefix::default();
        for ours in ["mcpkey_", "mcpkey_x", "mcpkey__"] {
            assert!(prefix.begins(ours), "{ours}");
        }
        for foreign in [
            "",
            "mcpkey",
            "mcpkey2_x",
            "mcpke_x",
            "MCPKEY_x",
            "xmcpkey_x",
        ] {
            assert!(!prefix.begins(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_key_that_somebody_typed_is_not_random() {
        for typed in ["a".repeat(43), "abcd".repeat(10) + "abc", "A".repeat(43)] {
            let key = Secret::new(format!("mcpkey_{}", typed.replace('c', "A")));
            let refused = ApiKeyPrefix::of(&key).unwrap_err();
            assert!(
                [InvalidApiKey::NotRandom, InvalidApiKey::Form].contains(&refused),
                "{typed}"
            );
        }
        let zeros = Secret::new(format!("mcpkey_{}", "A".repeat(43)));
        assert_eq!(ApiKeyPrefix::of(&zeros), Err(InvalidApiKey::NotRandom));
        let short = Secret::new("secret");
        assert_eq!(ApiKeyPrefix::of(&short), Err(InvalidApiKey::Form));
    }
}
