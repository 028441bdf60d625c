//! Settings that would not work, or not be safe, are refused when they are made.

use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::resource::verifier::LocalVerifier;
use oauth_for_mcp::resource::{ResourceConfigError, ResourceServer};
use oauth_for_mcp::server::{ConfigError, Lifetimes};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::types::{Issuer, ResourceUri};
use oauth_for_mcp::{McpAuth, McpAuthBuilder, McpAuthError};

use super::support::open;

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

/// A4
#[test]
fn a_host_or_an_origin_that_no_request_can_name_is_refused() {
    for host in ["https://mcp.example.com", "mcp.example.com/", "a:b"] {
        let error = refusal(|builder| builder.allowed_hosts(["good.example", host]));
        assert!(error.to_string().contains(host), "{error}");
        assert!(matches!(error, McpAuthError::AllowedHost(_)), "{error}");
    }
    for origin in [
        "https://app.example/",
        "https://app.example:443",
        "app.example",
    ] {
        let error = refusal(|builder| builder.allowed_origins(["https://good.example", origin]));
        assert!(error.to_string().contains(origin), "{error}");
        assert!(matches!(error, McpAuthError::AllowedOrigin(_)), "{error}");
    }
}

#[test]
fn a_scope_that_nobody_can_get_is_refused() {
    for error in [
        refusal(|builder| builder.tool("a", "write")),
        refusal(|builder| builder.tool("a", ["read", "write"])),
        refusal(|builder| builder.prompt("a", "read write")),
        refusal(|builder| builder.resource("notes://a", "write")),
        refusal(|builder| builder.method("a", "write")),
        refusal(|builder| builder.otherwise("write")),
        refusal(|builder| builder.connect("write")),
        refusal(|builder| builder.covers("write", "read")),
        refusal(|builder| builder.covers("read", "write")),
    ] {
        assert!(error.to_string().contains("write"), "{error}");
        assert!(matches!(error, McpAuthError::UndeclaredScope(_)), "{error}");
    }
}

#[test]
fn a_prefix_that_could_not_be_told_from_a_token_is_refused() {
    for prefix in ["", "a", "Notes", "my_notes", "notes-", "1notes"] {
        let error = refusal(|builder| builder.api_keys(prefix));
        assert!(matches!(error, McpAuthError::ApiKeyPrefix(_)), "{error}");
    }
}

#[test]
fn an_unusable_entry_about_scopes_is_refused() {
    let error = refusal(|builder| builder.resource("notes", "read"));
    assert!(matches!(error, McpAuthError::ScopePolicy(_)), "{error}");
    assert!(error.to_string().contains("resource(\"notes\")"), "{error}");
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
        let vault = server.auth().server().vault().clone();
        let verifier = Arc::new(LocalVerifier::new(issuer.clone(), keys, vault));
        let resource = ResourceUri::parse(url).unwrap();
        let builder = ResourceServer::builder(resource, vec![issuer], verifier);
        let builder = if allow {
            builder.dangerous_allow_http()
        } else {
            builder
        };
        builder.build().map(|_| ())
    };
    for url in [
        "http://mcp.example.com/mcp",
        "http://localhost.example.com/mcp",
    ] {
        let refused = build(url, false).unwrap_err();
        assert!(matches!(refused, ResourceConfigError::PlainHttp), "{url}");
    }
    for (url, allow) in [
        ("https://mcp.example.com/mcp", false),
        ("http://localhost:1/mcp", false),
        ("http://[::1]/mcp", false),
        ("http://mcp.example.com/mcp", true),
    ] {
        assert!(build(url, allow).is_ok(), "{url}");
    }
}

/// E1, E3
#[test]
fn lifetimes_have_bounds() {
    type Change = fn(&mut Lifetimes);
    let build = |change: Change| {
        let mut lifetimes = Lifetimes::default();
        change(&mut lifetimes);
        McpAuth::builder("http://127.0.0.1:8080")
            .scope("read", "Read")
            .development_login()
            .lifetimes(lifetimes)
            .build()
            .map(|_| ())
    };
    let refused: [(&str, Change); 9] = [
        ("code", |times| times.code = Duration::from_secs(61)),
        ("code", |times| times.code = Duration::ZERO),
        ("login", |times| times.login = Duration::from_secs(601)),
        ("login", |times| times.login = Duration::ZERO),
        ("access_token", |times| times.access_token = Duration::ZERO),
        ("access_token", |times| times.access_token = Duration::MAX),
        ("refresh_idle", |times| times.refresh_idle = Duration::MAX),
        ("refresh_grace", |times| {
            times.refresh_grace = Duration::from_secs(301);
        }),
        ("unused_client", |times| {
            times.unused_client = Duration::ZERO
        }),
    ];
    for (name, change) in refused {
        match build(change) {
            Err(McpAuthError::Server(ConfigError::Lifetime(refused))) => assert_eq!(refused, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(build(|times| times.refresh_grace = Duration::ZERO).is_ok());
    assert!(build(|times| times.refresh_idle = Duration::from_secs(1)).is_ok());
}

/// B5
#[tokio::test]
async fn a_resource_goes_by_its_aliases_too() {
    let alias = "https://old.example.com/mcp";
    let server = TestServer::with(|builder| builder.resource_alias(alias));
    let client = TestClient::register(&server).await;
    for (resource, answered) in [(alias, 200), ("https://other.example.com/mcp", 303)] {
        let mut parameters = client.authorization_parameters("notes:read");
        parameters.push(("resource".to_owned(), resource.to_owned()));
        let answer = open(&server, parameters).await;
        assert_eq!(answer.status(), answered, "{resource}");
    }
}
