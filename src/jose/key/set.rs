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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::key::test_entropy::Repeated;
    use crate::jose::{Algorithm, Signer as _, SigningKey, sign_compact};

    #[tokio::test]
    async fn of_many_keys_the_first_ten_are_tried_whether_the_token_names_them_or_not() {
        let keys: Vec<SigningKey> = (1..=12)
            .map(|seed| SigningKey::generate(Algorithm::EdDsa, &Repeated::byte(seed)).unwrap())
            .collect();
        let token = sign_compact(&keys[0], "JWT", &json!({})).await.unwrap();
        let jws = Jws::parse(&token).unwrap();
        let name = keys[0].key_id();
        for (place, is_tried) in [(0, true), (9, true), (10, false), (11, false)] {
            let mut others: Vec<_> = keys.iter().skip(1).collect();
            others.insert(place, &keys[0]);
            let named = |key: &&SigningKey| key.public_jwk().clone().with_key_id(name);
            let set = JwkSet::new(others.iter().map(named).collect());
            let set = VerifyingKeySet::from(&set);
            assert_eq!(set.verify_named(&jws, name).is_ok(), is_tried, "{place}");
            assert_eq!(set.verify_unnamed(&jws).is_ok(), is_tried, "{place}");
        }
    }

    #[tokio::test]
    async fn keys_for_other_algorithms_take_no_place_of_those_that_fit() {
        let signing = SigningKey::generate(Algorithm::EdDsa, &Repeated::byte(1)).unwrap();
        let other = SigningKey::generate(Algorithm::Es256, &Repeated::byte(2)).unwrap();
        let name = signing.key_id();
        let other = other.public_jwk().clone().with_key_id(name);
        let mut keys = vec![other; 20];
        let token = sign_compact(&signing, "JWT", &json!({})).await.unwrap();
        let jws = Jws::parse(&token).unwrap();
        let mismatch = VerifyingKeySet::from(&JwkSet::new(keys.clone()));
        let verdict = mismatch.verify(&jws).map(|_| ());
        assert_eq!(verdict, Err(InvalidJws::KeyMismatch.into()));
        keys.push(signing.public_jwk().clone());
        let set = VerifyingKeySet::from(&JwkSet::new(keys));
        assert!(set.verify(&jws).is_ok());
    }
}
