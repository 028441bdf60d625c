//! Scripts of any site may use what carries no cookie ([Fetch, section 3.2]).
//!
//! [Fetch, section 3.2]: https://fetch.spec.whatwg.org/#http-cors-protocol

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, \
     Last-Event-ID",
);
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static("WWW-Authenticate, Mcp-Session-Id");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE, OPTIONS");

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
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    for name in mirrored_parameters(request) {
        headers.append(ACCESS_CONTROL_ALLOW_HEADERS, name);
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

fn mirrored_parameters(request: &HeaderMap) -> impl Iterator<Item = HeaderValue> {
    let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS);
    let names = asked.and_then(|value| value.to_str().ok());
    names
        .into_iter()
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse::<HeaderName>().ok())
        .filter(|name| name.as_str().starts_with("mcp-param-"))
        .map(HeaderValue::from)
}
