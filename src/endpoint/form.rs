//! Reading what clients and browsers send.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response};

use crate::endpoint::respond;
use crate::event::Event;
use crate::protocol::credentials::ClientCredentials;
use crate::protocol::error::ErrorCode;
use crate::protocol::form::Form;
use crate::server::{AuthenticatedClient, AuthorizationServer, ClientAuthError};
use crate::types::ClientAddress;

/// Whether the body says that it is of the media type `expected`.
pub(super) fn has_media_type(request: &Request<Bytes>, expected: &str) -> bool {
    let value = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(expected))
}

/// The form in the body, or the answer that there is none.
pub(super) fn body(request: &Request<Bytes>) -> Result<Form, Response<Bytes>> {
    if !has_media_type(request, "application/x-www-form-urlencoded") {
        let wanted = "the body has to be application/x-www-form-urlencoded";
        return Err(respond::error(ErrorCode::InvalidRequest, wanted));
    }
    Form::parse(request.body())
        .map_err(|invalid| respond::error(ErrorCode::InvalidRequest, invalid.to_string()))
}

/// The client that asks, checked, or the answer that it is nobody.
///
/// Who asks comes first: a request that fails here changes nothing.
pub(super) async fn authenticate(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
    form: &Form,
    from: Option<ClientAddress>,
) -> Result<AuthenticatedClient, Response<Bytes>> {
    let result = match ClientCredentials::parse(request.headers(), form) {
        Ok(credentials) => server.authenticate(&credentials, from).await,
        Err(invalid) => Err(ClientAuthError::from(invalid)),
    };
    result.map_err(|error| {
        if let ClientAuthError::Outage(outage) = &error {
            server.report(outage);
        } else if !matches!(error, ClientAuthError::TooMany(_)) {
            // Of those that are too many, the limit tells once a minute.
            server.emit(&Event::TokenRequestRefused {
                reason: error.to_string(),
            });
        }
        respond::client_error(&error, request.headers().contains_key(AUTHORIZATION))
    })
}
