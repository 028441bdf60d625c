use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;
use url::{Host, Url};

use crate::types::url_path;

/// Where the answer to an authorization request is sent ([RFC 6749, section 3.1.2]).
///
/// Either `https`, or plain `http` on a loopback host, or a private-use scheme
/// of a native application ([RFC 8252, section 7]).
///
/// [RFC 6749, section 3.1.2]: https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2
/// [RFC 8252, section 7]: https://www.rfc-editor.org/rfc/rfc8252#section-7
#[derive(Clone, Deserialize, Eq, Hash, PartialEq)]
#[serde(try_from = "String")]
pub struct RedirectUri(Arc<str>);

/// Who can receive what is sent to a redirect URI.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RedirectUriKind {
    /// The owner of a host name, over TLS.
    Https,
    /// Any program on the person's machine that listens on the port.
    Loopback,
    /// Any application on the person's machine that claims the scheme.
    PrivateUse,
}

/// The text is no redirect URI that is safe to send a code to.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidRedirectUri {
    /// The text is no absolute URI.
    #[error("a redirect_uri is an absolute URI as RFC 3986 writes it, at most 2048 characters")]
    NotAUri,
    /// There is a fragment.
    #[error("a redirect_uri has no fragment")]
    Fragment,
    /// There is a user name or a password.
    #[error("a redirect_uri has no user name or password")]
    UserInfo,
    /// There is a path segment `.` or `..`, plain or percent-encoded.
    #[error("a redirect_uri has no dot segments, no backslash and no encoded slash in its path")]
    DotSegment,
    /// The scheme runs code or reads files.
    #[error("the scheme of this redirect_uri is not allowed")]
    Scheme,
    /// Plain `http` on a host that is not loopback.
    #[error("a redirect_uri with the scheme http has the host localhost, 127.0.0.1 or [::1]")]
    PlainHttp,
    /// The host is missing, percent-encoded, or an address in an unusual spelling.
    #[error("a redirect_uri writes its host in the usual way, with nothing encoded")]
    Host,
}

impl RedirectUri {
    const MAX_LENGTH: usize = 2048;

    /// Parses a redirect URI.
    ///
    /// # Errors
    ///
    /// [`InvalidRedirectUri`] with the reason.
    pub fn parse(text: &str) -> Result<Self, InvalidRedirectUri> {
        if text.len() > Self::MAX_LENGTH || !url_path::has_only_uri_characters(text) {
            return Err(InvalidRedirectUri::NotAUri);
        }
        let url = Url::parse(text).map_err(|_| InvalidRedirectUri::NotAUri)?;
        if text.contains('#') {
            return Err(InvalidRedirectUri::Fragment);
        }
        judge_authority(text, &url)?;
        if url_path::is_ambiguous(text) {
            return Err(InvalidRedirectUri::DotSegment);
        }
        judge_scheme(&url)?;
        Ok(Self(text.into()))
    }

    /// The URI, byte for byte as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who can receive what is sent here.
    #[must_use]
    pub fn kind(&self) -> RedirectUriKind {
        // It is a URI, so what precedes the first colon is its scheme.
        let scheme = self.0.split(':').next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("https") {
            RedirectUriKind::Https
        } else if scheme.eq_ignore_ascii_case("http") {
            RedirectUriKind::Loopback
        } else {
            RedirectUriKind::PrivateUse
        }
    }

    /// What a person should see of the destination: the host, or the scheme of
    /// a native application.
    #[must_use]
    pub fn destination(&self) -> String {
        let url = self.url();
        match self.kind() {
            RedirectUriKind::PrivateUse => format!("{}:", url.scheme()),
            RedirectUriKind::Https | RedirectUriKind::Loopback => {
                url.host_str().unwrap_or_default().to_owned()
            }
        }
    }

    /// Whether a request may use `presented` where this URI is registered.
    ///
    /// Byte for byte the same, except that the port of a loopback URI is free
    /// ([RFC 8252, section 7.3]): a native application takes the one it gets.
    ///
    /// [RFC 8252, section 7.3]: https://www.rfc-editor.org/rfc/rfc8252#section-7.3
    #[must_use]
    pub fn matches(&self, presented: &Self) -> bool {
        if self == presented {
            return true;
        }
        let around_port = self.around_port();
        around_port.is_some() && around_port == presented.around_port()
    }

    /// What stands before and after the port of a loopback URI, as it is written.
    fn around_port(&self) -> Option<(&str, &str)> {
        if self.kind() != RedirectUriKind::Loopback {
            return None;
        }
        let host = self.0.find("://")? + 3;
        let end = self.0[host..].find(['/', '?']);
        let (before, after) = self.0.split_at(end.map_or(self.0.len(), |end| host + end));
        Some((without_port(before, host), after))
    }

    /// Whether it names a loopback host and no port there.
    #[cfg(feature = "server")]
    pub(crate) fn has_free_port(&self) -> bool {
        self.kind() == RedirectUriKind::Loopback && self.without_free_port() == *self
    }

    /// The same URI without a port that is free anyway: all that it matches, the
    /// result does, and the other way round.
    #[cfg(feature = "server")]
    pub(crate) fn without_free_port(&self) -> Self {
        match self.around_port() {
            Some((before, after)) => Self(format!("{before}{after}").into()),
            None => self.clone(),
        }
    }

    fn url(&self) -> Url {
        Url::parse(&self.0).expect("a redirect URI is parsed as a URL when it is made")
    }
}

fn judge_authority(text: &str, url: &Url) -> Result<(), InvalidRedirectUri> {
    let Some((_, after_scheme)) = text.split_once(':') else {
        return Err(InvalidRedirectUri::NotAUri);
    };
    let special = matches!(url.scheme(), "http" | "https");
    let Some(hierarchical) = after_scheme.strip_prefix("//") else {
        // `https:host` and `https:/host` are read as `https://host` by browsers.
        return if special {
            Err(InvalidRedirectUri::NotAUri)
        } else {
            Ok(())
        };
    };
    let authority = hierarchical.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(InvalidRedirectUri::UserInfo);
    }
    // `127.1`, `0x7f.1` and `%6cocalhost` are other hosts to other readers, and
    // browsers skip slashes until there is a host.
    let is_usual = url
        .host_str()
        .is_some_and(|host| host.eq_ignore_ascii_case(without_port(authority, 0)));
    if authority.contains('%') || (special && !is_usual) {
        return Err(InvalidRedirectUri::Host);
    }
    Ok(())
}

/// `text` without the port at its end, whose host begins at `host`.
fn without_port(text: &str, host: usize) -> &str {
    match text[host..].rfind(':') {
        Some(colon) if !text[host + colon..].contains(']') => &text[..host + colon],
        Some(_) | None => text,
    }
}

fn judge_scheme(url: &Url) -> Result<(), InvalidRedirectUri> {
    /// What runs code, reads files, or belongs to the system: an installer, a
    /// mailer, a telephone. No application has one of these to itself.
    const REFUSED: [&str; 30] = [
        "about",
        "blob",
        "chrome",
        "chrome-extension",
        "data",
        "file",
        "filesystem",
        "ftp",
        "intent",
        "itms-apps",
        "itms-services",
        "jar",
        "javascript",
        "ldap",
        "mailto",
        "mhtml",
        "moz-extension",
        "res",
        "search",
        "search-ms",
        "sftp",
        "shell",
        "smb",
        "sms",
        "ssh",
        "tel",
        "vbscript",
        "view-source",
        "ws",
        "wss",
    ];
    match url.scheme() {
        "https" if url.host_str().is_some_and(|host| !host.is_empty()) => Ok(()),
        "http" => match url.host() {
            Some(Host::Domain("localhost")) => Ok(()),
            Some(Host::Ipv4(address)) if address.is_loopback() => Ok(()),
            Some(Host::Ipv6(address)) if address.is_loopback() => Ok(()),
            Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_)) | None => {
                Err(InvalidRedirectUri::PlainHttp)
            }
        },
        // Those of Windows itself, such as its installer.
        scheme if scheme.starts_with("ms-") => Err(InvalidRedirectUri::Scheme),
        scheme if scheme == "https" || REFUSED.contains(&scheme) => Err(InvalidRedirectUri::Scheme),
        _ => Ok(()),
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RedirectUri({:?})", self.as_str())
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = InvalidRedirectUri;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for RedirectUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangerous_redirect_uris_are_refused_with_their_reason() {
        use InvalidRedirectUri::{DotSegment, Fragment, NotAUri, PlainHttp, Scheme, UserInfo};
        let cases = [
            ("https://a.example/cb#x", Fragment),
            ("https://a.example/cb#", Fragment),
            ("https://u@a.example/cb", UserInfo),
            ("https://u:p@a.example/cb", UserInfo),
            ("https://@a.example/cb", UserInfo),
            ("https://a.example\\@evil.example/", NotAUri),
            ("https://a.example/../cb", DotSegment),
            ("https://a.example/x/./cb", DotSegment),
            ("https://a.example/%2e%2e/cb", DotSegment),
            ("https://a.example/%2E./cb", DotSegment),
            ("https://a.example/%252e%252e/cb", DotSegment),
            ("https://a.example/x%2fy", DotSegment),
            ("https://a.example/x%5cy", DotSegment),
            ("https://a.example/x%00y", DotSegment),
            ("javascript:alert(1)", Scheme),
            ("JavaScript:alert(1)", Scheme),
            ("data:text/html,x", Scheme),
            ("vbscript:x", Scheme),
            ("blob:https://a.example/x", Scheme),
            ("file:///etc/passwd", Scheme),
            ("about:blank", Scheme),
            ("http://a.example/cb", PlainHttp),
            ("http://localhost.a.example/cb", PlainHttp),
            ("http://10.0.0.1/cb", PlainHttp),
            ("/cb", NotAUri),
            ("", NotAUri),
            ("https:a.example/cb", NotAUri),
            ("https:/a.example/cb", NotAUri),
            ("https://a.example/c b", NotAUri),
            ("https://a.example/\tcb", NotAUri),
            ("https://ä.example/cb", NotAUri),
        ];
        for (text, expected) in cases {
            assert_eq!(RedirectUri::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn only_the_port_of_a_loopback_uri_is_free() {
        let cases = [
            ("http://localhost/cb", "http://localhost:1234/cb", true),
            ("http://localhost:80/cb", "http://localhost:1234/cb", true),
            ("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true),
            ("http://[::1]:1/cb", "http://[::1]:2/cb", true),
            ("http://[::1]/cb", "http://[::1]:2/cb", true),
            ("http://localhost/cb", "http://127.0.0.1:1234/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.2/cb", false),
            ("http://localhost/cb", "http://localhost/cb/", false),
            ("http://localhost/cb", "http://localhost/cb?x=1", false),
            ("http://localhost", "http://localhost/", false),
            ("http://localhost/cb", "https://localhost/cb", false),
            ("https://a.example/cb", "https://a.example:443/cb", false),
            ("https://a.example/cb", "https://A.example/cb", false),
            ("https://localhost:1/cb", "https://localhost:2/cb", false),
            ("cursor://x/cb", "cursor://x:1/cb", false),
        ];
        for (registered, presented, expected) in cases {
            let registered = RedirectUri::parse(registered).unwrap();
            let presented = RedirectUri::parse(presented).unwrap();
            assert_eq!(
                registered.matches(&presented),
                expected,
                "{registered} {presented}"
            );
        }
    }

    #[test]
    fn the_kinds_that_clients_use_are_accepted() {
        let cases = [
            (
                "https://claude.ai/api/mcp/auth_callback",
                RedirectUriKind::Https,
                "claude.ai",
            ),
            (
                "http://localhost:6274/oauth/callback",
                RedirectUriKind::Loopback,
                "localhost",
            ),
            (
                "cursor://anysphere.cursor-retrieval/oauth/cb",
                RedirectUriKind::PrivateUse,
                "cursor:",
            ),
            (
                "com.example.app:/oauth",
                RedirectUriKind::PrivateUse,
                "com.example.app:",
            ),
        ];
        for (text, kind, destination) in cases {
            let uri = RedirectUri::parse(text).unwrap();
            assert_eq!(
                (uri.kind(), uri.destination().as_str()),
                (kind, destination),
                "{text}"
            );
        }
    }
}
