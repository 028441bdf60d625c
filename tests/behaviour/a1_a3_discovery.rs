use oauth_for_mcp::McpAuth;
use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::model::Identity;
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use oauth_for_mcp::types::Subject;
use serde_json::json;

use super::support::{Answer, claims, header, json, open, parameter, send, with};

const ISSUERS: [&str; 4] = [
    "https://mcp.example.com",
    "https://mcp.example.com/",
    "https://mcp.example.com/tenant",
    "https://mcp.example.com/Tenant/a/",
];

/// Gets `path` of the host, wherever the issuer is.
async fn get(server: &TestServer, path: &str) -> Answer {
    let request = http::Request::get(format!("https://mcp.example.com{path}"));
    let request = request.body(bytes::Bytes::new());
    server.send(request.expect("a test's path is good")).await
}

/// A1
#[tokio::test]
async fn each_resource_document_names_the_resource_of_its_url() {
    let cases = [
        (ISSUERS[0], "", "https://mcp.example.com"),
        (ISSUERS[0], "/mcp", "https://mcp.example.com/mcp"),
        (ISSUERS[1], "/mcp", "https://mcp.example.com/mcp"),
        (ISSUERS[2], "", "https://mcp.example.com"),
        (
            ISSUERS[2],
            "/tenant/mcp",
            "https://mcp.example.com/tenant/mcp",
        ),
        (
            ISSUERS[3],
            "/Tenant/a/mcp",
            "https://mcp.example.com/Tenant/a/mcp",
        ),
    ];
    for (issuer, path, resource) in cases {
        let server = TestServer::at(issuer, |builder| builder);
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let answer = get(&server, &path).await;

        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(header(&answer, "content-type"), "application/json");
        let document = json(&answer);
        assert_eq!(document["resource"], resource, "{path}");
        assert_eq!(document["authorization_servers"], json!([issuer]), "{path}");
        assert_eq!(document["bearer_methods_supported"], json!(["header"]));
        assert_eq!(document["scopes_supported"], json!(["notes:read"]));
    }
}

/// A1, B5
#[tokio::test]
async fn the_resource_that_each_document_names_can_be_asked_for() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for path in ["", "/mcp"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let document = json(&get(&server, &path).await);
        let resource = document["resource"].as_str().unwrap();
        let parameters = client.authorization_parameters("notes:read");
        let page = open(&server, with(parameters, "resource", Some(resource))).await;
        assert_eq!(page.status(), 200, "{resource}: {page:?}");

        let code = client.authorize(&server, "notes:read").await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("code_verifier", client.verifier.as_str()),
            ("resource", resource),
        ];
        let tokens = client.token(&server, &form).await.expect_tokens();
        let refresh_token = tokens.refresh_token.unwrap();
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.as_str()),
            ("resource", resource),
        ];
        let tokens = client.token(&server, &form).await.expect_tokens();
        let audience = &claims(&tokens.access_token)["aud"];
        assert_eq!(audience, "https://mcp.example.com/mcp");
    }
}

/// A1
#[tokio::test]
async fn no_resource_document_lists_offline_access() {
    let alice = Identity::new("idp", Subject::parse("alice").unwrap());
    let auth = McpAuth::builder(TestServer::PUBLIC_URL)
        .scope("offline_access", "Stay connected")
        .scope("notes:read", "Read")
        .identity_provider(FixedIdentity::new(alice))
        .build()
        .unwrap();
    for path in ["", "/mcp"] {
        let uri = format!("https://mcp.example.com/.well-known/oauth-protected-resource{path}");
        let request = http::Request::get(uri).body(bytes::Bytes::new()).unwrap();
        let answer = auth.endpoints().respond(request).await;
        assert_eq!(answer.status(), 200);
        assert!(
            !super::support::text(&answer).contains("offline_access"),
            "{path}"
        );
    }
}

/// A2
#[tokio::test]
async fn the_server_document_is_the_same_bytes_at_every_path() {
    let cases: [(&str, &[&str]); 4] = [
        (
            ISSUERS[0],
            &[
                "/.well-known/oauth-authorization-server",
                "/.well-known/openid-configuration",
            ],
        ),
        (
            ISSUERS[1],
            &[
                "/.well-known/oauth-authorization-server",
                "/.well-known/openid-configuration",
            ],
        ),
        (
            ISSUERS[2],
            &[
                "/.well-known/oauth-authorization-server/tenant",
                "/tenant/.well-known/oauth-authorization-server",
                "/.well-known/openid-configuration/tenant",
                "/tenant/.well-known/openid-configuration",
            ],
        ),
        (
            ISSUERS[3],
            &[
                "/.well-known/oauth-authorization-server/Tenant/a",
                "/Tenant/a/.well-known/oauth-authorization-server",
                "/.well-known/openid-configuration/Tenant/a",
                "/Tenant/a/.well-known/openid-configuration",
            ],
        ),
    ];
    for (issuer, paths) in cases {
        let server = TestServer::at(issuer, |builder| builder);
        let first = get(&server, paths[0]).await;
        for path in paths {
            let answer = get(&server, path).await;
            assert_eq!(answer.status(), 200, "{path}");
            assert_eq!(answer.body(), first.body(), "{path}");
        }
    }
}

/// A2
#[tokio::test]
async fn the_server_document_says_what_is_on() {
    let server = TestServer::with(|builder| builder.scope("offline_access", "Stay connected"));
    let document = json(&get(&server, "/.well-known/oauth-authorization-server").await);
    let expected = json!({
        "issuer": "https://mcp.example.com",
        "authorization_endpoint": "https://mcp.example.com/authorize",
        "token_endpoint": "https://mcp.example.com/token",
        "jwks_uri": "https://mcp.example.com/jwks",
        "registration_endpoint": "https://mcp.example.com/register",
        "revocation_endpoint": "https://mcp.example.com/revoke",
        "scopes_supported": ["notes:read", "notes:write", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported":
            ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported":
            ["ES256", "EdDSA", "ES384", "PS256", "RS256"],
        "revocation_endpoint_auth_methods_supported":
            ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
        "revocation_endpoint_auth_signing_alg_values_supported":
            ["ES256", "EdDSA", "ES384", "PS256", "RS256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "protected_resources": ["https://mcp.example.com/mcp"],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(document[name], *value, "{name}");
    }
}

/// A2
#[tokio::test]
async fn the_server_document_does_not_say_what_is_off() {
    let path = "/.well-known/oauth-authorization-server";
    let closed = TestServer::with(|builder| builder.dynamic_registration(false));
    let opaque = TestServer::with(|builder| builder.access_token_format(AccessTokenFormat::Opaque));
    for (server, name) in [
        (&closed, "registration_endpoint"),
        (&closed, "introspection_endpoint"),
        (&closed, "device_authorization_endpoint"),
        (&closed, "client_id_metadata_document_supported"),
        (&opaque, "jwks_uri"),
    ] {
        let document = json(&get(server, path).await);
        assert!(document.get(name).is_none(), "{name}");
    }
    let answer = send(
        &closed,
        ("POST", "/register"),
        &[super::support::JSON],
        "{}",
    )
    .await;
    assert_ne!(answer.status(), 201);
}

/// A3
#[tokio::test]
async fn the_issuer_is_the_same_bytes_everywhere() {
    for issuer in ISSUERS {
        let server = TestServer::at(issuer, |builder| builder);
        let metadata = serde_json::to_value(server.auth().server().metadata()).unwrap();
        assert_eq!(metadata["issuer"], issuer);

        let client = TestClient::register(&server).await;
        let url = client.authorization_url(&server, "notes:read");
        let granted = TestBrowser::new().agree(&server, &url).await.unwrap();
        assert_eq!(parameter(&granted, "iss").as_deref(), Some(issuer));

        let refused = open(&server, client.authorization_parameters("unknown")).await;
        let location = header(&refused, "location").to_owned();
        assert_eq!(parameter(&location, "iss").as_deref(), Some(issuer));

        let code = parameter(&granted, "code").unwrap();
        let tokens = client.redeem(&server, &code).await.expect_tokens();
        assert_eq!(claims(&tokens.access_token)["iss"], issuer);
        let answer = server.call("tools/list", None, &tokens.access_token).await;
        assert_eq!(answer.status(), 200);
    }
}

/// A3
#[tokio::test]
async fn endpoints_have_one_slash_after_an_issuer_that_ends_with_one() {
    for issuer in [
        "https://mcp.example.com/",
        "https://mcp.example.com/tenant/",
    ] {
        let server = TestServer::at(issuer, |builder| builder);
        let metadata = serde_json::to_value(server.auth().server().metadata()).unwrap();
        assert_eq!(metadata["token_endpoint"], format!("{issuer}token"));
        assert_eq!(
            server.auth().resource().resource().as_str(),
            format!("{issuer}mcp")
        );
    }
}
