//! How this crate is set up for what is measured.

use std::sync::Arc;

use oauth_for_mcp::resource::{ScopePolicy, TokenVerifier};
use oauth_for_mcp::types::{Issuer, Scope};
use serde_json::Value;

/// Verifies tokens of `issuer`, whose keys are at hand.
pub(crate) fn verifier(issuer: &Issuer, jwks: &Value) -> Arc<dyn TokenVerifier> {
    todo!()
}

/// A table in which one tool needs more than to connect.
pub(crate) fn policy(connect: Scope) -> ScopePolicy {
    ScopePolicy::new(connect).tool("add_note", Scope::parse("notes:write").expect("a scope"))
}
