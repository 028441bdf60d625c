use percent_encoding::percent_decode_str;

/// How often a path is decoded before it is given up: to go on would let whoever
/// wrote it make the server work, for a path that nobody has.
const MAX_ENCODINGS: usize = 8;

/// Whether the path of a URL may mean something else to whoever reads it next.
///
/// Because of a segment `.` or `..`, a backslash, a control character, bytes that are
/// not UTF-8, or a slash that is encoded; `%252e` is a dot to whoever decodes twice.
pub(super) fn is_ambiguous(url: &str) -> bool {
    let before_query = url.split('?').next().unwrap_or_default();
    let (_, before_query) = before_query.split_once(':').unwrap_or_default();
    let mut path = before_query.to_owned();
    for _ in 0..MAX_ENCODINGS {
        // Lenient readers find dots in bytes that are not UTF-8.
        let Ok(decoded) = percent_decode_str(&path).decode_utf8() else {
            return true;
        };
        if decoded == path {
            let hidden = path.contains('\\') || path.chars().any(char::is_control);
            let dotted = path.split('/').any(|segment| matches!(segment, "." | ".."));
            return hidden || dotted;
        }
        if decoded.matches('/').count() != path.matches('/').count() {
            return true;
        }
        path = decoded.into_owned();
    }
    true
}

/// Whether the text has only characters of URIs ([RFC 3986, section 2]): of what
/// else there is, browsers and servers make different things.
///
/// [RFC 3986, section 2]: https://www.rfc-editor.org/rfc/rfc3986#section-2
pub(super) fn has_only_uri_characters(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_encoded = |at: usize| {
        let digits = bytes.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => is_encoded(at),
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
        byte => byte.is_ascii_graphic(),
    })
}
