use http::Uri;

use crate::fetch::Fetch;
use crate::idp::oidc::document;
use crate::idp::oidc::error::{Document, OidcError};
use crate::jose::{InvalidJws, JwkSet, Jws, VerifiedJws, VerifyingKey};

/// The keys that a provider signs with, parsed once.
///
/// A key that is not for signatures or cannot be used is left out.
#[derive(Debug)]
pub(super) struct KeySet(Vec<VerifyingKey>);

/// Fetches the keys of a provider.
pub(super) async fn load(fetch: &dyn Fetch, uri: &Uri) -> Result<KeySet, OidcError> {
    let answer = document::load(fetch, uri, Document::Keys).await?;
    let set: JwkSet = document::read(&answer, Document::Keys)?;
    let keys = set.keys().iter().map(VerifyingKey::from_jwk);
    Ok(KeySet(keys.filter_map(Result::ok).collect()))
}

impl KeySet {
    /// Verifies a token with the key that it names or, if it names none, with
    /// the only key for its algorithm.
    ///
    /// [`OidcError::UnknownKey`] says that a newer set may know better.
    pub(super) fn verify<'a>(&self, jws: &'a Jws<'a>) -> Result<VerifiedJws<'a>, OidcError> {
        match &jws.header().key_id {
            Some(key_id) => self.verify_named(jws, key_id),
            None => self.verify_unnamed(jws),
        }
    }

    fn verify_named<'a>(
        &self,
        jws: &'a Jws<'a>,
        key_id: &str,
    ) -> Result<VerifiedJws<'a>, OidcError> {
        let named = |key: &&VerifyingKey| key.key_id() == Some(key_id);
        let mut verdict = Err(OidcError::UnknownKey);
        // A set may repeat a name, such as for an RSA and a curve key.
        for key in self.0.iter().filter(named) {
            match jws.verify(key) {
                Ok(verified) => return Ok(verified),
                // That the right key did not sign says more than that another is of another kind.
                Err(InvalidJws::KeyMismatch) if matches!(verdict, Err(OidcError::Signature(_))) => {
                }
                Err(error) => verdict = Err(OidcError::Signature(error)),
            }
        }
        verdict
    }

    fn verify_unnamed<'a>(&self, jws: &'a Jws<'a>) -> Result<VerifiedJws<'a>, OidcError> {
        let algorithm = jws.header().algorithm;
        let mut fitting = self.0.iter().filter(|key| key.accepts(algorithm));
        let (Some(key), None) = (fitting.next(), fitting.next()) else {
            return Err(OidcError::UnknownKey);
        };
        // Without a name, a new key cannot be told from a bad signature.
        jws.verify(key).map_err(|_| OidcError::UnknownKey)
    }
}
