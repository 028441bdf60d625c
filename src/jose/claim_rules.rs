use std::time::Duration;

use thiserror::Error;

use crate::jose::Audience;
use crate::types::Timestamp;

/// The registered claims that decide whether a token counts ([RFC 7519, section 4.1]).
///
/// [RFC 7519, section 4.1]: https://www.rfc-editor.org/rfc/rfc7519#section-4.1
#[derive(Clone, Copy, Debug)]
pub struct RegisteredClaims<'a> {
    /// Who issued the token (`iss`).
    pub issuer: &'a str,
    /// Who it is meant for (`aud`).
    pub audience: &'a Audience,
    /// From when on it counts no more (`exp`).
    pub expires_at: Timestamp,
    /// From when on it counts (`nbf`).
    pub not_before: Option<Timestamp>,
    /// When it was issued (`iat`).
    pub issued_at: Option<Timestamp>,
}

/// What the registered claims have to be.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedClaims<'a> {
    /// The only issuer, compared byte for byte.
    pub issuer: &'a str,
    /// The names of the recipient, of which the audience has to hold one.
    pub audiences: &'a [&'a str],
}

/// The one strict judge of registered claims, for every kind of token.
///
/// Neither issuer nor audience nor expiry can be left out, so that no caller can
/// forget one.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRules {
    leeway: Duration,
}

/// A registered claim is not what it has to be.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ClaimError {
    /// Somebody else issued the token.
    #[error("the token is of another issuer")]
    Issuer,
    /// The token is meant for somebody else.
    #[error("the token is meant for another audience")]
    Audience,
    /// The token counts no more.
    #[error("the token has expired")]
    Expired,
    /// The token does not count yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The token says it was issued later than now.
    #[error("the token was issued in the future")]
    IssuedInTheFuture,
}

impl ClaimRules {
    /// The most that clocks may differ, and how much they may if nobody says.
    const MAX_LEEWAY: Duration = Duration::from_secs(60);

    /// These rules for clocks that differ by up to `leeway`; more than a minute
    /// counts as a minute.
    #[must_use]
    pub fn with_leeway(leeway: Duration) -> Self {
        Self {
            leeway: leeway.min(Self::MAX_LEEWAY),
        }
    }

    /// Judges the claims of a token at the time `now`.
    ///
    /// # Errors
    ///
    /// [`ClaimError`] with the first claim that is not as `expected`.
    pub fn judge(
        &self,
        claims: &RegisteredClaims<'_>,
        expected: &ExpectedClaims<'_>,
        now: Timestamp,
    ) -> Result<(), ClaimError> {
        if claims.issuer != expected.issuer {
            return Err(ClaimError::Issuer);
        }
        let names = expected.audiences;
        if !names.iter().any(|name| claims.audience.contains(name)) {
            return Err(ClaimError::Audience);
        }
        if claims.expires_at.plus(self.leeway) <= now {
            return Err(ClaimError::Expired);
        }
        let horizon = now.plus(self.leeway);
        if claims.not_before.is_some_and(|time| time > horizon) {
            return Err(ClaimError::NotYetValid);
        }
        if claims.issued_at.is_some_and(|time| time > horizon) {
            return Err(ClaimError::IssuedInTheFuture);
        }
        Ok(())
    }
}

impl Default for ClaimRules {
    fn default() -> Self {
        Self::with_leeway(Self::MAX_LEEWAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);
    const EXPECTED: ExpectedClaims<'_> = ExpectedClaims {
        issuer: "https://a.example",
        audiences: &["https://api.example", "api"],
    };

    fn judge_at(
        now: u64,
        change: impl FnOnce(&mut RegisteredClaims<'_>),
    ) -> Result<(), ClaimError> {
        let audience = Audience::one("https://api.example");
        let mut claims = RegisteredClaims {
            issuer: "https://a.example",
            audience: &audience,
            expires_at: NOW,
            not_before: None,
            issued_at: None,
        };
        change(&mut claims);
        ClaimRules::default().judge(&claims, &EXPECTED, Timestamp::from_secs(now))
    }

    #[test]
    fn an_issuer_is_compared_byte_for_byte() {
        assert_eq!(judge_at(999, |_| ()), Ok(()));
        for issuer in ["https://a.example/", "https://A.example", "", "a.example"] {
            let judged = judge_at(999, |claims| claims.issuer = issuer);
            assert_eq!(judged, Err(ClaimError::Issuer), "{issuer}");
        }
    }

    #[test]
    fn one_name_of_the_recipient_has_to_be_in_the_audience() {
        let audience_is = |names: &[&str]| {
            let audience = Audience::of(names.iter().map(|&name| name.into()).collect());
            let claims = RegisteredClaims {
                issuer: EXPECTED.issuer,
                audience: &audience,
                expires_at: NOW,
                not_before: None,
                issued_at: None,
            };
            ClaimRules::default().judge(&claims, &EXPECTED, Timestamp::from_secs(999))
        };
        assert_eq!(audience_is(&["other", "api"]), Ok(()));
        for names in [&[][..], &["other"], &["https://api.example/"]] {
            assert_eq!(audience_is(names), Err(ClaimError::Audience), "{names:?}");
        }
    }

    #[test]
    fn a_token_ends_a_minute_after_its_expiry() {
        assert_eq!(judge_at(1_059, |_| ()), Ok(()));
        assert_eq!(judge_at(1_060, |_| ()), Err(ClaimError::Expired));
        let far = |claims: &mut RegisteredClaims<'_>| {
            claims.expires_at = Timestamp::from_secs(u64::MAX);
        };
        assert_eq!(judge_at(1_060, far), Ok(()));
    }

    #[test]
    fn a_token_of_the_future_does_not_count() {
        let until = |seconds| Some(Timestamp::from_secs(seconds));
        assert_eq!(
            judge_at(900, |claims| claims.not_before = until(960)),
            Ok(())
        );
        let early = judge_at(900, |claims| claims.not_before = until(961));
        assert_eq!(early, Err(ClaimError::NotYetValid));
        assert_eq!(
            judge_at(900, |claims| claims.issued_at = until(960)),
            Ok(())
        );
        let future = judge_at(900, |claims| claims.issued_at = until(961));
        assert_eq!(future, Err(ClaimError::IssuedInTheFuture));
    }

    #[test]
    fn the_leeway_is_never_more_than_a_minute() {
        let hour = ClaimRules::with_leeway(Duration::from_secs(3_600));
        assert_eq!(hour.leeway, Duration::from_secs(60));
        let none = ClaimRules::with_leeway(Duration::ZERO);
        assert_eq!(none.leeway, Duration::ZERO);
    }

    #[test]
    fn an_array_as_issuer_is_no_issuer() {
        #[derive(serde::Deserialize)]
        struct Claims {
            iss: String,
        }
        let parse = |json| serde_json::from_str::<Claims>(json).map(|claims| claims.iss);
        assert_eq!(parse(r#"{"iss":"a"}"#).unwrap(), "a");
        assert!(parse(r#"{"iss":["a"]}"#).is_err());
        assert!(parse(r#"{"iss":"a","iss":"a"}"#).is_err());
    }
}
