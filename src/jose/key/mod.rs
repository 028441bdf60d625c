//! Keys that compute, on the one backend that is compiled in.

use thiserror::Error;

use crate::jose::Algorithm;

#[cfg(feature = "jwt-aws-lc")]
#[path = "aws_lc.rs"]
mod backend;
#[cfg(not(feature = "jwt-aws-lc"))]
#[path = "rust_crypto.rs"]
mod backend;
mod pkcs8;
mod set;
mod signing;
#[cfg(test)]
pub(super) mod test_entropy;
mod verified;
mod verifying;

pub use set::{KeySetError, VerifyingKeySet};
pub use signing::SigningKey;
pub use verified::{InvalidClaims, UnprovedClaims, VerifiedJws};
pub use verifying::VerifyingKey;

/// The key cannot be used.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// The RSA key is too short to be safe or too long to be checked quickly.
    #[error("an RSA key has 2048 to 4096 bits")]
    RsaSize,
    /// The `use` or `key_ops` of the key exclude verifying.
    #[error("the key says that it is not for verifying signatures")]
    NotForSignatures,
    /// The content is no key, such as a point beside the curve.
    #[error("the content is no key of this type")]
    Malformed,
    /// The text holds no PKCS#8 private key.
    #[error("the text is no PEM with the label PRIVATE KEY (PKCS#8)")]
    NotPem,
    /// This crate does not sign with the algorithm.
    #[error("keys in this process sign with ES256 or EdDSA, not with {0}")]
    CannotSign(Algorithm),
    /// What a signer says about its key does not fit together.
    #[error("the public key of the signer does not go with its algorithm")]
    Inconsistent,
    /// Two keys of one ring have the same `kid`.
    #[error("two keys have the same kid")]
    RepeatedKeyId,
    /// A successor is to sign before the key it follows.
    #[error("a successor has to sign later than the key it follows")]
    Schedule,
    /// The source of randomness failed, or gave no number that can be a key.
    #[error("the source of randomness failed")]
    Entropy,
}

/// The key did not make this signature of this message.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the signature is invalid")]
pub struct InvalidSignature;
