use std::time::Duration;

use redis::RedisError;
use thiserror::Error;

use crate::store::StoreOpenError;

/// Why the server cannot be used, in a sentence for who runs it. None shows
/// more of the URL than host and port.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Url(RedisError),
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
    #[error("what stands under {0} in Redis is not the version of a schema")]
    NotASchema(String),
}

impl From<Failure> for StoreOpenError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Url(error) => Self::Url(error.to_string()),
            Failure::Unreachable { .. } | Failure::TimedOut { .. } => Self::unreachable(failure),
            Failure::NoPrefix
            | Failure::TooOld(_)
            | Failure::Replica
            | Failure::Evicts(_)
            | Failure::NotASchema(_) => Self::Unsuitable(failure.to_string()),
        }
    }
}
