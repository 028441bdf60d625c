use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;
use url::{Host, Url};

/// The identifier of a protected resource ([RFC 8707, section 2]): what the
/// `resource` parameter, the `aud` claim and the resource metadata name.
///
/// Printed as it was given. Equal are two that name the same resource: case of
/// scheme and host, the default port, an empty path and one trailing slash make
/// no difference; a prefix is something else.
///
/// [RFC 8707, section 2]: https://www.rfc-editor.org/rfc/rfc8707#section-2
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct ResourceUri {
    text: Arc<str>,
    canonical: Url,
}

/// The text is no resource identifier.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a resource is an absolute http or https URL without fragment, user name and password")]
pub struct InvalidResourceUri;

impl ResourceUri {
    /// Parses a resource identifier.
    ///
    /// # Errors
    ///
    /// [`InvalidResourceUri`] unless `text` is an absolute `http` or `https`
    /// URL without fragment, user name and password.
    pub fn parse(text: &str) -> Result<Self, InvalidResourceUri> {
        if text.bytes().any(|byte| byte <= 0x20 || byte >= 0x7f) || text.contains(['#', '\\']) {
            return Err(InvalidResourceUri);
        }
        let mut canonical = Url::parse(text).map_err(|_| InvalidResourceUri)?;
        let bare = canonical.username().is_empty() && canonical.password().is_none();
        if !bare || !matches!(canonical.scheme(), "https" | "http") {
            return Err(InvalidResourceUri);
        }
        if let Some(path) = canonical.path().strip_suffix('/').map(str::to_owned) {
            canonical.set_path(&path);
        }
        Ok(Self {
            text: text.into(),
            canonical,
        })
    }

    /// The identifier, byte for byte as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path, without a trailing slash except for the root.
    #[must_use]
    pub fn path(&self) -> &str {
        self.canonical.path()
    }

    /// Whether what is sent there is safe from others on the way: `https`, or
    /// a host that is this machine itself.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.canonical.scheme() == "https" || self.is_loopback()
    }

    /// Whether the host is this machine itself: `localhost`, `127.0.0.0/8` or `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.canonical.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Scheme, host and port, as `https://mcp.example.com`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.canonical.origin().ascii_serialization()
    }

    /// Whether a client that asks for `requested` means this resource.
    ///
    /// A query that this resource does not have is left aside: some clients add
    /// one, and a token is issued for this resource's own identifier anyway.
    #[must_use]
    pub fn is_meant_by(&self, requested: &Self) -> bool {
        if self == requested {
            return true;
        }
        let mut bare = requested.canonical.clone();
        bare.set_query(None);
        self.canonical == bare
    }
}

impl PartialEq for ResourceUri {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for ResourceUri {}

impl fmt::Display for ResourceUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl TryFrom<String> for ResourceUri {
    type Error = InvalidResourceUri;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl Serialize for ResourceUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<ResourceUri> for String {
    fn from(resource: ResourceUri) -> Self {
        resource.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ResourceUri {
        ResourceUri::parse(text).unwrap()
    }

    #[test]
    fn spellings_of_one_resource_are_equal() {
        for spelling in [
            "https://mcp.example.com/mcp",
            "https://mcp.example.com/mcp/",
            "HTTPS://MCP.example.COM/mcp",
            "https://mcp.example.com:443/mcp",
        ] {
            assert_eq!(
                parsed(spelling),
                parsed("https://mcp.example.com/mcp"),
                "{spelling}"
            );
        }
        assert_eq!(parsed("https://a.example"), parsed("https://a.example/"));
    }

    #[test]
    fn neighbours_of_a_resource_are_not_equal() {
        for other in [
            "https://mcp.example.com/mcp-evil",
            "https://mcp.example.com/mcp/sub",
            "https://mcp.example.com/mcp//",
            "https://mcp.example.com/",
            "https://mcp.example.com/MCP",
            "https://mcp.example.com:8443/mcp",
            "http://mcp.example.com/mcp",
            "https://mcp.example.com.evil/mcp",
            "https://mcp.example.com/mcp?x",
        ] {
            assert_ne!(
                parsed(other),
                parsed("https://mcp.example.com/mcp"),
                "{other}"
            );
        }
    }

    #[test]
    fn a_query_added_by_a_client_is_left_aside() {
        let resource = parsed("https://mcp.example.com/mcp");
        assert!(resource.is_meant_by(&parsed("https://mcp.example.com/mcp/?session=1")));
        assert!(!resource.is_meant_by(&parsed("https://mcp.example.com/other?session=1")));
    }

    #[test]
    fn a_resource_is_an_absolute_bare_url() {
        for bad in [
            "mcp.example.com",
            "/mcp",
            "https://a/#",
            "urn:x",
            "https://u@a/",
            "https://a/ b",
            "",
        ] {
            assert!(ResourceUri::parse(bad).is_err(), "{bad}");
        }
    }
}
