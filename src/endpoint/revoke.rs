//! The revocation endpoint ([RFC 7009, section 2]).
//!
//! [RFC 7009, section 2]: https://www.rfc-editor.org/rfc/rfc7009#section-2

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json;

use crate::endpoint::{form, respond};
use crate::protocol::form::Form;
use crate::protocol::revoke::RevocationRequest;
use crate::server::{AuthenticatedClient, AuthorizationServer, RevokeError};
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

async fn admit(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
    from: Option<ClientAddress>,
) -> Result<(AuthenticatedClient, Form), Response<Bytes>> {
    let admitted = server.admit_revocation(from).await;
    admitted.map_err(respond::too_many)?;
    let form = form::body(request)?;
    let client = form::authenticate(server, request, &form, from).await?;
    Ok((client, form))
}
