//! The revocation endpoint ([RFC 7009, section 2]).
//!
//! [RFC 7009, section 2]: https://www.rfc-editor.org/rfc/rfc7009#section-2

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json;

use crate::endpoint::{form, respond};
use crate::protocol::revoke::RevocationRequest;
use crate::server::{AuthorizationServer, RevokeError};

pub(super) async fn respond(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    let (client, form) = match form::of_client(server, request).await {
        Ok(both) => both,
        Err(refusal) => return refusal,
    };
    let result = match RevocationRequest::parse(&form) {
        Ok(revocation) => server.revoke(&client, &revocation).await,
        Err(invalid) => Err(RevokeError::from(invalid)),
    };
    match result {
        Ok(()) => respond::json(StatusCode::OK, &json!({})),
        Err(error) => {
            if let RevokeError::Outage(outage) = &error {
                server.report(outage);
            }
            respond::revoke_error(&error)
        }
    }
}
