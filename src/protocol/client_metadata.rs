//! Client metadata ([RFC 7591, section 2]): what a client says of itself.
//!
//! [RFC 7591, section 2]: https://www.rfc-editor.org/rfc/rfc7591#section-2

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::jose::JwkSet;
use crate::types::{ClientId, RedirectUri, Scope, Secret, Timestamp};

/// What a client says of itself when it registers: texts, nothing of it checked.
///
/// Members that this crate does not use are left aside.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ClientMetadata {
    /// Where answers may be sent.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// How it wants to prove itself.
    pub token_endpoint_auth_method: Option<String>,
    /// How else it can prove itself
    /// ([OpenID Connect RP Metadata Choices](https://openid.net/specs/openid-connect-rp-metadata-choices-1_0.html)).
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The grants it wants to use.
    pub grant_types: Option<Vec<String>>,
    /// The response types it wants to use.
    pub response_types: Option<Vec<String>>,
    /// What it calls itself.
    pub client_name: Option<String>,
    /// Its page.
    pub client_uri: Option<String>,
    /// Its picture, which this crate never loads.
    pub logo_uri: Option<String>,
    /// Its terms of service.
    pub tos_uri: Option<String>,
    /// Its privacy policy.
    pub policy_uri: Option<String>,
    /// What it wants to do, tokens with spaces between them.
    pub scope: Option<String>,
    /// Its public keys.
    pub jwks: Option<Value>,
    /// Where its public keys are.
    pub jwks_uri: Option<String>,
    /// `native` or `web`
    /// ([OpenID Connect Dynamic Client Registration, section 2](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata)).
    pub application_type: Option<String>,
    /// What somebody else says of it, signed
    /// ([RFC 7591, section 2.3](https://www.rfc-editor.org/rfc/rfc7591#section-2.3)).
    pub software_statement: Option<String>,
}

/// What a client that registered is told ([RFC 7591, section 3.2.1]): the
/// identifier and everything that took effect.
///
/// [RFC 7591, section 3.2.1]: https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1
#[derive(Clone, Debug, Serialize)]
pub struct ClientInformationResponse {
    /// The identifier.
    pub client_id: ClientId,
    /// When it was given.
    pub client_id_issued_at: Timestamp,
    /// The secret, if the client is confidential; shown this once.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    pub client_secret: Option<Secret>,
    /// When the secret ends: 0, never. Left out without a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_expires_at: Option<u64>,
    /// The token with which the client manages its registration; shown this once.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "exposed")]
    pub registration_access_token: Option<Secret>,
    /// Where the client manages its registration
    /// ([RFC 7592, section 3](https://www.rfc-editor.org/rfc/rfc7592#section-3)).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_client_uri: Option<String>,
    /// Where answers may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// How the client proves itself.
    pub token_endpoint_auth_method: &'static str,
    /// The grants it may use.
    pub grant_types: Vec<&'static str>,
    /// The response types it may use.
    pub response_types: Vec<&'static str>,
    /// What it calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// What it gets when it asks for no scope.
    pub scope: Scope,
    /// Its public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// Where its public keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// `native` if an answer may go to the person's machine, else `web`.
    pub application_type: &'static str,
    /// The software statement, as it was sent, if it was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_statement: Option<String>,
}

fn exposed<S: serde::Serializer>(
    secret: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}
