//! What the head of a request says of its body.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use crate::protocol::header::Single;
use crate::resource::operation::InvalidMessage;

/// The headers that say something of the body.
#[derive(Debug, Default)]
pub(super) struct BodyHeaders<'a> {
    content_encoding: Single<'a>,
    content_type: Single<'a>,
    method: Single<'a>,
    name: Single<'a>,
}

/// The method and the target that the headers name, as revision 2026-07-28 wants
/// ([standard request headers]); they may differ from the body.
///
/// [standard request headers]: https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#standard-request-headers
#[derive(Debug, Default)]
pub(super) struct Mirrored<'a> {
    pub(super) method: Option<&'a str>,
    pub(super) name: Option<Cow<'a, str>>,
}

impl<'a> BodyHeaders<'a> {
    pub(super) fn find(headers: &'a HeaderMap) -> Self {
        let mut head = Self::default();
        for (name, value) in headers {
            match name.as_str() {
                "content-encoding" => head.content_encoding.add(value),
                "content-type" => head.content_type.add(value),
                "mcp-method" => head.method.add(value),
                "mcp-name" => head.name.add(value),
                _ => {}
            }
        }
        head
    }

    /// Refuses a body that its handler could read as something else than JSON in UTF-8.
    pub(super) fn judge_media_type(&self) -> Result<(), InvalidMessage> {
        if !matches!(self.content_encoding, Single::Absent) {
            return Err(InvalidMessage::ContentEncoding);
        }
        let is_json = match self.content_type {
            Single::Absent => true,
            Single::Once(only) => only.to_str().is_ok_and(is_json_in_utf_8),
            Single::Repeated => false,
        };
        is_json.then_some(()).ok_or(InvalidMessage::ContentType)
    }

    pub(super) fn mirrored(&self) -> Result<Mirrored<'a>, InvalidMessage> {
        Ok(Mirrored {
            method: text(self.method)?,
            name: text(self.name)?.map(decode).transpose()?,
        })
    }
}

fn text(header: Single<'_>) -> Result<Option<&str>, InvalidMessage> {
    match header {
        Single::Absent => Ok(None),
        Single::Once(value) => {
            let text = value.to_str().map_err(|_| InvalidMessage::Header)?;
            Ok(Some(text.trim_ascii()))
        }
        Single::Repeated => Err(InvalidMessage::Header),
    }
}

/// Text that cannot stand in a header comes in Base64 ([value encoding]).
///
/// [value encoding]: https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#value-encoding
fn decode(text: &str) -> Result<Cow<'_, str>, InvalidMessage> {
    const START: &str = "=?base64?";
    const END: &str = "?=";
    if !(text.starts_with(START) && text.ends_with(END)) {
        return Ok(Cow::Borrowed(text));
    }
    let inner = text.get(START.len()..text.len() - END.len());
    let bytes = inner.and_then(|inner| STANDARD.decode(inner).ok());
    let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.map(Cow::Owned).ok_or(InvalidMessage::Header)
}

fn is_json_in_utf_8(text: &str) -> bool {
    // What nearly everybody sends.
    if text == "application/json" {
        return true;
    }
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let mut charsets = 0;
    let good = parts.all(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else {
            return false;
        };
        if !name.eq_ignore_ascii_case("charset") {
            // Behind a quote, a semicolon may end nothing.
            return !value.contains('"') && !name.to_ascii_lowercase().contains("charset");
        }
        charsets += 1;
        let quoted = value
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        quoted.unwrap_or(value).eq_ignore_ascii_case("utf-8")
    });
    essence.eq_ignore_ascii_case("application/json") && good && charsets <= 1
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    fn judge(headers: &HeaderMap) -> Result<(), InvalidMessage> {
        BodyHeaders::find(headers).judge_media_type()
    }

    fn named(values: &[&[u8]]) -> Result<Option<String>, InvalidMessage> {
        let headers = headers("mcp-name", values);
        let mirrored = BodyHeaders::find(&headers).mirrored()?;
        Ok(mirrored.name.map(Cow::into_owned))
    }

    #[test]
    fn a_name_in_base64_is_read() {
        for (value, name) in [
            ("us-west1", "us-west1"),
            (" padded ", "padded"),
            ("=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"),
            ("=?base64?IHBhZGRlZCA=?=", " padded "),
            ("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="),
            ("=?base64??=", ""),
            ("=?BASE64?YQ==?=", "=?BASE64?YQ==?="),
            ("=?base64?YQ==", "=?base64?YQ=="),
        ] {
            assert_eq!(
                named(&[value.as_bytes()]),
                Ok(Some(name.to_owned())),
                "{value}"
            );
        }
        assert_eq!(named(&[]), Ok(None));
    }

    #[test]
    fn a_name_that_cannot_be_read_for_sure_is_refused() {
        let cases: [&[&[u8]]; 7] = [
            &[b"a", b"a"],
            &[b"\xc3\xa9"],
            &[b"=?base64?YQ?="],
            &[b"=?base64?YR==?="],
            &[b"=?base64?_w==?="],
            &[b"=?base64?/w==?="],
            &[b"=?base64?="],
        ];
        for case in cases {
            assert_eq!(named(case), Err(InvalidMessage::Header), "{case:?}");
        }
        for case in [&[b"a".as_slice(), b"a"], &[b"a", b"\xc3\xa9"]] {
            let headers = headers("mcp-method", case);
            let mirrored = BodyHeaders::find(&headers).mirrored();
            assert_eq!(mirrored.err(), Some(InvalidMessage::Header), "{case:?}");
        }
    }

    #[test]
    fn only_json_in_utf_8_is_read() {
        let good: [&[&[u8]]; 6] = [
            &[],
            &[b"application/json"],
            &[b"Application/JSON ;charset=UTF-8"],
            &[b"application/json; charset=\"utf-8\""],
            &[b"application/json; version=1; charset=utf-8"],
            &[b"application/json;odata=minimal"],
        ];
        for case in good {
            assert_eq!(judge(&headers("content-type", case)), Ok(()), "{case:?}");
        }
        let bad: [&[&[u8]]; 15] = [
            &[b"application/json; charset=utf-8; charset=utf-8"],
            &[b"application/json; x=\"a\""],
            &[b""],
            &[b"text/plain"],
            &[b"application/x-www-form-urlencoded"],
            &[b"multipart/form-data; boundary=x"],
            &[b"application/json; charset=utf-16"],
            &[b"application/json; charset=utf-7"],
            &[b"application/json; charset=iso-8859-1"],
            &[b"application/json; charset=utf-8; charset=utf-16"],
            &[b"application/json; charset*=utf-16"],
            &[b"application/json; x=\"; charset=utf-8\"; charset=utf-16"],
            &[b"application/json; charset"],
            &[b"application/json", b"text/plain"],
            &[b"application/json, text/plain"],
        ];
        for case in bad {
            let refused = Err(InvalidMessage::ContentType);
            assert_eq!(judge(&headers("content-type", case)), refused, "{case:?}");
        }
    }
}
