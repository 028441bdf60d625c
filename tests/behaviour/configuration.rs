//! Settings that would not work, or not be safe, are refused when they are made.

use std::sync::Arc;

use oauth_for_mcp::resource::verifier::LocalVerifier;
use oauth_for_mcp::resource::{ResourceConfigError, ResourceServer};
use oauth_for_mcp::test_util::TestServer;
use oauth_for_mcp::types::{Issuer, ResourceUri};
use oauth_for_mcp::{McpAuth, McpAuthBuilder, McpAuthError};

fn refusal(configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> McpAuthError {
    let builder = McpAuth::builder("http://127.0.0.1:8080")
        .scope("read", "Read")
        .development_login();
    configure(builder)
        .build()
        .expect_err("the settings are bad")
}

#[test]
fn a_path_that_would_change_the_host_is_refused() {
    let error = refusal(|builder| builder.resource_path("mcp"));
    assert!(matches!(error, McpAuthError::RelativePath), "{error}");
}

#[test]
fn a_path_that_an_endpoint_needs_is_refused() {
    for path in [
        "/token",
        "/authorize",
        "/.well-known/oauth-protected-resource",
    ] {
        let error = refusal(|builder| builder.resource_path(path));
        assert!(
            matches!(error, McpAuthError::PathTaken(_)),
            "{path}: {error}"
        );
    }
}

#[test]
fn a_scope_that_nobody_can_get_is_refused() {
    for error in [
        refusal(|builder| builder.tool("a", "write")),
        refusal(|builder| builder.covers("write", "read")),
        refusal(|builder| builder.covers("read", "write")),
    ] {
        assert!(error.to_string().contains("write"), "{error}");
        assert!(matches!(error, McpAuthError::UndeclaredScope(_)), "{error}");
    }
}

#[test]
fn nobody_can_sign_in_as_anybody_from_elsewhere() {
    let public = || McpAuth::builder("https://mcp.example.com").scope("read", "Read");
    let development = public().development_login().build();
    assert!(matches!(
        development,
        Err(McpAuthError::DevelopmentLogin(_))
    ));
    let unset = public().build();
    assert!(matches!(unset, Err(McpAuthError::NoIdentityProvider)));
}

/// A4
#[test]
fn a_resource_of_plain_http_is_for_loopback_or_on_demand() {
    let server = TestServer::new();
    let build = |url: &str, allow: bool| {
        let keys = Arc::clone(server.auth().server().keys());
        let issuer = Issuer::parse(TestServer::PUBLIC_URL).unwrap();
        let store = Arc::new(oauth_for_mcp::store::MemoryStore::new());
        let verifier = Arc::new(LocalVerifier::new(issuer.clone(), keys, store));
        let resource = ResourceUri::parse(url).unwrap();
        let builder = ResourceServer::builder(resource, vec![issuer], verifier);
        let builder = if allow {
            builder.dangerous_allow_http()
        } else {
            builder
        };
        builder.build().map(|_| ())
    };
    let refused = Err(ResourceConfigError::PlainHttp);
    assert_eq!(build("http://mcp.example.com/mcp", false), refused);
    assert_eq!(build("http://localhost.example.com/mcp", false), refused);
    for (url, allow) in [
        ("https://mcp.example.com/mcp", false),
        ("http://localhost:1/mcp", false),
        ("http://[::1]/mcp", false),
        ("http://mcp.example.com/mcp", true),
    ] {
        assert_eq!(build(url, allow), Ok(()), "{url}");
    }
}
