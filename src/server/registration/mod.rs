//! How clients come to be known: by the operator or by themselves.

mod accept;
mod dynamic;
mod preregistered;

pub(in crate::server) use preregistered::admit;
pub use preregistered::PreregisteredClient;
