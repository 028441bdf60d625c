use http::StatusCode;
use thiserror::Error;

use crate::fetch::FetchError;
use crate::jose::SignError;
use crate::types::EntropyError;

/// Why an authorization server could not tell about a token, for the operator.
///
/// No message holds a token, a credential or a text of the server.
#[derive(Debug, Error)]
pub(super) enum IntrospectionError {
    #[error("the introspection endpoint could not be asked")]
    Fetch(#[source] FetchError),
    #[error("the introspection endpoint does not take our credentials ({0})")]
    Credentials(StatusCode),
    #[error("the introspection endpoint answered with the status {0}")]
    Status(StatusCode),
    #[error("the answer of the introspection endpoint is not application/json")]
    ContentType,
    #[error("the answer of the introspection endpoint is not what it should be")]
    Malformed,
    #[error("as many tokens are being asked about as may be")]
    TooManyCalls,
    #[error("the client assertion could not be signed")]
    Sign(#[source] SignError),
    #[error("there is no randomness for a client assertion")]
    Entropy(#[source] EntropyError),
    #[error("the request to the introspection endpoint cannot be written down")]
    Request,
}
