//! A server on loopback answers only to the names of loopback.
//!
//! A site can make its own name point to 127.0.0.1 (DNS rebinding): its scripts
//! would then share an origin with the server, and read every page of it.

use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Response, StatusCode, Uri};

use crate::endpoint::respond;
use crate::protocol::error::ErrorCode;

/// Whether the request names a host that is not this machine itself.
pub(super) fn is_foreign(uri: &Uri, headers: &HeaderMap) -> bool {
    let in_header = headers.get_all(HOST).iter().map(|value| {
        let text = value.to_str().ok()?;
        text.parse::<Authority>().ok()
    });
    let in_uri = uri.authority().cloned().map(Some);
    in_uri
        .into_iter()
        .chain(in_header)
        .any(|authority| !authority.is_some_and(|authority| is_loopback(authority.host())))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The answer to a request for another host ([RFC 9110, section 15.5.20]).
///
/// [RFC 9110, section 15.5.20]: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20
pub(super) fn misdirected() -> Response<Bytes> {
    respond::error_with(
        StatusCode::MISDIRECTED_REQUEST,
        ErrorCode::InvalidRequest,
        "this server is on loopback and answers to localhost, 127.0.0.1 and [::1] only",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_loopback_are_ours() {
        let cases = [
            (Some("localhost:8080"), false),
            (Some("LOCALHOST"), false),
            (Some("127.0.0.1:1"), false),
            (Some("127.9.9.9"), false),
            (Some("[::1]:8080"), false),
            (None, false),
            (Some("evil.example"), true),
            (Some("localhost.evil.example"), true),
            (Some("127.0.0.1.evil.example"), true),
            (Some("192.168.0.1"), true),
            (Some("a b"), true),
            (Some(""), true),
        ];
        for (host, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(host) = host {
                headers.insert(HOST, host.parse().unwrap());
            }
            let foreign = is_foreign(&Uri::from_static("/mcp"), &headers);
            assert_eq!(foreign, expected, "{host:?}");
        }
    }

    #[test]
    fn one_foreign_name_among_several_is_enough() {
        let mut headers = HeaderMap::new();
        headers.append(HOST, "localhost".parse().unwrap());
        assert!(is_foreign(
            &Uri::from_static("http://evil.example/"),
            &headers
        ));
        headers.append(HOST, "evil.example".parse().unwrap());
        assert!(is_foreign(&Uri::from_static("/"), &headers));
    }
}
