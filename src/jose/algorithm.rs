use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A signature algorithm this crate accepts ([RFC 7518, section 3.1]).
///
/// An allow-list: `none` and the HMAC family, whose verifier could also sign,
/// cannot be written down.
///
/// [RFC 7518, section 3.1]: https://www.rfc-editor.org/rfc/rfc7518#section-3.1
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519, named `EdDSA` as [RFC 8037] has it.
    ///
    /// [RFC 8037]: https://www.rfc-editor.org/rfc/rfc8037#section-3.1
    EdDsa,
}

/// The text names no algorithm this crate accepts.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the algorithm is none of RS256, PS256, ES256, ES384 and EdDSA")]
pub struct UnknownAlgorithm;

impl Algorithm {
    /// The allow-list, in the order in which metadata lists it.
    pub const ALL: [Self; 5] = [
        Self::Es256,
        Self::EdDsa,
        Self::Es384,
        Self::Ps256,
        Self::Rs256,
    ];

    /// Parses the name of an algorithm, which is case-sensitive.
    ///
    /// Both names of Ed25519 are understood: `EdDSA` and the `Ed25519` of
    /// [RFC 9864].
    ///
    /// [RFC 9864]: https://www.rfc-editor.org/rfc/rfc9864#section-2.2
    ///
    /// # Errors
    ///
    /// [`UnknownAlgorithm`] unless `text` names an algorithm of the allow-list.
    pub fn parse(text: &str) -> Result<Self, UnknownAlgorithm> {
        match text {
            "RS256" => Ok(Self::Rs256),
            "PS256" => Ok(Self::Ps256),
            "ES256" => Ok(Self::Es256),
            "ES384" => Ok(Self::Es384),
            "EdDSA" | "Ed25519" => Ok(Self::EdDsa),
            _ => Err(UnknownAlgorithm),
        }
    }

    /// The name as it is on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<String> for Algorithm {
    type Error = UnknownAlgorithm;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Algorithm> for &'static str {
    fn from(algorithm: Algorithm) -> Self {
        algorithm.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_reads_its_own_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.as_str()), Ok(algorithm));
            let json = serde_json::to_string(&algorithm).unwrap();
            assert_eq!(json, format!("\"{algorithm}\""));
            assert_eq!(serde_json::from_str::<Algorithm>(&json).unwrap(), algorithm);
        }
    }

    #[test]
    fn both_names_of_ed25519_are_one_algorithm() {
        assert_eq!(Algorithm::parse("Ed25519"), Ok(Algorithm::EdDsa));
    }

    #[test]
    fn none_and_shared_secrets_are_no_algorithms() {
        for text in [
            "none", "None", "NONE", "", "HS256", "HS512", "ES512", "es256", "ES256 ", "Ed448",
            "RS384", "PS512", "ES256K",
        ] {
            assert_eq!(Algorithm::parse(text), Err(UnknownAlgorithm), "{text}");
        }
    }
}
