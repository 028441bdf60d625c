use serde::Deserialize;

use crate::model::{AuthMethod, ClientRecord, Registration};
use crate::protocol::client_metadata::ClientMetadata;
use crate::server::error::RegistrationError;
use crate::server::registration::accept::{Source, accept};
use crate::types::{ClientId, Scope, Secret};

/// A client that the operator configured: the metadata of [RFC 7591] together
/// with its `client_id` and, if it is confidential, its `client_secret`.
///
/// Reads from JSON, such as one entry of a configuration file.
///
/// [RFC 7591]: https://www.rfc-editor.org/rfc/rfc7591
#[derive(Clone, Debug, Deserialize)]
pub struct PreregisteredClient {
    /// The identifier.
    pub client_id: ClientId,
    /// The secret; none for a public client.
    #[serde(default, deserialize_with = "secret")]
    pub client_secret: Option<Secret>,
    /// Everything else.
    #[serde(flatten)]
    pub metadata: ClientMetadata,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

/// Judges a configured client by the rules for all others.
///
/// Unlike them it gets the method that fits its secret if it names none.
pub(in crate::server) fn admit(
    mut client: PreregisteredClient,
    grantable: &Scope,
) -> Result<ClientRecord, RegistrationError> {
    if client.client_secret.is_some() {
        let method = &mut client.metadata.token_endpoint_auth_method;
        method.get_or_insert_with(|| AuthMethod::ClientSecretBasic.as_str().to_owned());
    }
    let accepted = accept(client.metadata, Source::Operator, grantable)?;
    let usable = client
        .client_secret
        .as_ref()
        .is_some_and(|secret| !secret.expose().is_empty());
    if usable != accepted.auth_method.uses_secret() {
        return Err(RegistrationError::Secret);
    }
    let secrets = client.client_secret.iter().map(Secret::hash).collect();
    Ok(ClientRecord {
        secrets,
        ..accepted.into_record(client.client_id, Registration::Preregistered)
    })
}
