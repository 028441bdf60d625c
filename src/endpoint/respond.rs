//! The only place that turns an error into status, headers and body.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Response, StatusCode};
use serde::Serialize;

use crate::protocol::bearer::BearerChallenge;
use crate::protocol::error::{ErrorCode, ErrorResponse};
use crate::resource::{ResourceError, ResourceServer};
use crate::types::Scope;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const SHORTLY: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// What a client hears that did not say who it is. It has done nothing wrong: there is
/// no error code.
const TOKEN_NEEDED: &[u8] = br#"{"error_description":"an access token is needed"}"#;
/// Seconds after which a client may try again when something failed here.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// A JSON answer that nobody may keep.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Bytes> {
    let Ok(body) = serde_json::to_vec(value) else {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    json_text(status, body.into(), NO_STORE)
}

/// A JSON document that may be kept for a while.
pub(super) fn document(body: Bytes) -> Response<Bytes> {
    json_text(StatusCode::OK, body, SHORTLY)
}

fn json_text(status: StatusCode, body: Bytes, cache: HeaderValue) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, cache);
    response
}

/// The error answer for `code`, with the status that goes with it.
pub(super) fn error(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Response<Bytes> {
    error_with(status_of(code), code, description)
}

pub(super) fn error_with(
    status: StatusCode,
    code: ErrorCode,
    description: impl Into<Cow<'static, str>>,
) -> Response<Bytes> {
    let mut response = json(status, &ErrorResponse::new(code, description));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
    }
    response
}

/// What a client hears of an outage; the cause is in the events.
pub(super) const OUTAGE: &str = "the server cannot answer now; try again later";

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidClient | ErrorCode::InvalidToken => StatusCode::UNAUTHORIZED,
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::UnsupportedResponseType
        | ErrorCode::InvalidScope
        | ErrorCode::InvalidTarget
        | ErrorCode::AccessDenied
        | ErrorCode::InvalidRedirectUri
        | ErrorCode::InvalidClientMetadata
        | ErrorCode::InvalidSoftwareStatement
        | ErrorCode::UnapprovedSoftwareStatement
        | ErrorCode::UnsupportedTokenType => StatusCode::BAD_REQUEST,
    }
}

#[cfg(feature = "server")]
pub(super) fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

pub(super) fn not_found() -> Response<Bytes> {
    error_with(
        StatusCode::NOT_FOUND,
        ErrorCode::InvalidRequest,
        "there is no such document",
    )
}

pub(super) fn method_not_allowed(methods: &[Method]) -> Response<Bytes> {
    let names: Vec<_> = methods.iter().map(Method::as_str).collect();
    let mut response = error_with(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::InvalidRequest,
        "this method is not allowed here",
    );
    if let Ok(allow) = HeaderValue::try_from(names.join(", ")) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

/// The answer of a protected resource to a request that does not get through
/// ([RFC 6750, section 3](https://www.rfc-editor.org/rfc/rfc6750#section-3)).
pub(super) fn resource_error(
    error: &ResourceError,
    resource: &ResourceServer,
    metadata_url: Option<&str>,
) -> Response<Bytes> {
    let challenge = |status, scope: &Scope, error: Option<(ErrorCode, &'static str)>| {
        let challenge = BearerChallenge {
            resource_metadata: metadata_url,
            scope,
            error,
        };
        let mut response = match error {
            Some((code, description)) => error_with(status, code, description),
            None => json_text(status, Bytes::from_static(TOKEN_NEEDED), NO_STORE),
        };
        if let Some(header) = challenge.to_header() {
            response.headers_mut().insert(WWW_AUTHENTICATE, header);
        }
        response
    };
    let connect = &resource.scopes_supported();
    match error {
        ResourceError::NoCredentials => challenge(StatusCode::UNAUTHORIZED, connect, None),
        ResourceError::InvalidToken(_) => {
            let wrong = (
                ErrorCode::InvalidToken,
                "the access token is not valid here",
            );
            challenge(StatusCode::UNAUTHORIZED, connect, Some(wrong))
        }
        ResourceError::InsufficientScope { needed } => {
            let lacking = (
                ErrorCode::InsufficientScope,
                "the operation needs a further scope",
            );
            challenge(StatusCode::FORBIDDEN, needed, Some(lacking))
        }
        ResourceError::Malformed(_) => {
            let several = (ErrorCode::InvalidRequest, "the credentials are malformed");
            challenge(StatusCode::BAD_REQUEST, connect, Some(several))
        }
        ResourceError::Message(invalid) => {
            self::error(ErrorCode::InvalidRequest, invalid.to_string())
        }
        ResourceError::BodyNotRead => misused(),
        ResourceError::Unavailable(_) => self::error(ErrorCode::TemporarilyUnavailable, OUTAGE),
    }
}

/// What a client hears if the protection was called in a way by which it cannot
/// decide.
pub(super) fn misused() -> Response<Bytes> {
    let text = "this server calls its protection in a wrong way";
    self::error(ErrorCode::ServerError, text)
}

#[cfg(feature = "server")]
pub(super) use server::{
    client_error, page_status, redirect, registration_error, revoke_error, token_error, too_many,
};

#[cfg(feature = "server")]
mod server {
    use http::header::{LOCATION, REFERRER_POLICY};

    use super::*;
    use crate::limit::TooMany;
    use crate::server::{ClientAuthError, PageError, RegistrationError, RevokeError, TokenError};
    use crate::types::Secret;

    fn described(code: ErrorCode, error: &dyn std::error::Error) -> Response<Bytes> {
        if code == ErrorCode::TemporarilyUnavailable {
            self::error(code, OUTAGE)
        } else {
            self::error(code, error.to_string())
        }
    }

    pub(in crate::endpoint) fn token_error(error: &TokenError) -> Response<Bytes> {
        described(error.into(), error)
    }

    pub(in crate::endpoint) fn revoke_error(error: &RevokeError) -> Response<Bytes> {
        described(error.into(), error)
    }

    /// Who may do this shows it with a bearer token
    /// ([RFC 7591, section 3](https://www.rfc-editor.org/rfc/rfc7591#section-3)).
    pub(in crate::endpoint) fn registration_error(error: &RegistrationError) -> Response<Bytes> {
        if let RegistrationError::TooMany { retry_after } = *error {
            return too_many(TooMany { retry_after });
        }
        let code = ErrorCode::from(error);
        let mut response = described(code, error);
        if code == ErrorCode::InvalidToken {
            let bearer = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
        }
        response
    }

    /// The answer to one request too many ([RFC 6585, section 4]).
    ///
    /// Of the codes there are, one means "overloaded, for now"
    /// ([RFC 6749, section 4.1.2.1]); any other would tell the client that its
    /// request, its credentials or its grant are bad.
    ///
    /// [RFC 6585, section 4]: https://www.rfc-editor.org/rfc/rfc6585#section-4
    /// [RFC 6749, section 4.1.2.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
    pub(in crate::endpoint) fn too_many(refusal: TooMany) -> Response<Bytes> {
        let mut response = error_with(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::TemporarilyUnavailable,
            "there are too many requests; try again later",
        );
        let seconds = HeaderValue::from(refusal.seconds());
        response.headers_mut().insert(RETRY_AFTER, seconds);
        response
    }

    /// A client that tried the header is told to try it again
    /// ([RFC 6749, section 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
    pub(in crate::endpoint) fn client_error(
        error: &ClientAuthError,
        tried_header: bool,
    ) -> Response<Bytes> {
        let code = ErrorCode::from(error);
        let mut response = match error {
            // Which of the two it is would tell who is registered.
            ClientAuthError::Unknown
            | ClientAuthError::Document(_)
            | ClientAuthError::WrongSecret
            | ClientAuthError::UnexpectedSecret
            | ClientAuthError::AssertionMissing
            | ClientAuthError::UnexpectedAssertion
            | ClientAuthError::Assertion(_) => {
                self::error(code, "the client is unknown or its credentials are wrong")
            }
            ClientAuthError::TooMany(refusal) => too_many(*refusal),
            ClientAuthError::Malformed(_) | ClientAuthError::Outage(_) => described(code, error),
        };
        if tried_header && code == ErrorCode::InvalidClient {
            let basic = HeaderValue::from_static("Basic realm=\"oauth\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, basic);
        }
        response
    }

    /// Sends the browser on. After a form it has to be by GET, so always 303
    /// ([RFC 9700, section 4.12](https://www.rfc-editor.org/rfc/rfc9700#section-4.12)).
    pub(in crate::endpoint) fn redirect(location: &Secret) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, NO_STORE);
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Ok(mut location) = HeaderValue::try_from(location.expose()) {
            location.set_sensitive(true);
            headers.insert(LOCATION, location);
            *response.status_mut() = StatusCode::SEE_OTHER;
        } else {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        response
    }

    /// The status of the page that a person sees.
    pub(in crate::endpoint) const fn page_status(error: &PageError) -> StatusCode {
        match error {
            PageError::Outage(_) => StatusCode::SERVICE_UNAVAILABLE,
            PageError::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            PageError::Malformed
            | PageError::UnknownClient
            | PageError::Document(_)
            | PageError::RedirectUri
            | PageError::ForeignConsent
            | PageError::UnknownLogin
            | PageError::ForeignBrowser => StatusCode::BAD_REQUEST,
        }
    }
}
