use std::sync::{Arc, PoisonError, RwLock};

use crate::jose::{Header, InvalidJws, Jws, VerifiedJws};

/// The header of the last token that was verified. Most issuers begin all tokens that
/// they sign with one key alike, so that it is seldom to be read again.
#[derive(Debug, Default)]
pub(crate) struct LastHeader(RwLock<Option<Known>>);

#[derive(Debug)]
struct Known {
    /// As it stands in the token.
    encoded: Box<str>,
    header: Arc<Header>,
}

impl LastHeader {
    /// Takes a token apart as [`Jws::parse`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Jws::parse`].
    pub(crate) fn parse<'a>(&self, text: &'a str) -> Result<Jws<'a>, InvalidJws> {
        Jws::parse_with(text, |encoded| {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let known = known.as_ref().filter(|known| *known.encoded == *encoded);
            known.map(|known| Arc::clone(&known.header))
        })
    }

    /// Keeps the header of a token that was verified: what anybody can write does not
    /// take its place.
    pub(crate) fn keep(&self, verified: &VerifiedJws<'_>) {
        let header = verified.shared_header();
        let is_kept = |known: &Known| Arc::ptr_eq(&known.header, header);
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(is_kept) {
            return;
        }
        drop(kept);
        self.replace(verified.encoded_header(), header);
    }

    #[cold]
    fn replace(&self, encoded: &str, header: &Arc<Header>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(Known {
            encoded: encoded.into(),
            header: Arc::clone(header),
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::key::test_entropy::Repeated;
    use crate::jose::{Algorithm, Signer as _, SigningKey, VerifyingKey, sign_compact};

    fn key(seed: u8) -> SigningKey {
        SigningKey::generate(Algorithm::EdDsa, &Repeated::byte(seed)).unwrap()
    }

    async fn token(key: &SigningKey, typ: &str) -> String {
        sign_compact(key, typ, &json!({"iss": "a"})).await.unwrap()
    }

    fn shares(last: &LastHeader, token: &str) -> bool {
        let jws = last.parse(token).unwrap();
        let known = last.0.read().unwrap();
        known
            .as_ref()
            .is_some_and(|known| std::ptr::eq(&raw const *known.header, jws.header()))
    }

    #[tokio::test]
    async fn a_header_is_read_again_only_if_it_is_another_one() {
        let (signer, last) = (key(7), LastHeader::default());
        let public = VerifyingKey::from_jwk(signer.public_jwk()).unwrap();
        let (first, other) = (token(&signer, "at+jwt").await, token(&signer, "JWT").await);
        assert!(!shares(&last, &first), "nothing is verified yet");

        let jws = last.parse(&first).unwrap();
        last.keep(&jws.verify(&public).unwrap());
        assert!(shares(&last, &first));
        assert!(!shares(&last, &other));
        assert!(last.parse(&other).unwrap().header().has_typ("JWT"));

        let jws = last.parse(&other).unwrap();
        last.keep(&jws.verify(&public).unwrap());
        assert!(shares(&last, &other));
        assert!(!shares(&last, &first));
        assert!(last.parse(&first).unwrap().header().has_typ("at+jwt"));
    }

    #[tokio::test]
    async fn many_may_verify_at_once_with_different_keys() {
        let last = LastHeader::default();
        let signers = [key(7), key(8)];
        let tokens = [
            token(&signers[0], "at+jwt").await,
            token(&signers[1], "JWT").await,
        ];
        let verify = &|index: usize| {
            let (signer, token) = (&signers[index % 2], &tokens[index % 2]);
            let public = VerifyingKey::from_jwk(signer.public_jwk()).unwrap();
            let jws = last.parse(token).unwrap();
            assert_eq!(jws.header(), Jws::parse(token).unwrap().header());
            last.keep(&jws.verify(&public).unwrap());
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || (0..50).for_each(|index| verify(thread + index)));
            }
        });
    }

    #[tokio::test]
    async fn what_follows_a_known_header_is_judged_all_the_same() {
        let (signer, last) = (key(7), LastHeader::default());
        let public = VerifyingKey::from_jwk(signer.public_jwk()).unwrap();
        let good = token(&signer, "at+jwt").await;
        let jws = last.parse(&good).unwrap();
        last.keep(&jws.verify(&public).unwrap());

        let forged = token(&key(8), "at+jwt").await;
        let (_, rest) = forged.split_once('.').unwrap();
        let (header, _) = good.split_once('.').unwrap();
        let forged = format!("{header}.{rest}");
        let jws = last.parse(&forged).unwrap();
        assert_eq!(jws.verify(&public).err(), Some(InvalidJws::Signature));
        for (text, expected) in [
            (header.to_owned(), InvalidJws::NotCompact),
            (format!("{good}.AAAA"), InvalidJws::NotCompact),
            (format!("{good}="), InvalidJws::Encoding),
            (format!("{header}.?.AAAA"), InvalidJws::Encoding),
            (format!("{good}{}", "A".repeat(8192)), InvalidJws::TooLong),
        ] {
            assert_eq!(last.parse(&text).err(), Some(expected), "{text}");
        }
    }
}
