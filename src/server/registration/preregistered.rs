use serde::Deserialize;

use crate::model::{AuthMethod, ClientRecord, GrantType, Registration};
use crate::protocol::client_metadata::ClientMetadata;
use crate::server::error::RegistrationError;
use crate::server::registration::accept::{Source, accept};
use crate::types::{ClientId, Scope, Secret, Subject, TokenHash};

/// A client that the operator configured: the metadata of [RFC 7591] together
/// with its `client_id` and, if it has one, its `client_secret`.
///
/// To replace a secret without an interruption, list both in `client_secrets`
/// until the client uses the new one.
///
/// Reads from JSON, such as one entry of a configuration file.
///
/// [RFC 7591]: https://www.rfc-editor.org/rfc/rfc7591
#[derive(Clone, Debug, Deserialize)]
pub struct PreregisteredClient {
    /// The identifier.
    pub client_id: ClientId,
    /// The secret; none for a client that is public or signs.
    #[serde(default, deserialize_with = "secret")]
    pub client_secret: Option<Secret>,
    /// Every further secret that is good now.
    #[serde(default, deserialize_with = "secrets")]
    pub client_secrets: Vec<Secret>,
    /// Everything else.
    #[serde(flatten)]
    pub metadata: ClientMetadata,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

fn secrets<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    Ok(texts.into_iter().map(Secret::new).collect())
}

/// Judges a configured client by the rules for all others.
///
/// Unlike them it may act for itself and have several secrets, and it gets the
/// method that fits its secrets or keys if it names none.
pub(in crate::server) fn admit(
    mut client: PreregisteredClient,
    fetches_keys: bool,
    grantable: &Scope,
) -> Result<ClientRecord, RegistrationError> {
    let secrets = accept_secrets(client.client_secret, client.client_secrets)?;
    // A client that was given secrets or keys must not end up public.
    let keys = client.metadata.jwks.is_some() || client.metadata.jwks_uri.is_some();
    let fitting = match (secrets.is_empty(), keys) {
        (false, _) => Some(AuthMethod::ClientSecretBasic),
        (true, true) => Some(AuthMethod::PrivateKeyJwt),
        (true, false) => None,
    };
    let method = &mut client.metadata.token_endpoint_auth_method;
    *method = method
        .take()
        .or(fitting.map(|method| method.as_str().to_owned()));
    let accepted = accept(
        client.metadata,
        Source::Operator { fetches_keys },
        grantable,
    )?;
    let unused_keys = keys && accepted.keys.is_none();
    if accepted.auth_method.uses_secret() == secrets.is_empty() || unused_keys {
        return Err(RegistrationError::Secret);
    }
    let acts = accepted.grant_types.contains(&GrantType::ClientCredentials);
    if acts && Subject::parse(client.client_id.as_str()).is_err() {
        return Err(RegistrationError::MachineId);
    }
    Ok(ClientRecord {
        secrets,
        ..accepted.into_record(client.client_id, Registration::Preregistered)
    })
}

fn accept_secrets(
    one: Option<Secret>,
    more: Vec<Secret>,
) -> Result<Vec<TokenHash>, RegistrationError> {
    let mut hashes = Vec::new();
    for secret in one.into_iter().chain(more) {
        if secret.expose().is_empty() {
            return Err(RegistrationError::EmptySecret);
        }
        if hashes.contains(&secret.hash()) {
            return Err(RegistrationError::RepeatedSecret);
        }
        hashes.push(secret.hash());
    }
    Ok(hashes)
}
