//! Members that some readers take for others: there are those who do not tell upper
//! from lower case, and of two members such a reader takes the last.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// The name of a member: its place among these, or that it is clearly another one.
#[derive(Clone, Copy)]
pub(super) struct Name(pub(super) &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Name {
    /// Whether some reader takes a member for one of these that is called otherwise.
    fn is_almost(self, name: &str) -> bool {
        // Nearly all differ in the first letter already.
        let first = folded(name).next();
        let mut alike = self.0.iter().filter(|known| folded(known).next() == first);
        alike.any(|known| folded(known).eq(folded(name)))
    }
}

impl Visitor<'_> for Name {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let place = self.0.iter().position(|known| *known == name);
        if place.is_none() && self.is_almost(name) {
            return Err(E::custom("a member is called almost as another one"));
        }
        Ok(place)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_some_reader_folds_into_ascii_are_those_of_ascii() {
        for (name, letters) in [
            ("\u{17f}", "s"),
            ("\u{212a}", "k"),
            ("\u{130}\u{131}", "ii"),
            ("A_b-C", "abc"),
        ] {
            assert!(folded(name).eq(letters.chars()), "{name}");
        }
        assert!(!folded("\u{e9}").eq("e".chars()));
    }
}
