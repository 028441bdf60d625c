//! JSON documents of other servers, and the keys that they publish.

use std::sync::Arc;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use serde::de::DeserializeOwned;
use thiserror::Error;
use url::Url;

use crate::fetch::{Fetch, FetchError, FetchLimits, is_loopback};
use crate::jose::{JwkSet, VerifyingKeySet};
use crate::types::Issuer;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// There is no document.
#[derive(Clone, Debug, Error)]
pub(crate) enum DocumentError {
    #[error("it could not be fetched")]
    Fetch(#[source] Arc<FetchError>),
    #[error("it came with the status {0}")]
    Status(StatusCode),
    #[error("it is not what it should be")]
    Malformed,
}

impl DocumentError {
    /// Whether the other server says that there is nothing at this address.
    #[cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
    pub(crate) fn is_gone(&self) -> bool {
        let gone = [StatusCode::NOT_FOUND, StatusCode::GONE];
        match self {
            Self::Status(status) => gone.contains(status),
            Self::Fetch(_) | Self::Malformed => false,
        }
    }

    /// Whether asking again later may help.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Fetch(error) => matches!(**error, FetchError::Failed(_)),
            Self::Status(status) => means_outage(*status),
            Self::Malformed => false,
        }
    }
}

/// Whether a status says "not now" rather than "no".
fn means_outage(status: StatusCode) -> bool {
    let later = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    status.is_server_error() || later.contains(&status)
}

/// Sends a request; an answer that says "not now" is a failure.
pub(crate) async fn send(
    fetch: &dyn Fetch,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, DocumentError> {
    let answer = fetch.fetch(request, FetchLimits::default()).await;
    let answer = answer.map_err(|error| DocumentError::Fetch(Arc::new(error)))?;
    if means_outage(answer.status()) {
        return Err(DocumentError::Status(answer.status()));
    }
    Ok(answer)
}

/// Fetches the JSON object at an address.
pub(crate) async fn load<T: DeserializeOwned>(
    fetch: &dyn Fetch,
    uri: &Uri,
) -> Result<T, DocumentError> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri.clone();
    request.headers_mut().insert(ACCEPT, JSON);
    read(&send(fetch, request).await?)
}

/// Reads the JSON object of a successful answer.
///
/// What the parser says is left out of the error: it may quote the answer.
pub(crate) fn read<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, DocumentError> {
    if answer.status() != StatusCode::OK {
        return Err(DocumentError::Status(answer.status()));
    }
    // A derived struct would also be read from an array.
    if answer.body().trim_ascii_start().first() != Some(&b'{') {
        return Err(DocumentError::Malformed);
    }
    serde_json::from_slice(answer.body()).map_err(|_| DocumentError::Malformed)
}

/// Fetches the keys that somebody publishes.
pub(crate) async fn load_keys(
    fetch: &dyn Fetch,
    uri: &Uri,
) -> Result<VerifyingKeySet, DocumentError> {
    let set: JwkSet = load(fetch, uri).await?;
    Ok(VerifyingKeySet::from(&set))
}

/// Parses an endpoint that the metadata of `issuer` names: `https`, or plain
/// `http` if both it and the issuer are on this machine.
pub(crate) fn endpoint_of(issuer: &Issuer, text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let stays_here = url.scheme() == "http" && issuer.is_loopback() && is_loopback(&url);
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (bare && (url.scheme() == "https" || stays_here)).then_some(url)
}
