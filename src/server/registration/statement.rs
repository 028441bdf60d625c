use std::time::Duration;

use serde::Deserialize;

use crate::jose::{
    Audience, ClaimRules, ExpectedClaims, Jws, KeySetError, RegisteredClaims, VerifyingKeySet,
    numeric_date,
};
use crate::protocol::client_metadata::ClientMetadata;
use crate::server::config::AuthorizationServer;
use crate::server::error::RegistrationError;
use crate::types::{Issuer, Timestamp};

/// A software statement that was verified ([RFC 7591, section 2.3]).
///
/// [RFC 7591, section 2.3]: https://www.rfc-editor.org/rfc/rfc7591#section-2.3
#[derive(Debug)]
pub(super) struct VerifiedStatement {
    /// Who vouches for what it says.
    pub(super) issuer: Issuer,
    /// The statement as it was sent.
    pub(super) text: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Option<Audience>,
    #[serde(default, with = "numeric_date::option")]
    exp: Option<Timestamp>,
    #[serde(default, with = "numeric_date::option")]
    nbf: Option<Timestamp>,
    #[serde(default, with = "numeric_date::option")]
    iat: Option<Timestamp>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

impl AuthorizationServer {
    /// The metadata with what a statement says in place of what the client says.
    ///
    /// Where nobody is believed, a statement is left aside.
    pub(super) fn vouched(
        &self,
        mut metadata: ClientMetadata,
        now: Timestamp,
    ) -> Result<(ClientMetadata, Option<VerifiedStatement>), RegistrationError> {
        let statement = metadata.software_statement.take();
        let issuers = &self.registration.statement_issuers;
        let Some(text) = statement.filter(|_| !issuers.is_empty()) else {
            return Ok((metadata, None));
        };
        let (issuer, claims) = self.verify_statement(&text)?;
        self.judge_claims(&claims, &issuer, now)?;
        let statement = VerifiedStatement { issuer, text };
        Ok((overridden(metadata, claims.metadata), Some(statement)))
    }

    fn verify_statement(&self, text: &str) -> Result<(Issuer, Claims), RegistrationError> {
        let jws = Jws::parse(text).map_err(|_| RegistrationError::InvalidStatement)?;
        let typ = jws.header().typ.is_none() || jws.header().has_typ("JWT");
        if !typ {
            return Err(RegistrationError::InvalidStatement);
        }
        let mut verdict = RegistrationError::UnapprovedStatement;
        for (issuer, keys) in &self.registration.statement_issuers {
            match VerifyingKeySet::from(keys).verify(&jws) {
                Ok(verified) => {
                    let claims = verified.claims();
                    let claims = claims.map_err(|_| RegistrationError::InvalidStatement)?;
                    return Ok((issuer.clone(), claims));
                }
                Err(KeySetError::Invalid(_)) => verdict = RegistrationError::InvalidStatement,
                Err(KeySetError::UnknownKey) => {}
            }
        }
        Err(verdict)
    }

    fn judge_claims(
        &self,
        claims: &Claims,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<(), RegistrationError> {
        let own = self.issuer.as_str();
        let everybody = Audience::one(own);
        let registered = RegisteredClaims {
            issuer: &claims.iss,
            audience: claims.aud.as_ref().unwrap_or(&everybody),
            // A statement may be good for ever, and for every server.
            expires_at: claims
                .exp
                .unwrap_or_else(|| now.plus(Duration::from_secs(1))),
            not_before: claims.nbf,
            issued_at: claims.iat,
        };
        let expected = ExpectedClaims {
            issuer: issuer.as_str(),
            audiences: &[own],
        };
        ClaimRules::default()
            .judge(&registered, &expected, now)
            .map_err(|_| RegistrationError::InvalidStatement)
    }
}

/// What is in `vouched` stands; all else is what the client says.
fn overridden(metadata: ClientMetadata, vouched: ClientMetadata) -> ClientMetadata {
    let keys_vouched = vouched.jwks.is_some() || vouched.jwks_uri.is_some();
    ClientMetadata {
        redirect_uris: if vouched.redirect_uris.is_empty() {
            metadata.redirect_uris
        } else {
            vouched.redirect_uris
        },
        // The methods belong together, and so do the places of keys: one that is
        // vouched for must not be evaded by another that is not.
        token_endpoint_auth_methods_supported: if vouched.token_endpoint_auth_method.is_some() {
            vouched.token_endpoint_auth_methods_supported
        } else {
            vouched
                .token_endpoint_auth_methods_supported
                .or(metadata.token_endpoint_auth_methods_supported)
        },
        token_endpoint_auth_method: vouched
            .token_endpoint_auth_method
            .or(metadata.token_endpoint_auth_method),
        grant_types: vouched.grant_types.or(metadata.grant_types),
        response_types: vouched.response_types.or(metadata.response_types),
        client_name: vouched.client_name.or(metadata.client_name),
        client_uri: vouched.client_uri.or(metadata.client_uri),
        logo_uri: vouched.logo_uri.or(metadata.logo_uri),
        tos_uri: vouched.tos_uri.or(metadata.tos_uri),
        policy_uri: vouched.policy_uri.or(metadata.policy_uri),
        scope: vouched.scope.or(metadata.scope),
        jwks: vouched.jwks.or(metadata.jwks.filter(|_| !keys_vouched)),
        jwks_uri: vouched
            .jwks_uri
            .or(metadata.jwks_uri.filter(|_| !keys_vouched)),
        application_type: vouched.application_type.or(metadata.application_type),
        software_statement: None,
    }
}
