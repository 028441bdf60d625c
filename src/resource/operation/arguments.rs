//! Arguments, for rules that look at them.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The arguments of a message, which are read once, however many things the message
/// could be.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    raw: &'a RawValue,
    read: OnceCell<Option<Map<String, Value>>>,
}

impl Arguments<'_> {
    /// `None` if they have two readings.
    pub(super) fn read(&self) -> Option<&Map<String, Value>> {
        self.read.get_or_init(|| parse(self.raw.get())).as_ref()
    }

    /// Whether somebody wanted to read what has two readings.
    pub(super) fn were_hidden(&self) -> bool {
        matches!(self.read.get(), Some(None))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Arguments<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let read = OnceCell::new();
        Ok(Self { raw, read })
    }
}

/// Reads an object in which no member is there twice, however deep.
fn parse(text: &str) -> Option<Map<String, Value>> {
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
