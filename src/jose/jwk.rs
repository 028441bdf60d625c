use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::jose::Algorithm;
use crate::jose::jwk_wire::WireJwk;

/// A public key for signatures, as JSON ([RFC 7517]).
///
/// It can hold nothing private: a JSON object with a private member is refused,
/// so that a leaked key is noticed and never published again.
///
/// [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "WireJwk", into = "WireJwk")]
pub struct Jwk {
    pub(super) material: Material,
    pub(super) key_id: Option<String>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) usage: Option<String>,
    pub(super) operations: Option<Vec<String>>,
}

/// The numbers a key is made of ([RFC 7518, section 6]), their lengths checked.
///
/// [RFC 7518, section 6]: https://www.rfc-editor.org/rfc/rfc7518#section-6
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256 { x: [u8; 32], y: [u8; 32] },
    P384 { x: [u8; 48], y: [u8; 48] },
    Ed25519 { x: [u8; 32] },
}

/// The JSON is no public key this crate can use.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidJwk {
    /// The key holds a private member.
    #[error("a JWK with private or secret members is not accepted")]
    Private,
    /// The key type or curve is none this crate knows.
    #[error("the key is none of RSA, EC on P-256 or P-384, and OKP on Ed25519")]
    UnknownKeyType,
    /// A member that the key type needs is missing.
    #[error("a member that the key type needs is missing")]
    Incomplete,
    /// A number is not in its one canonical form.
    #[error("a number of the key is not the base64url of its canonical octets")]
    Number,
    /// The `alg` is unknown or does not go with the key type.
    #[error("the alg of the key is unknown or does not go with its key type")]
    Algorithm,
}

impl Jwk {
    /// The RSA key of this modulus and exponent, big-endian without leading zeros.
    ///
    /// # Errors
    ///
    /// [`InvalidJwk::Number`] if one has a leading zero or is even, or if the
    /// exponent is one or longer than four octets.
    pub fn rsa(n: Vec<u8>, e: Vec<u8>) -> Result<Self, InvalidJwk> {
        let odd = |number: &[u8]| number.last().is_some_and(|octet| octet % 2 == 1);
        let minimal = |number: &[u8]| number.first().is_some_and(|octet| *octet != 0);
        let canonical = minimal(&n) && minimal(&e) && odd(&n) && odd(&e);
        if !canonical || e.len() > 4 || e == [1] {
            return Err(InvalidJwk::Number);
        }
        Ok(Self::from_material(Material::Rsa { n, e }))
    }

    /// The key of this point on the curve P-256.
    #[must_use]
    pub fn p256(x: [u8; 32], y: [u8; 32]) -> Self {
        Self::from_material(Material::P256 { x, y })
    }

    /// The key of this point on the curve P-384.
    #[must_use]
    pub fn p384(x: [u8; 48], y: [u8; 48]) -> Self {
        Self::from_material(Material::P384 { x, y })
    }

    /// The Ed25519 key of these octets ([RFC 8037]).
    ///
    /// [RFC 8037]: https://www.rfc-editor.org/rfc/rfc8037#section-2
    #[must_use]
    pub fn ed25519(x: [u8; 32]) -> Self {
        Self::from_material(Material::Ed25519 { x })
    }

    const fn from_material(material: Material) -> Self {
        Self {
            material,
            key_id: None,
            algorithm: None,
            usage: None,
            operations: None,
        }
    }

    /// This key under another name.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// This key for signatures of one algorithm only, and said to be so.
    ///
    /// # Errors
    ///
    /// [`InvalidJwk::Algorithm`] if `algorithm` does not go with the key type.
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Result<Self, InvalidJwk> {
        if !self.material.algorithms().contains(&algorithm) {
            return Err(InvalidJwk::Algorithm);
        }
        self.algorithm = Some(algorithm);
        self.usage = Some("sig".to_owned());
        Ok(self)
    }

    /// The `kid`, if the key has one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The `alg`, if the key is meant for one algorithm only.
    #[must_use]
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The algorithms whose signatures this key may verify.
    ///
    /// One, except for an RSA key that does not say which.
    #[must_use]
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let all = self.material.algorithms();
        self.algorithm.map_or_else(|| all.to_vec(), |one| vec![one])
    }

    /// Whether `use` and `key_ops` allow to verify signatures with this key.
    #[must_use]
    pub fn may_verify(&self) -> bool {
        let for_signatures = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let verifies = |operations: &Vec<String>| operations.iter().any(|name| name == "verify");
        for_signatures && self.operations.as_ref().is_none_or(verifies)
    }

    /// The SHA-256 thumbprint ([RFC 7638]), as 43 characters of base64url.
    ///
    /// It depends on the key alone, not on `kid`, `alg` and the like.
    ///
    /// [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638#section-3
    #[must_use]
    pub fn thumbprint(&self) -> String {
        // Members in lexicographic order; base64url needs no escaping.
        let text = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        let point = |curve: &str, x: &[u8], y: &[u8]| {
            let (x, y) = (text(x), text(y));
            format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
        };
        let canonical = match &self.material {
            Material::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n))
            }
            Material::P256 { x, y } => point("P-256", x, y),
            Material::P384 { x, y } => point("P-384", x, y),
            Material::Ed25519 { x } => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x))
            }
        };
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()))
    }
}

impl Material {
    /// The algorithms that go with this type of key.
    pub(super) const fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Rsa { .. } => &[Algorithm::Rs256, Algorithm::Ps256],
            Self::P256 { .. } => &[Algorithm::Es256],
            Self::P384 { .. } => &[Algorithm::Es384],
            Self::Ed25519 { .. } => &[Algorithm::EdDsa],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

    fn parse(json: &str) -> Result<Jwk, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    fn point(more: &str) -> String {
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}"{more}}}"#)
    }

    #[test]
    fn a_key_survives_a_round_trip() {
        let json = point(r#","kid":"a","alg":"ES256","use":"sig","key_ops":["verify"]"#);
        let key = parse(&json).unwrap();
        assert_eq!(parse(&serde_json::to_string(&key).unwrap()).unwrap(), key);
        assert_eq!(key.key_id(), Some("a"));
        assert_eq!(key.algorithm(), Some(Algorithm::Es256));
    }

    #[test]
    fn what_a_key_does_not_say_is_not_printed() {
        let key = parse(&point("")).unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), point(""));
    }

    #[test]
    fn a_key_with_private_members_is_refused() {
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            for value in ["\"AQAB\"", "null", "[]"] {
                let error = parse(&point(&format!(r#","{member}":{value}"#))).unwrap_err();
                assert_eq!(error, InvalidJwk::Private.to_string(), "{member}: {value}");
            }
        }
        let shared = r#"{"kty":"oct","k":"AQAB"}"#;
        assert_eq!(parse(shared).unwrap_err(), InvalidJwk::Private.to_string());
    }

    #[test]
    fn a_key_has_one_known_type_and_canonical_numbers() {
        let cases = [
            (point("").replace("P-256", "P-384"), InvalidJwk::Number),
            (
                point("").replace("P-256", "P-521"),
                InvalidJwk::UnknownKeyType,
            ),
            (
                point("").replace("\"EC\"", "\"oct\""),
                InvalidJwk::UnknownKeyType,
            ),
            (point("").replace("\"y\"", "\"z\""), InvalidJwk::Incomplete),
            (point("").replace(X, &format!("{X}=")), InvalidJwk::Number),
            // The same octets with a trailing bit set.
            (point("").replace("RVEU", "RVEV"), InvalidJwk::Number),
            (point(r#","alg":"ES384""#), InvalidJwk::Algorithm),
            (point(r#","alg":"RS256""#), InvalidJwk::Algorithm),
            (point(r#","alg":"none""#), InvalidJwk::Algorithm),
        ];
        for (json, expected) in cases {
            assert_eq!(parse(&json).unwrap_err(), expected.to_string(), "{json}");
        }
    }

    #[test]
    fn a_repeated_member_is_refused() {
        assert!(parse(&point(&format!(r#","x":"{X}""#))).is_err());
    }

    #[test]
    fn an_rsa_key_has_odd_numbers_without_leading_zeros() {
        let n = vec![0xc1; 256];
        assert!(Jwk::rsa(n.clone(), vec![1, 0, 1]).is_ok());
        assert!(Jwk::rsa(n.clone(), vec![3]).is_ok());
        for e in [vec![], vec![0, 3], vec![1], vec![1, 0], vec![1, 0, 0, 0, 1]] {
            assert_eq!(Jwk::rsa(n.clone(), e), Err(InvalidJwk::Number));
        }
        for n in [vec![], vec![0, 0xc1], vec![0xc1, 0xc2]] {
            assert_eq!(Jwk::rsa(n, vec![3]), Err(InvalidJwk::Number));
        }
    }

    #[test]
    fn use_and_key_ops_say_whether_a_key_may_verify() {
        for (more, expected) in [
            ("", true),
            (r#","use":"sig""#, true),
            (r#","use":"enc""#, false),
            (r#","key_ops":["verify"]"#, true),
            (r#","key_ops":["encrypt","wrapKey"]"#, false),
            (r#","key_ops":[]"#, false),
            (r#","use":"enc","key_ops":["verify"]"#, false),
        ] {
            assert_eq!(
                parse(&point(more)).unwrap().may_verify(),
                expected,
                "{more}"
            );
        }
    }
}
