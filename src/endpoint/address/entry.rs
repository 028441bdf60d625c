//! One entry of a header in which a proxy says where a request came from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An entry of `X-Forwarded-For`: an address, which some proxies write with the
/// port.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches([' ', '\t']);
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    bare().or_else(with_port).or_else(|| in_brackets(text))
}

/// The `for` of one element of `Forwarded` ([RFC 7239, section 4]), if it is an
/// address: `unknown` and names that begin with `_` are none.
///
/// [RFC 7239, section 4]: https://www.rfc-editor.org/rfc/rfc7239#section-4
pub(super) fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
        let value = plain(value)?;
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
    }
    node(found?)
}

/// The value of a pair: a token, or what stands in quotation marks. An escape has
/// no use in an address, and elsewhere in an element it can only confuse.
fn plain(value: &str) -> Option<&str> {
    let quoted = value.strip_prefix('"');
    let Some(quoted) = quoted else {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        return value.bytes().all(is_token).then_some(value);
    };
    quoted
        .strip_suffix('"')
        .filter(|text| !text.contains(['"', '\\']))
}

/// `192.0.2.43`, `192.0.2.43:47011`, `[2001:db8::17]`, `[2001:db8::17]:4711`
/// ([RFC 7239, section 6](https://www.rfc-editor.org/rfc/rfc7239#section-6)); the
/// port may be hidden.
fn node(text: &str) -> Option<IpAddr> {
    let (name, port) = match text.rfind(':') {
        Some(colon) if !text[colon..].contains(']') => (&text[..colon], Some(&text[colon + 1..])),
        Some(_) | None => (text, None),
    };
    let is_of_port = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if port.is_some_and(|port| port.is_empty() || !port.bytes().all(is_of_port)) {
        return None;
    }
    if name.starts_with('[') {
        return in_brackets(name);
    }
    name.parse().ok().filter(IpAddr::is_ipv4)
}

fn in_brackets(text: &str) -> Option<IpAddr> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}
