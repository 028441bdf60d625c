use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use thiserror::Error;

use crate::jose::Header;

/// A signed token, taken apart but not yet believed ([RFC 7515, section 7.1]).
///
/// The claims cannot be read from here: only what `verify` returns gives them. Until
/// then they can only be refused.
///
/// [RFC 7515, section 7.1]: https://www.rfc-editor.org/rfc/rfc7515#section-7.1
#[derive(Clone, Debug)]
pub struct Jws<'a> {
    pub(super) header: Arc<Header>,
    pub(super) signing_input: &'a str,
    /// The payload, and behind it the signature.
    decoded: Vec<u8>,
    payload: usize,
}

/// The text is no signed token this crate accepts.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidJws {
    /// The text is longer than any token has to be.
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// The text does not have three parts.
    #[error("the token does not have three parts with dots between them")]
    NotCompact,
    /// A part is not what an encoder would have written.
    #[error("a part of the token is not canonical base64url without padding")]
    Encoding,
    /// The header is no JSON object with an `alg`, or a member has the wrong type.
    #[error("the header is no JSON object with an alg")]
    Header,
    /// The header says something twice.
    #[error("the header repeats a member")]
    RepeatedMember,
    /// The header has a `crit` or `b64`.
    #[error("the header asks for an extension, and none is supported")]
    CriticalExtension,
    /// The `alg` is not on the allow-list.
    #[error("the algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// The key is for another algorithm than the header names.
    #[error("the key is not for the algorithm that the header names")]
    KeyMismatch,
    /// The key did not make this signature.
    #[error("the signature is invalid")]
    Signature,
}

impl<'a> Jws<'a> {
    /// The longest token that is looked at, in bytes.
    const MAX_LENGTH: usize = 8 * 1024;

    /// Takes a token in the compact serialization apart.
    ///
    /// # Errors
    ///
    /// [`InvalidJws`] if the text is too long, is not three parts of canonical
    /// base64url, or its header is one this crate does not accept.
    pub fn parse(text: &'a str) -> Result<Self, InvalidJws> {
        Self::parse_with(text, |_| None)
    }

    /// The same, unless the header is known from how it stands there.
    pub(super) fn parse_with(
        text: &'a str,
        known: impl FnOnce(&str) -> Option<Arc<Header>>,
    ) -> Result<Self, InvalidJws> {
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidJws::TooLong);
        }
        let (header, payload, signature) = parts(text).ok_or(InvalidJws::NotCompact)?;
        let signing_input = &text[..header.len() + 1 + payload.len()];
        let header = match known(header) {
            Some(known) => known,
            None => Arc::new(Header::parse(&decode(header)?)?),
        };
        let mut decoded = Vec::with_capacity(payload.len() + signature.len());
        decode_into(&mut decoded, payload)?;
        let payload = decoded.len();
        decode_into(&mut decoded, signature)?;
        Ok(Self {
            header,
            signing_input,
            decoded,
            payload,
        })
    }

    /// What the token says about itself, for choosing a key.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.decoded[..self.payload]
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.decoded[self.payload..]
    }

    /// For whom the token says it speaks, to find out whose keys decide.
    ///
    /// Anybody can write this: it proves nothing, and is `None` unless the claims
    /// are an object that says it once.
    #[must_use]
    pub fn claimed_subject(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Claimed {
            sub: String,
        }
        self.claimed().map(|claimed: Claimed| claimed.sub)
    }

    /// Who the token says issued it, to find out whose keys decide.
    ///
    /// Anybody can write this: it proves nothing, and is `None` unless the claims
    /// are an object that says it once.
    #[must_use]
    pub fn claimed_issuer(&self) -> Option<Cow<'_, str>> {
        #[derive(Deserialize)]
        struct Claimed<'a> {
            #[serde(borrow)]
            iss: Cow<'a, str>,
        }
        self.claimed().map(|claimed: Claimed<'_>| claimed.iss)
    }

    /// Who a text says issued it that [`parse`](Self::parse) does not take, such as
    /// one with a header that is not acceptable; `None` if it has no claims to say so.
    ///
    /// Anybody can write this: it proves nothing.
    #[must_use]
    pub fn issuer_named_in(text: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Claimed {
            iss: String,
        }
        let (_, payload, _) = parts(text).filter(|_| text.len() <= Self::MAX_LENGTH)?;
        claimed_in(&decode(payload).ok()?).map(|claimed: Claimed| claimed.iss)
    }

    fn claimed<'de, T: Deserialize<'de>>(&'de self) -> Option<T> {
        claimed_in(self.payload())
    }
}

/// Header, payload and signature, each still encoded.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let mut dots = memchr::memchr_iter(b'.', text.as_bytes());
    let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
        return None;
    };
    Some((
        &text[..first],
        &text[first + 1..second],
        &text[second + 1..],
    ))
}

fn claimed_in<'de, T: Deserialize<'de>>(payload: &'de [u8]) -> Option<T> {
    // A derived struct would also be read from an array.
    let is_object = payload.trim_ascii_start().first() == Some(&b'{');
    let claimed = is_object.then(|| serde_json::from_slice(payload));
    claimed?.ok()
}

fn decode(part: &str) -> Result<Vec<u8>, InvalidJws> {
    let mut decoded = Vec::new();
    decode_into(&mut decoded, part)?;
    Ok(decoded)
}

fn decode_into(decoded: &mut Vec<u8>, part: &str) -> Result<(), InvalidJws> {
    URL_SAFE_NO_PAD
        .decode_vec(part, decoded)
        .map_err(|_| InvalidJws::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"alg":"ES256"}` and `{}`, with 64 zero bytes for a signature.
    fn token() -> String {
        format!("eyJhbGciOiJFUzI1NiJ9.e30.{}", "A".repeat(86))
    }

    fn refusal(text: &str) -> Option<InvalidJws> {
        Jws::parse(text).err()
    }

    #[test]
    fn a_token_has_exactly_three_parts() {
        assert_eq!(refusal(&token()), None);
        for text in [
            "",
            "e30",
            "e30.e30",
            "a.b.c.d",
            "....",
            "eyJhbGciOiJFUzI1NiJ9",
        ] {
            assert_eq!(refusal(text), Some(InvalidJws::NotCompact), "{text}");
        }
        let four = format!("{}.AAAA", token());
        assert_eq!(refusal(&four), Some(InvalidJws::NotCompact));
    }

    #[test]
    fn a_part_is_canonical_base64url_without_padding() {
        let good = token();
        for (from, to) in [
            (".e30.", ".e30=."),
            (".e30.", ".e31."),
            (".e30.", ".e3 0."),
            (".e30.", ".e3+_."),
            (".e30.", ".e3\n0."),
            ("NiJ9.", "NiJ9=."),
            ("A", "é"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_eq!(refusal(&bad), Some(InvalidJws::Encoding), "{bad}");
        }
        // 86 characters carry 4 bits more than 64 bytes: they have to be zero.
        let trailing = format!("{}B", &good[..good.len() - 1]);
        assert_eq!(refusal(&trailing), Some(InvalidJws::Encoding));
        assert_eq!(refusal(&format!("{good}==")), Some(InvalidJws::Encoding));
    }

    #[test]
    fn a_claimed_text_stands_once_in_an_object() {
        let claims_of = |claims: &str| {
            let (start, end) = ("eyJhbGciOiJFUzI1NiJ9", "A".repeat(86));
            let token = format!("{start}.{}.{end}", URL_SAFE_NO_PAD.encode(claims));
            let jws = Jws::parse(&token).unwrap();
            let issuer = jws.claimed_issuer().map(Cow::into_owned);
            (jws.claimed_subject(), issuer)
        };
        let ab = || Some("ab".to_owned());
        let subject = claims_of(r#" {"iss":1,"sub":"a\u0062"}"#);
        assert_eq!(subject, (ab(), None));
        let issuer = claims_of(r#" {"sub":1,"iss":"a\u0062"}"#);
        assert_eq!(issuer, (None, ab()));
        for claims in [
            "",
            "{}",
            r#"["ab"]"#,
            r#"{"sub":7}"#,
            r#"{"sub":null}"#,
            r#"{"sub":["ab"]}"#,
            r#"{"sub":"ab","sub":"ab"}"#,
            r#"{"sub":"ab"} x"#,
        ] {
            let of_issuer = claims.replace("sub", "iss");
            assert_eq!(claims_of(claims).0, None, "{claims}");
            assert_eq!(claims_of(&of_issuer).1, None, "{of_issuer}");
        }
    }

    #[test]
    fn a_text_says_who_issued_it_whatever_its_header_and_signature_are() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"a"}"#);
        for (header, signature) in [("e30", ""), ("", "AAAA"), ("?", "?"), ("e30", "AAAA=")] {
            let text = format!("{header}.{claims}.{signature}");
            assert!(refusal(&text).is_some(), "{text}");
            assert_eq!(Jws::issuer_named_in(&text).as_deref(), Some("a"), "{text}");
        }
        let twice = URL_SAFE_NO_PAD.encode(r#"{"iss":"a","iss":"a"}"#);
        for text in [
            claims.clone(),
            format!("e30.{claims}"),
            format!("e30.{claims}.AAAA.AAAA"),
            format!("{claims}.e30.AAAA"),
            format!("e30.{claims}=.AAAA"),
            format!("e30.{twice}.AAAA"),
            format!("e30.{claims}.{}", "A".repeat(8192)),
        ] {
            assert_eq!(Jws::issuer_named_in(&text), None, "{text}");
        }
    }

    #[test]
    fn a_token_of_more_than_8_kib_is_not_looked_at() {
        let longest = format!("eyJhbGciOiJFUzI1NiJ9.{}.AAAA", "A".repeat(8192 - 26));
        assert_eq!(longest.len(), 8192);
        assert_eq!(refusal(&longest), None);
        assert_eq!(refusal(&"A".repeat(8193)), Some(InvalidJws::TooLong));
        assert_eq!(refusal(&"A".repeat(9 * 1024)), Some(InvalidJws::TooLong));
    }
}
