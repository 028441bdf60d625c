use std::sync::Arc;

use crate::model::{
    AccessTokenRecord, Grant, GrantRecord, MasterKey, MasterKeys, OpenError, Place, RefreshRecord,
    SealError, Sealed,
};
use crate::store::details::SealedDetails;
use crate::store::{MemoryStore, Revocations, Store, StoreError};
use crate::types::{Clock, Entropy, EntropyError, GrantId, Timestamp, TokenHash};

const GRANTS: &str = "grants";
const SIGNING_KEYS: &str = "signing keys";

/// A store together with the master keys that seal what it keeps.
///
/// Roles read and write grants and signing keys through this alone, so that no
/// backend ever sees who signed in or a private key. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vault {
    store: Arc<dyn Store>,
    keys: Arc<MasterKeys>,
    revocations: Arc<Revocations>,
}

impl Vault {
    /// Seals what `store` keeps with `keys`.
    ///
    /// Replicas that share the store have to be given the same keys.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, keys: Arc<MasterKeys>) -> Self {
        Self {
            store,
            keys,
            revocations: Arc::default(),
        }
    }

    /// A store in memory, under a key that is gone with it.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if the source of randomness failed.
    pub fn in_memory(clock: Arc<dyn Clock>, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let keys = MasterKeys::new(MasterKey::generate(entropy)?);
        Ok(Self::new(
            Arc::new(MemoryStore::with_clock(clock)),
            Arc::new(keys),
        ))
    }

    /// The store, which sees hashes and sealed bytes.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The master keys, to rotate them.
    #[must_use]
    pub const fn master_keys(&self) -> &Arc<MasterKeys> {
        &self.keys
    }

    /// The same store and keys, for a replica that does not hear what is revoked here.
    #[cfg(feature = "test-util")]
    pub(crate) fn in_another_process(&self) -> Self {
        Self::new(Arc::clone(&self.store), Arc::clone(&self.keys))
    }

    /// What this process revoked, for those who remember what they looked up.
    #[must_use]
    pub const fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// Revokes a grant, here at once; whether there was one.
    pub(crate) async fn revoke_grant(&self, id: &GrantId) -> Result<bool, StoreError> {
        let revoked = self.store.revoke_grant(id).await;
        // Even if nobody knows whether the store did it: to look again does no harm.
        self.revocations.note(id.as_str());
        revoked
    }

    /// The record of a grant, which this vault has the key to open.
    pub(crate) async fn find_sealed_grant(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<GrantRecord>, StoreError> {
        let found = self.store.find_grant(id, now).await?;
        if let Some(record) = &found {
            let has_key = self.keys.has_key_of(&record.details);
            has_key.map_err(|error| unreadable(&record.id, error))?;
        }
        Ok(found)
    }

    pub(crate) async fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(AccessTokenRecord, Grant)>, StoreError> {
        match self.store.find_access_token(hash, now).await? {
            None => Ok(None),
            Some((access, grant)) => Ok(Some((access, self.open_grant(grant)?))),
        }
    }

    pub(crate) async fn find_refresh_token(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(RefreshRecord, Grant)>, StoreError> {
        match self.store.find_refresh_token(grant, now).await? {
            None => Ok(None),
            Some((refresh, grant)) => Ok(Some((refresh, self.open_grant(grant)?))),
        }
    }

    pub(crate) fn seal_grant(
        &self,
        grant: &Grant,
        entropy: &dyn Entropy,
    ) -> Result<GrantRecord, SealError> {
        let details = SealedDetails::from(grant.details.clone());
        let details = self.keys.seal(&details, place_of(&grant.id), entropy)?;
        Ok(GrantRecord {
            id: grant.id.clone(),
            client_id: grant.client_id.clone(),
            subject: self.keys.hash_of(&grant.details.subject),
            details,
            granted_at: grant.granted_at,
            expires_at: grant.expires_at,
        })
    }

    pub(crate) fn open_grant(&self, record: GrantRecord) -> Result<Grant, StoreError> {
        let details: SealedDetails = self
            .keys
            .open(&record.details, place_of(&record.id))
            .map_err(|error| unreadable(&record.id, error))?;
        Ok(Grant {
            id: record.id,
            client_id: record.client_id,
            details: details.into(),
            granted_at: record.granted_at,
            expires_at: record.expires_at,
        })
    }

    pub(crate) fn seal_signing_key(
        &self,
        generation: u32,
        pkcs8: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Sealed, SealError> {
        let key = generation.to_string();
        let place = Place {
            table: SIGNING_KEYS,
            key: &key,
        };
        self.keys.seal(&pkcs8, place, entropy)
    }

    pub(crate) fn open_signing_key(
        &self,
        generation: u32,
        sealed: &Sealed,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, StoreError> {
        let key = generation.to_string();
        let place = Place {
            table: SIGNING_KEYS,
            key: &key,
        };
        self.keys
            .open::<Vec<u8>>(sealed, place)
            .map(zeroize::Zeroizing::new)
            .map_err(|error| StoreError::new(format!("the signing key {generation}: {error}")))
    }
}

fn unreadable(id: &GrantId, error: OpenError) -> StoreError {
    StoreError::new(format!("the grant {id}: {error}"))
}

fn place_of(id: &GrantId) -> Place<'_> {
    Place {
        table: GRANTS,
        key: id.as_str(),
    }
}
