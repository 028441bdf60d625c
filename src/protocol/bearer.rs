//! Bearer tokens and challenges ([RFC 6750]).
//!
//! [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use thiserror::Error;

use crate::protocol::error::ErrorCode;
use crate::protocol::header::Single;
use crate::types::{Scope, Secret};

/// A bearer token as a client presented it ([RFC 6750, section 2.1]).
///
/// [RFC 6750, section 2.1]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
#[derive(Clone, Debug)]
pub struct BearerToken(Secret);

/// A bearer token where it stands in its header, neither judged nor copied yet. It
/// has at most [`BearerToken::MAX_LENGTH`] bytes.
#[derive(Clone, Copy)]
pub(crate) struct PresentedToken<'a>(&'a [u8]);

/// What the request presents is no single well-formed bearer token.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidBearer {
    /// There is more than one `Authorization` header.
    #[error("there is more than one Authorization header")]
    Several,
    /// What follows `Bearer` is not of the form of a token.
    #[error("the bearer token is malformed")]
    Malformed,
    /// The token is longer than 8 KiB.
    #[error("the bearer token is too long")]
    TooLong,
}

impl BearerToken {
    /// The longest token that is looked at, in bytes.
    pub const MAX_LENGTH: usize = 8 * 1024;

    /// Reads the bearer token of a request; `None` if there is no credential,
    /// or one of another scheme.
    ///
    /// # Errors
    ///
    /// [`InvalidBearer`] with the reason.
    pub fn parse(headers: &HeaderMap) -> Result<Option<Self>, InvalidBearer> {
        let presented = PresentedToken::find(Single::of(headers, AUTHORIZATION))?;
        presented.map(PresentedToken::judge).transpose()
    }

    /// The token, for a verifier.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.0
    }
}

impl<'a> PresentedToken<'a> {
    /// Finds the bearer token in the `Authorization` header of a request; `None` if
    /// there is no credential, or one of another scheme.
    ///
    /// # Errors
    ///
    /// [`InvalidBearer::Several`] or [`InvalidBearer::TooLong`].
    pub(crate) fn find(authorization: Single<'a>) -> Result<Option<Self>, InvalidBearer> {
        match authorization {
            Single::Absent => Ok(None),
            Single::Once(value) => Self::find_in(value),
            Single::Repeated => Err(InvalidBearer::Several),
        }
    }

    fn find_in(value: &'a HeaderValue) -> Result<Option<Self>, InvalidBearer> {
        const SCHEME: &[u8] = b"bearer";
        let Some((scheme, rest)) = value.as_bytes().split_at_checked(SCHEME.len()) else {
            return Ok(None);
        };
        let separated = rest.is_empty() || rest[0] == b' ';
        if !scheme.eq_ignore_ascii_case(SCHEME) || !separated {
            return Ok(None);
        }
        let token = rest.trim_ascii();
        if token.len() > BearerToken::MAX_LENGTH {
            return Err(InvalidBearer::TooLong);
        }
        Ok(Some(Self(token)))
    }

    /// Its bytes, for whoever remembers by their hash what was judged before.
    pub(crate) const fn expose(self) -> &'a [u8] {
        self.0
    }

    /// The token in custody, if it has the form of one.
    ///
    /// # Errors
    ///
    /// [`InvalidBearer::Malformed`] if not.
    pub(crate) fn judge(self) -> Result<BearerToken, InvalidBearer> {
        let text = std::str::from_utf8(self.0).ok();
        let text = text.filter(|text| is_token68(text.as_bytes()));
        let token = text.map(|text| BearerToken(Secret::new(text)));
        token.ok_or(InvalidBearer::Malformed)
    }
}

impl fmt::Debug for PresentedToken<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PresentedToken(..)")
    }
}

/// The form of a credential ([RFC 9110, section 11.2]).
///
/// [RFC 9110, section 11.2]: https://www.rfc-editor.org/rfc/rfc9110#section-11.2
fn is_token68(token: &[u8]) -> bool {
    let end = token
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last + 1);
    // Without a way out and without a branch, so that many are compared at once: a
    // token has hundreds.
    let is_allowed = |byte: u8| {
        byte.is_ascii_alphabetic()
            | (b'-'..=b'9').contains(&byte)
            | (byte == b'_')
            | (byte == b'~')
            | (byte == b'+')
    };
    let all_allowed = |all, byte: &u8| all & is_allowed(*byte);
    end > 0 && token[..end].iter().fold(true, all_allowed)
}

/// A `Bearer` challenge ([RFC 6750, section 3]; [RFC 9728, section 5.1]).
///
/// [RFC 6750, section 3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
/// [RFC 9728, section 5.1]: https://www.rfc-editor.org/rfc/rfc9728#section-5.1
#[derive(Clone, Debug)]
pub struct BearerChallenge<'a> {
    /// Where the resource's metadata is; `None` if there is no authorization server to
    /// which it could lead.
    pub resource_metadata: Option<&'a str>,
    /// What the operation needs; left out if empty.
    pub scope: &'a Scope,
    /// What is wrong with the token; `None` if there was none.
    pub error: Option<(ErrorCode, &'static str)>,
}

impl BearerChallenge<'_> {
    /// The challenge as the value of a `WWW-Authenticate` header; `None` if the
    /// metadata URL has a character that no header can carry.
    #[must_use]
    pub fn to_header(&self) -> Option<HeaderValue> {
        use std::fmt::Write as _;

        let mut text = String::from("Bearer ");
        if let Some((code, description)) = self.error {
            let _ = write!(
                text,
                "error=\"{code}\", error_description=\"{description}\", "
            );
        }
        if !self.scope.is_empty() {
            let _ = write!(text, "scope=\"{}\", ", self.scope);
        }
        // A challenge needs one parameter at least, and nothing else may be there.
        let _ = match self.resource_metadata {
            Some(url) => write!(text, "resource_metadata=\"{url}\""),
            None => write!(text, "realm=\"API key\""),
        };
        HeaderValue::try_from(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&[u8]]) -> Result<Option<String>, InvalidBearer> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        Ok(BearerToken::parse(&headers)?.map(|token| token.secret().expose().to_owned()))
    }

    #[test]
    fn the_scheme_is_matched_in_any_case_with_any_number_of_spaces() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc", "Bearer abc  "] {
            assert_eq!(
                parse(&[value.as_bytes()]),
                Ok(Some("abc".into())),
                "{value}"
            );
        }
        assert_eq!(
            parse(&[b"Bearer aZ9-._~+/=="]),
            Ok(Some("aZ9-._~+/==".into()))
        );
    }

    #[test]
    fn a_token_is_made_of_letters_digits_and_six_marks() {
        for byte in 0..=255 {
            let allowed = byte_is_in_token68(byte);
            assert_eq!(is_token68(&[b'a', byte, b'a']), allowed, "{byte}");
        }
    }

    fn byte_is_in_token68(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
    }

    #[test]
    fn another_scheme_counts_as_no_credentials() {
        for value in [
            "Basic abc",
            "Bearerabc",
            "Bear",
            "DPoP abc",
            "Bearer\tabc",
            "",
        ] {
            assert_eq!(parse(&[value.as_bytes()]), Ok(None), "{value}");
        }
    }

    #[test]
    fn a_malformed_or_second_or_endless_token_is_refused() {
        let long = [
            b"Bearer ".as_slice(),
            &vec![b'a'; BearerToken::MAX_LENGTH + 1],
        ]
        .concat();
        let cases: [(&[&[u8]], InvalidBearer); 8] = [
            (&[b"Bearer "], InvalidBearer::Malformed),
            (&[b"Bearer"], InvalidBearer::Malformed),
            (&[b"Bearer a b"], InvalidBearer::Malformed),
            (&[b"Bearer a,b"], InvalidBearer::Malformed),
            (&[b"Bearer =="], InvalidBearer::Malformed),
            (&[b"Bearer \xff\xfe"], InvalidBearer::Malformed),
            (&[b"Bearer a", b"Bearer a"], InvalidBearer::Several),
            (&[&long], InvalidBearer::TooLong),
        ];
        for (values, expected) in cases {
            assert_eq!(parse(values), Err(expected));
        }
        assert!(parse(&[&long[..long.len() - 1]]).is_ok());
    }

    #[test]
    fn a_challenge_names_the_error_the_scope_and_the_metadata() {
        let challenge = BearerChallenge {
            resource_metadata: Some("https://a.example/.well-known/oauth-protected-resource"),
            scope: &Scope::parse("b a").unwrap(),
            error: Some((ErrorCode::InvalidToken, "no")),
        };
        assert_eq!(
            challenge.to_header().unwrap(),
            "Bearer error=\"invalid_token\", error_description=\"no\", scope=\"a b\", \
             resource_metadata=\"https://a.example/.well-known/oauth-protected-resource\"",
        );
    }
}
