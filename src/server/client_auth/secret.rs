use crate::model::ClientRecord;
use crate::protocol::credentials::ClientProof;
use crate::server::client_auth::ClientAuthError;
use crate::types::Secret;

/// Judges what a client shows that does not sign
/// ([RFC 6749, section 2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
pub(super) fn judge(client: &ClientRecord, proof: &ClientProof) -> Result<(), ClientAuthError> {
    let secrets: Vec<&Secret> = match proof {
        ClientProof::None => vec![],
        ClientProof::Basic { raw, decoded } => decoded.iter().chain([raw]).collect(),
        ClientProof::Post(secret) => vec![secret],
        ClientProof::Assertion(_) => return Err(ClientAuthError::UnexpectedAssertion),
    };
    // A header with an empty secret is how some clients say that they have none.
    let shows_nothing = secrets.iter().all(|secret| secret.expose().is_empty());
    match (client.is_public(), shows_nothing) {
        (true, true) => Ok(()),
        (true, false) => Err(ClientAuthError::UnexpectedSecret),
        (false, _) if secrets.into_iter().any(|secret| client.has_secret(secret)) => Ok(()),
        (false, _) => Err(ClientAuthError::WrongSecret),
    }
}
