use std::fmt;
use std::hash::{Hash, Hasher};

use thiserror::Error;
use url::Url;

use crate::types::{ClientId, url_path};

/// A client identifier that is the URL of a document which describes the client
/// ([Client ID Metadata Document, section 3]).
///
/// There is one way to write it: reading it as a URL and printing that gives the
/// same bytes. So nobody can take it for another.
///
/// [Client ID Metadata Document, section 3]: https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-01#section-3
#[derive(Clone, Eq, PartialEq)]
pub struct DocumentUrl(Url);

/// The text is no URL of a document that describes a client.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidDocumentUrl {
    /// The text is longer than anybody could compare.
    #[error("it is longer than 1024 characters")]
    TooLong,
    /// The text is no URL with a host.
    #[error("it is no absolute URL of printable ASCII")]
    NotAUrl,
    /// The scheme is not `https`.
    #[error("its scheme is not https")]
    Scheme,
    /// There is a user name or a password.
    #[error("it has a user name or a password")]
    UserInfo,
    /// There is a fragment.
    #[error("it has a fragment")]
    Fragment,
    /// There is a path segment `.` or `..`, plain or percent-encoded.
    #[error("it has dot segments, a backslash or an encoded slash")]
    DotSegment,
    /// There is no path, or `/` alone: that is a host, and no document.
    #[error("it has no path")]
    NoPath,
    /// The same URL can be written in a simpler way.
    #[error("it is not written in its canonical form")]
    NotCanonical,
}

impl DocumentUrl {
    const MAX_LENGTH: usize = 1024;

    /// Parses a client identifier.
    ///
    /// # Errors
    ///
    /// [`InvalidDocumentUrl`] with the reason.
    pub fn parse(text: &str) -> Result<Self, InvalidDocumentUrl> {
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidDocumentUrl::TooLong);
        }
        let printable = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        let url = Url::parse(text).ok().filter(|_| printable);
        let url = url.ok_or(InvalidDocumentUrl::NotAUrl)?;
        if url.scheme() != "https" {
            return Err(InvalidDocumentUrl::Scheme);
        }
        if has_user_info(text, &url) {
            return Err(InvalidDocumentUrl::UserInfo);
        }
        if text.contains('#') {
            return Err(InvalidDocumentUrl::Fragment);
        }
        if url_path::is_ambiguous(text) {
            return Err(InvalidDocumentUrl::DotSegment);
        }
        if url.path() == "/" {
            return Err(InvalidDocumentUrl::NoPath);
        }
        if url.as_str() != text {
            return Err(InvalidDocumentUrl::NotCanonical);
        }
        Ok(Self(url))
    }

    /// The URL, byte for byte as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL, taken apart.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// Whose document it is, for a person to read: the host, and the port unless
    /// it is the usual one.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// The client that goes by this URL.
    ///
    /// # Panics
    ///
    /// Never: every such URL is a client identifier.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        ClientId::parse(self.as_str()).expect("a short text of printable ASCII")
    }
}

fn has_user_info(text: &str, url: &Url) -> bool {
    let after_scheme = text.split_once("//").map_or("", |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#']).next();
    !url.username().is_empty()
        || url.password().is_some()
        || authority.is_some_and(|authority| authority.contains('@'))
}

impl Hash for DocumentUrl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for DocumentUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DocumentUrl({:?})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use InvalidDocumentUrl::{
        DotSegment, Fragment, NoPath, NotAUrl, NotCanonical, Scheme, TooLong, UserInfo,
    };

    const REFUSED: &[(&str, InvalidDocumentUrl)] = &[
        ("", NotAUrl),
        ("client", NotAUrl),
        ("/client.json", NotAUrl),
        ("https://", NotAUrl),
        ("https://a.example/client .json", NotAUrl),
        ("https://a.example/\tclient.json", NotAUrl),
        ("https://\u{e4}.example/client.json", NotAUrl),
        ("https://a.example:99999/client.json", NotAUrl),
        ("http://a.example/client.json", Scheme),
        ("ftp://a.example/client.json", Scheme),
        ("file:///client.json", Scheme),
        ("data:application/json,x", Scheme),
        ("urn:client:1", Scheme),
        ("https://user@a.example/client.json", UserInfo),
        ("https://user:password@a.example/client.json", UserInfo),
        ("https://@a.example/client.json", UserInfo),
        ("https://:@a.example/client.json", UserInfo),
        ("https://a.example\\@b.example/client.json", UserInfo),
        ("https://a.example/client.json#x", Fragment),
        ("https://a.example/client.json#", Fragment),
        ("https://a.example/../client.json", DotSegment),
        ("https://a.example/./client.json", DotSegment),
        ("https://a.example/a/..", DotSegment),
        ("https://a.example/%2e%2e/client.json", DotSegment),
        ("https://a.example/%2E/client.json", DotSegment),
        ("https://a.example/%252e%252e/client.json", DotSegment),
        ("https://a.example/a%2fclient.json", DotSegment),
        ("https://a.example/a%5cclient.json", DotSegment),
        ("https://a.example/a\\client.json", DotSegment),
        ("https://a.example/a%00.json", DotSegment),
        ("https://a.example/a%0d%0a.json", DotSegment),
        ("https://a.example", NoPath),
        ("https://a.example/", NoPath),
        ("https://a.example/?client", NoPath),
        ("https:a.example/client.json", NotCanonical),
        ("https:/a.example/client.json", NotCanonical),
        ("https:///a.example/client.json", NotCanonical),
        ("HTTPS://a.example/client.json", NotCanonical),
        ("https://A.example/client.json", NotCanonical),
        ("https://a.example:443/client.json", NotCanonical),
        ("https://a.example:/client.json", NotCanonical),
        ("https://a.example:08443/client.json", NotCanonical),
        ("https://%61.example/client.json", NotCanonical),
        ("https://2130706433/client.json", NotCanonical),
        ("https://0x7f.1/client.json", NotCanonical),
        ("https://0177.0.0.1/client.json", NotCanonical),
        ("https://[0:0:0:0:0:0:0:1]/client.json", NotCanonical),
        ("https://[::FFFF:7F00:1]/client.json", NotCanonical),
        ("https://a.example/\"client\"", NotCanonical),
        ("https://a.example/<client>", NotCanonical),
    ];

    #[test]
    fn a_client_id_that_is_no_document_url_is_refused_with_its_reason() {
        for (text, expected) in REFUSED {
            assert_eq!(DocumentUrl::parse(text), Err(*expected), "{text}");
        }
        let endless = format!("https://a.example/{}", "x".repeat(1024));
        assert_eq!(DocumentUrl::parse(&endless), Err(TooLong));
    }

    #[test]
    fn the_urls_that_clients_have_are_accepted_byte_for_byte() {
        for (text, host) in [
            ("https://chatgpt.com/oauth/client.json", "chatgpt.com"),
            ("https://a.example/client", "a.example"),
            ("https://a.example/client/", "a.example"),
            ("https://a.example:8443/client.json", "a.example:8443"),
            ("https://a.example/client.json?version=1", "a.example"),
            ("https://a.example/~x/%C3%A4.json", "a.example"),
            ("https://xn--4ca.example/client.json", "xn--4ca.example"),
            ("https://1.1.1.1/client.json", "1.1.1.1"),
        ] {
            let url = DocumentUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.host()), (text, host));
            assert_eq!(url.client_id().as_str(), text);
        }
    }
}
