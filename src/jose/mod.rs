//! Signatures and keys (layer 1).
//!
//! - [`Algorithm`]: the allow-list of [RFC 7518] and [RFC 8037]; no `none`, no HMAC
//! - [`Jwk`], [`JwkSet`]: public keys ([RFC 7517]) and thumbprints ([RFC 7638])
//! - [`Jws`], [`Header`]: the strict parser of compact tokens ([RFC 7515])
//! - `VerifyingKey`, `VerifiedJws`: a checked signature, and the only way to claims
//! - [`Signer`], [`sign_compact`], `SigningKey`: keys that sign, here or elsewhere
//! - `KeyRing`: which key signs and which are accepted, as a function of the time
//! - [`ClaimRules`], [`Audience`], [`numeric_date`]: registered claims ([RFC 7519])
//!
//! What is not a link needs one of the features `jwt-aws-lc` and
//! `jwt-rust-crypto`; with both, AWS-LC computes.
//!
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518
//! [RFC 7519]: https://www.rfc-editor.org/rfc/rfc7519
//! [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638
//! [RFC 8037]: https://www.rfc-editor.org/rfc/rfc8037

mod algorithm;
mod audience;
mod claim_rules;
mod header;
mod jwk;
mod jwk_set;
mod jwk_wire;
#[cfg_attr(
    not(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto")),
    allow(dead_code, reason = "only a backend reads what is to be verified")
)]
mod jws;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
mod key;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
mod keyring;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
mod last_header;
pub mod numeric_date;
mod signer;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use audience::Audience;
pub use claim_rules::{ClaimError, ClaimRules, ExpectedClaims, RegisteredClaims};
pub use header::Header;
pub use jwk::{InvalidJwk, Jwk};
pub use jwk_set::{InvalidJwkSet, JwkSet};
pub use jws::{InvalidJws, Jws};
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub use key::{
    InvalidClaims, InvalidKey, InvalidSignature, KeySetError, SigningKey, UnprovedClaims,
    VerifiedJws, VerifyingKey, VerifyingKeySet,
};
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub use keyring::KeyRing;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub(crate) use last_header::LastHeader;
pub use signer::{SignError, Signer, sign_compact};
