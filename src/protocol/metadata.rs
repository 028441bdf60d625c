//! Authorization server and protected resource metadata ([RFC 8414], [RFC 9728]).
//!
//! [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414
//! [RFC 9728]: https://www.rfc-editor.org/rfc/rfc9728

use serde::Serialize;

use crate::jose::Algorithm;
use crate::types::{Issuer, ResourceUri, Scope, ScopeToken};

/// What an authorization server says of itself ([RFC 8414, section 2]).
///
/// Only what is switched on is listed.
///
/// [RFC 8414, section 2]: https://www.rfc-editor.org/rfc/rfc8414#section-2
#[derive(Clone, Debug, Serialize)]
pub struct AuthorizationServerMetadata {
    /// The issuer, byte for byte.
    pub issuer: Issuer,
    /// Where people are sent to authorize.
    pub authorization_endpoint: String,
    /// Where tokens are issued.
    pub token_endpoint: String,
    /// Where the signing keys are, if access tokens are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Where clients register, if they can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// Where tokens are given up.
    pub revocation_endpoint: String,
    /// The scopes that can be asked for.
    pub scopes_supported: Vec<ScopeToken>,
    /// What an authorization answer can hold.
    pub response_types_supported: Vec<&'static str>,
    /// How an authorization answer is sent.
    pub response_modes_supported: Vec<&'static str>,
    /// The grants at the token endpoint.
    pub grant_types_supported: Vec<&'static str>,
    /// How a client can prove itself at the token endpoint.
    pub token_endpoint_auth_methods_supported: Vec<&'static str>,
    /// What a client that proves itself there with a signature can sign with.
    pub token_endpoint_auth_signing_alg_values_supported: Vec<Algorithm>,
    /// How a client can prove itself at the revocation endpoint.
    pub revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    /// What a client that proves itself there with a signature can sign with.
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<Algorithm>,
    /// PKCE methods ([RFC 7636](https://www.rfc-editor.org/rfc/rfc7636)).
    pub code_challenge_methods_supported: Vec<&'static str>,
    /// Whether answers carry `iss` ([RFC 9207](https://www.rfc-editor.org/rfc/rfc9207)).
    pub authorization_response_iss_parameter_supported: bool,
    /// Whether a client can be known by the URL of a document that describes it
    /// ([Client ID Metadata Document](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-01)).
    #[serde(skip_serializing_if = "is_off")]
    pub client_id_metadata_document_supported: bool,
    /// The resources tokens are issued for
    /// ([RFC 9728, section 4](https://www.rfc-editor.org/rfc/rfc9728#section-4)).
    pub protected_resources: Vec<ResourceUri>,
    /// The operator's documentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_documentation: Option<String>,
}

/// What a protected resource says of itself ([RFC 9728, section 2]).
///
/// [RFC 9728, section 2]: https://www.rfc-editor.org/rfc/rfc9728#section-2
#[derive(Clone, Debug, Serialize)]
pub struct ProtectedResourceMetadata {
    /// The resource, byte for byte.
    pub resource: ResourceUri,
    /// Who issues tokens for it; at least one.
    pub authorization_servers: Vec<Issuer>,
    /// The scopes a client needs for basic use.
    #[serde(skip_serializing_if = "Scope::is_empty", serialize_with = "as_list")]
    pub scopes_supported: Scope,
    /// How a token is presented: in the header only.
    pub bearer_methods_supported: Vec<&'static str>,
    /// The name to show for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// Documentation for developers of clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_documentation: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_off(value: &bool) -> bool {
    !*value
}

fn as_list<S: serde::Serializer>(scope: &Scope, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(scope.iter())
}
