//! Client metadata ([RFC 7591, section 2]): what a client says of itself.
//!
//! [RFC 7591, section 2]: https://www.rfc-editor.org/rfc/rfc7591#section-2

use serde::{Deserialize, Serialize};

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
    /// The grants it wants to use.
    pub grant_types: Option<Vec<String>>,
    /// The response types it wants to use.
    pub response_types: Option<Vec<String>>,
    /// What it calls itself.
    pub client_name: Option<String>,
    /// Its page.
    pub client_uri: Option<String>,
    /// What it wants to do, tokens with spaces between them.
    pub scope: Option<String>,
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
}

fn exposed<S: serde::Serializer>(
    secret: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(Secret::expose).serialize(serializer)
}
