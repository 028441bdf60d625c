//! What ours is compared with: each finds out of a token who calls, and refuses what is not
//! for this resource.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use jwt_authorizer::{Authorizer, JwtAuthorizer};
use oauth_resource_server::{KeyNaming, OAuthConfig, OAuthValidator};
use serde::Deserialize;

use crate::issued::{ISSUER, Issued, RESOURCE, SCOPE};

pub(crate) fn with_token(token: &str) -> HeaderMap {
    let value = format!("Bearer {token}").parse().expect("a header");
    HeaderMap::from_iter([(AUTHORIZATION, value)])
}

/// What somebody writes who knows `jsonwebtoken` and is careful.
pub(crate) struct HandWritten {
    key: DecodingKey,
    key_id: String,
    validation: Validation,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "a handler would read them")]
pub(crate) struct Claims {
    sub: String,
    client_id: String,
    scope: String,
}

impl HandWritten {
    pub(crate) fn new(issued: &Issued) -> Self {
        let set: JwkSet = serde_json::from_value(issued.jwks.clone()).expect("a set of keys");
        let algorithm: Algorithm = issued.algorithm.parse().expect("an algorithm");
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[RESOURCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        Self {
            key: DecodingKey::from_jwk(&set.keys[0]).expect("a key"),
            key_id: set.keys[0].common.key_id.clone().expect("a kid"),
            validation,
        }
    }

    pub(crate) fn verify(&self, headers: &HeaderMap) -> Option<Claims> {
        let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let token = value.strip_prefix("Bearer ")?;
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.kid.as_deref() != Some(&self.key_id) || header.typ.as_deref() != Some("at+jwt") {
            return None;
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation);
        let claims = claims.ok()?.claims;
        claims
            .scope
            .split(' ')
            .any(|scope| scope == SCOPE)
            .then_some(claims)
    }
}

/// The crate `oauth-resource-server`.
pub(crate) fn oauth_resource_server(issued: &Issued) -> Arc<OAuthValidator> {
    let config = OAuthConfig {
        enabled: true,
        issuer: ISSUER.into(),
        audience: RESOURCE.into(),
        resource: RESOURCE.into(),
        required_scopes: vec![SCOPE.into()],
        ..OAuthConfig::default()
    };
    let config = config
        .resolve(KeyNaming::Dotted("oauth"))
        .expect("good settings");
    let builder = OAuthValidator::builder(&config.expect("it is enabled"));
    let validator = builder.initial_jwks(&issued.jwks.to_string()).build();
    Arc::new(validator.expect("good settings"))
}

/// The crate `jwt-authorizer`.
pub(crate) async fn jwt_authorizer(issued: &Issued) -> Authorizer<Claims> {
    let validation = jwt_authorizer::Validation::new()
        .iss(&[ISSUER])
        .aud(&[RESOURCE])
        .nbf(true);
    let builder: JwtAuthorizer<Claims> = JwtAuthorizer::from_jwks_text(&issued.jwks.to_string());
    let builder = builder
        .validation(validation)
        .check(|claims: &Claims| claims.scope.split(' ').any(|scope| scope == SCOPE));
    builder.build().await.expect("good settings")
}
