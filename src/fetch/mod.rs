//! The only way out to the network (layer 2).

#[cfg(feature = "server")]
mod cache_headers;
#[cfg(feature = "server")]
mod copies;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub(crate) mod document;
mod guard;
mod remote;
#[cfg(feature = "reqwest")]
mod reqwest;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

#[cfg(feature = "server")]
pub use self::cache_headers::freshness;
#[cfg(feature = "server")]
pub use self::copies::{RemoteCopies, RemoteCopiesLimits, TooManyLoads};
pub use self::guard::{NotPublic, all_public, is_loopback, is_public};
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub(crate) use self::remote::LastingLoad;
pub use self::remote::{Lifetime, Loaded, RemoteCopy, RemoteCopyLimits};
#[cfg(feature = "reqwest")]
pub use self::reqwest::{PublicFetchBuilder, ReqwestFetch, Resolver};

/// How much an answer may cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FetchLimits {
    /// The longest body that is read, in bytes after decoding.
    pub max_body_bytes: usize,
    /// The time from the first look-up to the last byte.
    pub timeout: Duration,
}

impl Default for FetchLimits {
    /// 256 KiB within 10 seconds.
    fn default() -> Self {
        Self {
            max_body_bytes: 256 * 1024,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address may not be contacted; asking again will not help.
    #[error("the address may not be contacted: {0}")]
    Refused(&'static str),
    /// The body is longer than the limit; asking again will not help.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// There was no whole answer in time; asking again may help.
    #[error("the fetch failed")]
    Failed(#[source] Box<dyn StdError + Send + Sync>),
}

impl FetchError {
    /// A failure that asking again may mend, with its cause.
    pub fn failed(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Failed(cause.into())
    }
}

/// Sends a request to another server.
///
/// An implementation follows no redirect, uses no proxy, reads at most
/// [`FetchLimits::max_body_bytes`] and gives up after [`FetchLimits::timeout`].
/// It returns whatever status the other server answers with.
#[async_trait]
pub trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// Sends `request`, whose URI is absolute, and reads the whole answer.
    ///
    /// # Errors
    ///
    /// [`FetchError`] if there is no whole answer within `limits`.
    async fn fetch(
        &self,
        request: http::Request<Bytes>,
        limits: FetchLimits,
    ) -> Result<http::Response<Bytes>, FetchError>;
}
