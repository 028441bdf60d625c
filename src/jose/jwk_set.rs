use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::jose::Jwk;

/// A set of public keys ([RFC 7517, section 5]).
///
/// Reading one is lenient, as the RFC asks: a key this crate cannot use is left
/// out and counted, so that a new key type does not break an old reader.
///
/// [RFC 7517, section 5]: https://www.rfc-editor.org/rfc/rfc7517#section-5
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "WireJwkSet", into = "WireJwkSet")]
pub struct JwkSet {
    keys: Vec<Jwk>,
    skipped: usize,
}

/// The JSON is no set of keys.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidJwkSet {
    /// The text is not a JSON object with an array `keys`.
    #[error("a JWK Set is a JSON object with an array of keys")]
    Malformed,
    /// There are more keys than anybody needs.
    #[error("a JWK Set has at most 100 keys")]
    TooMany,
}

#[derive(Deserialize, Serialize)]
struct WireJwkSet {
    keys: Vec<Value>,
}

impl JwkSet {
    /// The most keys a set may have; each costs time to parse.
    const MAX_KEYS: usize = 100;

    /// The set of these keys.
    #[must_use]
    pub const fn new(keys: Vec<Jwk>) -> Self {
        Self { keys, skipped: 0 }
    }

    /// Parses a set, leaving out the keys this crate cannot use.
    ///
    /// # Errors
    ///
    /// [`InvalidJwkSet`] unless `json` is an object with an array `keys` of at
    /// most 100 elements.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidJwkSet> {
        let wire: WireJwkSet =
            serde_json::from_slice(json).map_err(|_| InvalidJwkSet::Malformed)?;
        wire.try_into()
    }

    /// The keys that can be used.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// How many keys were left out because they cannot be used.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// The keys with this `kid`: more than one if the set repeats it.
    pub fn find<'a>(&'a self, key_id: &'a str) -> impl Iterator<Item = &'a Jwk> {
        let named = move |key: &&Jwk| key.key_id() == Some(key_id);
        self.keys.iter().filter(named)
    }
}

impl TryFrom<WireJwkSet> for JwkSet {
    type Error = InvalidJwkSet;

    fn try_from(wire: WireJwkSet) -> Result<Self, Self::Error> {
        if wire.keys.len() > Self::MAX_KEYS {
            return Err(InvalidJwkSet::TooMany);
        }
        let all = wire.keys.len();
        let parsed = wire.keys.into_iter().map(serde_json::from_value);
        let keys: Vec<Jwk> = parsed.filter_map(Result::ok).collect();
        let skipped = all - keys.len();
        Ok(Self { keys, skipped })
    }
}

impl From<JwkSet> for WireJwkSet {
    fn from(set: JwkSet) -> Self {
        let print = |key| serde_json::to_value(key).expect("a JWK is a map of strings");
        Self {
            keys: set.keys.into_iter().map(print).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"a",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn set_of(keys: &[&str]) -> Result<JwkSet, InvalidJwkSet> {
        JwkSet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())
    }

    #[test]
    fn keys_that_cannot_be_used_are_left_out_and_counted() {
        let set = set_of(&[r#"{"kty":"oct","k":"AQAB"}"#, KEY, r#"{"kty":"new"}"#, "7"]).unwrap();
        assert_eq!(set.keys().len(), 1);
        assert_eq!(set.skipped(), 3);
        assert_eq!(set.find("a").count(), 1);
        assert_eq!(set.find("b").count(), 0);
    }

    #[test]
    fn a_set_of_more_than_100_keys_is_refused() {
        assert_eq!(set_of(&[KEY; 100]).unwrap().keys().len(), 100);
        assert_eq!(set_of(&[KEY; 101]), Err(InvalidJwkSet::TooMany));
        assert_eq!(set_of(&["{}"; 101]), Err(InvalidJwkSet::TooMany));
    }

    #[test]
    fn a_set_is_an_object_with_keys() {
        for json in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}x"#] {
            let expected = Err(InvalidJwkSet::Malformed);
            assert_eq!(JwkSet::parse(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn a_set_survives_a_round_trip() {
        let set = set_of(&[KEY]).unwrap();
        let json = serde_json::to_vec(&set).unwrap();
        assert_eq!(JwkSet::parse(&json).unwrap(), set);
    }
}
