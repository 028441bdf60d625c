//! For rmcp: who calls, inside a tool.

use ::rmcp::service::RequestContext;
use ::rmcp::{ErrorData, RoleServer};
use http::request::Parts;

use crate::resource::VerifiedToken;

/// Who calls the tool whose `context` this is.
///
/// # Errors
///
/// An internal error for the client if the transport has no protection in
/// front of it, so that a tool cannot run for nobody by mistake.
pub fn caller(context: &RequestContext<RoleServer>) -> Result<&VerifiedToken, ErrorData> {
    context
        .extensions
        .get::<Parts>()
        .and_then(|parts| parts.extensions.get::<VerifiedToken>())
        .ok_or_else(|| ErrorData::internal_error("this server is not protected", None))
}
