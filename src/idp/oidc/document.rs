use bytes::Bytes;
use http::{Request, Response, Uri};
use serde::de::DeserializeOwned;

use crate::fetch::{Fetch, document};
use crate::idp::oidc::error::{Document, OidcError};

pub(super) use crate::fetch::document::JSON;

/// Sends a request; an answer that says "not now" is a failure.
pub(super) async fn send(
    fetch: &dyn Fetch,
    request: Request<Bytes>,
    which: Document,
) -> Result<Response<Bytes>, OidcError> {
    let answer = document::send(fetch, request).await;
    answer.map_err(|error| OidcError::Document(which, error))
}

/// Fetches a document by its address.
pub(super) async fn load<T: DeserializeOwned>(
    fetch: &dyn Fetch,
    uri: &Uri,
    which: Document,
) -> Result<T, OidcError> {
    let loaded = document::load(fetch, uri).await;
    loaded.map_err(|error| OidcError::Document(which, error))
}

/// Reads the JSON object of a successful answer.
pub(super) fn read<T: DeserializeOwned>(
    answer: &Response<Bytes>,
    which: Document,
) -> Result<T, OidcError> {
    document::read(answer).map_err(|error| OidcError::Document(which, error))
}
