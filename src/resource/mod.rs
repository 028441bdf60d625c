//! The resource server role (layer 4): checks access tokens and says what a
//! client lacks.
//!
//! A [`TokenVerifier`] vouches for a token's authenticity; whether it is good
//! here is decided in one place, [`VerifiedToken`].

pub mod api_key;
mod config;
mod elsewhere;
mod error;
mod metadata;
mod operation;
#[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
pub mod provider;
mod scope_policy;
mod session;
mod token_cache;
mod verified;
pub mod verifier;

pub use config::{ResourceConfigError, ResourceServer, ResourceServerBuilder};
pub use error::{ResourceError, TokenRefusal};
pub use operation::{InvalidMessage, Operation};
pub use scope_policy::ScopePolicy;
pub use session::SessionKey;
pub use token_cache::TokenCacheConfig;
pub use verified::VerifiedToken;
pub use verifier::{TokenClaims, TokenKind, TokenVerifier, VerifierError};
