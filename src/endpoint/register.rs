//! The registration endpoint ([RFC 7591, section 3]) and, with a `client_id` in
//! the query, that of one registration ([RFC 7592, section 2]).
//!
//! [RFC 7591, section 3]: https://www.rfc-editor.org/rfc/rfc7591#section-3
//! [RFC 7592, section 2]: https://www.rfc-editor.org/rfc/rfc7592#section-2

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::endpoint::{form, respond};
use crate::event::Event;
use crate::protocol::bearer::BearerToken;
use crate::protocol::form::Form;
use crate::server::{AuthorizationServer, ManagedClient, RegistrationError, RegistrationRequest};
use crate::types::{ClientAddress, ClientId, Secret};

/// The longest registration that is read, in bytes: ten times what any known
/// client sends.
const MAX_BODY: usize = 16 * 1024;

pub(super) async fn respond(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
    from: Option<ClientAddress>,
) -> Response<Bytes> {
    if let Err(refusal) = server.admit_registration(from).await {
        return respond::too_many(refusal);
    }
    let query = request.uri().query().unwrap_or_default();
    let result = if *request.method() == Method::POST {
        register(server, request).await
    } else {
        manage(server, request, query).await
    };
    result.unwrap_or_else(|error| {
        if let RegistrationError::Outage(outage) = &error {
            server.report(outage);
        } else if !matches!(error, RegistrationError::TooMany { .. }) {
            server.emit(&Event::RegistrationRefused {
                reason: error.to_string(),
            });
        }
        respond::registration_error(&error)
    })
}

async fn register(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>, RegistrationError> {
    let request = RegistrationRequest {
        initial_access_token: bearer(request, RegistrationError::InitialAccess)?,
        metadata: object(request)?,
    };
    let information = server.register(request).await?;
    Ok(respond::json(StatusCode::CREATED, &information))
}

async fn manage(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
    query: &str,
) -> Result<Response<Bytes>, RegistrationError> {
    let client = managed(server, request, query).await?;
    if *request.method() == Method::GET {
        let information = server.read_registration(client);
        return Ok(respond::json(StatusCode::OK, &information));
    }
    if *request.method() == Method::DELETE {
        server.remove_registration(client).await?;
        return Ok(respond::no_content());
    }
    let update = object(request)?;
    let information = server.update_registration(client, update).await?;
    Ok(respond::json(StatusCode::OK, &information))
}

async fn managed(
    server: &AuthorizationServer,
    request: &Request<Bytes>,
    query: &str,
) -> Result<ManagedClient, RegistrationError> {
    let unknown = || RegistrationError::Management;
    let query = Form::parse(query.as_bytes()).map_err(|_| unknown())?;
    let id = query.value("client_id").map(ClientId::parse);
    let id = id.and_then(Result::ok).ok_or_else(unknown)?;
    let token = bearer(request, unknown())?.ok_or_else(unknown)?;
    server.authenticate_manager(&id, token).await
}

fn bearer(
    request: &Request<Bytes>,
    malformed: RegistrationError,
) -> Result<Option<Secret>, RegistrationError> {
    let token = BearerToken::parse(request.headers()).map_err(|_| malformed)?;
    Ok(token.map(|token| token.secret().clone()))
}

fn object<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, RegistrationError> {
    let body = request.body();
    if body.len() > MAX_BODY {
        return Err(RegistrationError::TooLarge);
    }
    // serde would read an array as an object, member by member.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    if !is_object || !form::has_media_type(request, "application/json") {
        return Err(RegistrationError::Malformed);
    }
    serde_json::from_slice(body).map_err(|_| RegistrationError::Malformed)
}
