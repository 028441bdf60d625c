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
