use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use serde::de::{DeserializeOwned, DeserializeSeed};
use thiserror::Error;

use crate::jose::{Header, InvalidJws, Jws, VerifyingKey};

/// A token whose signature was checked. Only [`Jws::verify`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedJws<'a> {
    jws: &'a Jws<'a>, // private: no other module can skip the check
}

/// Claims that were read before it is known who wrote them, so that they need not be
/// read again. They come out by [`VerifiedJws::prove`] alone.
#[derive(Debug)]
pub struct UnprovedClaims<'a, T> {
    jws: &'a Jws<'a>,
    claims: T, // private: they prove nothing yet
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
        key.verify(algorithm, self.signing_input.as_bytes(), self.signature())
            .map_err(|_| InvalidJws::Signature)?;
        Ok(VerifiedJws { jws: self })
    }

    /// Lets `judge` refuse the claims before it is known who wrote them, so that
    /// no key is looked for where none would help.
    ///
    /// Nothing else comes of it: whoever gets through has claimed what is good and
    /// has proved nothing.
    ///
    /// # Errors
    ///
    /// What `judge` says of the claims, read as [`VerifiedJws::claims`] reads them.
    pub fn refuse_by_claims<T: DeserializeOwned, E>(
        &self,
        judge: impl FnOnce(Result<T, InvalidClaims>) -> Result<(), E>,
    ) -> Result<(), E> {
        judge(read(self.payload()))
    }
}

impl<'a> Jws<'a> {
    /// Reads the claims as [`VerifiedJws::claims`] does, to be believed later.
    ///
    /// # Errors
    ///
    /// [`InvalidClaims`] if the payload is no JSON object or no `T`.
    pub fn unproved_claims<T: DeserializeOwned>(
        &'a self,
    ) -> Result<UnprovedClaims<'a, T>, InvalidClaims> {
        self.unproved_claims_by(PhantomData)
    }

    /// The same for claims that `seed` reads.
    pub(crate) fn unproved_claims_by<S: DeserializeSeed<'a>>(
        &'a self,
        seed: S,
    ) -> Result<UnprovedClaims<'a, S::Value>, InvalidClaims> {
        let claims = read_by(seed, self.payload())?;
        Ok(UnprovedClaims { jws: self, claims })
    }
}

impl<T> UnprovedClaims<'_, T> {
    /// What `question` finds in the claims, to tell whose keys decide. Anybody can
    /// have written them.
    #[must_use]
    pub fn claim(&self, question: impl FnOnce(&T) -> bool) -> bool {
        question(&self.claims)
    }
}

impl VerifiedJws<'_> {
    /// The claims, if they were read from this very token.
    #[must_use]
    pub fn prove<T>(&self, unproved: UnprovedClaims<'_, T>) -> Option<T> {
        let same = ptr::eq(
            ptr::from_ref(self.jws).cast::<()>(),
            ptr::from_ref(unproved.jws).cast(),
        );
        same.then_some(unproved.claims)
    }

    /// What the token says about itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.jws.header()
    }

    pub(in crate::jose) const fn shared_header(&self) -> &Arc<Header> {
        &self.jws.header
    }

    /// The header as it stands in the token.
    pub(in crate::jose) fn encoded_header(&self) -> &str {
        let end = self.jws.signing_input.find('.');
        &self.jws.signing_input[..end.unwrap_or_default()]
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
        read(self.jws.payload())
    }
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, InvalidClaims> {
    read_by(PhantomData, payload)
}

fn read_by<'de, S: DeserializeSeed<'de>>(
    seed: S,
    payload: &'de [u8],
) -> Result<S::Value, InvalidClaims> {
    // A derived struct would also be read from an array.
    if payload.trim_ascii_start().first() != Some(&b'{') {
        return Err(InvalidClaims(None));
    }
    // One look at all of it costs less than one at every text in it.
    let text = std::str::from_utf8(payload).map_err(|_| InvalidClaims(None))?;
    let mut json = serde_json::Deserializer::from_str(text);
    let claims = seed.deserialize(&mut json);
    claims
        .and_then(|claims| json.end().map(|()| claims))
        .map_err(|error| InvalidClaims(Some(error)))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::jose::key::test_entropy::Repeated;
    use crate::jose::{Algorithm, Jwk, Signer, SigningKey, sign_compact};

    fn signing_key(algorithm: Algorithm, seed: u8) -> SigningKey {
        SigningKey::generate(algorithm, &Repeated::byte(seed)).unwrap()
    }

    fn public(key: &SigningKey) -> VerifyingKey {
        VerifyingKey::from_jwk(key.public_jwk()).unwrap()
    }

    fn refusal(token: &str, key: &VerifyingKey) -> Option<InvalidJws> {
        Jws::parse(token)
            .and_then(|jws| jws.verify(key).map(|_| ()))
            .err()
    }

    async fn signed(key: &SigningKey, claims: &Value) -> String {
        sign_compact(key, "at+jwt", claims).await.unwrap()
    }

    #[derive(Debug, Deserialize)]
    struct Claims {
        iss: String,
    }

    #[tokio::test]
    async fn claims_that_were_read_before_are_proved_by_their_own_token_alone() {
        let key = signing_key(Algorithm::EdDsa, 7);
        let token = signed(&key, &json!({"iss": "a"})).await;
        let (first, second) = (Jws::parse(&token).unwrap(), Jws::parse(&token).unwrap());
        let read = |jws| Jws::unproved_claims::<Claims>(jws).unwrap();
        assert!(read(&first).claim(|claims| claims.iss == "a"));
        let public = public(&key);
        let verified = first.verify(&public).unwrap();
        assert_eq!(verified.prove(read(&first)).unwrap().iss, "a");
        assert!(verified.prove(read(&second)).is_none());
    }

    #[tokio::test]
    async fn a_signed_token_gives_its_claims_to_the_key_that_verifies_it() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let key = signing_key(algorithm, 7);
            let token = signed(&key, &json!({"iss": "a", "more": 1})).await;
            let jws = Jws::parse(&token).unwrap();
            let verified = jws.verify(&public(&key)).unwrap();
            assert_eq!(verified.header().algorithm, algorithm);
            assert_eq!(verified.header().key_id.as_deref(), Some(key.key_id()));
            assert!(verified.header().has_typ("at+jwt"));
            assert_eq!(verified.claims::<Claims>().unwrap().iss, "a");
        }
    }

    #[tokio::test]
    async fn a_token_of_another_key_or_with_other_claims_is_refused() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let (key, other) = (signing_key(algorithm, 7), signing_key(algorithm, 8));
            let token = signed(&key, &json!({"iss": "a"})).await;
            assert_eq!(refusal(&token, &public(&key)), None);
            assert_eq!(
                refusal(&token, &public(&other)),
                Some(InvalidJws::Signature)
            );
            // The payload starts with `{"iss`, whose first group is `eyJ`.
            let changed = token.replace(".eyJ", ".eyK");
            assert_eq!(
                refusal(&changed, &public(&key)),
                Some(InvalidJws::Signature)
            );
        }
    }

    #[tokio::test]
    async fn an_es256_token_does_not_count_for_an_eddsa_key_of_the_same_kid() {
        let key = signing_key(Algorithm::Es256, 7);
        let token = signed(&key, &json!({})).await;
        let other = signing_key(Algorithm::EdDsa, 7).public_jwk().clone();
        let same_kid = VerifyingKey::from_jwk(&other.with_key_id(key.key_id())).unwrap();
        assert_eq!(refusal(&token, &same_kid), Some(InvalidJws::KeyMismatch));
    }

    #[test]
    fn an_rsa_key_for_one_padding_does_not_count_for_the_other() {
        let rsa = Jwk::rsa(vec![0xc1; 256], vec![1, 0, 1]).unwrap();
        let pinned = rsa.clone().with_algorithm(Algorithm::Rs256).unwrap();
        // {"alg":"PS256"}
        let token = format!("eyJhbGciOiJQUzI1NiJ9.e30.{}", "A".repeat(342));
        let pinned = VerifyingKey::from_jwk(&pinned).unwrap();
        assert_eq!(refusal(&token, &pinned), Some(InvalidJws::KeyMismatch));
        let unspecific = VerifyingKey::from_jwk(&rsa).unwrap();
        assert_eq!(refusal(&token, &unspecific), Some(InvalidJws::Signature));
    }

    /// The two numbers in DER, as most libraries outside of JOSE sign.
    fn der(signature: &[u8]) -> Vec<u8> {
        let (r, s) = signature.split_at(32);
        let mut body = Vec::new();
        for number in [r, s] {
            let padding: &[u8] = if number[0] < 0x80 { &[] } else { &[0] };
            let length = u8::try_from(padding.len() + number.len()).unwrap();
            body.extend([&[2, length][..], padding, number].concat());
        }
        let length = u8::try_from(body.len()).unwrap();
        [&[0x30, length][..], &body].concat()
    }

    #[tokio::test]
    async fn a_signature_has_one_form_and_one_length() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let key = signing_key(algorithm, 7);
            let good = key.sign(b"message").await.unwrap();
            let verifies = |signature: &[u8]| {
                let public = public(&key);
                public.verify(algorithm, b"message", signature).is_ok()
            };
            assert!(verifies(&good));
            assert!(!verifies(&[]));
            assert!(!verifies(&good[..63]));
            assert!(!verifies(&good[..32]));
            assert!(!verifies(&[&good[..], &[0]].concat()));
            assert!(!verifies(&[&[0], &good[..]].concat()));
            assert!(!verifies(&[0; 64]));
            assert!(!verifies(&[0xff; 64]));
            assert!(!verifies(&der(&good)));
        }
    }

    #[tokio::test]
    async fn a_truncated_or_zero_signature_is_refused_in_a_token_too() {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let key = signing_key(algorithm, 7);
            let token = signed(&key, &json!({})).await;
            let (input, _) = token.rsplit_once('.').unwrap();
            for signature in ["", "AAAA", &"A".repeat(86), &"A".repeat(84)] {
                let forged = format!("{input}.{signature}");
                assert_eq!(refusal(&forged, &public(&key)), Some(InvalidJws::Signature));
            }
            let shorter = &token[..token.len() - 2];
            assert_eq!(refusal(shorter, &public(&key)), Some(InvalidJws::Signature));
        }
    }

    #[tokio::test]
    async fn claims_are_an_object_that_says_nothing_twice() {
        let key = signing_key(Algorithm::EdDsa, 7);
        let sign = async |payload: &str| {
            let raw: Box<[u8]> = payload.as_bytes().into();
            let input = format!("eyJhbGciOiJFZERTQSJ9.{}", base64url(&raw));
            let signature = key.sign(input.as_bytes()).await.unwrap();
            format!("{input}.{}", base64url(&signature))
        };
        for (payload, reads) in [
            (r#"{"iss":"a"}"#, true),
            (" \r\n{\"iss\":\"a\"} ", true),
            (r#"{"iss":"a","other":1,"other":2}"#, true),
            (r#"{"iss":"a","iss":"a"}"#, false),
            (r#"{"iss":["a"]}"#, false),
            (r#"["a"]"#, false),
            (r#""a""#, false),
            ("null", false),
            ("", false),
            (r#"{"iss":"a"}{}"#, false),
        ] {
            let token = sign(payload).await;
            let jws = Jws::parse(&token).unwrap();
            let verified = jws.verify(&public(&key)).unwrap();
            assert_eq!(verified.claims::<Claims>().is_ok(), reads, "{payload}");
        }
    }

    fn base64url(octets: &[u8]) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(octets)
    }
}
