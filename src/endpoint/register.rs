//! The registration endpoint ([RFC 7591, section 3]).
//!
//! [RFC 7591, section 3]: https://www.rfc-editor.org/rfc/rfc7591#section-3

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::endpoint::{form, respond};
use crate::event::Event;
use crate::server::{AuthorizationServer, RegistrationError};
use crate::types::ClientAddress;

pub(super) async fn respond(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
    from: Option<ClientAddress>,
) -> Response<Bytes> {
    if let Err(refusal) = server.admit_registration(from).await {
        return respond::too_many(refusal);
    }
    // serde would read an array as an object, member by member.
    let is_object = request.body().trim_ascii_start().starts_with(b"{");
    let metadata = (is_object && form::has_media_type(request, "application/json"))
        .then(|| serde_json::from_slice(request.body()).ok())
        .flatten();
    let result = match metadata {
        Some(metadata) => server.register(metadata).await,
        None => Err(RegistrationError::Malformed),
    };
    match result {
        Ok(information) => respond::json(StatusCode::CREATED, &information),
        Err(error) => {
            if let RegistrationError::Outage(outage) = &error {
                server.report(outage);
            } else if !matches!(error, RegistrationError::TooMany { .. }) {
                server.emit(&Event::RegistrationRefused {
                    reason: error.to_string(),
                });
            }
            respond::registration_error(&error)
        }
    }
}
