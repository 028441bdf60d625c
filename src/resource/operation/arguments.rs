//! Arguments, for rules that look at them.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads an object in which no member is there twice, however deep.
pub(super) fn parse(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str::<Unrepeated>(text).ok()?;
    serde_json::from_str(text).ok()
}

/// JSON that has one reading only.
struct Unrepeated;

impl Unrepeated {
    /// `serde_json` reads an object with this member as what its text says.
    const STANDS_FOR_TEXT: &str = "$serde_json::private::RawValue";
}

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unrepeated {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON without repeated members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some((name, Self)) = map.next_entry::<String, Self>()? {
            if name == Self::STANDS_FOR_TEXT || !seen.insert(name) {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_there_twice_is_found_however_deep() {
        for repeated in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#,
            r#"{"x":{"$serde_json::private::RawValue":"{}"}}"#,
            r#"{"a":1e999}"#,
            "[]",
            "\"a\"",
            "1",
        ] {
            assert_eq!(parse(repeated), None, "{repeated}");
        }
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
        assert_eq!(parse(&deep), None);
        let once = r#"{"a":{"a":[{"a":null},{"a":true},-1,2,0.5,"a"]},"b":"a"}"#;
        assert_eq!(
            parse(once).map(Value::Object),
            serde_json::from_str(once).ok()
        );
    }
}
