use std::sync::Arc;
use std::time::Duration;

use crate::jose::{Algorithm, InvalidKey, Jwk, JwkSet, Signer, SigningKey, VerifyingKey};
use crate::types::{Entropy, Timestamp};

/// The keys of an issuer: which one signs, and which are published and accepted.
///
/// Both are a function of the time alone, so that every instance with the same
/// configuration agrees without talking to the others. Two neighbours overlap on
/// either side of the moment at which signing moves from one to the next:
///
/// - the next key is published before it signs, so that whoever keeps a copy of
///   the key set has it in time, and an instance whose clock is behind accepts
///   what one whose clock is ahead has signed;
/// - the former key stays published until the last token it signed has expired.
///
/// The overlap therefore has to be at least the longest lifetime of a token, and
/// at least as long as anybody keeps a copy of the key set.
#[derive(Debug)]
pub struct KeyRing {
    /// In the order in which they sign; the first signs from the epoch on.
    signers: Vec<ScheduledSigner>,
    keys: Vec<PublishedKey>,
}

#[derive(Debug)]
struct ScheduledSigner {
    signer: Arc<dyn Signer>,
    signs_from: Timestamp,
}

#[derive(Debug)]
struct PublishedKey {
    public: Jwk,
    parsed: VerifyingKey,
    from: Timestamp,
    /// `None`: without end.
    until: Option<Timestamp>,
}

impl KeyRing {
    /// The ring in which one new key signs, which is gone when the process ends.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if no key for `algorithm` can be made here.
    pub fn generate(algorithm: Algorithm, entropy: &dyn Entropy) -> Result<Self, InvalidKey> {
        Self::new(Arc::new(SigningKey::generate(algorithm, entropy)?))
    }

    /// The ring in which one key signs, without end.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if the public half of the key cannot be used.
    pub fn new(active: Arc<dyn Signer>) -> Result<Self, InvalidKey> {
        let empty = Self {
            signers: Vec::new(),
            keys: Vec::new(),
        };
        empty.with_signer(active, Timestamp::default(), Timestamp::default())
    }

    /// Adds the key that signs from `signs_from` on.
    ///
    /// It is published `overlap` earlier, and the key it follows stays `overlap`
    /// longer.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if the key cannot be used, has the `kid` of another key of
    /// the ring, or is to sign before the key it follows.
    pub fn with_successor(
        mut self,
        signer: Arc<dyn Signer>,
        signs_from: Timestamp,
        overlap: Duration,
    ) -> Result<Self, InvalidKey> {
        let former = self.signers.last();
        let in_order = former.is_none_or(|former| former.signs_from < signs_from);
        if !in_order {
            return Err(InvalidKey::Schedule);
        }
        let former_id = former.map(|former| former.signer.key_id().to_owned());
        for key in &mut self.keys {
            if key.parsed.key_id() == former_id.as_deref() {
                key.until = Some(signs_from.plus(overlap));
            }
        }
        self.with_signer(signer, signs_from, signs_from.minus(overlap))
    }

    /// Adds a key that signs no more and is accepted before `accepted_until`.
    ///
    /// A key without `kid` goes by its thumbprint.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if the key cannot be used or has the `kid` of another key
    /// of the ring.
    pub fn with_retired(self, key: Jwk, accepted_until: Timestamp) -> Result<Self, InvalidKey> {
        let named = if key.key_id().is_some() {
            key
        } else {
            let thumbprint = key.thumbprint();
            key.with_key_id(thumbprint)
        };
        self.with_key(named, Timestamp::default(), Some(accepted_until))
    }

    fn with_signer(
        self,
        signer: Arc<dyn Signer>,
        signs_from: Timestamp,
        published_from: Timestamp,
    ) -> Result<Self, InvalidKey> {
        let public = signer.public_jwk().clone().with_key_id(signer.key_id());
        let public = public
            .with_algorithm(signer.algorithm())
            .map_err(|_| InvalidKey::Inconsistent)?;
        let mut ring = self.with_key(public, published_from, None)?;
        ring.signers.push(ScheduledSigner { signer, signs_from });
        Ok(ring)
    }

    fn with_key(
        mut self,
        public: Jwk,
        from: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Self, InvalidKey> {
        let parsed = VerifyingKey::from_jwk(&public)?;
        let same_id = |key: &PublishedKey| key.parsed.key_id() == parsed.key_id();
        if self.keys.iter().any(same_id) {
            return Err(InvalidKey::RepeatedKeyId);
        }
        self.keys.push(PublishedKey {
            public,
            parsed,
            from,
            until,
        });
        Ok(self)
    }

    /// The key that signs at the time `now`.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "cannot panic: the first key signs from the epoch on"
    )]
    pub fn signer(&self, now: Timestamp) -> &Arc<dyn Signer> {
        let mut latest_first = self.signers.iter().rev();
        let started = latest_first.find(|key| key.signs_from <= now);
        &started
            .expect("the first key signs from the epoch on")
            .signer
    }

    /// The public keys to publish at the time `now`.
    #[must_use]
    pub fn jwks(&self, now: Timestamp) -> JwkSet {
        let published = self.published(now);
        JwkSet::new(published.map(|key| key.public.clone()).collect())
    }

    /// The key with this `kid`, if it is accepted at the time `now`.
    #[must_use]
    pub fn verifying_key(&self, key_id: &str, now: Timestamp) -> Option<&VerifyingKey> {
        let mut accepted = self.published(now).map(|key| &key.parsed);
        accepted.find(|key| key.key_id() == Some(key_id))
    }

    /// The algorithms with which this issuer signs, now or later.
    #[must_use]
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let mut all: Vec<_> = self
            .signers
            .iter()
            .map(|key| key.signer.algorithm())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn published(&self, now: Timestamp) -> impl Iterator<Item = &PublishedKey> {
        self.keys
            .iter()
            .filter(move |key| key.from <= now && key.until.is_none_or(|until| now < until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::key::test_entropy::Repeated;
    use crate::jose::{SignError, SigningKey};

    const SWITCH: Timestamp = Timestamp::from_secs(1_000);
    const OVERLAP: Duration = Duration::from_secs(100);

    fn key(seed: u8) -> Arc<SigningKey> {
        Arc::new(SigningKey::generate(Algorithm::EdDsa, &Repeated::byte(seed)).unwrap())
    }

    fn ids(ring: &KeyRing, now: u64) -> Vec<String> {
        let set = ring.jwks(Timestamp::from_secs(now));
        let ids = set
            .keys()
            .iter()
            .map(|key| key.key_id().unwrap().to_owned());
        ids.collect()
    }

    #[test]
    fn a_lone_key_signs_and_is_published_at_any_time() {
        let ring = KeyRing::new(key(1)).unwrap();
        for now in [0, u64::MAX] {
            let now = Timestamp::from_secs(now);
            assert_eq!(ring.signer(now).key_id(), key(1).key_id());
            assert!(ring.verifying_key(key(1).key_id(), now).is_some());
            assert!(ring.verifying_key(key(2).key_id(), now).is_none());
        }
    }

    #[test]
    fn a_successor_is_published_before_it_signs_and_its_former_after() {
        let (former, next) = (key(1), key(2));
        let ring = KeyRing::new(former.clone()).unwrap();
        let ring = ring.with_successor(next.clone(), SWITCH, OVERLAP).unwrap();
        for (now, signs, published) in [
            (899, &former, vec![former.key_id()]),
            (900, &former, vec![former.key_id(), next.key_id()]),
            (999, &former, vec![former.key_id(), next.key_id()]),
            (1_000, &next, vec![former.key_id(), next.key_id()]),
            (1_099, &next, vec![former.key_id(), next.key_id()]),
            (1_100, &next, vec![next.key_id()]),
        ] {
            assert_eq!(ids(&ring, now), published, "{now}");
            let now = Timestamp::from_secs(now);
            assert_eq!(ring.signer(now).key_id(), signs.key_id());
            for key in [&former, &next] {
                let accepted = ring.verifying_key(key.key_id(), now).is_some();
                assert_eq!(accepted, published.contains(&key.key_id()), "{now:?}");
            }
        }
    }

    #[test]
    fn every_key_of_a_chain_gives_way_to_the_one_after_it() {
        let later = SWITCH.plus(Duration::from_secs(1_000));
        let ring = KeyRing::new(key(1)).unwrap();
        let ring = ring.with_successor(key(2), SWITCH, OVERLAP).unwrap();
        let ring = ring.with_successor(key(3), later, OVERLAP).unwrap();
        let id = |seed| key(seed).key_id().to_owned();
        assert_eq!(ids(&ring, 1_000), [id(1), id(2)]);
        assert_eq!(ids(&ring, 1_500), [id(2)]);
        assert_eq!(ids(&ring, 2_000), [id(2), id(3)]);
        assert_eq!(ids(&ring, 2_100), [id(3)]);
        assert_eq!(ring.signer(later).key_id(), id(3));
    }

    #[test]
    fn a_retired_key_is_accepted_until_its_end_and_never_signs() {
        let retired = key(2);
        let ring = KeyRing::new(key(1)).unwrap();
        let ring = ring
            .with_retired(retired.public_jwk().clone(), SWITCH)
            .unwrap();
        let accepted = |now| {
            let now = Timestamp::from_secs(now);
            ring.verifying_key(retired.key_id(), now).is_some()
        };
        assert!(accepted(999));
        assert!(!accepted(1_000));
        assert_eq!(
            ring.signer(Timestamp::from_secs(999)).key_id(),
            key(1).key_id()
        );
    }

    #[test]
    fn a_retired_key_without_a_name_goes_by_its_thumbprint() {
        let nameless = Jwk::ed25519([1; 32]);
        let ring = KeyRing::new(key(1)).unwrap();
        let ring = ring.with_retired(nameless.clone(), SWITCH).unwrap();
        let now = Timestamp::from_secs(1);
        assert!(ring.verifying_key(&nameless.thumbprint(), now).is_some());
    }

    #[test]
    fn two_keys_of_a_ring_have_two_names() {
        let ring = || KeyRing::new(key(1)).unwrap();
        let again = ring().with_successor(key(1), SWITCH, OVERLAP);
        assert_eq!(again.err(), Some(InvalidKey::RepeatedKeyId));
        let again = ring().with_retired(key(1).public_jwk().clone(), SWITCH);
        assert_eq!(again.err(), Some(InvalidKey::RepeatedKeyId));
    }

    #[test]
    fn a_successor_signs_later_than_its_former() {
        let ring = KeyRing::new(key(1)).unwrap();
        let ring = ring.with_successor(key(2), SWITCH, OVERLAP).unwrap();
        let same = ring.with_successor(key(3), SWITCH, OVERLAP);
        assert_eq!(same.err(), Some(InvalidKey::Schedule));
    }

    /// Says that it signs with another algorithm than its key is for.
    #[derive(Debug)]
    struct Confused(Arc<SigningKey>);

    #[async_trait::async_trait]
    impl Signer for Confused {
        fn public_jwk(&self) -> &Jwk {
            self.0.public_jwk()
        }

        fn algorithm(&self) -> Algorithm {
            Algorithm::Es256
        }

        fn key_id(&self) -> &str {
            self.0.key_id()
        }

        async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
            self.0.sign(message).await
        }
    }

    #[test]
    fn a_signer_whose_key_is_for_another_algorithm_is_refused() {
        let ring = KeyRing::new(Arc::new(Confused(key(1))));
        assert_eq!(ring.err(), Some(InvalidKey::Inconsistent));
    }

    #[test]
    fn published_keys_name_their_algorithm_and_use() {
        let ring = KeyRing::new(key(1)).unwrap();
        let json = serde_json::to_value(ring.jwks(SWITCH)).unwrap();
        assert_eq!(json["keys"][0]["alg"], "EdDSA");
        assert_eq!(json["keys"][0]["use"], "sig");
        assert_eq!(json["keys"][0]["kid"], key(1).key_id());
        assert_eq!(ring.algorithms(), [Algorithm::EdDsa]);
    }
}
