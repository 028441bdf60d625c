//! The token endpoint ([RFC 6749, section 3.2]).
//!
//! [RFC 6749, section 3.2]: https://www.rfc-editor.org/rfc/rfc6749#section-3.2

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::endpoint::{form, respond};
use crate::event::Event;
use crate::protocol::credentials::ClientCredentials;
use crate::protocol::form::Form;
use crate::protocol::token::TokenRequest;
use crate::server::{AuthenticatedClient, AuthorizationServer, TokenError};
use crate::types::ClientAddress;

pub(super) async fn respond(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
    from: Option<ClientAddress>,
) -> Response<Bytes> {
    let (client, form) = match admit(server, request, from).await {
        Ok(both) => both,
        Err(refusal) => return refusal,
    };
    let result = match TokenRequest::parse(&form) {
        Ok(token_request) => server.token(&client, &token_request).await,
        Err(invalid) => Err(TokenError::from(invalid)),
    };
    match result {
        Ok(response) => respond::json(StatusCode::OK, &response),
        Err(error) => {
            if let TokenError::Outage(outage) = &error {
                server.report(outage);
            } else {
                server.emit(&Event::TokenRequestRefused {
                    reason: error.to_string(),
                });
            }
            respond::token_error(&error)
        }
    }
}

/// The client that asks, and its form. What is refused here burns nothing: no code
/// is used up, no token replaced.
async fn admit(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
    from: Option<ClientAddress>,
) -> Result<(AuthenticatedClient, Form), Response<Bytes>> {
    let form = form::body(request)?;
    let named = ClientCredentials::parse(request.headers(), &form).ok();
    let named = named.as_ref().map(|credentials| &credentials.client_id);
    let admitted = server.admit_token_request(&form, named, from).await;
    admitted.map_err(respond::too_many)?;
    let client = form::authenticate(server, request, &form, from).await?;
    Ok((client, form))
}
