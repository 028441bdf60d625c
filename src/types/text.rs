use std::borrow::Cow;

use serde::Deserialize;

/// A text that is copied only if it holds an escape.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;

    #[test]
    fn a_text_is_read_from_whatever_holds_one() {
        let plain: StrDeserializer<'_, Error> = "a".into_deserializer();
        assert_eq!(Text::deserialize(plain).unwrap().0, "a");
        let escaped: Text<'_> = serde_json::from_str(r#""\u0061""#).unwrap();
        assert!(matches!(escaped.0, Cow::Owned(text) if text == "a"));
        let borrowed: Text<'_> = serde_json::from_str(r#""a""#).unwrap();
        assert!(matches!(borrowed.0, Cow::Borrowed("a")));
    }
}
