use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::jose::{Algorithm, InvalidJws};
use crate::types::Text;

/// The header of a signature, as far as it may be believed ([RFC 7515, section 4]).
///
/// Members that name or carry a key (`jwk`, `jku`, `x5u`, `x5c`) are never read:
/// whoever wrote the token would choose the key that checks it.
///
/// [RFC 7515, section 4]: https://www.rfc-editor.org/rfc/rfc7515#section-4
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// The `alg`, one of the allow-list.
    pub algorithm: Algorithm,
    /// The `kid`: which key the signer says it used.
    pub key_id: Option<String>,
    /// The `typ`: what kind of token this is.
    pub typ: Option<String>,
}

impl Header {
    /// Parses the JSON of a protected header.
    pub(super) fn parse(json: &[u8]) -> Result<Self, InvalidJws> {
        let text = std::str::from_utf8(json).map_err(|_| InvalidJws::Header)?;
        let raw: RawHeader<'_> = serde_json::from_str(text).map_err(|_| InvalidJws::Header)?;
        if raw.repeated {
            return Err(InvalidJws::RepeatedMember);
        }
        if raw.critical {
            return Err(InvalidJws::CriticalExtension);
        }
        let name = raw.algorithm.ok_or(InvalidJws::Header)?;
        Ok(Self {
            algorithm: Algorithm::parse(&name).map_err(|_| InvalidJws::AlgorithmNotAllowed)?,
            key_id: raw.key_id.map(Cow::into_owned),
            typ: raw.typ.map(Cow::into_owned),
        })
    }

    /// Whether `typ` is this media type, with or without its `application/`.
    ///
    /// Media types do not distinguish upper from lower case ([RFC 7515, section
    /// 4.1.9]). A header without `typ` has none.
    ///
    /// [RFC 7515, section 4.1.9]: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9
    #[must_use]
    pub fn has_typ(&self, media_type: &str) -> bool {
        let typ = self.typ.as_deref().map(subtype);
        typ.is_some_and(|typ| typ.eq_ignore_ascii_case(subtype(media_type)))
    }
}

/// The media type without the prefix that may be left out.
fn subtype(media_type: &str) -> &str {
    const PREFIX: &str = "application/";
    match media_type.split_at_checked(PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => media_type,
    }
}

/// What a header says, before it is judged.
#[derive(Default)]
struct RawHeader<'a> {
    algorithm: Option<Cow<'a, str>>,
    key_id: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    critical: bool,
    repeated: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for RawHeader<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = RawHeader<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut header = RawHeader::default();
        let mut others = BTreeSet::new();
        while let Some(Text(name)) = map.next_key()? {
            let known = match &*name {
                "alg" => &mut header.algorithm,
                "kid" => &mut header.key_id,
                "typ" => &mut header.typ,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    header.critical |= matches!(&*name, "crit" | "b64");
                    header.repeated |= !others.insert(name);
                    continue;
                }
            };
            let Text(value) = map.next_value()?;
            header.repeated |= known.replace(value).is_some();
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Header, InvalidJws> {
        Header::parse(json.as_bytes())
    }

    #[test]
    fn a_header_tells_algorithm_key_and_type() {
        let header = parse(r#"{"alg":"ES256","typ":"at+jwt","kid":"\u0061"}"#).unwrap();
        assert_eq!(header.algorithm, Algorithm::Es256);
        assert_eq!(header.key_id.as_deref(), Some("a"));
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    }

    #[test]
    fn keys_in_a_header_are_not_looked_at() {
        let plain = parse(r#"{"alg":"ES256"}"#).unwrap();
        let loaded = r#"{"alg":"ES256","jwk":{"kty":"oct"},"jku":7,"x5u":"","x5c":[]}"#;
        assert_eq!(parse(loaded).unwrap(), plain);
    }

    #[test]
    fn a_header_is_one_object_whose_known_members_are_strings() {
        for json in [
            "",
            "{}",
            "[]",
            "\"ES256\"",
            r#"["ES256"]"#,
            r#"{"typ":"JWT"}"#,
            r#"{"alg":null}"#,
            r#"{"alg":["ES256"]}"#,
            r#"{"alg":"ES256","kid":1}"#,
            r#"{"alg":"ES256","kid":null}"#,
            r#"{"alg":"ES256","typ":{}}"#,
            r#"{"alg":"ES256"} {}"#,
            r#"{"alg":"ES256",}"#,
        ] {
            assert_eq!(parse(json), Err(InvalidJws::Header), "{json}");
        }
    }

    #[test]
    fn a_repeated_member_is_refused_whatever_its_name() {
        for json in [
            r#"{"alg":"ES256","alg":"ES256"}"#,
            r#"{"alg":"ES256","\u0061lg":"none"}"#,
            r#"{"alg":"ES256","kid":"a","kid":"b"}"#,
            r#"{"alg":"ES256","typ":"a","typ":"a"}"#,
            r#"{"alg":"ES256","other":1,"other":1}"#,
        ] {
            assert_eq!(parse(json), Err(InvalidJws::RepeatedMember), "{json}");
        }
    }

    #[test]
    fn an_extension_that_must_be_understood_is_refused() {
        for json in [
            r#"{"alg":"ES256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"ES256","crit":[]}"#,
            r#"{"alg":"ES256","crit":null}"#,
            r#"{"alg":"ES256","b64":false}"#,
            r#"{"alg":"ES256","b64":true}"#,
        ] {
            assert_eq!(parse(json), Err(InvalidJws::CriticalExtension), "{json}");
        }
    }

    #[test]
    fn an_algorithm_outside_the_list_is_refused() {
        for name in ["none", "nOnE", "HS256", "ES512", "PS384", ""] {
            let json = format!(r#"{{"alg":"{name}"}}"#);
            assert_eq!(parse(&json), Err(InvalidJws::AlgorithmNotAllowed), "{name}");
        }
    }

    #[test]
    fn media_types_are_equal_in_any_case_and_without_their_prefix() {
        let typed = |typ: &str| parse(&format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#)).unwrap();
        for typ in [
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "Application/At+Jwt",
        ] {
            assert!(typed(typ).has_typ("at+jwt"), "{typ}");
            assert!(typed(typ).has_typ("application/at+jwt"), "{typ}");
        }
        for typ in [
            "",
            "jwt",
            "at+jwt ",
            "text/at+jwt",
            "application/",
            "at+jwté",
        ] {
            assert!(!typed(typ).has_typ("at+jwt"), "{typ}");
        }
        assert!(!parse(r#"{"alg":"ES256"}"#).unwrap().has_typ("at+jwt"));
    }
}
