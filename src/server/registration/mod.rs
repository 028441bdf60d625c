//! How clients come to be known: by the operator or by themselves.

mod accept;
mod dynamic;
mod preregistered;

pub use preregistered::PreregisteredClient;
pub(in crate::server) use preregistered::admit;
