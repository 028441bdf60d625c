//! How this crate is set up for what is measured.

use std::sync::Arc;

use oauth_for_mcp::resource::verifier::{JwtVerifier, TokenVerifier};
use oauth_for_mcp::resource::{ResourceServer, ScopePolicy};
use oauth_for_mcp::types::{Issuer, ResourceUri};

use crate::issued::{ISSUER, Issued, RESOURCE, SCOPE};
use crate::published::Published;

/// Our guard, which trusts the issuer of a token.
pub(crate) fn guard(issued: &Issued, remembers: bool) -> ResourceServer {
    let issuer = Issuer::parse(ISSUER).expect("an issuer");
    let fetch = Arc::new(Published(issued.jwks.to_string().into()));
    let verifier = JwtVerifier::builder(issuer.clone(), fetch)
        .keys_uri(format!("{ISSUER}/jwks"))
        .build()
        .expect("good settings");
    let verifier: Arc<dyn TokenVerifier> = Arc::new(verifier);
    let resource = ResourceUri::parse(RESOURCE).expect("a resource");
    let builder = ResourceServer::builder(resource, vec![issuer], verifier).scope_policy(policy());
    let builder = if remembers {
        builder
    } else {
        builder.without_token_cache()
    };
    builder.build().expect("good settings")
}

/// A table in which one tool needs more than to connect.
fn policy() -> ScopePolicy {
    let table = ScopePolicy::builder().connect(SCOPE);
    let policy = table.tool("add_note", "notes:write").build();
    policy.expect("good entries")
}
