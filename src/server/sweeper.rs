use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, EventSink, TracingSink, causes};
use crate::server::config::AuthorizationServer;
use crate::server::error::Outage;
use crate::store::{SigningKeys, Vault};
use crate::types::{Clock, Entropy, EntropyError, SystemClock, Timestamp};

const LEASE: &str = "sweep";
/// How many records one statement deletes: few enough that no request waits
/// long behind it.
const BATCH: usize = 500;
/// How many batches one turn has, so that the lease does not run out.
const BATCHES: usize = 200;

/// Deletes what has expired from the store, so that it does not grow.
///
/// Nothing that has expired is ever found, swept or not: this is about room
/// alone. Of several replicas one sweeps at a time. It also looks after the
/// signing keys, so that they follow each other even while nobody signs in.
#[derive(Clone, Debug)]
pub struct Sweeper {
    vault: Vault,
    /// None where no tokens are signed.
    keys: Option<Arc<SigningKeys>>,
    clock: Arc<dyn Clock>,
    events: Arc<dyn EventSink>,
    holder: String,
}

impl AuthorizationServer {
    /// What keeps the store small; [`run`](Sweeper::run) it in a task of its own.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if there was no randomness to name this replica.
    pub fn sweeper(&self) -> Result<Sweeper, EntropyError> {
        Ok(Sweeper {
            vault: self.vault.clone(),
            keys: Some(Arc::clone(&self.keys)),
            clock: Arc::clone(&self.clock),
            events: Arc::clone(&self.events),
            holder: self.entropy.identifier()?,
        })
    }
}

impl Sweeper {
    /// How long the replica that sweeps keeps the others from it.
    const LEASE_TIME: Duration = Duration::from_secs(300);
    /// How often it is looked whether there is something to sweep.
    const PERIOD: Duration = Duration::from_secs(60);

    /// For a host without an authorization server, such as one with API keys alone:
    /// deletes what has expired from the store of `vault`.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if there was no randomness to name this replica.
    pub fn new(vault: Vault, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self {
            vault,
            keys: None,
            clock: Arc::new(SystemClock),
            events: Arc::new(TracingSink),
            holder: entropy.identifier()?,
        })
    }

    /// What tells the time.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What hears of events; by default they go to `tracing`, or where those of the
    /// authorization server go.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// Sweeps once a minute, without end.
    ///
    /// `sleep` is that of your runtime, with tokio `tokio::time::sleep`. A store
    /// that is down is reported as an event, and tried again a minute later.
    pub async fn run<F: Future<Output = ()>>(self, sleep: impl Fn(Duration) -> F) {
        loop {
            if let Err(outage) = self.sweep().await {
                self.events.emit(&Event::Outage {
                    cause: format!("sweep: {}", causes(&outage)),
                });
            }
            sleep(Self::PERIOD).await;
        }
    }

    /// Deletes what has expired, in batches, unless another replica is at it.
    ///
    /// Returns how many records it deleted.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the store failed; what was deleted so far stays deleted.
    pub async fn sweep(&self) -> Result<usize, Outage> {
        let begun = self.clock.now();
        let keys = match &self.keys {
            Some(keys) => keys.ring(begun).await.map(drop),
            None => Ok(()),
        };
        let deleted = self.delete(begun).await?;
        // Keys that cannot be read are no reason to let the store grow.
        keys?;
        Ok(deleted)
    }

    async fn delete(&self, begun: Timestamp) -> Result<usize, Outage> {
        let store = self.vault.store();
        let until = begun.plus(Self::LEASE_TIME);
        if !store.take_lease(LEASE, &self.holder, until, begun).await? {
            return Ok(0);
        }
        let mut deleted = 0;
        for _ in 0..BATCHES {
            let now = self.clock.now();
            if now >= until {
                break;
            }
            let batch = store.sweep(now, BATCH).await?;
            deleted += batch;
            if batch < BATCH {
                break;
            }
        }
        if deleted > 0 {
            self.events.emit(&Event::Swept { deleted });
        }
        Ok(deleted)
    }
}
