use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;
use url::{Host, Url};

/// An authorization server's issuer identifier ([RFC 8414, section 2]).
///
/// Kept and compared byte for byte: a client must reject an `iss` that differs
/// even by a trailing slash.
///
/// [RFC 8414, section 2]: https://www.rfc-editor.org/rfc/rfc8414#section-2
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(try_from = "String")]
pub struct Issuer(Arc<str>);

/// The text is no issuer identifier.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidIssuer {
    /// The text is no absolute URL.
    #[error("an issuer is an absolute URL, such as https://auth.example.com")]
    NotAUrl,
    /// The scheme is not `https` and the host is not loopback.
    #[error("an issuer is an https URL; plain http is accepted only for a loopback host")]
    NotHttps,
    /// The URL has a query, a fragment, a user name or a password.
    #[error("an issuer has no query, fragment, user name or password")]
    Decorated,
}

impl Issuer {
    /// Parses an issuer identifier.
    ///
    /// # Errors
    ///
    /// [`InvalidIssuer`] unless `text` is an `https` URL, or an `http` URL of a
    /// loopback host, without query, fragment, user name and password.
    pub fn parse(text: &str) -> Result<Self, InvalidIssuer> {
        let issuer = Self::dangerous_parse_http(text)?;
        if !issuer.is_https() && !issuer.is_loopback() {
            return Err(InvalidIssuer::NotHttps);
        }
        Ok(issuer)
    }

    /// Parses an issuer identifier that may be plain `http` on any host.
    ///
    /// Everything that is sent to such a server can be read and changed on the
    /// way, tokens included.
    ///
    /// # Errors
    ///
    /// [`InvalidIssuer`] unless `text` is an `https` or `http` URL without
    /// query, fragment, user name and password.
    pub fn dangerous_parse_http(text: &str) -> Result<Self, InvalidIssuer> {
        // The URL parser drops white space and control characters that would
        // survive in the text.
        if text.bytes().any(|byte| byte <= 0x20 || byte >= 0x7f) {
            return Err(InvalidIssuer::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| InvalidIssuer::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(InvalidIssuer::NotHttps);
        }
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || text.contains(['?', '#']) {
            return Err(InvalidIssuer::Decorated);
        }
        Ok(Self(text.into()))
    }

    /// The identifier, byte for byte as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of `path` (which starts with `/`) below this issuer.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.0.trim_end_matches('/'))
    }

    /// Whether the host is this machine itself: `localhost`, `127.0.0.0/8` or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.url().host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        // It is a URL, so what precedes the first colon is its scheme.
        let scheme = self.0.split(':').next();
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }

    /// The identifier as a URL, for taking it apart; never for printing it.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "cannot panic: parsed at construction"
    )]
    pub fn url(&self) -> Url {
        Url::parse(&self.0).expect("an issuer is parsed as a URL when it is made")
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<String> for Issuer {
    type Error = InvalidIssuer;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for Issuer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_keeps_its_bytes() {
        for text in [
            "https://a.example",
            "https://a.example/",
            "https://A.example:443/x/",
        ] {
            assert_eq!(Issuer::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn an_issuer_is_https_or_loopback_and_bare() {
        let cases = [
            ("http://a.example", InvalidIssuer::NotHttps),
            ("http://localhost.a.example", InvalidIssuer::NotHttps),
            ("ftp://a.example", InvalidIssuer::NotHttps),
            ("a.example", InvalidIssuer::NotAUrl),
            ("https://a.example/ ", InvalidIssuer::NotAUrl),
            ("https://a.exa\nmple", InvalidIssuer::NotAUrl),
            ("https://a.example?", InvalidIssuer::Decorated),
            ("https://a.example/#", InvalidIssuer::Decorated),
            ("https://u@a.example", InvalidIssuer::Decorated),
        ];
        for (text, expected) in cases {
            assert_eq!(Issuer::parse(text), Err(expected), "{text}");
        }
        for text in [
            "http://localhost:1",
            "http://127.0.0.1",
            "http://127.9.9.9",
            "http://[::1]:8",
        ] {
            assert!(Issuer::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_below_the_issuer_with_one_slash() {
        for text in ["https://a.example/x", "https://a.example/x/"] {
            let issuer = Issuer::parse(text).unwrap();
            assert_eq!(issuer.endpoint("/token"), "https://a.example/x/token");
        }
    }
}
