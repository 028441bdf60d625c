use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::event::{Event, EventSink, causes};
use crate::jose::{Algorithm, KeyRing, SigningKey};
use crate::model::SigningKeyRecord;
use crate::store::{Insertion, StoreError, Vault};
use crate::types::{Entropy, Timestamp};

/// When keys follow each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeySchedule {
    /// With what new keys sign: `ES256`, or `EdDSA`.
    pub algorithm: Algorithm,
    /// How long one key signs: 90 days. `None`: without end.
    pub period: Option<Duration>,
    /// How long the next key is published before it signs, and the former one
    /// after: a day. At least as long as an access token lives and a copy of the
    /// key set is kept.
    pub overlap: Duration,
}

impl Default for KeySchedule {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            algorithm: Algorithm::Es256,
            period: Some(DAY * 90),
            overlap: DAY,
        }
    }
}

impl KeySchedule {
    /// Every instance has read a new key this long after it was made, and so
    /// has whoever fetches the key set.
    pub(crate) const SPREAD: Duration = Duration::from_secs(600);

    /// When the key that follows `keys` is to sign, if it has to be made now.
    fn due(&self, keys: &[SigningKeyRecord], now: Timestamp) -> Option<Timestamp> {
        let Some(last) = keys.last() else {
            return Some(now);
        };
        let earliest = now.plus(self.overlap);
        // One that waits for its turn is enough, whatever changed meanwhile.
        if last.signs_from > now {
            return None;
        }
        if last.algorithm != self.algorithm {
            return Some(earliest);
        }
        let planned = last.signs_from.plus(self.period?);
        (planned <= earliest).then_some(earliest)
    }

    /// The generations that nothing has to be verified with any more.
    fn over(&self, keys: &[SigningKeyRecord], now: Timestamp) -> Vec<u32> {
        let followed = keys.iter().zip(keys.iter().skip(1));
        followed
            .filter(|(_, next)| next.signs_from.plus(self.overlap) <= now)
            .map(|(former, _)| former.generation)
            .collect()
    }
}

/// The keys of an issuer: those it was given, or those in its store.
///
/// Keys in the store are made when they are first needed, once for all replicas,
/// and follow each other by a [`KeySchedule`]. Every replica reads them again
/// once a minute, long before a new one signs; a store that is down meanwhile
/// does not matter.
#[derive(Debug)]
pub struct SigningKeys(Source);

#[derive(Debug)]
enum Source {
    Given(Arc<KeyRing>),
    Stored(StoredKeys),
}

#[derive(Debug)]
struct StoredKeys {
    vault: Vault,
    schedule: KeySchedule,
    entropy: Arc<dyn Entropy>,
    events: Arc<dyn EventSink>,
    loaded: RwLock<Option<Loaded>>,
    /// Who holds this reads the store; the others need not.
    turn: async_lock::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Loaded {
    records: Vec<SigningKeyRecord>,
    ring: Arc<KeyRing>,
    at: Timestamp,
}

impl SigningKeys {
    /// These keys and no others.
    #[must_use]
    pub const fn given(ring: Arc<KeyRing>) -> Self {
        Self(Source::Given(ring))
    }

    /// The keys in the store of `vault`.
    #[must_use]
    pub fn stored(
        vault: Vault,
        schedule: KeySchedule,
        entropy: Arc<dyn Entropy>,
        events: Arc<dyn EventSink>,
    ) -> Self {
        Self(Source::Stored(StoredKeys {
            vault,
            schedule,
            entropy,
            events,
            loaded: RwLock::default(),
            turn: async_lock::Mutex::new(()),
        }))
    }

    /// The keys as they stand at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if they were never read and cannot be now.
    pub async fn ring(&self, now: Timestamp) -> Result<Arc<KeyRing>, StoreError> {
        match &self.0 {
            Source::Given(ring) => Ok(Arc::clone(ring)),
            Source::Stored(stored) => stored.ring(now).await,
        }
    }

    /// As [`ring`](Self::ring), for a token that names the key `key_id`: if that
    /// is unknown, another replica may just have made it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the keys were never read and cannot be now.
    pub async fn ring_with(
        &self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Arc<KeyRing>, StoreError> {
        let ring = self.ring(now).await?;
        match &self.0 {
            Source::Stored(stored) if ring.verifying_key(key_id, now).is_none() => {
                stored.ring_again(ring, now).await
            }
            Source::Given(_) | Source::Stored(_) => Ok(ring),
        }
    }
}

impl StoredKeys {
    /// How old the keys in memory get before they are read again.
    const RELOAD: Duration = Duration::from_secs(60);
    /// How old they have to be for an unknown `kid` to have them read again.
    const RELOAD_ON_UNKNOWN: Duration = Duration::from_secs(5);
    /// More often than keys can change hands while they are read.
    const ATTEMPTS: usize = 4;

    async fn ring(&self, now: Timestamp) -> Result<Arc<KeyRing>, StoreError> {
        match self.loaded() {
            Some(loaded) if now < loaded.at.plus(Self::RELOAD) => Ok(loaded.ring),
            Some(loaded) => self.ring_again(loaded.ring, now).await,
            None => {
                let _turn = self.turn.lock().await;
                match self.loaded() {
                    Some(loaded) => Ok(loaded.ring),
                    None => self.load(None, now).await,
                }
            }
        }
    }

    /// The keys read again, unless somebody is at it or has just been; `known`
    /// if that fails.
    async fn ring_again(
        &self,
        known: Arc<KeyRing>,
        now: Timestamp,
    ) -> Result<Arc<KeyRing>, StoreError> {
        let Some(_turn) = self.turn.try_lock() else {
            return Ok(known);
        };
        let before = self.loaded();
        match before {
            Some(before) if now < before.at.plus(Self::RELOAD_ON_UNKNOWN) => Ok(before.ring),
            before => match self.load(before, now).await {
                Ok(ring) => Ok(ring),
                Err(error) => {
                    self.events.emit(&Event::Outage {
                        cause: format!("signing keys: {}", causes(&error)),
                    });
                    self.try_again_later(now);
                    Ok(known)
                }
            },
        }
    }

    fn loaded(&self) -> Option<Loaded> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.clone()
    }

    /// Not at every request while the store is down.
    fn try_again_later(&self, now: Timestamp) {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = loaded.as_mut() {
            let until_reload = Self::RELOAD - Self::RELOAD_ON_UNKNOWN;
            loaded.at = now.minus(until_reload);
        }
    }

    async fn load(
        &self,
        before: Option<Loaded>,
        now: Timestamp,
    ) -> Result<Arc<KeyRing>, StoreError> {
        let records = self.up_to_date(now).await?;
        let ring = match before {
            Some(before) if before.records == records => before.ring,
            Some(_) | None => Arc::new(self.ring_of(&records)?),
        };
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        *loaded = Some(Loaded {
            records,
            ring: Arc::clone(&ring),
            at: now,
        });
        Ok(ring)
    }

    /// The keys in the store, after what has to be done about them now was done
    /// by this replica or another.
    async fn up_to_date(&self, now: Timestamp) -> Result<Vec<SigningKeyRecord>, StoreError> {
        let store = self.vault.store();
        for _ in 0..Self::ATTEMPTS {
            let records = store.list_signing_keys().await?;
            if let Some(signs_from) = self.schedule.due(&records, now) {
                let generation = records.last().map_or(1, |last| last.generation + 1);
                self.make(generation, signs_from).await?;
                continue;
            }
            let over = self.schedule.over(&records, now);
            for generation in &over {
                store.remove_signing_key(*generation).await?;
            }
            let kept = records.into_iter();
            let mut kept: Vec<_> = kept
                .filter(|record| !over.contains(&record.generation))
                .collect();
            for record in &mut kept {
                self.reseal(record).await?;
            }
            return Ok(kept);
        }
        Err(StoreError::new("the signing keys change all the time"))
    }

    async fn make(&self, generation: u32, signs_from: Timestamp) -> Result<(), StoreError> {
        let key = SigningKey::generate(self.schedule.algorithm, &*self.entropy)
            .map_err(StoreError::new)?;
        let private = self
            .vault
            .seal_signing_key(generation, &key.to_pkcs8_der(), &*self.entropy)
            .map_err(StoreError::new)?;
        let record = SigningKeyRecord {
            generation,
            algorithm: self.schedule.algorithm,
            signs_from,
            private,
        };
        // A conflict means that another replica was first: its key is read next.
        if self.vault.store().insert_signing_key(record).await? == Insertion::Done {
            self.events.emit(&Event::SigningKeyCreated {
                generation,
                signs_from,
            });
        }
        Ok(())
    }

    /// Seals the key again if its master key is not the active one any more.
    async fn reseal(&self, record: &mut SigningKeyRecord) -> Result<(), StoreError> {
        if self.vault.master_keys().is_current(&record.private) {
            return Ok(());
        }
        let generation = record.generation;
        let pkcs8 = self.vault.open_signing_key(generation, &record.private)?;
        let new = self
            .vault
            .seal_signing_key(generation, &pkcs8, &*self.entropy)
            .map_err(StoreError::new)?;
        let store = self.vault.store();
        // If another replica was faster, its seal is as good.
        if store
            .reseal_signing_key(generation, &record.private, &new)
            .await?
        {
            record.private = new;
        }
        Ok(())
    }

    fn ring_of(&self, records: &[SigningKeyRecord]) -> Result<KeyRing, StoreError> {
        let mut ring: Option<KeyRing> = None;
        for record in records {
            let pkcs8 = self
                .vault
                .open_signing_key(record.generation, &record.private)?;
            let key =
                SigningKey::from_pkcs8_der(record.algorithm, &pkcs8).map_err(StoreError::new)?;
            let key = Arc::new(key);
            let next = match ring {
                None => KeyRing::new(key),
                Some(ring) => ring.with_successor(key, record.signs_from, self.schedule.overlap),
            };
            ring = Some(next.map_err(StoreError::new)?);
        }
        ring.ok_or_else(|| StoreError::new("there is no signing key"))
    }
}
