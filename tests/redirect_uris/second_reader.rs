//! Reads redirect URIs by RFC 3986, and judges them by line C2 of the behaviour
//! list and RFC 8252, section 7.3.

use std::net::Ipv6Addr;

/// Schemes that run code, read files or are no way to an application.
const REFUSED_SCHEMES: [&str; 30] = [
    // Code and pages of the browser.
    "about",
    "blob",
    "chrome",
    "chrome-extension",
    "data",
    "filesystem",
    "jar",
    "javascript",
    "mhtml",
    "moz-extension",
    "res",
    "vbscript",
    "view-source",
    // Files and shells, here and elsewhere.
    "file",
    "ftp",
    "ldap",
    "sftp",
    "shell",
    "smb",
    "ssh",
    "ws",
    "wss",
    // Programs of the system.
    "intent",
    "itms-apps",
    "itms-services",
    "mailto",
    "search",
    "search-ms",
    "sms",
    "tel",
];

/// The parts of a URI (RFC 3986, section 3), as they are written.
struct Parts<'a> {
    scheme: &'a str,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

pub(crate) fn accepts(text: &str) -> bool {
    read(text).is_some_and(|parts| is_safe(&parts))
}

pub(crate) fn matches(registered: &str, presented: &str) -> bool {
    if registered == presented {
        return true;
    }
    let (Some(one), Some(other)) = (read(registered), read(presented)) else {
        return false;
    };
    let loopback = |parts: &Parts<'_>| parts.scheme.eq_ignore_ascii_case("http");
    let host = |parts: &Parts<'_>| parts.authority.map(|text| split_port(text).0.to_owned());
    loopback(&one)
        && loopback(&other)
        && (one.scheme, host(&one), one.path, one.query)
            == (other.scheme, host(&other), other.path, other.query)
}

fn read(text: &str) -> Option<Parts<'_>> {
    if text.len() > 2048 || !is_spelled_as_uri(text.as_bytes()) {
        return None;
    }
    let colon = text.find(':')?;
    let (scheme, rest) = (&text[..colon], &text[colon + 1..]);
    let mut letters = scheme.chars();
    let begins = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic());
    let goes_on = letters.all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    if !begins || !goes_on || rest.contains('#') {
        return None;
    }
    let (rest, query) = match rest.find('?') {
        Some(mark) => (&rest[..mark], Some(&rest[mark + 1..])),
        None => (rest, None),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    Some(Parts {
        scheme,
        authority,
        path,
        query,
    })
}

/// Unreserved and reserved characters and whole encodings, and nothing else.
fn is_spelled_as_uri(mut bytes: &[u8]) -> bool {
    const MARKS: &[u8] = b"-._~:/?#[]@!$&'()*+,;=";
    loop {
        bytes = match bytes {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [byte, rest @ ..] if byte.is_ascii_alphanumeric() || MARKS.contains(byte) => rest,
            _ => return false,
        };
    }
}

fn is_safe(parts: &Parts<'_>) -> bool {
    let scheme = parts.scheme.to_ascii_lowercase();
    if REFUSED_SCHEMES.contains(&scheme.as_str()) || scheme.starts_with("ms-") {
        return false;
    }
    // To a reader that knows no authorities, it is a segment like the others.
    let segments = parts.authority.into_iter().chain(parts.path.split('/'));
    if !segments.clone().all(is_plain_segment) {
        return false;
    }
    let Some(authority) = parts.authority else {
        return scheme != "http" && scheme != "https";
    };
    if authority.contains(['@', '%']) {
        return false;
    }
    let (host, port) = split_port(authority);
    if port.is_some_and(|port| !is_port(port)) {
        return false;
    }
    match scheme.as_str() {
        "https" => is_web_host(host),
        "http" => is_loopback_host(host),
        _ => is_private_host(host, port),
    }
}

/// A segment that is no dot segment, however often it is decoded.
fn is_plain_segment(segment: &str) -> bool {
    let mut bytes = segment.as_bytes().to_vec();
    for _ in 0..8 {
        let next = decode(&bytes);
        if next == bytes {
            let Ok(text) = String::from_utf8(bytes) else {
                return false;
            };
            let hides = text.contains('\\') || text.contains(char::is_control);
            return !hides && text != "." && text != "..";
        }
        if next.contains(&b'/') || std::str::from_utf8(&next).is_err() {
            return false;
        }
        bytes = next;
    }
    false
}

fn decode(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes
            .get(at + 1)
            .copied()
            .and_then(digit)
            .zip(bytes.get(at + 2).copied().and_then(digit));
        match (bytes[at], pair) {
            (b'%', Some((high, low))) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap());
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// Host and port of an authority without user information.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let host_ends = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority[host_ends..].rfind(':') {
        Some(colon) => {
            let colon = host_ends + colon;
            (&authority[..colon], Some(&authority[colon + 1..]))
        }
        None => (authority, None),
    }
}

/// `port = *DIGIT`, of those that exist.
fn is_port(text: &str) -> bool {
    let digits = text.trim_start_matches('0');
    text.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.is_empty() || digits.parse::<u16>().is_ok())
}

fn is_loopback_host(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || quad(host).is_some_and(|octets| octets[0] == 127)
}

fn is_web_host(host: &str) -> bool {
    if host.starts_with('[') {
        let literal = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address = literal.and_then(|text| text.parse::<Ipv6Addr>().ok());
        return address.is_some_and(|address| host.to_ascii_lowercase() == spell(address));
    }
    // A last label that is a number makes browsers read an IPv4 address.
    let labels = host.strip_suffix('.').unwrap_or(host);
    let last = labels.rsplit('.').next().unwrap().to_ascii_lowercase();
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let hex = last.strip_prefix("0x");
    let is_hex = hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let named = !host.is_empty() && host.bytes().all(is_of_reg_name);
    if is_decimal || is_hex {
        quad(host).is_some()
    } else {
        named
    }
}

/// Anything, or nothing, in front of the application's path.
fn is_private_host(host: &str, port: Option<&str>) -> bool {
    if let Some(literal) = host.strip_prefix('[') {
        let literal = literal.strip_suffix(']');
        return literal.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok());
    }
    host.bytes().all(is_of_reg_name) && (port.is_none() || !host.is_empty())
}

fn is_of_reg_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

/// Four decimal numbers without leading zeros.
fn quad(host: &str) -> Option<[u8; 4]> {
    let octet = |text: &str| {
        text.parse::<u8>()
            .ok()
            .filter(|value| value.to_string() == text)
    };
    let octets: Vec<_> = host.split('.').map(octet).collect::<Option<_>>()?;
    octets.try_into().ok()
}

/// The one spelling of an address that has hexadecimal groups only
/// (RFC 5952, section 4).
fn spell(address: Ipv6Addr) -> String {
    let groups = address.segments();
    let zeros_from = |start: usize| {
        groups[start..]
            .iter()
            .take_while(|group| **group == 0)
            .count()
    };
    // Of several longest runs the first, and no run of one.
    let longest = (0..8).map(zeros_from).max().unwrap();
    let run = (0..8).find(|start| longest > 1 && zeros_from(*start) == longest);
    let join = |groups: &[u16]| {
        let texts: Vec<_> = groups.iter().map(|group| format!("{group:x}")).collect();
        texts.join(":")
    };
    match run {
        Some(start) => format!(
            "[{}::{}]",
            join(&groups[..start]),
            join(&groups[start + longest..])
        ),
        None => format!("[{}]", join(&groups)),
    }
}
