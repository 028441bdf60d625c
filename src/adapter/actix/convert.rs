//! actix-web speaks `http` 0.2 and this crate `http` 1: the same words, in types
//! that know nothing of each other. Both take the same bytes, so nothing is lost.

use actix_web::body::MessageBody;
use actix_web::error::ErrorInternalServerError;
use actix_web::http::{self as old, header as theirs};
use actix_web::{Error, HttpRequest, HttpResponse};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version, request, response,
};

/// The head of a request, without its extensions.
pub(super) fn head(request: &HttpRequest) -> Result<request::Parts, http::Error> {
    let head = Request::builder()
        .method(request.method().as_str())
        .uri(request.uri().to_string())
        .version(version(request.version()))
        .body(())?;
    let (mut parts, ()) = head.into_parts();
    parts.headers = headers(request.headers())?;
    Ok(parts)
}

/// The head of an answer of theirs.
pub(super) fn answer_head<B>(answer: &HttpResponse<B>) -> Result<response::Parts, Error> {
    let head = Response::builder()
        .status(answer.status().as_u16())
        .body(());
    let (mut parts, ()) = head.map_err(ErrorInternalServerError)?.into_parts();
    parts.headers = headers(answer.headers()).map_err(ErrorInternalServerError)?;
    Ok(parts)
}

/// An answer of ours, with the body that `wrap` makes of its own.
pub(super) fn answer<A, B>(
    answer: Response<A>,
    wrap: impl FnOnce(A) -> B,
) -> Result<HttpResponse<B>, Error>
where
    B: MessageBody + 'static,
{
    let (parts, body) = answer.into_parts();
    let status = status_back(parts.status)?;
    let mut answer = HttpResponse::with_body(status, wrap(body));
    *answer.headers_mut() = headers_back(&parts.headers);
    Ok(answer)
}

fn headers(map: &theirs::HeaderMap) -> Result<HeaderMap, http::Error> {
    let mut ours = HeaderMap::with_capacity(map.len());
    for (name, value) in map {
        let name = HeaderName::from_bytes(name.as_str().as_bytes())?;
        ours.try_append(name, HeaderValue::from_bytes(value.as_bytes())?)?;
    }
    Ok(ours)
}

pub(super) fn status_back(status: StatusCode) -> Result<old::StatusCode, Error> {
    old::StatusCode::from_u16(status.as_u16()).map_err(ErrorInternalServerError)
}

/// Headers of ours as theirs.
pub(super) fn headers_back(map: &HeaderMap) -> theirs::HeaderMap {
    let mut back = theirs::HeaderMap::with_capacity(map.len());
    for (name, value) in map {
        let name = theirs::HeaderName::from_bytes(name.as_str().as_bytes());
        let value = theirs::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            back.append(name, value);
        }
    }
    back
}

fn version(version: old::Version) -> Version {
    match version {
        old::Version::HTTP_09 => Version::HTTP_09,
        old::Version::HTTP_10 => Version::HTTP_10,
        old::Version::HTTP_2 => Version::HTTP_2,
        old::Version::HTTP_3 => Version::HTTP_3,
        _ => Version::HTTP_11,
    }
}
