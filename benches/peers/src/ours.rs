//! How this crate is set up for what is measured.

use std::sync::Arc;

use oauth_for_mcp::resource::verifier::{JwtVerifier, TokenVerifier};
use oauth_for_mcp::resource::{ResourceServer, ResourceServerBuilder, ScopePolicy};
use oauth_for_mcp::types::{Issuer, ResourceUri, Scope};

use crate::issued::{ISSUER, Issued, RESOURCE, SCOPE};
use crate::published::Published;

/// Our guard, which trusts the issuer of a token, and decides about tools.
pub(crate) fn guard(issued: &Issued, remembers: bool) -> ResourceServer {
    let builder = builder(issued).scope_policy(policy());
    let builder = if remembers {
        builder
    } else {
        builder.without_token_cache()
    };
    builder.build().expect("good settings")
}

/// One that decides by the token alone, as most others do, and remembers none.
pub(crate) fn guard_by_token(issued: &Issued) -> ResourceServer {
    let scope = Scope::parse(SCOPE).expect("a scope");
    let builder = builder(issued).scope_policy(ScopePolicy::new(scope));
    builder
        .without_token_cache()
        .build()
        .expect("good settings")
}

fn builder(issued: &Issued) -> ResourceServerBuilder {
    let issuer = Issuer::parse(ISSUER).expect("an issuer");
    let fetch = Arc::new(Published(issued.jwks.to_string().into()));
    let verifier = JwtVerifier::builder(issuer.clone(), fetch)
        .keys_uri(format!("{ISSUER}/jwks"))
        .build()
        .expect("good settings");
    let verifier: Arc<dyn TokenVerifier> = Arc::new(verifier);
    let resource = ResourceUri::parse(RESOURCE).expect("a resource");
    ResourceServer::builder(resource, vec![issuer], verifier)
}

/// A table in which one tool needs more than to connect.
fn policy() -> ScopePolicy {
    let table = ScopePolicy::builder().connect(SCOPE);
    let policy = table.tool("add_note", "notes:write").build();
    policy.expect("good entries")
}
