use http::HeaderMap;
use http::header::AUTHORIZATION;
use oauth_for_mcp::protocol::authorize::AuthorizationRequest;
use oauth_for_mcp::protocol::bearer::{BearerChallenge, BearerToken};
use oauth_for_mcp::protocol::client_metadata::ClientMetadata;
use oauth_for_mcp::protocol::credentials::{ClientCredentials, ClientProof};
use oauth_for_mcp::protocol::error::ErrorCode;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::protocol::metadata::ProtectedResourceMetadata;
use oauth_for_mcp::protocol::well_known;
use oauth_for_mcp::types::{Issuer, ResourceUri, Scope, Secret};
use serde_json::json;

fn header(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
}

#[test]
fn rfc_6749_section_2_3_1_a_client_in_the_header() {
    let headers = header("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
    let credentials = ClientCredentials::parse(&headers, &Form::default()).unwrap();

    assert_eq!(credentials.client_id.as_str(), "s6BhdRkqt3");
    let ClientProof::Basic { raw, .. } = credentials.proof else {
        panic!("no header")
    };
    assert_eq!(raw, Secret::new("7Fjfp0ZBr1KtDRbnfVdmIw"));
}

#[test]
fn rfc_6749_section_4_1_1_an_authorization_request() {
    let query = b"response_type=code&client_id=s6BhdRkqt3&state=xyz\
                  &redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb";
    let request = AuthorizationRequest::new(Form::parse(query).unwrap());

    assert_eq!(request.client_id(), Some("s6BhdRkqt3"));
    assert_eq!(
        request.redirect_uri(),
        Some("https://client.example.com/cb")
    );
    assert_eq!(request.state(), Some("xyz"));
}

#[test]
fn rfc_6750_section_2_1_a_token_in_the_header() {
    let token = BearerToken::parse(&header("Bearer mF_9.B5f-4.1JqM"))
        .unwrap()
        .unwrap();

    assert_eq!(token.secret().expose(), "mF_9.B5f-4.1JqM");
}

#[test]
fn rfc_6750_section_3_a_challenge_for_an_expired_token() {
    let challenge = BearerChallenge {
        resource_metadata: Some(
            "https://resource.example.com/.well-known/oauth-protected-resource",
        ),
        scope: &Scope::empty(),
        error: Some((ErrorCode::InvalidToken, "The access token expired")),
    };
    let text = challenge.to_header().unwrap();
    let text = text.to_str().unwrap();

    assert!(text.starts_with("Bearer "));
    assert!(
        text.contains(r#"error="invalid_token", error_description="The access token expired""#)
    );
}

#[test]
fn rfc_9728_section_5_1_a_challenge_without_a_token() {
    let resource = ResourceUri::parse("https://resource.example.com").unwrap();
    let url = well_known::protected_resource_url(&resource);
    let challenge = BearerChallenge {
        resource_metadata: Some(&url),
        scope: &Scope::empty(),
        error: None,
    };

    assert_eq!(
        challenge.to_header().unwrap(),
        "Bearer resource_metadata=\
         \"https://resource.example.com/.well-known/oauth-protected-resource\"",
    );
}

#[test]
fn rfc_9728_section_3_1_where_metadata_is() {
    let path = |text| well_known::protected_resource_path(&ResourceUri::parse(text).unwrap());

    assert_eq!(
        path("https://resource.example.com"),
        "/.well-known/oauth-protected-resource"
    );
    assert_eq!(
        path("https://resource.example.com/resource1"),
        "/.well-known/oauth-protected-resource/resource1"
    );
}

#[test]
fn rfc_9728_section_3_2_a_metadata_document() {
    let metadata = ProtectedResourceMetadata {
        resource: ResourceUri::parse("https://resource.example.com").unwrap(),
        authorization_servers: vec![
            Issuer::parse("https://as1.example.com").unwrap(),
            Issuer::parse("https://as2.example.net").unwrap(),
        ],
        scopes_supported: Scope::parse("profile email phone").unwrap(),
        bearer_methods_supported: vec!["header"],
        resource_name: None,
        resource_documentation: Some(
            "https://resource.example.com/resource_documentation.html".into(),
        ),
    };

    assert_eq!(
        serde_json::to_value(&metadata).unwrap(),
        json!({
            "resource": "https://resource.example.com",
            "authorization_servers": ["https://as1.example.com", "https://as2.example.net"],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["email", "phone", "profile"],
            "resource_documentation": "https://resource.example.com/resource_documentation.html",
        })
    );
}

#[test]
fn rfc_8414_section_3_1_where_metadata_is() {
    let paths = |text| well_known::authorization_server_paths(&Issuer::parse(text).unwrap());

    assert_eq!(
        paths("https://example.com")[0],
        "/.well-known/oauth-authorization-server"
    );
    assert_eq!(
        paths("https://example.com/issuer1")[0],
        "/.well-known/oauth-authorization-server/issuer1"
    );
    // Section 5: the place where OpenID clients have always looked.
    assert!(
        paths("https://example.com/issuer1")
            .contains(&"/issuer1/.well-known/openid-configuration".to_owned())
    );
}

#[test]
fn rfc_7591_section_3_1_a_registration_request() {
    let metadata: ClientMetadata = serde_json::from_str(REGISTRATION_REQUEST).unwrap();

    assert_eq!(
        metadata.redirect_uris,
        [
            "https://client.example.org/callback",
            "https://client.example.org/callback2"
        ]
    );
    assert_eq!(metadata.client_name.as_deref(), Some("My Example Client"));
    assert_eq!(
        metadata.token_endpoint_auth_method.as_deref(),
        Some("client_secret_basic")
    );
}

/// The example of RFC 7591, section 3.1.
pub(super) const REGISTRATION_REQUEST: &str = r#"{
    "redirect_uris": [
        "https://client.example.org/callback",
        "https://client.example.org/callback2"
    ],
    "client_name": "My Example Client",
    "client_name#ja-Jpan-JP": "\u30AF\u30E9\u30A4\u30A2\u30F3\u30C8\u540D",
    "token_endpoint_auth_method": "client_secret_basic",
    "logo_uri": "https://client.example.org/logo.png",
    "jwks_uri": "https://client.example.org/my_public_keys.jwks",
    "example_extension_parameter": "example_value"
}"#;
