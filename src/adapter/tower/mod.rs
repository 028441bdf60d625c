//! For any server that speaks `tower`: a service for the endpoints and a layer
//! for the MCP endpoint.

pub(super) mod bodies;
pub(super) mod body;
mod endpoint;
mod future;
mod head;
mod layer;
mod service;

pub use bodies::EitherBodies;
pub use body::{EitherBody, NoBody};
pub use endpoint::EndpointService;
pub use future::ResponseFuture;
pub use layer::ProtectLayer;
pub use service::ProtectService;
