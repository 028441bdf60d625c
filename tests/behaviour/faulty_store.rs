//! A store that can be switched off, and that can make requests race.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use oauth_for_mcp::model::{
    AccessTokenRecord, ApiKeyRecord, ClientRecord, CodeRecord, GrantFilter, GrantRecord,
    IssuedRecords, MasterKey, MasterKeys, PendingRecord, RefreshRecord, RotatedRecords, Sealed,
    SigningKeyRecord,
};
use oauth_for_mcp::store::{
    AccessTokenStore, ApiKeyStore, ClientStore, CodeStore, GrantStore, Insertion, LeaseStore,
    MemoryStore, PendingStore, Redemption, RefreshTokenStore, ReplayStore, Rotation,
    SigningKeyStore, StoreError, Sweep,
};
use oauth_for_mcp::test_util::TestClock;
use oauth_for_mcp::types::{ApiKeyId, ClientId, GrantId, Timestamp, TokenHash};
use tokio::sync::{Barrier, Mutex, OwnedMutexGuard, oneshot};

/// What a failure says that nobody outside may hear.
pub(super) const CAUSE: &str = "connection to db.internal lost";

/// A memory store; while `down`, every method of it fails. With a `gate`, all
/// racers have read before the first of them writes. Reads of the signing keys
/// are counted, can fail while all else works, and can be held up. What has been
/// read to check a token can be held back until something else has happened.
#[derive(Clone, Debug)]
pub(super) struct FaultyStore {
    memory: Arc<MemoryStore>,
    down: Arc<AtomicBool>,
    keys_down: Arc<AtomicBool>,
    replays_down: Arc<AtomicBool>,
    outrun: Arc<AtomicUsize>,
    key_reads: Arc<AtomicUsize>,
    api_key_reads: Arc<AtomicUsize>,
    key_gate: Arc<Mutex<()>>,
    key_race: Arc<OnceLock<Barrier>>,
    gate: Arc<OnceLock<Barrier>>,
    late: Arc<Mutex<Option<IssuedRecords>>>,
    held: Arc<Mutex<Option<Reader>>>,
}

/// Says that it has read, and waits to be told to go on.
#[derive(Debug)]
struct Reader {
    has_read: oneshot::Sender<()>,
    goes_on: oneshot::Receiver<()>,
}

/// Somebody who has read a grant, an access token or an API key, and does not know
/// it yet.
#[derive(Debug)]
pub(super) struct HeldRead {
    has_read: oneshot::Receiver<()>,
    goes_on: oneshot::Sender<()>,
}

impl HeldRead {
    /// Does something after the store was read and before the reader goes on.
    pub(super) async fn meanwhile<T>(self, something: impl Future<Output = T>) -> T {
        self.has_read.await.expect("somebody reads");
        let done = something.await;
        self.goes_on.send(()).expect("the reader waits");
        done
    }
}

impl FaultyStore {
    pub(super) fn new() -> Self {
        let memory = MemoryStore::with_clock(Arc::new(TestClock::default()));
        Self {
            memory: Arc::new(memory),
            down: Arc::default(),
            keys_down: Arc::default(),
            replays_down: Arc::default(),
            outrun: Arc::default(),
            key_reads: Arc::default(),
            api_key_reads: Arc::default(),
            key_gate: Arc::default(),
            key_race: Arc::default(),
            gate: Arc::default(),
            late: Arc::default(),
            held: Arc::default(),
        }
    }

    pub(super) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(super) fn set_keys_down(&self, down: bool) {
        self.keys_down.store(down, Ordering::SeqCst);
    }

    /// Nothing can be used up any more, while all else works.
    pub(super) fn set_replays_down(&self, down: bool) {
        self.replays_down.store(down, Ordering::SeqCst);
    }

    /// Somebody else is faster than each of the next `changes` to a client.
    pub(super) fn outrun(&self, changes: usize) {
        self.outrun.store(changes, Ordering::SeqCst);
    }

    /// How often the signing keys were read, or tried to be.
    pub(super) fn key_reads(&self) -> usize {
        self.key_reads.load(Ordering::SeqCst)
    }

    /// How often an API key was looked up.
    pub(super) fn api_key_reads(&self) -> usize {
        self.api_key_reads.load(Ordering::SeqCst)
    }

    /// Who reads the signing keys waits until this is dropped.
    pub(super) async fn hold_key_reads(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.key_gate).lock_owned().await
    }

    /// From now on, who has read the signing keys waits until `racers` have.
    pub(super) fn gather_key_reads(&self, racers: usize) {
        self.key_race.get_or_init(|| Barrier::new(racers));
    }

    /// From now on, who reads a code or a refresh token waits until `racers` have.
    pub(super) fn gather(&self, racers: usize) {
        self.gate.get_or_init(|| Barrier::new(racers));
    }

    /// A grant that begins just before the next client is removed.
    pub(super) async fn begin_before_removal(&self, issued: IssuedRecords) {
        *self.late.lock().await = Some(issued);
    }

    /// Holds back what is read next of a grant, an access token or an API key.
    pub(super) async fn hold_next_read(&self) -> HeldRead {
        let (tells, has_read) = oneshot::channel();
        let (goes_on, waits) = oneshot::channel();
        *self.held.lock().await = Some(Reader {
            has_read: tells,
            goes_on: waits,
        });
        HeldRead { has_read, goes_on }
    }

    async fn be_held(&self) {
        let held = self.held.lock().await.take();
        if let Some(reader) = held {
            reader.has_read.send(()).expect("the test waits");
            reader.goes_on.await.expect("the test goes on");
        }
    }

    async fn pass_gate(&self) {
        if let Some(gate) = self.gate.get() {
            gate.wait().await;
        }
    }

    fn working(&self) -> Result<&MemoryStore, StoreError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::new(CAUSE));
        }
        Ok(&self.memory)
    }
}

/// A master key for a test.
pub(super) fn master_keys() -> Arc<MasterKeys> {
    Arc::new(MasterKeys::new(MasterKey::from_bytes(&[7; 32])))
}

#[async_trait]
impl ClientStore for FaultyStore {
    async fn insert_client(&self, client: ClientRecord) -> Result<Insertion, StoreError> {
        self.working()?.insert_client(client).await
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<ClientRecord>, StoreError> {
        self.working()?.find_client(id).await
    }

    async fn update_client(
        &self,
        old: &ClientRecord,
        new: ClientRecord,
    ) -> Result<bool, StoreError> {
        let left = self.outrun.load(Ordering::SeqCst);
        if left > 0 {
            self.outrun.store(left - 1, Ordering::SeqCst);
            return Ok(false);
        }
        self.working()?.update_client(old, new).await
    }

    async fn remove_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        if let Some(issued) = self.late.lock().await.take() {
            self.working()?.insert_grant(issued).await?;
        }
        self.working()?.remove_client(id).await
    }

    async fn count_clients(&self, most: usize) -> Result<usize, StoreError> {
        self.working()?.count_clients(most).await
    }
}

#[async_trait]
impl ReplayStore for FaultyStore {
    async fn use_once(
        &self,
        id: &TokenHash,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.replays_down.load(Ordering::SeqCst) {
            return Err(StoreError::new(CAUSE));
        }
        self.working()?.use_once(id, until, now).await
    }
}

#[async_trait]
impl PendingStore for FaultyStore {
    async fn insert_pending(&self, pending: PendingRecord) -> Result<Insertion, StoreError> {
        self.working()?.insert_pending(pending).await
    }

    async fn find_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        self.working()?.find_pending(state, now).await
    }

    async fn take_pending(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingRecord>, StoreError> {
        self.working()?.take_pending(state, now).await
    }
}

#[async_trait]
impl CodeStore for FaultyStore {
    async fn insert_code(&self, code: CodeRecord) -> Result<Insertion, StoreError> {
        self.working()?.insert_code(code).await
    }

    async fn find_code(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<CodeRecord>, StoreError> {
        let found = self.working()?.find_code(hash, now).await;
        self.pass_gate().await;
        found
    }

    async fn redeem_code(
        &self,
        hash: &TokenHash,
        issued: IssuedRecords,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        self.working()?.redeem_code(hash, issued, now).await
    }
}

#[async_trait]
impl GrantStore for FaultyStore {
    async fn insert_grant(&self, issued: IssuedRecords) -> Result<Insertion, StoreError> {
        self.working()?.insert_grant(issued).await
    }

    async fn find_grant(
        &self,
        id: &GrantId,
        now: Timestamp,
    ) -> Result<Option<GrantRecord>, StoreError> {
        let found = self.working()?.find_grant(id, now).await;
        self.be_held().await;
        found
    }

    async fn list_grants(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<GrantRecord>, StoreError> {
        let memory = self.working()?;
        memory.list_grants(filter, after, limit, now).await
    }

    async fn revoke_grant(&self, id: &GrantId) -> Result<bool, StoreError> {
        self.working()?.revoke_grant(id).await
    }

    async fn reseal_grant(&self, old: &GrantRecord, new: &GrantRecord) -> Result<bool, StoreError> {
        self.working()?.reseal_grant(old, new).await
    }
}

#[async_trait]
impl AccessTokenStore for FaultyStore {
    async fn find_access_token(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<(AccessTokenRecord, GrantRecord)>, StoreError> {
        let found = self.working()?.find_access_token(hash, now).await;
        self.be_held().await;
        found
    }
}

#[async_trait]
impl RefreshTokenStore for FaultyStore {
    async fn find_refresh_token(
        &self,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Option<(RefreshRecord, GrantRecord)>, StoreError> {
        let found = self.working()?.find_refresh_token(grant, now).await;
        self.pass_gate().await;
        found
    }

    async fn rotate_refresh_token(
        &self,
        spent: &TokenHash,
        next: RotatedRecords,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let memory = self.working()?;
        memory.rotate_refresh_token(spent, next, now).await
    }
}

#[async_trait]
impl ApiKeyStore for FaultyStore {
    async fn insert_api_key(&self, key: ApiKeyRecord) -> Result<Insertion, StoreError> {
        self.working()?.insert_api_key(key).await
    }

    async fn find_api_key(
        &self,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.api_key_reads.fetch_add(1, Ordering::SeqCst);
        let found = self.working()?.find_api_key(hash, now).await;
        self.be_held().await;
        found
    }

    async fn list_api_keys(
        &self,
        after: Option<&ApiKeyId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.working()?.list_api_keys(after, limit, now).await
    }

    async fn remove_api_key(&self, id: &ApiKeyId) -> Result<bool, StoreError> {
        self.working()?.remove_api_key(id).await
    }

    async fn reseal_api_key(&self, old: &ApiKeyRecord, new: &Sealed) -> Result<bool, StoreError> {
        self.working()?.reseal_api_key(old, new).await
    }
}

#[async_trait]
impl SigningKeyStore for FaultyStore {
    async fn list_signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.key_reads.fetch_add(1, Ordering::SeqCst);
        drop(self.key_gate.lock().await);
        if self.keys_down.load(Ordering::SeqCst) {
            return Err(StoreError::new(CAUSE));
        }
        let found = self.working()?.list_signing_keys().await;
        if let Some(race) = self.key_race.get() {
            race.wait().await;
        }
        found
    }

    async fn insert_signing_key(&self, key: SigningKeyRecord) -> Result<Insertion, StoreError> {
        self.working()?.insert_signing_key(key).await
    }

    async fn reseal_signing_key(
        &self,
        generation: u32,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        self.working()?
            .reseal_signing_key(generation, old, new)
            .await
    }

    async fn remove_signing_key(&self, generation: u32) -> Result<(), StoreError> {
        self.working()?.remove_signing_key(generation).await
    }
}

#[async_trait]
impl LeaseStore for FaultyStore {
    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let memory = self.working()?;
        memory.take_lease(name, holder, until, now).await
    }
}

#[async_trait]
impl Sweep for FaultyStore {
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.working()?.sweep(now, limit).await
    }
}
