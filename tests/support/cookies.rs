//! A browser's cookies ([RFC 6265]), as far as sign-in pages need them.
//!
//! Like a browser's, they are kept apart by host, not by port. `SameSite` is not
//! looked at: everything a test visits is one site.
//!
//! [RFC 6265]: https://www.rfc-editor.org/rfc/rfc6265

use std::cmp::Reverse;

use url::Url;

/// The cookies a browser holds.
#[derive(Debug, Default)]
pub(crate) struct CookieJar(Vec<Cookie>);

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    path: String,
    secure: bool,
}

impl CookieJar {
    /// Takes in a `Set-Cookie` header of an answer from `url`.
    pub(crate) fn store(&mut self, url: &Url, header: &str) {
        let Some((cookie, lapsed)) = parse(url, header) else {
            return;
        };
        self.0.retain(|held| {
            (&held.name, &held.host, &held.path) != (&cookie.name, &cookie.host, &cookie.path)
        });
        if !lapsed {
            self.0.push(cookie);
        }
    }

    /// The `Cookie` header for a request to `url`, if any cookie belongs there.
    pub(crate) fn header(&self, url: &Url) -> Option<String> {
        let mut cookies: Vec<_> = self.0.iter().filter(|held| held.belongs_to(url)).collect();
        cookies.sort_by_key(|cookie| Reverse(cookie.path.len()));
        let pairs: Vec<_> = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

impl Cookie {
    fn belongs_to(&self, url: &Url) -> bool {
        url.host_str() == Some(self.host.as_str())
            && path_matches(&self.path, url.path())
            && (!self.secure || is_trustworthy(url))
    }

    /// Whether the name's prefix, if it has one, is earned.
    fn keeps_prefix_promise(&self, has_domain: bool) -> bool {
        if self.name.starts_with("__Host-") {
            return self.secure && self.path == "/" && !has_domain;
        }
        !self.name.starts_with("__Secure-") || self.secure
    }
}

/// The cookie in a `Set-Cookie` header and whether it is to be deleted; nothing
/// if a browser would refuse it.
fn parse(url: &Url, header: &str) -> Option<(Cookie, bool)> {
    let mut parts = header.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let host = url.host_str()?.to_owned();
    let mut cookie = Cookie {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
        host,
        path: default_path(url),
        secure: false,
    };
    let mut max_age = None;
    let mut expires_in_the_past = false;
    let mut has_domain = false;
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        match attribute.to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
            "secure" => cookie.secure = true,
            "max-age" => max_age = value.parse::<i64>().ok(),
            // Servers that delete a cookie by date use the epoch.
            "expires" => expires_in_the_past = value.contains("1970"),
            "domain" if !value.is_empty() => {
                has_domain = true;
                if value.trim_start_matches('.') != cookie.host {
                    return None;
                }
            }
            _ => {}
        }
    }
    let refused = cookie.secure && !is_trustworthy(url);
    if refused || !cookie.keeps_prefix_promise(has_domain) {
        return None;
    }
    let lapsed = max_age.map_or(expires_in_the_past, |seconds| seconds <= 0);
    Some((cookie, lapsed))
}

/// Browsers treat loopback like `https`.
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https" || matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

fn default_path(url: &Url) -> String {
    match url.path().rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
    }
}

fn path_matches(cookie: &str, request: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}
