use std::sync::Arc;
use std::time::Duration;

use crate::jose::{Algorithm, InvalidKey, Jwk, JwkSet, Signer, VerifyingKey};
use crate::types::Timestamp;

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
        let started = self.signers.iter().filter(|key| key.signs_from <= now);
        let last = started.last();
        &last.expect("the first key signs from the epoch on").signer
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
