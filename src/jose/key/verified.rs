use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::jose::{Header, InvalidJws, Jws, VerifyingKey};

/// A token whose signature was checked. Only [`Jws::verify`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedJws<'a> {
    jws: &'a Jws<'a>, // private: no other module can skip the check
}

/// The payload is no JSON object of the form that was asked for.
#[derive(Debug, Error)]
#[error("the claims do not have the form that was asked for")]
pub struct InvalidClaims(#[source] Option<serde_json::Error>);

impl Jws<'_> {
    /// Verifies the signature with a key that is for this very algorithm.
    ///
    /// # Errors
    ///
    /// [`InvalidJws::KeyMismatch`] if the key is for another algorithm than the
    /// header names, [`InvalidJws::Signature`] if it did not make the signature.
    pub fn verify(&self, key: &VerifyingKey) -> Result<VerifiedJws<'_>, InvalidJws> {
        let algorithm = self.header().algorithm;
        if !key.accepts(algorithm) {
            return Err(InvalidJws::KeyMismatch);
        }
        key.verify(algorithm, self.signing_input.as_bytes(), &self.signature)
            .map_err(|_| InvalidJws::Signature)?;
        Ok(VerifiedJws { jws: self })
    }
}

impl VerifiedJws<'_> {
    /// What the token says about itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        self.jws.header()
    }

    /// The claims, read as a `T`.
    ///
    /// Derive `Deserialize` on a struct for `T`: it refuses a claim of its own
    /// that is there twice, which a map would not.
    ///
    /// # Errors
    ///
    /// [`InvalidClaims`] if the payload is no JSON object or no `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, InvalidClaims> {
        let payload = self.jws.payload.as_slice();
        // A derived struct would also be read from an array.
        if payload.trim_ascii_start().first() != Some(&b'{') {
            return Err(InvalidClaims(None));
        }
        serde_json::from_slice(payload).map_err(|error| InvalidClaims(Some(error)))
    }
}
