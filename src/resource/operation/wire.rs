//! The body in one pass: what matters of it is borrowed, the rest is skipped.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::resource::operation::arguments::Arguments;
use crate::resource::operation::spelling::Name;

/// Of a longer list the rest is not kept; whoever reads it has to refuse it.
pub(super) const LONGEST_LIST: usize = 1000;

/// What a member is. Which kind is good is for the method to say, and members of
/// unknown methods may be of any.
#[derive(Debug, Default)]
pub(in crate::resource) enum Member<'a, O = Unread, I = IgnoredAny> {
    /// Absent, or `null`.
    #[default]
    Nothing,
    Text(Cow<'a, str>),
    Object(O),
    List(Vec<I>),
    /// A number or a truth value.
    Other,
}

/// One message, or a batch of them.
pub(super) type Body<'a> = Member<'a, Message<'a>, Member<'a, Message<'a>>>;

/// An object of which nothing is kept.
#[derive(Debug, Default)]
pub(in crate::resource) struct Unread;

/// What a completion is for.
#[derive(Debug, Default)]
pub(super) struct Reference<'a> {
    pub(super) kind: Member<'a>,
    pub(super) name: Member<'a>,
    pub(super) uri: Member<'a>,
}

/// What a client wants to hear of.
#[derive(Debug, Default)]
pub(super) struct Notifications<'a> {
    pub(super) resource_subscriptions: Member<'a, Unread, Member<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    pub(super) method: Member<'a>,
    pub(super) params: Member<'a, Params<'a>>,
    pub(super) id: Option<&'a RawValue>,
    /// Whether there is a result or an error.
    pub(super) is_answer: bool,
}

#[derive(Debug, Default)]
pub(super) struct Params<'a> {
    pub(super) name: Member<'a>,
    pub(super) uri: Member<'a>,
    // Boxed, since they are seldom there.
    pub(super) reference: Member<'a, Box<Reference<'a>>>,
    pub(super) notifications: Member<'a, Box<Notifications<'a>>>,
    pub(super) arguments: Option<Arguments<'a>>,
}

impl Params<'_> {
    /// How many resources are listed.
    pub(super) fn listed(&self) -> usize {
        let wanted = self.notifications.object();
        wanted.map_or(0, |wanted| match &wanted.resource_subscriptions {
            Member::List(uris) => uris.len(),
            Member::Nothing | Member::Text(_) | Member::Object(_) | Member::Other => 0,
        })
    }
}

impl<O, I> Member<'_, O, I> {
    pub(in crate::resource) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Object(_) | Self::List(_) | Self::Other => None,
        }
    }

    pub(super) fn object(&self) -> Option<&O> {
        match self {
            Self::Object(object) => Some(object),
            Self::Nothing | Self::Text(_) | Self::List(_) | Self::Other => None,
        }
    }
}

/// What is kept of an object.
pub(super) trait Members<'a>: Default {
    /// The members that are read. Others are skipped, unless some readers take them
    /// for one of these.
    const NAMES: &'static [&'static str];

    /// Reads the value of the member in this place among the names.
    fn read<A: MapAccess<'a>>(&mut self, place: usize, map: &mut A) -> Result<(), A::Error>;
}

impl<'a> Members<'a> for Unread {
    const NAMES: &'static [&'static str] = &[];

    fn read<A: MapAccess<'a>>(&mut self, _: usize, map: &mut A) -> Result<(), A::Error> {
        map.next_value::<IgnoredAny>().map(drop)
    }
}

impl<'a, M: Members<'a>> Members<'a> for Box<M> {
    const NAMES: &'static [&'static str] = M::NAMES;

    fn read<A: MapAccess<'a>>(&mut self, place: usize, map: &mut A) -> Result<(), A::Error> {
        M::read(self, place, map)
    }
}

impl<'a> Members<'a> for Message<'a> {
    const NAMES: &'static [&'static str] =
        &["jsonrpc", "method", "params", "id", "result", "error"];

    fn read<A: MapAccess<'a>>(&mut self, place: usize, map: &mut A) -> Result<(), A::Error> {
        match Self::NAMES[place] {
            "method" => self.method = map.next_value()?,
            "params" => self.params = map.next_value()?,
            "id" => self.id = map.next_value()?,
            name => {
                self.is_answer |= matches!(name, "result" | "error");
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Params<'a> {
    const NAMES: &'static [&'static str] = &["name", "uri", "ref", "notifications", "arguments"];

    fn read<A: MapAccess<'a>>(&mut self, place: usize, map: &mut A) -> Result<(), A::Error> {
        match Self::NAMES[place] {
            "name" => self.name = map.next_value()?,
            "uri" => self.uri = map.next_value()?,
            "ref" => self.reference = map.next_value()?,
            "notifications" => self.notifications = map.next_value()?,
            _ => self.arguments = map.next_value()?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Reference<'a> {
    const NAMES: &'static [&'static str] = &["type", "name", "uri"];

    fn read<A: MapAccess<'a>>(&mut self, place: usize, map: &mut A) -> Result<(), A::Error> {
        match Self::NAMES[place] {
            "type" => self.kind = map.next_value()?,
            "name" => self.name = map.next_value()?,
            _ => self.uri = map.next_value()?,
        }
        Ok(())
    }
}

impl<'a> Members<'a> for Notifications<'a> {
    const NAMES: &'static [&'static str] = &["resourceSubscriptions"];

    fn read<A: MapAccess<'a>>(&mut self, _: usize, map: &mut A) -> Result<(), A::Error> {
        self.resource_subscriptions = map.next_value()?;
        Ok(())
    }
}

impl<'a, O: Members<'a>, I: Deserialize<'a>> Deserialize<'a> for Member<'a, O, I> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor(PhantomData))
    }
}

struct MemberVisitor<'a, O, I>(PhantomData<Member<'a, O, I>>);

impl<'a, O: Members<'a>, I: Deserialize<'a>> Visitor<'a> for MemberVisitor<'a, O, I> {
    type Value = Member<'a, O, I>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = O::default();
        let mut seen = 0_u32;
        while let Some(place) = map.next_key_seed(Name(O::NAMES))? {
            let Some(place) = place else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if seen & (1 << place) != 0 {
                return Err(A::Error::custom("a member is there twice"));
            }
            seen |= 1 << place;
            object.read(place, &mut map)?;
        }
        Ok(Member::Object(object))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() <= LONGEST_LIST {
            match list.next_element()? {
                Some(item) => items.push(item),
                None => return Ok(Member::List(items)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::List(items))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Member::Nothing)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_that_is_read_stands_once_and_under_its_own_name() {
        expect_once(Message::NAMES, |text| {
            serde_json::from_str::<Member<'_, Message<'_>>>(text).is_ok()
        });
        expect_once(Params::NAMES, |text| {
            serde_json::from_str::<Member<'_, Params<'_>>>(text).is_ok()
        });
        expect_once(Reference::NAMES, |text| {
            serde_json::from_str::<Member<'_, Reference<'_>>>(text).is_ok()
        });
        expect_once(Notifications::NAMES, |text| {
            serde_json::from_str::<Member<'_, Box<Notifications<'_>>>>(text).is_ok()
        });
    }

    fn expect_once(names: &[&str], reads: impl Fn(&str) -> bool) {
        assert!(reads(r#"{"other":1,"other":1}"#));
        for name in names {
            let (upper, joined) = (name.to_uppercase(), name.replacen('e', "_e", 1));
            assert!(reads(&format!(r#"{{"{name}":null,"other":1}}"#)), "{name}");
            let twice = format!(r#"{{"{name}":null,"other":1,"{name}":null}}"#);
            assert!(!reads(&twice), "{twice}");
            for almost in [upper, joined].iter().filter(|almost| *almost != name) {
                let text = format!(r#"{{"{almost}":null}}"#);
                assert!(!reads(&text), "{text}");
            }
        }
    }
}
