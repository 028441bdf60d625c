use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_lock::{Mutex, MutexGuard};

use crate::event::{Event, EventSink, causes};
use crate::jose::{KeyRing, Signer, SigningKey};
use crate::model::SigningKeyRecord;
use crate::store::{Insertion, KeySchedule, StoreError, Vault};
use crate::types::{Entropy, Timestamp};

/// The keys of an issuer: those it was given, or those in its store.
///
/// Keys in the store are made when they are first needed, once for all replicas,
/// and follow each other by a [`KeySchedule`]. A replica that is used, or that
/// runs a [`Sweeper`](crate::server::Sweeper), reads them again once a minute,
/// long before a new one signs; a store that is down meanwhile does not matter.
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
    known: RwLock<Known>,
    /// Who holds this reads the store; the others need not.
    turn: Mutex<()>,
}

/// What is known of the keys in the store.
#[derive(Clone, Debug, Default)]
struct Known {
    loaded: Option<Arc<Loaded>>,
    /// How often it was tried to read them, when last, and why that failed.
    attempts: u64,
    tried_at: Timestamp,
    failure: Option<Arc<str>>,
}

#[derive(Debug)]
struct Loaded {
    records: Vec<SigningKeyRecord>,
    ring: Arc<KeyRing>,
    at: Timestamp,
}

impl Known {
    /// How long ago the keys were read.
    fn age(&self, now: Timestamp) -> Option<Duration> {
        self.loaded.as_ref().map(|loaded| apart(loaded.at, now))
    }

    fn ring(&self) -> Result<Arc<KeyRing>, StoreError> {
        let loaded = self.loaded.as_ref().ok_or_else(|| self.outage())?;
        Ok(Arc::clone(&loaded.ring))
    }

    fn outage(&self) -> StoreError {
        let cause = self.failure.as_deref();
        StoreError::new(cause.unwrap_or("the signing keys were not read in time"))
    }
}

/// A clock that was set back must not keep the keys from being read.
fn apart(a: Timestamp, b: Timestamp) -> Duration {
    a.since(b).max(b.since(a))
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
            known: RwLock::default(),
            turn: Mutex::new(()),
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
    /// [`StoreError`] if the keys were never read and cannot be now, or if
    /// `key_id` is unknown and the store cannot tell whether it is new.
    pub async fn ring_with(
        &self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Arc<KeyRing>, StoreError> {
        match &self.0 {
            Source::Given(ring) => Ok(Arc::clone(ring)),
            Source::Stored(stored) => stored.ring_with(key_id, now).await,
        }
    }

    /// The key that signs at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the keys were not read for so long that another may sign
    /// by now, and cannot be read.
    pub async fn signer(&self, now: Timestamp) -> Result<Arc<dyn Signer>, StoreError> {
        let ring = match &self.0 {
            Source::Given(ring) => Arc::clone(ring),
            Source::Stored(stored) => stored.ring_to_sign(now).await?,
        };
        Ok(Arc::clone(ring.signer(now)))
    }

    /// Reads the keys from the store, however lately that was done, and seals
    /// again those that are not under the active master key.
    pub(crate) async fn reload(&self, now: Timestamp) -> Result<(), StoreError> {
        match &self.0 {
            Source::Given(_) => Ok(()),
            Source::Stored(stored) => stored.reload(now).await,
        }
    }
}

impl StoredKeys {
    /// How old the keys in memory get before they are read again.
    const RELOAD: Duration = Duration::from_secs(60);
    /// How long nothing is tried after the store was read or failed.
    const PAUSE: Duration = Duration::from_secs(5);
    /// More often than keys can change hands while they are read.
    const ATTEMPTS: usize = 4;

    async fn ring(&self, now: Timestamp) -> Result<Arc<KeyRing>, StoreError> {
        let known = self.known();
        let turn = match known.age(now) {
            Some(age) if age < Self::RELOAD => return known.ring(),
            // While one reads, the others make do with what there is, unless a
            // key that it lacks may be in use.
            Some(age) if age < KeySchedule::SPREAD => match self.turn.try_lock() {
                Some(turn) => turn,
                None => return known.ring(),
            },
            Some(_) | None => self.turn.lock().await,
        };
        self.read_again(&turn, &known, now).await.ring()
    }

    async fn ring_with(&self, key_id: &str, now: Timestamp) -> Result<Arc<KeyRing>, StoreError> {
        let ring = self.ring(now).await?;
        if ring.verifying_key(key_id, now).is_some() {
            return Ok(ring);
        }
        let seen = self.known();
        let turn = self.turn.lock().await;
        let known = self.read_again(&turn, &seen, now).await;
        let ring = known.ring()?;
        if known.failure.is_some() && ring.verifying_key(key_id, now).is_none() {
            return Err(known.outage());
        }
        Ok(ring)
    }

    async fn ring_to_sign(&self, now: Timestamp) -> Result<Arc<KeyRing>, StoreError> {
        let ring = self.ring(now).await?;
        // A key that was made since they were read does not sign before.
        let known = self.known();
        if known
            .age(now)
            .is_some_and(|age| age < self.schedule.overlap)
        {
            Ok(ring)
        } else {
            Err(known.outage())
        }
    }

    async fn reload(&self, now: Timestamp) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        let known = self.read(now).await;
        known
            .failure
            .as_ref()
            .map_or(Ok(()), |_| Err(known.outage()))
    }

    fn known(&self) -> Known {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Reads the keys, unless that was tried since `seen` or just before `now`.
    async fn read_again(&self, _turn: &MutexGuard<'_, ()>, seen: &Known, now: Timestamp) -> Known {
        let known = self.known();
        let just_tried = known.loaded.is_some() && apart(known.tried_at, now) < Self::PAUSE;
        if just_tried || known.attempts != seen.attempts {
            return known;
        }
        self.read(now).await
    }

    async fn read(&self, now: Timestamp) -> Known {
        let before = self.known();
        let read = self.load(before.loaded.as_deref(), now).await;
        let failure = read.as_ref().err().map(|error| causes(error).into());
        if let (Some(cause), Some(_)) = (&failure, &before.loaded) {
            let cause = format!("signing keys: {cause}");
            self.events.emit(&Event::Outage { cause });
        }
        let known = Known {
            loaded: read.ok().map(Arc::new).or(before.loaded),
            attempts: before.attempts.wrapping_add(1),
            tried_at: now,
            failure,
        };
        let mut place = self.known.write().unwrap_or_else(PoisonError::into_inner);
        place.clone_from(&known);
        known
    }

    async fn load(&self, before: Option<&Loaded>, now: Timestamp) -> Result<Loaded, StoreError> {
        let records = self.up_to_date(now).await?;
        let ring = match before {
            Some(before) if before.records == records => Arc::clone(&before.ring),
            Some(_) | None => Arc::new(self.ring_of(&records)?),
        };
        Ok(Loaded {
            records,
            ring,
            at: now,
        })
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
