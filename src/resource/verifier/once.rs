//! Claims that stand there once: of two, readers take different ones
//! ([RFC 7519, section 4]).
//!
//! [RFC 7519, section 4]: https://www.rfc-editor.org/rfc/rfc7519#section-4

use std::borrow::Cow;

use serde::de::{Deserialize, Error, MapAccess};
use serde_json::{Map, Value};

/// Reads a claim that was not read before.
pub(super) fn once<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    claim: &mut Option<T>,
    map: &mut A,
) -> Result<(), A::Error> {
    match claim.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(repeated()),
    }
}

/// Keeps a claim that was not kept before.
pub(super) fn keep<'de, A: MapAccess<'de>>(
    others: &mut Map<String, Value>,
    name: Cow<'_, str>,
    map: &mut A,
) -> Result<(), A::Error> {
    match others.insert(name.into_owned(), map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(repeated()),
    }
}

fn repeated<E: Error>() -> E {
    E::custom("a claim stands there twice")
}
