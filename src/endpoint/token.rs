//! The token endpoint ([RFC 6749, section 3.2]).
//!
//! [RFC 6749, section 3.2]: https://www.rfc-editor.org/rfc/rfc6749#section-3.2

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::endpoint::{form, respond};
use crate::event::Event;
use crate::protocol::token::TokenRequest;
use crate::server::{AuthorizationServer, TokenError};

pub(super) async fn respond(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    let (client, form) = match form::of_client(server, request).await {
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
