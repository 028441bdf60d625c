//! The cookie that ties a consent page and a sign-in to one browser
//! ([RFC 6265bis, section 4.1.3.2]).
//!
//! [RFC 6265bis, section 4.1.3.2]: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::server::{AuthorizationServer, BrowserSecret};

/// Longer than a sign-in may take, shorter than a working day.
const MAX_AGE_SECONDS: u32 = 3600;

/// The prefix makes browsers refuse the cookie from any other host and without
/// TLS. Plain http exists for loopback only, where it cannot be had.
fn name(server: &AuthorizationServer) -> &'static str {
    if server.issuer().is_https() {
        "__Host-oauth-browser"
    } else {
        "oauth-browser"
    }
}

/// The secret of the browser that asks; `None` if it has none, or two.
pub(super) fn read(server: &AuthorizationServer, headers: &HeaderMap) -> Option<BrowserSecret> {
    let name = name(server);
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        // Cookies of other applications on this host may hold any bytes.
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value);
    let first = values.next()?;
    // Two cookies of one name: one of them was put there by somebody else.
    if values.next().is_some() {
        return None;
    }
    BrowserSecret::parse(first)
}

/// The header that gives the browser its secret.
pub(super) fn write(server: &AuthorizationServer, browser: &BrowserSecret) -> Option<HeaderValue> {
    let secure = if server.issuer().is_https() {
        "; Secure"
    } else {
        ""
    };
    let text = format!(
        "{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={MAX_AGE_SECONDS}{secure}",
        name(server),
        browser.expose(),
    );
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
