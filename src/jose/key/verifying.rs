use std::fmt;

use crate::jose::jwk::Material;
use crate::jose::key::backend::PublicKey;
use crate::jose::{Algorithm, InvalidKey, InvalidSignature, Jwk};

/// A public key, parsed once and pinned to its algorithm.
///
/// The key decides how a signature is checked, never the token: this is what
/// makes confusing one algorithm with another impossible ([RFC 8725, section 3.1]).
///
/// [RFC 8725, section 3.1]: https://www.rfc-editor.org/rfc/rfc8725#section-3.1
pub struct VerifyingKey {
    key_id: Option<String>,
    /// One, or two for an RSA key that does not say which padding it is for.
    parsed: Vec<(Algorithm, PublicKey)>,
}

impl VerifyingKey {
    /// Parses a public key for the algorithm it names or, if it names none, for
    /// those of its key type.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if the key is not for verifying, is an RSA key of fewer
    /// than 2048 or more than 4096 bits, or is no point on its curve.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, InvalidKey> {
        if !jwk.may_verify() {
            return Err(InvalidKey::NotForSignatures);
        }
        if !has_safe_size(&jwk.material) {
            return Err(InvalidKey::RsaSize);
        }
        let algorithms = jwk.algorithms().into_iter();
        let parsed = algorithms
            .map(|algorithm| Ok((algorithm, PublicKey::parse(algorithm, &jwk.material)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            key_id: jwk.key_id().map(str::to_owned),
            parsed,
        })
    }

    /// The `kid`, if the key has one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The algorithms this key verifies: one, or two for an unspecific RSA key.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.parsed.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Whether this key verifies signatures of this algorithm.
    #[must_use]
    pub fn accepts(&self, algorithm: Algorithm) -> bool {
        self.algorithms().any(|pinned| pinned == algorithm)
    }

    /// Verifies that this key made `signature` of `message`.
    ///
    /// # Errors
    ///
    /// [`InvalidSignature`] if it did not, or is not for this algorithm.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let pinned = self.parsed.iter().find(|(pinned, _)| *pinned == algorithm);
        let (_, key) = pinned.ok_or(InvalidSignature)?;
        key.verify(message, signature)
    }
}

/// Whether the key is not an RSA key of an unsafe size.
fn has_safe_size(material: &Material) -> bool {
    match material {
        Material::Rsa { n, .. } => {
            let leading = n.first().map_or(0, |octet| octet.leading_zeros() as usize);
            (2048..=4096).contains(&(n.len() * 8 - leading))
        }
        Material::P256 { .. } | Material::P384 { .. } | Material::Ed25519 { .. } => true,
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.algorithms().collect();
        formatter
            .debug_struct("VerifyingKey")
            .field("key_id", &self.key_id)
            .field("algorithms", &algorithms)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rsa(bits: usize) -> Jwk {
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] >>= n.len() * 8 - bits;
        Jwk::rsa(n, vec![1, 0, 1]).unwrap()
    }

    fn refusal(key: &Jwk) -> Option<InvalidKey> {
        VerifyingKey::from_jwk(key).err()
    }

    #[test]
    fn an_rsa_key_has_2048_to_4096_bits() {
        for bits in [512, 1024, 2040, 2047, 4097, 8192] {
            assert_eq!(refusal(&rsa(bits)), Some(InvalidKey::RsaSize), "{bits}");
        }
        for bits in [2048, 3072, 4096] {
            assert_eq!(refusal(&rsa(bits)), None, "{bits}");
        }
    }

    #[test]
    fn a_key_that_is_not_for_verifying_is_refused() {
        let with = |more: &str| -> Jwk {
            let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
            let json = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"{more}}}"#);
            serde_json::from_str(&json).unwrap()
        };
        assert_eq!(refusal(&with("")), None);
        assert_eq!(refusal(&with(r#","key_ops":["verify"]"#)), None);
        let expected = Some(InvalidKey::NotForSignatures);
        assert_eq!(refusal(&with(r#","use":"enc""#)), expected);
        assert_eq!(refusal(&with(r#","key_ops":["sign"]"#)), expected);
    }

    #[test]
    fn a_point_beside_the_curve_is_no_key() {
        let expected = Some(InvalidKey::Malformed);
        assert_eq!(refusal(&Jwk::p256([1; 32], [1; 32])), expected);
        assert_eq!(refusal(&Jwk::p384([1; 48], [1; 48])), expected);
        assert_eq!(refusal(&Jwk::p256([0; 32], [0; 32])), expected);
    }

    #[test]
    fn a_key_is_pinned_to_its_algorithm() {
        let algorithms = |key: &Jwk| {
            let parsed = VerifyingKey::from_jwk(key).unwrap();
            parsed.algorithms().collect::<Vec<_>>()
        };
        let unspecific = rsa(2048);
        assert_eq!(
            algorithms(&unspecific),
            [Algorithm::Rs256, Algorithm::Ps256]
        );
        let specific = unspecific.with_algorithm(Algorithm::Ps256).unwrap();
        assert_eq!(algorithms(&specific), [Algorithm::Ps256]);
        assert_eq!(algorithms(&Jwk::ed25519([1; 32])), [Algorithm::EdDsa]);
    }
}
