//! How clients come to be known: by the operator, by themselves, or by a
//! document.

mod accept;
mod auth_method;
mod config;
mod describe;
mod document;
mod dynamic;
mod keep;
mod manage;
mod policy;
mod preregistered;
mod room;
mod self_contained;
mod shared;
mod statement;

pub use config::{DynamicRegistration, RegistrationConfig};
pub(in crate::server) use document::Documents;
pub use document::{DocumentError, DocumentHosts};
pub use dynamic::RegistrationRequest;
pub use manage::{ClientUpdate, ManagedClient};
pub use policy::{AdmitEveryClient, RegistrationAttempt, RegistrationPolicy, RegistrationWay};
pub use preregistered::PreregisteredClient;
pub(in crate::server) use preregistered::admit;
pub(in crate::server) use room::Room;
