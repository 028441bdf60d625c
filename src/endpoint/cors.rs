//! Scripts of any site may use what carries no cookie ([Fetch, section 3.2]).
//!
//! [Fetch, section 3.2]: https://fetch.spec.whatwg.org/#http-cors-protocol

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

const REQUEST_HEADERS: &str = "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, \
                               Mcp-Name, Mcp-Session-Id, Last-Event-ID";
/// How many headers `Mcp-Param-…` one preflight can ask for.
const MAX_MIRRORED: usize = 64;
const RESPONSE_HEADERS: HeaderValue =
    HeaderValue::from_static("WWW-Authenticate, Mcp-Session-Id, Retry-After");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");

/// Marks an answer as readable by scripts; what a handler set stays.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers
        .entry(ACCESS_CONTROL_ALLOW_ORIGIN)
        .or_insert(HeaderValue::from_static("*"));
    headers
        .entry(ACCESS_CONTROL_EXPOSE_HEADERS)
        .or_insert(RESPONSE_HEADERS);
}

pub(super) fn allow(mut response: Response<Bytes>) -> Response<Bytes> {
    mark(response.headers_mut());
    response
}

/// The answer to a preflight: it never needs a token.
///
/// Clients mirror parameters of a tool into headers `Mcp-Param-…`, whose names
/// nobody knows beforehand: those that were asked for are allowed.
pub(super) fn preflight(request: &HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    mark(headers);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(request));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

fn allowed_headers(request: &HeaderMap) -> HeaderValue {
    let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS);
    let mirrored: BTreeSet<String> = asked
        .and_then(|value| value.to_str().ok())
        .into_iter()
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse::<HeaderName>().ok())
        .map(|name| name.as_str().to_owned())
        .filter(|name| name.starts_with("mcp-param-"))
        .take(MAX_MIRRORED)
        .collect();
    let names = mirrored
        .iter()
        .fold(REQUEST_HEADERS.to_owned(), |names, name| {
            format!("{names}, {name}")
        });
    HeaderValue::try_from(names).unwrap_or(HeaderValue::from_static(REQUEST_HEADERS))
}
