//! For rmcp: who calls, inside a tool.

use ::rmcp::service::RequestContext;
use ::rmcp::{ErrorData, RoleServer};
use http::request::Parts;

use crate::resource::VerifiedToken;

/// Who calls the tool whose `context` this is.
///
/// # Errors
///
/// An internal error for the client if nobody does, so that a tool cannot run
/// for nobody by mistake: the transport has no protection in front of it, or the
/// tool is public. A public tool asks [`find_caller`].
pub fn caller(context: &RequestContext<RoleServer>) -> Result<&VerifiedToken, ErrorData> {
    find_caller(context)
        .ok_or_else(|| ErrorData::internal_error("this tool needs to know who calls", None))
}

/// Who calls the tool whose `context` this is, if they said so.
#[must_use]
pub fn find_caller(context: &RequestContext<RoleServer>) -> Option<&VerifiedToken> {
    context
        .extensions
        .get::<Parts>()
        .and_then(|parts| parts.extensions.get::<VerifiedToken>())
}
