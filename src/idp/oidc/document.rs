use std::sync::Arc;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use serde::de::DeserializeOwned;

use crate::fetch::{Fetch, FetchLimits};
use crate::idp::oidc::error::{Document, OidcError, means_outage};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Sends a request; an answer that says "not now" is a failure.
pub(super) async fn send(
    fetch: &dyn Fetch,
    request: Request<Bytes>,
    document: Document,
) -> Result<Response<Bytes>, OidcError> {
    let answer = fetch.fetch(request, FetchLimits::default()).await;
    let answer = answer.map_err(|error| OidcError::Fetch(document, Arc::new(error)))?;
    if means_outage(answer.status()) {
        return Err(OidcError::Status(document, answer.status()));
    }
    Ok(answer)
}

/// Fetches a document by its address.
pub(super) async fn load(
    fetch: &dyn Fetch,
    uri: &Uri,
    document: Document,
) -> Result<Response<Bytes>, OidcError> {
    let request = Request::get(uri)
        .header(ACCEPT, JSON)
        .body(Bytes::new())
        .map_err(|_| OidcError::Request)?;
    send(fetch, request, document).await
}

/// Reads the JSON object of a successful answer.
///
/// What the parser says is left out of the error: it may quote the answer.
pub(super) fn read<T: DeserializeOwned>(
    answer: &Response<Bytes>,
    document: Document,
) -> Result<T, OidcError> {
    if answer.status() != StatusCode::OK {
        return Err(OidcError::Status(document, answer.status()));
    }
    // A derived struct would also be read from an array.
    if answer.body().trim_ascii_start().first() != Some(&b'{') {
        return Err(OidcError::Malformed(document));
    }
    serde_json::from_slice(answer.body()).map_err(|_| OidcError::Malformed(document))
}
