use thiserror::Error;

use crate::jose::{InvalidJws, JwkSet, Jws, VerifiedJws, VerifyingKey};

/// The keys that somebody signs with, parsed once.
///
/// A key that is not for signatures or cannot be used is left out.
#[derive(Debug)]
pub struct VerifyingKeySet(Vec<VerifyingKey>);

/// No key of the set verifies the token.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeySetError {
    /// The key that signed is not in the set; a newer set may know it.
    #[error("the key that signed is not in the set")]
    UnknownKey,
    /// The key that the token names did not sign it.
    #[error("{0}")]
    Invalid(#[from] InvalidJws),
}

impl From<&JwkSet> for VerifyingKeySet {
    fn from(set: &JwkSet) -> Self {
        let keys = set.keys().iter().map(VerifyingKey::from_jwk);
        Self(keys.filter_map(Result::ok).collect())
    }
}

impl VerifyingKeySet {
    /// Whether no key of the set can be used.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Verifies a token with the key that it names or, if it names none, with
    /// whichever for its algorithm signed it; of several, the first ten count.
    ///
    /// # Errors
    ///
    /// [`KeySetError`] with the reason.
    pub fn verify<'a>(&self, jws: &'a Jws<'a>) -> Result<VerifiedJws<'a>, KeySetError> {
        match &jws.header().key_id {
            Some(key_id) => self.verify_named(jws, key_id),
            None => self.verify_unnamed(jws),
        }
    }

    fn verify_named<'a>(
        &self,
        jws: &'a Jws<'a>,
        key_id: &str,
    ) -> Result<VerifiedJws<'a>, KeySetError> {
        let named = |key: &&VerifyingKey| key.key_id() == Some(key_id);
        if !self.0.iter().any(|key| named(&key)) {
            return Err(KeySetError::UnknownKey);
        }
        let mut verdict = InvalidJws::KeyMismatch;
        // A set may repeat a name, such as for an RSA and a curve key.
        for key in self.fitting(jws, named) {
            match jws.verify(key) {
                Ok(verified) => return Ok(verified),
                Err(error) => verdict = error,
            }
        }
        Err(verdict.into())
    }

    fn verify_unnamed<'a>(&self, jws: &'a Jws<'a>) -> Result<VerifiedJws<'a>, KeySetError> {
        let mut fitting = self.fitting(jws, |_| true);
        let verified = fitting.find_map(|key| jws.verify(key).ok());
        // Without a name, a new key cannot be told from a bad signature.
        verified.ok_or(KeySetError::UnknownKey)
    }

    /// The keys for the algorithm of a token that are worth a try.
    fn fitting<'k>(
        &'k self,
        jws: &Jws<'_>,
        wanted: impl Fn(&&'k VerifyingKey) -> bool,
    ) -> impl Iterator<Item = &'k VerifyingKey> {
        // Enough to change keys with some overlap; each costs a verification.
        const MOST: usize = 10;
        let algorithm = jws.header().algorithm;
        let fitting = move |key: &&VerifyingKey| key.accepts(algorithm);
        self.0.iter().filter(wanted).filter(fitting).take(MOST)
    }
}
