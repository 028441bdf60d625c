//! How clients come to be known: by the operator, by themselves, or by a
//! document.

mod accept;
mod auth_method;
mod config;
mod document;
mod dynamic;
mod policy;
mod preregistered;

pub use config::{DynamicRegistration, RegistrationConfig};
pub use policy::{AdmitEveryClient, RegistrationAttempt, RegistrationPolicy, RegistrationWay};
pub use preregistered::PreregisteredClient;
pub(in crate::server) use preregistered::admit;
