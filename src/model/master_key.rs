use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::model::sealed::seal::{Key, decrypt, derive, encrypt};
use crate::model::{SealError, Sealed};
use crate::types::{Entropy, EntropyError, Subject, TokenHash};

/// The name of a [`MasterKey`]: 8 bytes derived from it, public.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MasterKeyId([u8; 8]);

impl fmt::Display for MasterKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for MasterKeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MasterKeyId({self})")
    }
}

/// A key of 256 bits, given by the host, that seals what a store keeps.
///
/// What is sealed with it, and the keyed hashes by which subjects are found,
/// depend on it alone: whoever has the store and not the key can read neither.
/// Prints as its name and is wiped when dropped.
pub struct MasterKey {
    id: MasterKeyId,
    sealing: Key,
    index: Key,
    sessions: Key,
}

/// The text is no master key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a master key is 32 random bytes as base64url, which are 43 characters")]
pub struct InvalidMasterKey;

impl MasterKey {
    /// The key with these bytes, which have to be random.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "cannot panic: 32 bytes expand")]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let part = |purpose| derive(bytes, purpose).expect("HKDF expands to 32 bytes");
        let name = part("oauth-for-mcp master key id");
        let mut id = [0; 8];
        id.copy_from_slice(&name[..8]);
        Self {
            id: MasterKeyId(id),
            sealing: part("oauth-for-mcp sealing"),
            index: part("oauth-for-mcp subject index"),
            sessions: part("oauth-for-mcp session ids"),
        }
    }

    /// Reads a key from base64url; padding may be there or not.
    ///
    /// # Errors
    ///
    /// [`InvalidMasterKey`] unless `text` is 32 bytes as base64url.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text.trim_end_matches('='))
            .map(Zeroizing::new)
            .map_err(|_| InvalidMasterKey)?;
        let bytes = bytes.as_slice().try_into().map_err(|_| InvalidMasterKey)?;
        Ok(Self::from_bytes(bytes))
    }

    /// A new key, which is gone when the process ends: for a store that is, too.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source of randomness failed.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut())?;
        Ok(Self::from_bytes(&bytes))
    }

    /// The name of the key.
    #[must_use]
    pub const fn id(&self) -> MasterKeyId {
        self.id
    }

    fn hash_of(&self, subject: &Subject) -> TokenHash {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.index.as_slice())
            .expect("HMAC takes a key of any length");
        mac.update(subject.as_str().as_bytes());
        TokenHash::from_bytes(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MasterKey({})", self.id)
    }
}

/// Why a sealed value does not open.
#[derive(Clone, Copy, Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It was sealed under a key that is not among those given.
    #[error("it is sealed under the master key {0}, which is not among those given")]
    UnknownKey(MasterKeyId),
    /// It was changed, cut off, or belongs to another record.
    #[error("it was changed or belongs to another record")]
    Damaged,
}

/// The master keys in use: one seals, all open.
///
/// To rotate the key of several replicas while they run: [`add`](Self::add) the
/// new key to each, then [`activate`](Self::activate) it on each, then seal
/// again what is under the old one, with
/// [`Grants::reseal`](crate::server::Grants::reseal) on one of them (or, without an
/// authorization server, `ApiKeys::reseal`), then
/// [`remove`](Self::remove) that.
#[derive(Debug)]
pub struct MasterKeys {
    /// The first one seals.
    keys: RwLock<Vec<Arc<MasterKey>>>,
}

/// The key cannot be removed: it seals.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the master key {0} is the active one or is not there")]
pub struct NotRemovable(pub MasterKeyId);

/// Where a sealed value belongs; it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) key: &'a str,
}

impl Place<'_> {
    fn associated(self, id: MasterKeyId) -> Vec<u8> {
        // No name of a table has a NUL.
        [&id.0, self.table.as_bytes(), &[0], self.key.as_bytes()].concat()
    }
}

impl MasterKeys {
    /// The set in which `active` seals and opens.
    #[must_use]
    pub fn new(active: MasterKey) -> Self {
        Self {
            keys: RwLock::new(vec![Arc::new(active)]),
        }
    }

    /// Adds a key that opens, and does not seal yet or any more.
    pub fn add(&self, key: MasterKey) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.iter().all(|known| known.id != key.id) {
            keys.push(Arc::new(key));
        }
    }

    /// Lets the key with this name seal from now on; the one before still opens.
    ///
    /// Returns whether there is such a key.
    pub fn activate(&self, id: MasterKeyId) -> bool {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let Some(position) = keys.iter().position(|key| key.id == id) else {
            return false;
        };
        let key = keys.remove(position);
        keys.insert(0, key);
        true
    }

    /// Forgets a key. What is still sealed under it does not open any more.
    ///
    /// # Errors
    ///
    /// [`NotRemovable`] if it is the one that seals, or unknown.
    pub fn remove(&self, id: MasterKeyId) -> Result<(), NotRemovable> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        match keys.iter().position(|key| key.id == id) {
            None | Some(0) => Err(NotRemovable(id)),
            Some(position) => {
                keys.remove(position);
                Ok(())
            }
        }
    }

    /// The name of the key that seals.
    #[must_use]
    pub fn active_id(&self) -> MasterKeyId {
        self.active().id
    }

    fn active(&self) -> Arc<MasterKey> {
        Arc::clone(&self.all()[0])
    }

    fn all(&self) -> Vec<Arc<MasterKey>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.clone()
    }

    fn find(&self, id: MasterKeyId) -> Option<Arc<MasterKey>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.iter().find(|key| key.id == id).cloned()
    }

    pub(crate) fn seal<T: Serialize>(
        &self,
        value: &T,
        place: Place<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, SealError> {
        let key = self.active();
        let sealed = encrypt(&key.sealing, &place.associated(key.id), value, entropy)?;
        Ok(Sealed::from_bytes([key.id.0.as_slice(), &sealed].concat()))
    }

    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        sealed: &Sealed,
        place: Place<'_>,
    ) -> Result<T, OpenError> {
        let (id, rest) = split(sealed).ok_or(OpenError::Damaged)?;
        let key = self.find(id).ok_or(OpenError::UnknownKey(id))?;
        decrypt(&key.sealing, &place.associated(id), rest).map_err(|_| OpenError::Damaged)
    }

    /// Makes sure that the key is there which opens what was sealed.
    pub(crate) fn has_key_of(&self, sealed: &Sealed) -> Result<(), OpenError> {
        let (id, _) = split(sealed).ok_or(OpenError::Damaged)?;
        let known = self.find(id).map(drop);
        known.ok_or(OpenError::UnknownKey(id))
    }

    /// Whether the key that seals now has sealed it.
    pub(crate) fn is_current(&self, sealed: &Sealed) -> bool {
        split(sealed).is_some_and(|(id, _)| id == self.active_id())
    }

    /// What binds sessions to those who opened them, for all who have the key that
    /// seals now.
    pub(crate) fn session_key(&self) -> Zeroizing<[u8; 32]> {
        self.active().sessions.clone()
    }

    /// The keyed hash under which records of `subject` are stored now.
    pub(crate) fn hash_of(&self, subject: &Subject) -> TokenHash {
        self.active().hash_of(subject)
    }

    /// Every keyed hash under which there may be records of `subject`.
    pub(crate) fn hashes_of(&self, subject: &Subject) -> Vec<TokenHash> {
        self.all().iter().map(|key| key.hash_of(subject)).collect()
    }
}

fn split(sealed: &Sealed) -> Option<(MasterKeyId, &[u8])> {
    let (id, rest) = sealed.as_bytes().split_first_chunk()?;
    Some((MasterKeyId(*id), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SystemEntropy;

    const HERE: Place<'static> = Place {
        table: "grants",
        key: "a",
    };

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_bytes(&[byte; 32])
    }

    fn seal(keys: &MasterKeys) -> Sealed {
        keys.seal(&"text", HERE, &SystemEntropy).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_place_only() {
        let keys = MasterKeys::new(key(1));
        let sealed = seal(&keys);
        assert_eq!(keys.open::<String>(&sealed, HERE).unwrap(), "text");
        for place in [
            Place { key: "b", ..HERE },
            Place {
                table: "signing keys",
                ..HERE
            },
        ] {
            let refused = keys.open::<String>(&sealed, place).unwrap_err();
            assert!(matches!(refused, OpenError::Damaged));
        }
    }

    #[test]
    fn a_changed_or_shortened_value_does_not_open() {
        let keys = MasterKeys::new(key(1));
        let sealed = seal(&keys);
        for position in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[position] ^= 1;
            let changed = Sealed::from_bytes(bytes.clone());
            assert!(keys.open::<String>(&changed, HERE).is_err());
            bytes.truncate(position);
            let short = Sealed::from_bytes(bytes);
            assert!(keys.open::<String>(&short, HERE).is_err());
        }
    }

    #[test]
    fn a_missing_key_is_named() {
        let sealed = seal(&MasterKeys::new(key(1)));
        let error = MasterKeys::new(key(2))
            .open::<String>(&sealed, HERE)
            .unwrap_err();
        assert!(error.to_string().contains(&key(1).id().to_string()));
    }

    #[test]
    fn a_rotation_loses_nothing_at_any_step() {
        let (keys, old, new) = (MasterKeys::new(key(1)), key(1).id(), key(2).id());
        let before = seal(&keys);
        keys.add(key(2));
        assert!(keys.is_current(&before));
        assert_eq!(keys.remove(old), Err(NotRemovable(old)));
        assert!(keys.activate(new));
        assert!(!keys.is_current(&before));
        assert_eq!(keys.open::<String>(&before, HERE).unwrap(), "text");
        let after = seal(&keys);
        assert_eq!(keys.remove(old), Ok(()));
        assert_eq!(keys.open::<String>(&after, HERE).unwrap(), "text");
        assert!(keys.open::<String>(&before, HERE).is_err());
        assert!(!keys.activate(old));
    }

    #[test]
    fn a_subject_is_found_under_every_key_and_by_no_other() {
        let keys = MasterKeys::new(key(1));
        let ada = Subject::parse("ada").unwrap();
        let before = keys.hash_of(&ada);
        keys.add(key(2));
        keys.activate(key(2).id());
        assert_eq!(keys.hashes_of(&ada), [keys.hash_of(&ada), before]);
        assert_ne!(before, TokenHash::of("ada"), "it cannot be guessed");
    }

    #[test]
    fn a_key_is_32_bytes_of_base64url_and_does_not_show_itself() {
        for text in [
            "",
            "short",
            &"A".repeat(42),
            &"A".repeat(44),
            &"+".repeat(43),
        ] {
            assert!(MasterKey::parse(text).is_err(), "{text}");
        }
        let zeros = MasterKey::parse(&"A".repeat(43)).unwrap();
        assert_eq!(zeros.id(), MasterKey::from_bytes(&[0; 32]).id());
        assert!(MasterKey::parse(&format!("{}=", "A".repeat(43))).is_ok());
        assert_eq!(format!("{zeros:?}"), format!("MasterKey({})", zeros.id()));
    }
}
