//! Reads a `NumericDate` ([RFC 7519, section 2]) and prints whole seconds.
//!
//! For `#[serde(with = "numeric_date")]` on a [`Timestamp`]. A foreign token may
//! write a fraction of a second; it is cut off. A time before 1970, or one that
//! is written as a text, is refused.
//!
//! [RFC 7519, section 2]: https://www.rfc-editor.org/rfc/rfc7519#section-2

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserializer, Serializer};

use crate::types::Timestamp;

/// Reads an integer or a finite number that is not negative.
///
/// # Errors
///
/// That of the deserializer if the value is anything else.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    deserializer.deserialize_any(NumericDate)
}

/// Prints whole seconds.
///
/// # Errors
///
/// That of the serializer.
pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_secs())
}

/// The same for a member that may be left out.
///
/// For `#[serde(default, with = "numeric_date::option")]`. A member that is
/// there has to be a number: `null` is refused.
pub mod option {
    use serde::{Deserializer, Serializer};

    use crate::types::Timestamp;

    /// Reads the number of a member that is there.
    ///
    /// # Errors
    ///
    /// That of the deserializer if the value is no `NumericDate`.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }

    /// Prints whole seconds; combine with `skip_serializing_if` to leave `None` out.
    ///
    /// # Errors
    ///
    /// That of the serializer.
    pub fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.serialize_u64(time.as_secs()),
            None => serializer.serialize_none(),
        }
    }
}

struct NumericDate;

impl Visitor<'_> for NumericDate {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number of seconds since 1970, not negative")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Timestamp, E> {
        Ok(Timestamp::from_secs(seconds))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Timestamp, E> {
        let unsigned = u64::try_from(seconds);
        unsigned
            .map(Timestamp::from_secs)
            .map_err(|_| E::invalid_value(Unexpected::Signed(seconds), &self))
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Timestamp, E> {
        // The first float beyond what 64 bits hold.
        const END: f64 = 18_446_744_073_709_551_616.0;
        if !(0.0..END).contains(&seconds) {
            return Err(E::invalid_value(Unexpected::Float(seconds), &self));
        }
        // The cast cuts the fraction off; the range was checked.
        Ok(Timestamp::from_secs(seconds as u64))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use crate::jose::numeric_date;
    use crate::types::Timestamp;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Claims {
        #[serde(with = "numeric_date")]
        exp: Timestamp,
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "numeric_date::option"
        )]
        nbf: Option<Timestamp>,
    }

    fn exp(number: &str) -> Option<u64> {
        let claims = serde_json::from_str::<Claims>(&format!(r#"{{"exp":{number}}}"#));
        claims.ok().map(|claims| claims.exp.as_secs())
    }

    #[test]
    fn a_date_is_a_number_that_is_not_negative() {
        for (number, seconds) in [
            ("0", 0),
            ("-0.0", 0),
            ("1300819380", 1_300_819_380),
            ("1300819380.9", 1_300_819_380),
            ("1.3e9", 1_300_000_000),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(exp(number), Some(seconds), "{number}");
        }
        for number in [
            "-1",
            "-0.5",
            "1e300",
            "18446744073709551616",
            "\"1300819380\"",
            "null",
            "[]",
            "true",
        ] {
            assert_eq!(exp(number), None, "{number}");
        }
    }

    #[test]
    fn a_date_is_printed_as_an_integer_and_may_be_left_out() {
        let claims: Claims = serde_json::from_str(r#"{"exp":7.5}"#).unwrap();
        assert_eq!(serde_json::to_string(&claims).unwrap(), r#"{"exp":7}"#);
        let claims: Claims = serde_json::from_str(r#"{"exp":7,"nbf":1.5}"#).unwrap();
        assert_eq!(claims.nbf, Some(Timestamp::from_secs(1)));
        assert!(serde_json::from_str::<Claims>(r#"{"exp":7,"nbf":null}"#).is_err());
    }
}
