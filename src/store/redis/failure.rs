use std::time::Duration;

use redis::RedisError;
use thiserror::Error;

/// Why the server cannot be used, in a sentence for who runs it. None shows
/// more of the URL than host and port.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("the URL of the Redis server is not valid")]
    Url(#[source] RedisError),
    #[error("the prefix of the keys in Redis is empty")]
    NoPrefix,
    #[error("cannot connect to the Redis server at {address}")]
    Unreachable { address: String, source: RedisError },
    #[error("the Redis server at {address} did not answer within {within:?}")]
    TimedOut { address: String, within: Duration },
    #[error("the Redis server is of version {0}, but 6.2 is the oldest that will do")]
    TooOld(String),
    #[error("the Redis server is a replica, which can only be read")]
    Replica,
    #[error(
        "the Redis server may evict records (maxmemory-policy is {0}): set maxmemory-policy to noeviction"
    )]
    Evicts(String),
    #[error(
        "the records in Redis are of schema {found}, but this version knows no newer one than {known}"
    )]
    NewerSchema { found: u32, known: u32 },
    #[error("what stands under {0} in Redis is not the version of a schema")]
    NotASchema(String),
}
