//! Vendors at which all customers share a host, and Keycloak, at which realms do.

use oauth_for_mcp::resource::TokenRefusal;
use oauth_for_mcp::resource::provider::Provider;
use serde_json::{Value, json};

use super::fixture::{Fixture, RESOURCE, expect, keys};

const TENANT: &str = "11111111-2222-3333-4444-55555555abcd";
const APPLICATION: &str = "99999999-8888-7777-6666-555555555555";

fn entra() -> Fixture {
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    Fixture {
        provider: Provider::entra(TENANT).unwrap(),
        published: vec![(
            format!("https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"),
            keys(),
        )],
        metadata_at: format!("{issuer}/.well-known/openid-configuration"),
        metadata: json!({
            "issuer": issuer,
            "jwks_uri": format!("https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"),
            "authorization_endpoint":
                format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/authorize"),
            "token_endpoint":
                format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"),
        }),
        administrators_register: false,
        header: json!({ "typ": "JWT" }),
        access_token: json!({
            "iss": issuer, "aud": APPLICATION, "azp": "client", "azpacr": "1", "oid": "o",
            "name": "A", "roles": ["notes.admin"], "scp": "notes.read notes.write", "sub": "s",
            "tid": TENANT, "uti": "u", "ver": "2.0", "nbf": 1,
        }),
        id_token: json!({
            "iss": issuer, "aud": APPLICATION, "oid": "o", "name": "A", "sub": "s",
            "roles": ["notes.admin"], "tid": TENANT, "ver": "2.0", "nbf": 1, "nonce": "n",
        }),
        audience: Some(APPLICATION),
        other_tenant: "https://login.microsoftonline.com/aaaaaaaa-2222-3333-4444-55555555abcd/v2.0",
    }
}

fn entra_v1() -> Fixture {
    let issuer = format!("https://sts.windows.net/{TENANT}/");
    Fixture {
        provider: Provider::entra_v1(TENANT).unwrap(),
        published: vec![(
            format!("https://login.microsoftonline.com/{TENANT}/discovery/keys"),
            keys(),
        )],
        metadata_at: format!("{issuer}.well-known/openid-configuration"),
        metadata: json!({
            "issuer": issuer,
            "jwks_uri": format!("https://login.microsoftonline.com/{TENANT}/discovery/keys"),
            "authorization_endpoint":
                format!("https://login.microsoftonline.com/{TENANT}/oauth2/authorize"),
            "token_endpoint": format!("https://login.microsoftonline.com/{TENANT}/oauth2/token"),
        }),
        administrators_register: false,
        header: json!({ "typ": "JWT", "x5t": "2026" }),
        access_token: json!({
            "iss": issuer, "aud": "api://notes", "appid": "client", "appidacr": "1", "oid": "o",
            "scp": "notes.read", "sub": "s", "tid": TENANT, "ver": "1.0", "nbf": 1,
        }),
        id_token: json!({
            "iss": issuer, "aud": "client", "oid": "o", "name": "A", "sub": "s", "tid": TENANT,
            "ver": "1.0", "nbf": 1,
        }),
        audience: Some("api://notes"),
        other_tenant: "https://sts.windows.net/aaaaaaaa-2222-3333-4444-55555555abcd/",
    }
}

fn keycloak(header: Value) -> Fixture {
    let issuer = "https://sso.example.com/auth/realms/notes";
    Fixture {
        provider: Provider::keycloak("https://sso.example.com/auth/", "notes").unwrap(),
        published: vec![(format!("{issuer}/protocol/openid-connect/certs"), keys())],
        metadata_at: format!("{issuer}/.well-known/openid-configuration"),
        metadata: json!({
            "issuer": issuer, "jwks_uri": format!("{issuer}/protocol/openid-connect/certs"),
            "authorization_endpoint": format!("{issuer}/protocol/openid-connect/auth"),
            "token_endpoint": format!("{issuer}/protocol/openid-connect/token"),
            "registration_endpoint": format!("{issuer}/clients-registrations/openid-connect"),
        }),
        administrators_register: false,
        header,
        access_token: json!({
            "iss": issuer, "aud": [RESOURCE, "account"], "sub": "s", "typ": "Bearer",
            "azp": "client", "sid": "s", "acr": "1", "realm_access": { "roles": ["admin"] },
            "scope": "openid notes:read", "preferred_username": "a", "jti": "1",
        }),
        id_token: json!({
            "iss": issuer, "aud": "client", "sub": "s", "typ": "ID", "azp": "client", "sid": "s",
            "at_hash": "h", "acr": "1", "name": "A", "jti": "2", "scope": "openid",
        }),
        audience: None,
        other_tenant: "https://sso.example.com/auth/realms/master",
    }
}

fn cognito(audience: Option<&str>) -> Fixture {
    let issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc";
    let mut access_token = json!({
        "iss": issuer, "sub": "s", "client_id": "client", "token_use": "access", "version": 2,
        "scope": "openid notes/read", "cognito:groups": ["g"], "username": "a", "origin_jti": "1",
        "auth_time": 1, "jti": "1",
    });
    if let Some(audience) = audience {
        access_token["aud"] = json!(audience);
    }
    Fixture {
        provider: Provider::cognito("eu-west-1", "eu-west-1_Abc").unwrap(),
        published: vec![(format!("{issuer}/.well-known/jwks.json"), keys())],
        metadata_at: format!("{issuer}/.well-known/openid-configuration"),
        metadata: json!({
            "issuer": issuer, "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "authorization_endpoint": "https://acme.auth.eu-west-1.amazoncognito.com/oauth2/authorize",
            "token_endpoint": "https://acme.auth.eu-west-1.amazoncognito.com/oauth2/token",
        }),
        administrators_register: false,
        header: json!({}),
        access_token,
        id_token: json!({
            "iss": issuer, "sub": "s", "aud": "client", "token_use": "id", "at_hash": "h",
            "cognito:username": "a", "email": "a@example.com", "auth_time": 1, "jti": "2",
        }),
        audience: audience.is_none().then_some("client"),
        other_tenant: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Evil",
    }
}

fn descope() -> Fixture {
    let issuer = "https://api.descope.com/v1/apps/agentic/P2abc/M2abc";
    Fixture {
        provider: Provider::descope("P2abc", "M2abc").unwrap(),
        published: vec![(
            "https://api.descope.com/P2abc/.well-known/jwks.json".to_owned(),
            keys(),
        )],
        metadata_at: format!("{issuer}/.well-known/openid-configuration"),
        metadata: json!({
            "issuer": issuer,
            "jwks_uri": "https://api.descope.com/P2abc/.well-known/jwks.json",
            "authorization_endpoint":
                "https://api.descope.com/oauth2/v1/apps/agentic/P2abc/M2abc/authorize",
            "token_endpoint": "https://api.descope.com/oauth2/v1/apps/agentic/P2abc/M2abc/token",
            "registration_endpoint":
                "https://api.descope.com/v1/mgmt/mcp/client/P2abc/M2abc/register",
            "client_id_metadata_document_supported": true,
        }),
        administrators_register: false,
        header: json!({ "typ": "JWT" }),
        access_token: json!({
            "iss": issuer, "sub": "U2abc", "aud": [RESOURCE, "client", "P2abc"],
            "azp": "client", "scope": "notes:read",
        }),
        id_token: json!({
            "iss": issuer, "sub": "U2abc", "aud": ["client", "P2abc"], "nonce": "n", "name": "A",
        }),
        audience: None,
        other_tenant: "https://api.descope.com/v1/apps/agentic/P2abc/M2evil",
    }
}

#[tokio::test]
async fn entra_takes_tokens_of_one_tenant() {
    let token = entra().expect_only_access_tokens().await;
    assert_eq!(token.client_id().unwrap().as_str(), "client");
    let scope = token.scope().to_string();
    assert_eq!(
        scope, "notes.read notes.write",
        "the role of a person is no scope"
    );
    assert_eq!(token.extra()["roles"], json!(["notes.admin"]));
}

#[tokio::test]
async fn entra_takes_the_roles_of_an_application_that_nobody_signed_in_at() {
    let fixture = entra();
    let mut claims = fixture.access_token.clone();
    claims.as_object_mut().unwrap().remove("scp");
    let token = fixture.verify(&fixture.resource(), &claims).await.unwrap();
    assert_eq!(token.scope().to_string(), "notes.admin");
}

#[tokio::test]
async fn entra_takes_tokens_of_version_1_as_such() {
    let token = entra_v1().expect_only_access_tokens().await;
    assert_eq!(token.client_id().unwrap().as_str(), "client");
    assert_eq!(token.scope().to_string(), "notes.read");
}

#[tokio::test]
async fn keycloak_takes_tokens_whose_audience_a_mapper_set() {
    let token = keycloak(json!({ "typ": "JWT" }))
        .expect_only_access_tokens()
        .await;
    assert_eq!(token.client_id().unwrap().as_str(), "client");
    let scope = token.scope().to_string();
    assert_eq!(
        scope, "notes:read openid",
        "a role of the realm is no scope"
    );
}

#[tokio::test]
async fn keycloak_takes_no_refresh_or_logout_token() {
    let fixture = keycloak(json!({ "typ": "JWT" }));
    let resource = fixture.resource();
    for typ in ["Refresh", "Offline", "Logout", "ID", "bearer", ""] {
        let mut claims = fixture.access_token.clone();
        claims["typ"] = json!(typ);
        assert!(fixture.verify(&resource, &claims).await.is_err(), "{typ}");
    }
    let typed = keycloak(json!({ "typ": "at+jwt" }));
    typed.verify(&resource, &typed.access_token).await.unwrap();
}

#[tokio::test]
async fn cognito_takes_tokens_for_a_resource_or_else_of_an_accepted_client() {
    for audience in [Some(RESOURCE), None] {
        let token = cognito(audience).expect_only_access_tokens().await;
        assert_eq!(token.client_id().unwrap().as_str(), "client");
        assert_eq!(token.scope().to_string(), "notes/read openid");
    }
}

#[tokio::test]
async fn cognito_takes_no_token_of_another_client() {
    let fixture = cognito(None);
    let mut claims = fixture.access_token.clone();
    claims["client_id"] = json!("other");
    assert!(fixture.verify(&fixture.resource(), &claims).await.is_err());
}

#[tokio::test]
async fn descope_takes_tokens_of_one_mcp_server() {
    let token = descope().expect_only_access_tokens().await;
    assert_eq!(token.client_id().unwrap().as_str(), "client");
    assert_eq!(token.scope().to_string(), "notes:read");
}

#[tokio::test]
async fn descope_takes_tokens_for_the_project_on_demand_and_of_no_other_issuer_in_it() {
    let fixture = descope();
    let mut for_all = fixture.access_token.clone();
    for_all["aud"] = json!(["client", "P2abc"]);
    let refused = fixture.verify(&fixture.resource(), &for_all).await;
    expect(&refused.unwrap_err(), TokenRefusal::Audience);

    let mut by_project = fixture.clone();
    by_project.audience = Some("P2abc");
    let resource = by_project.resource();
    by_project.verify(&resource, &for_all).await.unwrap();
    for path in [
        "P2abc",
        "P2abc/T2abc",
        "agentic/P2abc",
        "agentic/P2abc/M2abd",
    ] {
        for_all["iss"] = json!(format!("https://api.descope.com/v1/apps/{path}"));
        let refused = by_project.verify(&resource, &for_all).await.unwrap_err();
        expect(&refused, TokenRefusal::NotAuthentic);
    }
}

#[tokio::test]
async fn entra_takes_no_token_that_any_application_of_the_tenant_gets() {
    for fixture in [entra(), entra_v1()] {
        let resource = fixture.resource();
        for empty in [None, Some(json!("")), Some(json!([])), Some(json!(null))] {
            let mut claims = fixture.access_token.clone();
            for name in ["scp", "roles"] {
                claims.as_object_mut().unwrap().remove(name);
                if let Some(empty) = &empty {
                    claims[name] = empty.clone();
                }
            }
            let shown = fixture.verify(&resource, &claims).await;
            assert!(shown.is_err(), "{empty:?}: {shown:?}");
            claims.as_object_mut().unwrap().remove("scp");
            claims["roles"] = json!(["notes.read"]);
            let token = fixture.verify(&resource, &claims).await.unwrap();
            assert_eq!(token.scope().to_string(), "notes.read");
        }
    }
}

#[tokio::test]
async fn what_vendors_with_one_host_publish_is_what_their_presets_say() {
    for fixture in [
        entra(),
        entra_v1(),
        keycloak(json!({ "typ": "JWT" })),
        cognito(Some(RESOURCE)),
        descope(),
    ] {
        fixture.expect_metadata_to_agree().await;
    }
}
