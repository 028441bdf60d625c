//! The resource server role (layer 4): checks access tokens and says what a
//! client lacks.
//!
//! A [`TokenVerifier`] vouches for a token's authenticity; whether it is good
//! here is decided in one place, [`VerifiedToken`].

pub mod api_key;
mod authorize;
mod builder;
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

pub(crate) use authorize::{Lists, is_bodiless};
pub use builder::{ResourceConfigError, ResourceServerBuilder};
pub use config::ResourceServer;
pub use error::{ResourceError, TokenRefusal};
pub(crate) use operation::ListKind;
pub use operation::{InvalidMessage, Messages, Operation};
pub use scope_policy::{
    InvalidPrefix, ScopePolicy, ScopePolicyBuilder, ScopePolicyError, ScopeRule, ScopeTexts,
};
pub use session::SessionKey;
pub(crate) use session::Sessions;
pub use token_cache::TokenCacheConfig;
pub use verified::VerifiedToken;
pub use verifier::{TokenClaims, TokenKind, TokenVerifier, VerifierError};
