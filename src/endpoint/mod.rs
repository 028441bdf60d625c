//! HTTP in, HTTP out (layer 5): one file an endpoint, no framework, no socket.
//!
//! [`Endpoints`] answers what clients and browsers ask of the authorization
//! server and of the resource's metadata; [`Protection`] stands in front of the
//! MCP endpoint. `respond` is the only place that turns an error into a
//! status, headers and a body.

#[cfg(feature = "server")]
mod address;
#[cfg(feature = "server")]
mod authorize;
#[cfg(feature = "server")]
mod cookie;
mod cors;
#[cfg(feature = "server")]
mod form;
mod head;
mod host;
mod list_filter;
#[cfg(feature = "server")]
mod pages;
mod peer;
mod protect;
#[cfg(feature = "server")]
mod register;
mod respond;
#[cfg(feature = "server")]
mod revoke;
mod route;
mod session;
#[cfg(feature = "server")]
mod token;

#[cfg(feature = "server")]
pub use address::{InvalidNetwork, TrustedProxies};
#[cfg(feature = "server")]
pub(crate) use host::{is_host, is_origin};
pub use list_filter::ListFilter;
pub use peer::PeerAddress;
pub use protect::{Caller, Passage, Protection};
pub use route::Endpoints;
