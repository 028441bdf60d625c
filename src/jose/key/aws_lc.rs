//! Signatures by AWS-LC.
//!
//! `jsonwebtoken` parses the key anew for every signature it checks or makes, so
//! this goes beneath it and keeps the parsed keys.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ED25519,
    EcdsaKeyPair, Ed25519KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
};
pub(super) use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER as PROVIDER;

use crate::jose::jwk::Material;
use crate::jose::key::{InvalidKey, InvalidSignature};
use crate::jose::{Algorithm, SignError};

/// A parsed public key, for one algorithm.
pub(super) struct PublicKey(ParsedPublicKey);

impl PublicKey {
    pub(super) fn parse(algorithm: Algorithm, material: &Material) -> Result<Self, InvalidKey> {
        let parsed = match material {
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(rsa_parameters(algorithm)?)
            }
            Material::P256 { x, y } => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4][..], x, y].concat())
            }
            Material::P384 { x, y } => {
                ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, [&[4][..], x, y].concat())
            }
            Material::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x),
        };
        parsed.map(Self).map_err(|_| InvalidKey::Malformed)
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        self.0
            .verify_sig(message, signature)
            .map_err(|_| InvalidSignature)
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Result<&'static RsaParameters, InvalidKey> {
    match algorithm {
        Algorithm::Rs256 => Ok(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Ps256 => Ok(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => Err(InvalidKey::Inconsistent),
    }
}

/// A parsed private key.
pub(super) enum PrivateKey {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl PrivateKey {
    pub(super) fn parse(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, InvalidKey> {
        let parsed = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Self::Es256)
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::EdDsa),
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es384 => {
                return Err(InvalidKey::CannotSign(algorithm));
            }
        };
        parsed.map_err(|_| InvalidKey::Malformed)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "AWS-LC draws the secret number of an ECDSA signature itself"
    )]
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = match self {
            Self::Es256(pair) => pair.sign(&SystemRandom::new(), message),
            Self::EdDsa(pair) => pair.try_sign(message),
        };
        let signature = signature.map_err(SignError::new)?;
        Ok(signature.as_ref().to_vec())
    }
}
