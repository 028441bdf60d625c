//! The body in one pass: what matters of it is borrowed, the rest is skipped.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::resource::operation::arguments::Arguments;
use crate::resource::operation::spelling::Exact;

/// Of a longer list the rest is not kept; whoever reads it has to refuse it.
pub(super) const LONGEST_LIST: usize = 1000;

/// What a member is. Which kind is good is for the method to say, and members of
/// unknown methods may be of any.
#[derive(Debug, Default)]
pub(in crate::resource) enum Member<'a, O = IgnoredAny, I = IgnoredAny> {
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

// Derived structs refuse a member that is there twice, and `Exact` one that some
// readers take for another.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Message<'a> {
    #[serde(default, rename = "jsonrpc")]
    _version: Presence,
    #[serde(default, borrow)]
    pub(super) method: Member<'a>,
    #[serde(default, borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(super) params: Member<'a, Params<'a>>,
    #[serde(default)]
    pub(super) result: Presence,
    #[serde(default)]
    pub(super) error: Presence,
}

#[derive(Debug, serde::Deserialize)]
pub(super) struct Params<'a> {
    #[serde(default, borrow)]
    pub(super) name: Member<'a>,
    #[serde(default, borrow)]
    pub(super) uri: Member<'a>,
    #[serde(default, borrow, rename = "ref")]
    pub(super) reference: Member<'a, Reference<'a>>,
    #[serde(default, borrow)]
    pub(super) notifications: Member<'a, Notifications<'a>>,
    #[serde(default, borrow)]
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

/// What a completion is for.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Reference<'a> {
    #[serde(default, borrow, rename = "type")]
    pub(super) kind: Member<'a>,
    #[serde(default, borrow)]
    pub(super) name: Member<'a>,
    #[serde(default, borrow)]
    pub(super) uri: Member<'a>,
}

/// What a client wants to hear of.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notifications<'a> {
    #[serde(default, borrow)]
    pub(super) resource_subscriptions: Member<'a, IgnoredAny, Member<'a>>,
}

/// Whether a member is there, whatever it is.
#[derive(Debug, Default)]
pub(super) struct Presence(pub(super) bool);

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
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

impl<'de: 'a, 'a, O: Deserialize<'de>, I: Deserialize<'de>> Deserialize<'de> for Member<'a, O, I> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor(PhantomData))
    }
}

struct MemberVisitor<'a, O, I>(PhantomData<Member<'a, O, I>>);

impl<'de: 'a, 'a, O, I> Visitor<'de> for MemberVisitor<'a, O, I>
where
    O: Deserialize<'de>,
    I: Deserialize<'de>,
{
    type Value = Member<'a, O, I>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    // Only here does an object become one: a derived struct would take an array
    // for one as well, member by member, in an order that is not the handler's.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        O::deserialize(Exact(map)).map(Member::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
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
