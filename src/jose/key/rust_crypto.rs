//! Signatures in pure Rust, through `jsonwebtoken`.
//!
//! Its signers and verifiers are neither `Send` nor `Sync`, so what is kept is
//! the key's octets, and each signature parses them again.

use jsonwebtoken::{DecodingKey, EncodingKey};

pub(super) use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER as PROVIDER;

use crate::jose::jwk::Material;
use crate::jose::key::{InvalidKey, InvalidSignature};
use crate::jose::{Algorithm, SignError};

/// A public key that was found to parse, for one algorithm.
pub(super) struct PublicKey {
    algorithm: jsonwebtoken::Algorithm,
    key: DecodingKey,
}

impl PublicKey {
    pub(super) fn parse(algorithm: Algorithm, material: &Material) -> Result<Self, InvalidKey> {
        let key = match material {
            Material::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
            Material::P256 { x, y } => DecodingKey::from_ec_der(&[&[4][..], x, y].concat()),
            Material::P384 { x, y } => DecodingKey::from_ec_der(&[&[4][..], x, y].concat()),
            Material::Ed25519 { x } => DecodingKey::from_ed_der(x),
        };
        let algorithm = name(algorithm);
        (PROVIDER.verifier_factory)(&algorithm, &key).map_err(|_| InvalidKey::Malformed)?;
        Ok(Self { algorithm, key })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let verifier = (PROVIDER.verifier_factory)(&self.algorithm, &self.key);
        let verifier = verifier.map_err(|_| InvalidSignature)?;
        verifier
            .verify(message, &signature.to_vec())
            .map_err(|_| InvalidSignature)
    }
}

/// A private key that was found to parse.
pub(super) struct PrivateKey {
    algorithm: jsonwebtoken::Algorithm,
    key: EncodingKey,
}

impl PrivateKey {
    pub(super) fn parse(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, InvalidKey> {
        let key = match algorithm {
            Algorithm::Es256 => EncodingKey::from_ec_der(pkcs8),
            Algorithm::EdDsa => EncodingKey::from_ed_der(pkcs8),
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es384 => {
                return Err(InvalidKey::CannotSign(algorithm));
            }
        };
        let algorithm = name(algorithm);
        (PROVIDER.signer_factory)(&algorithm, &key).map_err(|_| InvalidKey::Malformed)?;
        Ok(Self { algorithm, key })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signer = (PROVIDER.signer_factory)(&self.algorithm, &self.key);
        let signer = signer.map_err(SignError::new)?;
        signer.try_sign(message).map_err(SignError::new)
    }
}

const fn name(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    }
}
