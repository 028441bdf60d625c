//! Members that some readers take for others: there are those who do not tell upper
//! from lower case, and of two members such a reader takes the last.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

/// An object whose members are either called as the struct has it or clearly
/// something else.
pub(super) struct Exact<A>(pub(super) A);

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Exact<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(Members { map: self.0, known })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes
        byte_buf option unit unit_struct newtype_struct seq tuple tuple_struct map enum
        identifier ignored_any
    }
}

struct Members<A> {
    map: A,
    known: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let known = self.known;
        self.map.next_key_seed(Name { seed, known })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.map.size_hint()
    }
}

/// The name of a member, on its way to whom it is for.
struct Name<K> {
    seed: K,
    known: &'static [&'static str],
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Name<K> {
    type Value = K::Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a member")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<K::Value, E> {
        judge(name, self.known)?;
        self.seed.deserialize(BorrowedStrDeserializer::new(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<K::Value, E> {
        judge(name, self.known)?;
        self.seed.deserialize(StrDeserializer::new(name))
    }
}

fn judge<E: Error>(name: &str, known: &[&str]) -> Result<(), E> {
    let is_taken_for = |other: &&str| folded(other).eq(folded(name));
    if !known.contains(&name) && known.iter().any(is_taken_for) {
        return Err(E::custom("a member is called almost as another one"));
    }
    Ok(())
}

/// The letters of a name, as the most careless reader tells them apart: some fold
/// letters beyond ASCII into it, and some skip what joins words.
fn folded(name: &str) -> impl Iterator<Item = char> {
    let letters = name.chars().filter(|letter| !matches!(letter, '_' | '-'));
    letters.map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        '\u{130}' | '\u{131}' => 'i',
        other => other.to_ascii_lowercase(),
    })
}
