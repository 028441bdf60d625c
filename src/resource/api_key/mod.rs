//! API keys: for programs that cannot sign in with a browser, and for hosts that
//! have no authorization server.
//!
//! A key is `mcpkey_` and 43 characters of base64url, which are 256 random bits: it
//! cannot be guessed, secret scanners know it, and one look at its text tells whose
//! it is. Only its hash is kept, in the store (`ApiKeys`, feature `server`) or in a
//! file ([`StaticApiKeys`]). What a key allows reaches handlers as the same
//! [`VerifiedToken`](crate::VerifiedToken) as an access token.

mod expiry;
mod file;
#[cfg(feature = "server")]
mod keys;
mod prefix;
mod prefixes;
mod static_keys;
#[cfg(feature = "server")]
mod verifier;

pub use file::ApiKeyFileError;
#[cfg(feature = "server")]
pub use keys::{ApiKeyError, ApiKeyPage, ApiKeyRequest, ApiKeys, IssuedApiKey};
pub use prefix::{ApiKeyPrefix, InvalidApiKey, InvalidApiKeyPrefix};
pub use static_keys::{StaticApiKeyError, StaticApiKeys};
#[cfg(feature = "server")]
pub use verifier::ApiKeyVerifier;
