use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::types::{Entropy, EntropyError, Secret};

/// The text is no PKCE value.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidPkce {
    /// The verifier is not of the form RFC 7636 asks for.
    #[error("a code_verifier is 43 to 128 characters of A-Z a-z 0-9 - . _ ~")]
    Verifier,
    /// The challenge is not the base64url of 32 bytes.
    #[error("a code_challenge for S256 is 43 characters of base64url without padding")]
    Challenge,
}

/// The secret that proves who began an authorization ([RFC 7636, section 4.1]).
///
/// [RFC 7636, section 4.1]: https://www.rfc-editor.org/rfc/rfc7636#section-4.1
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodeVerifier(Secret);

impl CodeVerifier {
    /// Parses a verifier.
    ///
    /// # Errors
    ///
    /// [`InvalidPkce::Verifier`] unless `text` is 43 to 128 unreserved characters.
    pub fn parse(text: &str) -> Result<Self, InvalidPkce> {
        let unreserved =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if !(43..=128).contains(&text.len()) || !text.bytes().all(unreserved) {
            return Err(InvalidPkce::Verifier);
        }
        Ok(Self(Secret::new(text)))
    }

    /// A new verifier of 256 bits.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source of randomness failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        entropy.secret().map(Self)
    }

    /// The challenge that this verifier answers, by the method `S256`.
    #[must_use]
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(Sha256::digest(self.0.expose().as_bytes()).into())
    }

    /// The text itself, for the token request.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// What a client commits to when it asks to authorize ([RFC 7636, section 4.2]).
///
/// Only the method `S256` exists here; `plain` cannot be written down.
///
/// [RFC 7636, section 4.2]: https://www.rfc-editor.org/rfc/rfc7636#section-4.2
#[derive(Clone, Copy, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// Parses an `S256` challenge.
    ///
    /// # Errors
    ///
    /// [`InvalidPkce::Challenge`] unless `text` is the base64url of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidPkce> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| InvalidPkce::Challenge)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| InvalidPkce::Challenge)
    }

    /// Whether `verifier` is the one this challenge was made from, in constant time.
    #[must_use]
    pub fn matches(&self, verifier: &CodeVerifier) -> bool {
        self.0.ct_eq(&verifier.challenge().0).into()
    }
}

impl fmt::Display for CodeChallenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for CodeChallenge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CodeChallenge({self})")
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = InvalidPkce;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for CodeChallenge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        challenge.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        assert!(CodeVerifier::parse(&"a".repeat(43)).is_ok());
        assert!(CodeVerifier::parse(&"~".repeat(128)).is_ok());
        for bad in [
            "a".repeat(42),
            "a".repeat(129),
            "+".repeat(43),
            "é".repeat(43),
        ] {
            assert_eq!(CodeVerifier::parse(&bad), Err(InvalidPkce::Verifier));
        }
    }

    #[test]
    fn a_challenge_is_exactly_32_bytes_of_base64url() {
        assert!(CodeChallenge::parse(&"A".repeat(43)).is_ok());
        for bad in [
            "A".repeat(42),
            "A".repeat(44),
            "+".repeat(43),
            String::new(),
        ] {
            assert_eq!(CodeChallenge::parse(&bad), Err(InvalidPkce::Challenge));
        }
        // The last character carries two bits that must be zero.
        assert!(CodeChallenge::parse(&format!("{}B", "A".repeat(42))).is_err());
    }
}
