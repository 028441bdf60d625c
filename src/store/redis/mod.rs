use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redis::aio::ConnectionManager;

mod api_keys;
mod failure;
mod grants;
mod keys;
mod link;
mod open;
mod page;
mod ports;
mod record;
mod script;
mod server_info;
#[cfg(test)]
mod tests;
mod upgrade;

use keys::Keys;
use link::Link;
pub use open::OpenRedis;

/// Keeps everything in Redis (6.2 or later) or Valkey. Cheap to clone.
///
/// Every call is one round trip, and what has to be atomic is one script. A call
/// whose connection broke or fell silent is sent again: the scripts can tell, so
/// that nothing happens twice and nobody hears a refusal for it. Calls need a tokio
/// runtime.
///
/// # What the server has to be set to
///
/// Redis answers before anything is on disk unless it is told otherwise, and then
/// a crash forgets sign-ins that clients believe in, and revives refresh tokens
/// that were spent or revoked. So:
///
/// - `appendonly yes` and `appendfsync always`: what was answered survives a
///   crash of the server and of its machine. With `everysec`, a crash may lose
///   the last second.
/// - `maxmemory-policy noeviction`: when the memory is full, Redis must refuse,
///   not forget. With a bound on the memory and any other policy,
///   [`open`](Self::open) fails, where the server tells (`INFO`).
/// - A failover to a replica may lose the last writes, whatever these settings,
///   as replicas follow with a delay.
///
/// Pending requests, codes and tokens vanish by themselves a minute after they
/// expired by the clock of Redis, and what was used up as long after its time,
/// whatever that clock shows. Grants, API keys and unused clients wait for a
/// [`sweep`](crate::store::Sweep), as their indexes have to follow.
#[derive(Clone)]
pub struct RedisStore {
    link: Link,
    keys: Keys,
    calls: Calls,
}

impl RedisStore {
    /// Opens the store at `url`: `redis://`, or `rediss://` for TLS, which trusts
    /// what the machine trusts.
    ///
    /// ```no_run
    /// use oauth_for_mcp::store::RedisStore;
    ///
    /// # async fn open() -> Result<(), oauth_for_mcp::store::StoreOpenError> {
    /// let store = RedisStore::open("rediss://:password@redis.example")
    ///     .with_prefix("{notes}:")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`StoreOpenError`] if the URL is wrong, if the server cannot be reached in
    /// time or will not do, or if a newer version of this crate has been there.
    ///
    /// [`StoreOpenError`]: crate::store::StoreOpenError
    pub fn open(url: &str) -> OpenRedis {
        OpenRedis::at(url)
    }

    /// Opens the store behind a connection that the host has anyway, of a
    /// release of `redis` that this crate uses.
    ///
    /// Its time-outs for connecting and for one answer are the host's.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn from_connection(connection: ConnectionManager) -> OpenRedis {
        OpenRedis::connected(connection)
    }

    fn new(link: Link, keys: Keys, name: String) -> Self {
        let calls = Calls {
            instance: name.into(),
            made: Arc::default(),
        };
        Self { link, keys, calls }
    }
}

/// Prints where the store is, and no password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisStore")
            .field("address", &self.link.address)
            .field("prefix", &self.keys)
            .finish_non_exhaustive()
    }
}

/// Gives calls names that no other call of any replica has, by which a script
/// knows a repeated one again.
#[derive(Clone)]
struct Calls {
    instance: Arc<str>,
    made: Arc<AtomicU64>,
}

impl Calls {
    fn name(&self) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        format!("{}.{number}", self.instance)
    }
}
