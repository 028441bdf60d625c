//! Which URIs of resources every reader resolves in the same way.

use percent_encoding::percent_decode_str;
use url::Url;

/// No reader has to bear with more.
const LONGEST: usize = 8192;

/// Whether `text` is a URI in its plain form: nothing in it is written in a way
/// that some readers undo and others do not ([RFC 3986, section 6]).
///
/// [RFC 3986, section 6]: https://www.rfc-editor.org/rfc/rfc3986#section-6
pub(super) fn is_plain(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    is_scheme(scheme) && has_plain_parts(text) && is_normal_on_the_web(scheme, text)
}

/// Whether what is written of a template is the beginning of such a URI.
pub(super) fn is_plain_template(text: &str) -> bool {
    match text.split_once('{') {
        None => is_plain(text),
        Some((literal, _)) => has_plain_parts(literal),
    }
}

/// A scheme, as [RFC 3986, section 3.1] has it.
///
/// [RFC 3986, section 3.1]: https://www.rfc-editor.org/rfc/rfc3986#section-3.1
pub(super) fn is_scheme(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(rest)
}

fn has_plain_parts(text: &str) -> bool {
    let in_path = text.find('?').unwrap_or(text.len());
    let steps = |segment: &str| {
        let name = segment.split(';').next();
        name.is_some_and(|name| name == "." || name == "..")
    };
    text.len() <= LONGEST
        && text.bytes().all(is_written_plainly)
        && has_plain_codes(&text[..in_path], is_coded_anywhere)
        && has_plain_codes(&text[in_path..], is_coded_in_query)
        && percent_decode_str(text).decode_utf8().is_ok()
        && !text.split(['/', '?', ':']).any(steps)
        && !authority(text).contains('@')
}

/// Where a user would stand.
fn authority(text: &str) -> &str {
    let path = text.split_once(':').map_or("", |(_, path)| path);
    let start = path.trim_start_matches('/');
    let end = start.find(['/', '?']).unwrap_or(start.len());
    if path.starts_with("//") {
        &start[..end]
    } else {
        ""
    }
}

/// The characters of URIs, without those that begin a fragment, which a server
/// never sees, or stand around the address of a host.
const fn is_written_plainly(byte: u8) -> bool {
    is_unreserved(byte) || is_delimiter(byte) || byte == b'%' || byte == b'/'
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b':' | b'?'
            | b'@'
            | b'!'
            | b'$'
            | b'&'
            | b'\''
            | b'('
            | b')'
            | b'*'
            | b'+'
            | b','
            | b';'
            | b'='
    )
}

/// What can only be written with a code.
const fn is_coded_anywhere(byte: u8) -> bool {
    let is_mark = matches!(
        byte,
        b' ' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'
    );
    is_mark || !byte.is_ascii()
}

/// In a query, delimiters that are meant as such are told from others by a code.
const fn is_coded_in_query(byte: u8) -> bool {
    is_coded_anywhere(byte) || is_delimiter(byte) || matches!(byte, b'#' | b'[' | b']')
}

/// Whether every code is whole, and stands for a byte that `is_coded`.
fn has_plain_codes(text: &str, is_coded: impl Fn(u8) -> bool) -> bool {
    text.split('%').skip(1).all(|rest| {
        let code = rest.get(..2).filter(|code| !code.starts_with('+'));
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        byte.is_some_and(&is_coded)
    })
}

/// Whether a URL of the web is written as browsers write it ([URL, section 4.5]):
/// they know several spellings of hosts and ports.
///
/// [URL, section 4.5]: https://url.spec.whatwg.org/#url-serializing
fn is_normal_on_the_web(scheme: &str, text: &str) -> bool {
    const SPECIAL: [&str; 6] = ["http", "https", "ws", "wss", "ftp", "file"];
    let is_special = SPECIAL
        .iter()
        .any(|known| known.eq_ignore_ascii_case(scheme));
    !is_special
        || Url::parse(text).is_ok_and(|url| {
            let without_path = url.as_str().strip_suffix('/');
            url.as_str() == text || without_path == Some(text)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_in_its_plain_form_is_good() {
        for text in [
            "notes://private/a",
            "notes:a",
            "NOTES:///a//b/",
            "notes://a.b/c..d/.e/f.",
            "notes://a/b%20c/%C3%A9",
            "notes://a/b?c=d%26e&f=%3F",
            "urn:isbn:0451450523",
            "https://example.com",
            "https://example.com:8443/a?b=c",
            "file:///home/a/b.txt",
            "db://localhost:5432/table",
        ] {
            assert!(is_plain(text), "{text}");
        }
    }

    const AMBIGUOUS: [&str; 66] = [
        "",
        "a",
        "/a",
        "//a/b",
        ":a",
        "1:a",
        "no_tes:a",
        // Steps.
        "notes://a/../private/b",
        "notes://a/..",
        "notes://a/./b",
        "notes://..",
        "notes:..",
        "notes://a/..;x/b",
        "notes://a?/../b",
        "notes://a?..",
        // Codes of what can be written plainly, of delimiters, twice, broken.
        "notes://%70rivate/b",
        "notes://a/%2e%2e/b",
        "notes://a/%2E./b",
        "notes://a%2fb",
        "notes://a%2Fb",
        "notes://a%5Cb",
        "notes://a%252Fb",
        "notes://a%00b",
        "notes://a%0Ab",
        "notes://a%3Fb",
        "notes://a%23b",
        "notes://a%40b",
        "notes://a%3Bb",
        "notes://a%",
        "notes://a%2",
        "notes://a%zz",
        "notes://a%+1",
        "notes://a?%2e%2e%2f",
        "notes://a?%61",
        "notes://a?%00",
        "notes://a/%C0%AFb",
        "notes://a/%FF",
        // Characters that are none of a URI.
        "notes://a\\b",
        "notes://a b",
        " notes://a",
        "notes://a\n",
        "notes://a\0",
        "notes://é",
        "notes://a\u{ff0f}b",
        "notes://a\"b",
        "notes://{a}",
        "notes://a|b",
        "notes://[::1]/a",
        // What readers drop.
        "notes://a#b",
        "notes://a#/../b",
        "notes://user@private/b",
        "notes://:@private/b",
        "notes:///@private/b",
        // Several spellings of one host.
        "HTTPS://example.com/a",
        "https://Example.com/a",
        "https://example.com:443/a",
        "https://example.com:/a",
        "http://127.1/a",
        "http://0x7f.0.0.1/a",
        "http://2130706433/a",
        "https:/example.com/a",
        "https:example.com/a",
        "https:///example.com/a",
        "file:/etc/passwd",
        "file://localhost/etc/passwd",
        "https://xn--a/",
    ];

    #[test]
    fn a_uri_that_two_readers_could_resolve_differently_is_not() {
        let long = format!("notes://{}", "a".repeat(LONGEST));
        for text in AMBIGUOUS.into_iter().chain([long.as_str()]) {
            assert!(!is_plain(text), "{text:?}");
        }
    }

    #[test]
    fn a_template_is_judged_as_far_as_it_is_written() {
        for text in [
            "notes://a/{id}",
            "notes://{a}/../{b}",
            "{+all}",
            "notes://a{?b}",
            "notes://a",
        ] {
            assert!(is_plain_template(text), "{text}");
        }
        for text in [
            "notes://a/../{id}",
            "notes://%61/{id}",
            "notes://a%{id}",
            "notes://a b/{id}",
            "a/b",
        ] {
            assert!(!is_plain_template(text), "{text}");
        }
    }
}
