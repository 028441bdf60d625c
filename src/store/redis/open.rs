use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, ServerErrorKind};

use crate::store::{RedisStore, StoreOpenError};
use crate::types::{Entropy, Secret, SystemEntropy};

use super::failure::Failure;
use super::keys::Keys;
use super::link::{Link, attempt_timeout};
use super::script::{Call, Request, SCHEMA};
use super::server_info;
use super::upgrade::upgrade;

/// How long a connection is idle before the system asks whether the peer is there.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// The version of what is stored, and how.
pub(super) const SCHEMA_VERSION: i64 = 2;

/// A [`RedisStore`] that is being opened: `await` it.
///
/// Made by [`RedisStore::open`] and [`RedisStore::from_connection`].
#[must_use = "nothing is opened until this is awaited"]
pub struct OpenRedis {
    server: Server,
    prefix: String,
    timeout: Duration,
    connect_timeout: Duration,
}

enum Server {
    At(Secret),
    Connected(ConnectionManager),
}

impl OpenRedis {
    pub(super) fn at(url: &str) -> Self {
        Self::new(Server::At(Secret::new(url)))
    }

    pub(super) fn connected(connection: ConnectionManager) -> Self {
        Self::new(Server::Connected(connection))
    }

    fn new(server: Server) -> Self {
        Self {
            server,
            prefix: "{oauth-for-mcp}:".to_owned(),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
        }
    }

    /// What every key begins with: `{oauth-for-mcp}:`.
    ///
    /// Two issuers on one server need two prefixes. Where records are spread over
    /// the nodes of a cluster, a prefix has to hold a [hash tag], as this one does:
    /// all records of an issuer are on one node, which is the one to connect to.
    ///
    /// [hash tag]: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long one call may take, with a new connection if need be: 10 seconds.
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long it may take to connect: 5 seconds. A connection that is handed
    /// in has its own.
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    async fn open(self) -> Result<RedisStore, StoreOpenError> {
        if self.prefix.is_empty() {
            return Err(Failure::NoPrefix.into());
        }
        let link = match &self.server {
            Server::At(url) => self.connect(url).await?,
            Server::Connected(connection) => Link {
                connection: connection.clone(),
                address: "the given connection".to_owned(),
                timeout: self.timeout,
            },
        };
        let keys = Keys::new(self.prefix);
        judge_server(&link).await?;
        judge_schema(&link, &keys).await?;
        let entropy: &dyn Entropy = &SystemEntropy;
        let name = entropy.identifier();
        let name = name.map_err(StoreOpenError::unreachable)?;
        Ok(RedisStore::new(link, keys, name))
    }

    async fn connect(&self, url: &Secret) -> Result<Link, Failure> {
        let client = self.client(url)?;
        let address = client.get_connection_info().addr().to_string();
        // The manager would try for long before it says what is wrong.
        let within = self.connect_timeout;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let probe = client.get_multiplexed_async_connection_with_config(&config);
        let unreachable = |source| Failure::Unreachable {
            address: address.clone(),
            source,
        };
        match tokio::time::timeout(within, probe).await {
            Ok(probed) => drop(probed.map_err(unreachable)?),
            Err(_) => return Err(Failure::TimedOut { address, within }),
        }
        let connection = ConnectionManager::new_lazy_with_config(client, self.manager_config());
        Ok(Link {
            connection: connection.map_err(unreachable)?,
            address,
            timeout: self.timeout,
        })
    }

    fn client(&self, url: &Secret) -> Result<Client, Failure> {
        let client = Client::open(url.expose()).map_err(Failure::Url)?;
        let info = client.get_connection_info();
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            choose_crypto_provider();
        }
        let info = info.clone().set_tcp_settings(self.tcp_settings());
        Client::open(info).map_err(Failure::Url)
    }

    /// So that a peer that vanished without a word is soon found out.
    fn tcp_settings(&self) -> TcpSettings {
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
        let settings = TcpSettings::default()
            .set_nodelay(true)
            .set_keepalive(keepalive);
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
        let settings = settings.set_user_timeout(attempt_timeout(self.timeout));
        settings
    }

    /// A few attempts within a second or two: a restart is survived, and an
    /// outage is an error soon.
    fn manager_config(&self) -> ConnectionManagerConfig {
        ConnectionManagerConfig::new()
            .set_min_delay(Duration::from_millis(100))
            .set_exponent_base(2.0)
            .set_number_of_retries(3)
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(attempt_timeout(self.timeout)))
    }
}

impl IntoFuture for OpenRedis {
    type Output = Result<RedisStore, StoreOpenError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

/// Prints neither URL nor password.
impl fmt::Debug for OpenRedis {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpenRedis")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

/// rustls panics when there are several providers to choose from, which any
/// dependency of the host may bring about.
fn choose_crypto_provider() {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};

    if CryptoProvider::get_default().is_none() {
        // Fails only if another thread was faster, which is as good.
        let _ = aws_lc_rs::default_provider().install_default();
    }
}

async fn judge_server(link: &Link) -> Result<(), StoreOpenError> {
    let answer = link.answer(&Request::from(redis::cmd("INFO"))).await;
    let answer = answer.map_err(StoreOpenError::unreachable)?;
    let refused = |kind| {
        kind == ErrorKind::Server(ServerErrorKind::NoPerm)
            || kind == ErrorKind::Server(ServerErrorKind::ResponseError)
    };
    match answer {
        // A service may keep this to itself; then it answers for it, too.
        Err(error) if refused(error.kind()) => Ok(()),
        Err(error) => Err(StoreOpenError::unreachable(error)),
        Ok(info) => {
            let info: String =
                redis::from_redis_value(info).map_err(StoreOpenError::unreachable)?;
            Ok(server_info::judge(&info)?)
        }
    }
}

async fn judge_schema(link: &Link, keys: &Keys) -> Result<(), StoreOpenError> {
    let call = Call::of(&SCHEMA)
        .key(keys.schema())
        .argument(SCHEMA_VERSION.to_string());
    let found: String = link.ask(call).await.map_err(StoreOpenError::unreachable)?;
    let Ok(found) = found.parse() else {
        let key = format!("{}schema", keys.prefix());
        return Err(Failure::NotASchema(key).into());
    };
    if found > SCHEMA_VERSION {
        return Err(StoreOpenError::NewerSchema {
            found,
            known: SCHEMA_VERSION,
        });
    }
    if found < SCHEMA_VERSION {
        let upgraded = upgrade(link, keys, found).await;
        upgraded.map_err(StoreOpenError::unreachable)?;
    }
    Ok(())
}
