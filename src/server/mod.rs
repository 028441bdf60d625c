//! The authorization server role (layer 4).
//!
//! Every method takes parsed values and returns what to tell the client; the
//! HTTP around it is in [`endpoint`](crate::endpoint).

mod authorize;
mod builder;
mod client_auth;
mod clients;
mod config;
mod discovery;
mod error;
mod find_client;
mod grants;
mod limits;
mod policy;
mod registration;
mod revoke;
mod scope_policy;
mod sweeper;
mod token;

pub use authorize::{
    AuthorizeStep, BrowserSecret, ConsentDecision, ConsentPrompt, ScopeDescription, ValidRequest,
};
pub use builder::AuthorizationServerBuilder;
pub use client_auth::{AssertionError, AuthenticatedClient, ClientAuthError};
pub use clients::Clients;
pub use config::{AccessTokenFormat, AuthorizationServer, Lifetimes, paths};
pub use error::{
    AuthorizeError, ConfigError, InvalidClientKeys, Outage, PageError, RegistrationError,
    RevokeError, TokenError,
};
pub use grants::{GrantPage, Grants};
pub use policy::{AllowEveryone, Approval, Decision, LoginAttempt, LoginPolicy, PolicyError};
pub use registration::{
    AdmitEveryClient, ClientUpdate, DocumentError, DocumentHosts, DynamicRegistration,
    ManagedClient, PreregisteredClient, RegistrationAttempt, RegistrationConfig,
    RegistrationPolicy, RegistrationRequest, RegistrationWay,
};
pub use sweeper::Sweeper;
