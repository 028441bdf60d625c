//! Which names a server answers to, and the pages of which sites may ask it.
//!
//! A site can make its own name point to 127.0.0.1 (DNS rebinding): its scripts
//! would then share an origin with a server on loopback, and read every page of it.

use bytes::Bytes;
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
#[cfg(feature = "server")]
use url::{Origin, Url};

use crate::endpoint::respond;
use crate::protocol::error::ErrorCode;

/// The names that a server answers to.
#[derive(Clone, Debug)]
pub(super) enum AllowedHosts {
    Any,
    Loopback,
    /// Each is a name, or a name and a port, in lower case.
    Only(Vec<String>),
}

/// The sites whose pages may ask.
#[derive(Clone, Debug)]
pub(super) enum AllowedOrigins {
    Any,
    Loopback,
    /// In lower case.
    Only(Vec<String>),
}

impl AllowedHosts {
    pub(super) const fn by_default(is_loopback: bool) -> Self {
        if is_loopback {
            Self::Loopback
        } else {
            Self::Any
        }
    }

    /// Drops the bound to loopback, and no other that the host chose.
    #[cfg(feature = "server")]
    pub(super) fn admit_every_name_by_default(&mut self) {
        match self {
            Self::Any | Self::Loopback => *self = Self::Any,
            Self::Only(_) => {}
        }
    }

    pub(super) fn only<T: Into<String>>(hosts: impl IntoIterator<Item = T>) -> Self {
        Self::Only(in_lower_case(hosts))
    }

    /// The answer to a request for another host ([RFC 9110, section 15.5.20]).
    ///
    /// [RFC 9110, section 15.5.20]: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20
    pub(super) fn refuse(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response<Bytes>> {
        let text = match self {
            Self::Any => return None,
            Self::Loopback => {
                "this server is on loopback and answers to localhost, 127.0.0.1 and [::1] only"
            }
            Self::Only(_) => "this server does not answer to this host",
        };
        let all_ours = named(uri, headers).all(|name| name.is_some_and(|name| self.admits(&name)));
        let status = StatusCode::MISDIRECTED_REQUEST;
        (!all_ours).then(|| respond::error_with(status, ErrorCode::InvalidRequest, text))
    }

    fn admits(&self, name: &Authority) -> bool {
        match self {
            Self::Any => true,
            Self::Loopback => is_loopback(name.host()),
            Self::Only(hosts) => {
                let whole = name.as_str().to_ascii_lowercase();
                let host = name.host().to_ascii_lowercase();
                hosts.iter().any(|ours| *ours == whole || *ours == host)
            }
        }
    }
}

impl AllowedOrigins {
    pub(super) const fn by_default(is_loopback: bool) -> Self {
        if is_loopback {
            Self::Loopback
        } else {
            Self::Any
        }
    }

    pub(super) fn only<T: Into<String>>(origins: impl IntoIterator<Item = T>) -> Self {
        Self::Only(in_lower_case(origins))
    }

    /// The answer to a page that may not ask, as MCP has it
    /// ([Streamable HTTP, security]).
    ///
    /// [Streamable HTTP, security]: https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#security-&-endpoint
    pub(super) fn refuse(&self, headers: &HeaderMap) -> Option<Response<Bytes>> {
        if matches!(self, Self::Any) {
            return None;
        }
        let mut asking = headers.get_all(ORIGIN).iter();
        let admitted = asking.all(|origin| self.admits(origin));
        (!admitted).then(|| {
            respond::error_with(
                StatusCode::FORBIDDEN,
                ErrorCode::InvalidRequest,
                "pages of this origin may not ask this server",
            )
        })
    }

    fn admits(&self, origin: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::Loopback => {
                let text = origin.to_str().unwrap_or_default();
                let uri = text.parse::<Uri>().ok();
                uri.is_some_and(|uri| uri.scheme().is_some() && uri.host().is_some_and(is_loopback))
            }
            Self::Only(origins) => {
                let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
                origins.contains(&text)
            }
        }
    }
}

/// Whether `text` can be what a request names as its host: `name` or `name:port`.
#[cfg(feature = "server")]
pub(crate) fn is_host(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|authority| {
        let port = &text[authority.host().len().min(text.len())..];
        let has_port = authority.port_u16().is_some();
        !authority.host().is_empty()
            && !text.contains(['@', '*', ','])
            && (port.is_empty() || has_port)
    })
}

/// Whether `text` can be what a browser sends as an origin.
#[cfg(feature = "server")]
pub(crate) fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return text == "null";
    };
    let is_as_sent = Url::parse(text).is_ok_and(|url| match url.origin() {
        origin @ Origin::Tuple(..) => origin.ascii_serialization() == text.to_ascii_lowercase(),
        // Such as that of an extension.
        Origin::Opaque(_) => true,
    });
    !scheme.is_empty() && is_host(host) && is_as_sent
}

fn in_lower_case<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Vec<String> {
    let lower = |text: T| text.into().to_ascii_lowercase();
    texts.into_iter().map(lower).collect()
}

/// Every host that a request names; `None` for what is no name.
fn named(uri: &Uri, headers: &HeaderMap) -> impl Iterator<Item = Option<Authority>> {
    let in_header = headers.get_all(HOST).iter().map(|value| {
        let text = value.to_str().ok()?;
        text.parse::<Authority>().ok()
    });
    uri.authority()
        .cloned()
        .map(Some)
        .into_iter()
        .chain(in_header)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_foreign(uri: &'static str, headers: &HeaderMap) -> bool {
        let uri = Uri::from_static(uri);
        AllowedHosts::Loopback.refuse(&uri, headers).is_some()
    }

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
            let foreign = is_foreign("/mcp", &headers);
            assert_eq!(foreign, expected, "{host:?}");
        }
    }

    #[cfg(feature = "server")]
    #[test]
    fn only_what_a_request_can_name_is_a_host_or_an_origin() {
        for host in ["a.example", "A.example:8443", "[::1]:80", "127.0.0.1"] {
            assert!(is_host(host), "{host}");
        }
        for host in [
            "",
            "https://a.example",
            "a.example/",
            "a.example:",
            "a.example:x",
            "a@b.example",
            "a b",
            "*.a.example,b",
        ] {
            assert!(!is_host(host), "{host}");
        }
        for origin in [
            "https://app.example",
            "HTTPS://App.example:8443",
            "http://[::1]:8080",
            "vscode-webview://abc",
            "null",
        ] {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "",
            "app.example",
            "https://app.example/",
            "https://app.example/a",
            "https://app.example?a",
            "https://app.example:443",
            "http://app.example:80",
            "https://user@app.example",
            "https://",
            "://app.example",
            "vscode-webview://abc/",
            "https://*.app.example/",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn one_foreign_name_among_several_is_enough() {
        let mut headers = HeaderMap::new();
        headers.append(HOST, "localhost".parse().unwrap());
        assert!(is_foreign("http://evil.example/", &headers));
        headers.append(HOST, "evil.example".parse().unwrap());
        assert!(is_foreign("/", &headers));
    }
}
