//! Vendors at which every customer has a domain of their own.

use oauth_for_mcp::resource::TokenRefusal;
use oauth_for_mcp::resource::provider::Provider;
use serde_json::{Value, json};

use super::fixture::{Fixture, RESOURCE, expect, keys};

fn workos() -> Fixture {
    let issuer = "https://acme.authkit.app";
    Fixture {
        provider: Provider::workos("acme.authkit.app").unwrap(),
        published: vec![(format!("{issuer}/oauth2/jwks"), keys())],
        metadata_at: format!("{issuer}/.well-known/oauth-authorization-server"),
        metadata: json!({
            "issuer": issuer, "jwks_uri": "https://acme.authkit.app/oauth2/jwks",
            "authorization_endpoint": "https://acme.authkit.app/oauth2/authorize",
            "token_endpoint": "https://acme.authkit.app/oauth2/token",
            "registration_endpoint": "https://acme.authkit.app/oauth2/register",
            "client_id_metadata_document_supported": true,
        }),
        administrators_register: false,
        header: json!({}),
        access_token: json!({
            "iss": issuer, "aud": RESOURCE, "sub": "user_01", "client_id": "client_01",
            "org_id": "org_01", "sid": "app_consent_01", "scope": "openid profile", "jti": "01",
        }),
        id_token: json!({
            "iss": issuer, "aud": "client_01", "sub": "user_01", "email": "a@example.com",
            "nonce": "n",
        }),
        audience: None,
        other_tenant: "https://evil.authkit.app",
    }
}

fn auth0(header: Value, client: &str) -> Fixture {
    let issuer = "https://acme.eu.auth0.com/";
    let mut access_token = json!({
        "iss": issuer, "sub": "auth0|1", "aud": [RESOURCE, "https://acme.eu.auth0.com/userinfo"],
        "scope": "openid notes:read", "permissions": ["notes:read", "notes:write"],
    });
    access_token[client] = json!("client");
    Fixture {
        provider: Provider::auth0("acme.eu.auth0.com").unwrap(),
        published: vec![(format!("{issuer}.well-known/jwks.json"), keys())],
        metadata_at: format!("{issuer}.well-known/openid-configuration"),
        metadata: json!({
            "issuer": issuer, "jwks_uri": "https://acme.eu.auth0.com/.well-known/jwks.json",
            "authorization_endpoint": "https://acme.eu.auth0.com/authorize",
            "token_endpoint": "https://acme.eu.auth0.com/oauth/token",
            "registration_endpoint": "https://acme.eu.auth0.com/oidc/register",
            "client_id_metadata_document_supported": true,
        }),
        administrators_register: false,
        header,
        access_token,
        id_token: json!({
            "iss": issuer, "sub": "auth0|1", "aud": "client", "nonce": "n", "sid": "s",
            "name": "A", "email": "a@example.com",
        }),
        audience: None,
        other_tenant: "https://evil.eu.auth0.com/",
    }
}

fn okta() -> Fixture {
    let issuer = "https://acme.okta.com/oauth2/default";
    Fixture {
        provider: Provider::okta("acme.okta.com", "default").unwrap(),
        published: vec![(format!("{issuer}/v1/keys"), keys())],
        metadata_at: format!("{issuer}/.well-known/openid-configuration"),
        metadata: json!({
            "issuer": issuer, "jwks_uri": "https://acme.okta.com/oauth2/default/v1/keys",
            "authorization_endpoint": "https://acme.okta.com/oauth2/default/v1/authorize",
            "token_endpoint": "https://acme.okta.com/oauth2/default/v1/token",
            "registration_endpoint": "https://acme.okta.com/oauth2/v1/clients",
        }),
        administrators_register: true,
        header: json!({}),
        access_token: json!({
            "ver": 1, "jti": "AT.1", "iss": issuer, "aud": "api://default", "cid": "0oa1",
            "uid": "00u1", "scp": ["openid", "notes:read"], "sub": "a@example.com", "auth_time": 1,
        }),
        id_token: json!({
            "ver": 1, "jti": "ID.1", "iss": issuer, "aud": "0oa1", "sub": "00u1", "amr": ["pwd"],
            "idp": "00o1", "auth_time": 1, "at_hash": "h", "name": "A",
        }),
        audience: Some("api://default"),
        other_tenant: "https://evil.okta.com/oauth2/default",
    }
}

fn scalekit() -> Fixture {
    let issuer = "https://acme.scalekit.com";
    Fixture {
        provider: Provider::scalekit("acme.scalekit.com", "res_1").unwrap(),
        published: vec![(format!("{issuer}/keys"), keys())],
        metadata_at: format!("{issuer}/.well-known/oauth-authorization-server/resources/res_1"),
        metadata: json!({
            "issuer": "https://acme.scalekit.com/resources/res_1",
            "jwks_uri": "https://acme.scalekit.com/keys",
            "authorization_endpoint": "https://acme.scalekit.com/resources/res_1/oauth/authorize",
            "token_endpoint": "https://acme.scalekit.com/resources/res_1/oauth/token",
            "registration_endpoint":
                "https://acme.scalekit.com/api/v1/resources/res_1/clients:register",
            "client_id_metadata_document_supported": true,
        }),
        administrators_register: false,
        header: json!({ "typ": "JWT" }),
        access_token: json!({
            "iss": issuer, "sub": "usr_1", "aud": ["res_1"], "client_id": "m2m_1",
            "org_id": "org_1", "jti": "1", "scope": "notes:read",
        }),
        id_token: json!({
            "iss": issuer, "sub": "usr_1", "aud": ["m2m_1"], "azp": "m2m_1", "client_id": "m2m_1",
            "at_hash": "h", "c_hash": "h", "oid": "org_1", "email": "a@example.com",
        }),
        audience: Some("res_1"),
        other_tenant: "https://evil.scalekit.com",
    }
}

fn stytch() -> Fixture {
    let issuer = "https://auth.acme.example";
    Fixture {
        provider: Provider::stytch("auth.acme.example").unwrap(),
        published: vec![(format!("{issuer}/.well-known/jwks.json"), keys())],
        metadata_at: format!("{issuer}/.well-known/oauth-authorization-server"),
        metadata: json!({
            "issuer": issuer, "jwks_uri": "https://auth.acme.example/.well-known/jwks.json",
            "authorization_endpoint": "https://acme.example/authorize",
            "token_endpoint": "https://auth.acme.example/v1/oauth2/token",
            "registration_endpoint": "https://auth.acme.example/v1/oauth2/register",
            "client_id_metadata_document_supported": true,
        }),
        administrators_register: false,
        header: json!({ "typ": "JWT" }),
        access_token: json!({
            "iss": issuer, "sub": "user-live-1", "aud": ["project-live-1"],
            "client_id": "connected-app-live-1", "nbf": 1, "jti": "1", "scope": "openid email",
        }),
        id_token: json!({
            "iss": issuer, "sub": "user-live-1", "aud": ["connected-app-live-1"], "nbf": 1,
            "name": "A", "email": "a@example.com", "email_verified": true,
        }),
        audience: Some("project-live-1"),
        other_tenant: "https://auth.evil.example",
    }
}

#[tokio::test]
async fn workos_takes_tokens_for_the_resource_indicator() {
    let token = workos().expect_only_access_tokens().await;
    assert_eq!(token.client_id().unwrap().as_str(), "client_01");
    assert_eq!(token.scope().to_string(), "openid profile");
    assert_eq!(token.extra()["org_id"], "org_01");
}

#[tokio::test]
async fn auth0_takes_tokens_of_both_profiles() {
    for (header, client) in [
        (json!({ "typ": "JWT" }), "azp"),
        (json!({ "typ": "at+jwt" }), "client_id"),
    ] {
        let mut fixture = auth0(header, client);
        if client == "client_id" {
            // In this profile the header alone tells, and ID tokens have another.
            let resource = fixture.resource();
            let token = fixture.verify(&resource, &fixture.access_token).await;
            assert_eq!(token.unwrap().client_id().unwrap().as_str(), "client");
            let header = fixture.header.clone();
            fixture.expect_no_token_of_others(&resource, &header).await;
            fixture.header = json!({ "typ": "JWT" });
            fixture.expect_no_id_token(&resource).await;
            continue;
        }
        let token = fixture.expect_only_access_tokens().await;
        assert_eq!(token.client_id().unwrap().as_str(), "client");
        let scope = token.scope().to_string();
        assert_eq!(scope, "notes:read openid", "a permission is no scope");
    }
}

#[tokio::test]
async fn okta_takes_tokens_of_a_custom_server() {
    let token = okta().expect_only_access_tokens().await;
    assert_eq!(token.client_id().unwrap().as_str(), "0oa1");
    assert_eq!(token.scope().to_string(), "notes:read openid");
}

#[tokio::test]
async fn okta_takes_no_tokens_for_okta_itself() {
    let mut fixture = okta();
    fixture.header = json!({ "typ": "application/okta-internal-at+jwt" });
    let resource = fixture.resource();
    let claims = fixture.access_token.clone();
    assert!(fixture.verify(&resource, &claims).await.is_err());
}

#[tokio::test]
async fn scalekit_sends_clients_to_the_server_of_the_resource() {
    let fixture = scalekit();
    let token = fixture.expect_only_access_tokens().await;
    assert_eq!(token.client_id().unwrap().as_str(), "m2m_1");
    assert_eq!(token.issuer(), "https://acme.scalekit.com");
    let listed = fixture.resource().metadata().authorization_servers;
    assert_eq!(
        listed[0].as_str(),
        "https://acme.scalekit.com/resources/res_1"
    );
}

#[tokio::test]
async fn scalekit_takes_tokens_of_the_environment_and_of_the_resource_alone() {
    let fixture = scalekit();
    let resource = fixture.resource();
    let mut own = fixture.clone();
    own.access_token["iss"] = json!("https://acme.scalekit.com/resources/res_1");
    own.id_token["iss"] = own.access_token["iss"].clone();
    let token = own.expect_only_access_tokens().await;
    assert_eq!(token.issuer(), "https://acme.scalekit.com/resources/res_1");

    for issuer in ["/resources/res_2", "/resources/res_1/", "/resources", "/"] {
        let mut other = fixture.access_token.clone();
        other["iss"] = json!(format!("https://acme.scalekit.com{issuer}"));
        let refused = fixture.verify(&resource, &other).await.unwrap_err();
        expect(&refused, TokenRefusal::NotAuthentic);
    }
}

#[tokio::test]
async fn scalekit_puts_the_url_of_the_server_beside_its_identifier() {
    let fixture = scalekit();
    let mut claims = fixture.access_token.clone();
    claims["aud"] = json!([RESOURCE, "res_1"]);
    let by_either = fixture.resource();
    fixture.verify(&by_either, &claims).await.unwrap();

    let mut unnamed = fixture.clone();
    unnamed.audience = None;
    let by_url = unnamed.resource();
    unnamed.verify(&by_url, &claims).await.unwrap();
    claims["aud"] = json!(["res_1"]);
    let refused = unnamed.verify(&by_url, &claims).await.unwrap_err();
    expect(&refused, TokenRefusal::Audience);
}

#[tokio::test]
async fn stytch_takes_tokens_of_connected_apps() {
    let token = stytch().expect_only_access_tokens().await;
    assert_eq!(token.client_id().unwrap().as_str(), "connected-app-live-1");
    assert_eq!(token.scope().to_string(), "email openid");
}

#[tokio::test]
async fn scalekit_takes_no_token_without_a_scope() {
    let fixture = scalekit();
    let mut claims = fixture.access_token.clone();
    claims.as_object_mut().unwrap().remove("scope");
    assert!(fixture.verify(&fixture.resource(), &claims).await.is_err());
    claims["scopes"] = json!(["notes:read"]);
    let token = fixture.verify(&fixture.resource(), &claims).await.unwrap();
    assert_eq!(token.scope().to_string(), "notes:read");
}

#[tokio::test]
async fn what_vendors_with_a_domain_for_each_publish_is_what_their_presets_say() {
    for fixture in [
        workos(),
        auth0(json!({ "typ": "JWT" }), "azp"),
        okta(),
        scalekit(),
        stytch(),
    ] {
        fixture.expect_metadata_to_agree().await;
    }
}
