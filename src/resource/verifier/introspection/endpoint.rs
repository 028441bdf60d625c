use std::fmt;

use http::Uri;
use thiserror::Error;
use url::Url;

use crate::fetch::is_loopback;

/// Where an authorization server tells what a token is good for
/// ([RFC 7662, section 2]).
///
/// Tokens and credentials are sent there: it is `https`, or plain `http` on this
/// machine.
///
/// [RFC 7662, section 2]: https://www.rfc-editor.org/rfc/rfc7662#section-2
#[derive(Clone)]
pub struct IntrospectionEndpoint(Uri);

/// The text is no address of an introspection endpoint.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidIntrospectionEndpoint {
    /// The text is no absolute URL with a host.
    #[error("an introspection endpoint is an absolute URL")]
    NotAUrl,
    /// The scheme is not `https` and the host is not loopback.
    #[error("an introspection endpoint is an https URL; plain http is for a loopback host only")]
    NotHttps,
    /// The URL has a user name, a password or a fragment.
    #[error("an introspection endpoint has no user name, password or fragment")]
    Decorated,
}

impl IntrospectionEndpoint {
    /// Parses the address of an endpoint; it may have a query.
    ///
    /// # Errors
    ///
    /// [`InvalidIntrospectionEndpoint`] unless `text` is an `https` URL, or an
    /// `http` URL of a loopback host, without user name, password and fragment.
    pub fn parse(text: &str) -> Result<Self, InvalidIntrospectionEndpoint> {
        // The URL parser drops white space and control characters.
        if text.bytes().any(|byte| byte <= 0x20 || byte >= 0x7f) {
            return Err(InvalidIntrospectionEndpoint::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| InvalidIntrospectionEndpoint::NotAUrl)?;
        let stays_here = url.scheme() == "http" && is_loopback(&url);
        if url.scheme() != "https" && !stays_here {
            return Err(InvalidIntrospectionEndpoint::NotHttps);
        }
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.fragment().is_some() {
            return Err(InvalidIntrospectionEndpoint::Decorated);
        }
        let uri = url.as_str().parse();
        uri.map(Self)
            .map_err(|_| InvalidIntrospectionEndpoint::NotAUrl)
    }

    pub(super) const fn uri(&self) -> &Uri {
        &self.0
    }
}

impl fmt::Debug for IntrospectionEndpoint {
    /// Without the query, in which an operator may have put a key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.authority().map_or("", |host| host.as_str());
        write!(formatter, "IntrospectionEndpoint({host}{})", self.0.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_https_or_on_this_machine_and_bare() {
        use InvalidIntrospectionEndpoint::{Decorated, NotAUrl, NotHttps};
        for text in [
            "https://a.example/introspect",
            "https://a.example:8443/introspect?tenant=1",
            "http://localhost:8080/introspect",
            "http://127.0.0.1:8080/introspect",
            "http://[::1]/introspect",
        ] {
            let endpoint = IntrospectionEndpoint::parse(text).unwrap();
            assert_eq!(endpoint.uri(), text);
        }
        for (text, expected) in [
            ("http://a.example/x", NotHttps),
            ("http://localhost.a.example/x", NotHttps),
            ("http://10.0.0.1/x", NotHttps),
            ("http://169.254.169.254/x", NotHttps),
            ("ftp://a.example/x", NotHttps),
            ("file:///etc/passwd", NotHttps),
            ("data:text/plain,x", NotHttps),
            ("/introspect", NotAUrl),
            ("", NotAUrl),
            ("https://", NotAUrl),
            ("https://a.example/x\r\nEvil: 1", NotAUrl),
            ("https://a.exa\tmple/x", NotAUrl),
            ("https://u@a.example/x", Decorated),
            ("https://u:p@a.example/x", Decorated),
            ("https://a.example/x#y", Decorated),
        ] {
            let parsed = IntrospectionEndpoint::parse(text).map(|_| ());
            assert_eq!(parsed, Err(expected), "{text}");
        }
    }

    #[test]
    fn a_query_does_not_show_when_printed() {
        let endpoint = IntrospectionEndpoint::parse("https://a.example/x?key=hunter2").unwrap();
        let expected = "IntrospectionEndpoint(a.example/x)";
        assert_eq!(format!("{endpoint:?}"), expected);
    }
}
