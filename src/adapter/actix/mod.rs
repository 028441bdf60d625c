//! For actix-web: routes for the endpoints, protection for a route,
//! [`VerifiedToken`](crate::resource::VerifiedToken) as an extractor, and a way for
//! `tower` services, such as that of rmcp, into a route.

mod body;
mod convert;
mod protect;
mod routes;
mod token;
mod tower_service;

pub use body::AnswerBody;
pub use protect::{Protect, ProtectService, protected};
pub use routes::routes;
pub use token::NotProtected;
pub use tower_service::{ServiceBody, ServiceRequestBody, tower_service};
