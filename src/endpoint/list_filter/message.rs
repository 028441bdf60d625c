use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::resource::{ListKind, Operation, ResourceServer, VerifiedToken};

/// The lists as one caller may see them.
#[derive(Debug)]
pub(in crate::endpoint) struct View {
    pub(in crate::endpoint) resource: Arc<ResourceServer>,
    pub(in crate::endpoint) caller: Option<VerifiedToken>,
    /// The id of the request, as it is written.
    pub(in crate::endpoint) id: Option<String>,
}

/// A message holds something that cannot be read for sure.
#[derive(Debug)]
pub(super) struct Unreadable;

/// The members of an object in their order, each as it is written.
struct Members<'a>(Vec<(String, Cow<'a, RawValue>)>);

/// What stands in a list.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(default, borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    uri_template: Option<Cow<'a, str>>,
}

/// The members of results that are lists, in every revision.
const LISTS: [(&str, ListKind); 5] = [
    ("tools", ListKind::Tools),
    ("prompts", ListKind::Prompts),
    ("resources", ListKind::Resources),
    ("resourceTemplates", ListKind::Templates),
    ("skills", ListKind::Resources),
];

impl View {
    /// A whole body, cut down; the bytes stay the same if there is no list.
    pub(super) fn cut_bytes(&self, body: Bytes) -> Bytes {
        let text = std::str::from_utf8(&body).map_err(|_| Unreadable);
        let cut = text.and_then(|text| self.cut(text));
        match cut {
            Ok(None) => body,
            Ok(Some(cut)) => cut.into(),
            Err(Unreadable) => self.failure().into(),
        }
    }

    /// A message or a batch of them, cut down; `None` if there is no list.
    pub(super) fn cut(&self, text: &str) -> Result<Option<String>, Unreadable> {
        if !text.trim_ascii_start().starts_with('[') {
            return self.cut_message(text);
        }
        let batch: Vec<&RawValue> = read(text)?;
        let cut = batch.iter().map(|message| self.cut_message(message.get()));
        let cut: Vec<Option<String>> = cut.collect::<Result<_, _>>()?;
        if cut.iter().all(Option::is_none) {
            return Ok(None);
        }
        let messages = batch.iter().zip(&cut);
        let messages: Vec<&str> = messages
            .map(|(own, cut)| cut.as_deref().unwrap_or(own.get()))
            .collect();
        Ok(Some(format!("[{}]", messages.join(","))))
    }

    /// An answer is known by what it holds, not by its id, of which there are
    /// several spellings.
    fn cut_message(&self, text: &str) -> Result<Option<String>, Unreadable> {
        let mut message: Members<'_> = read(text)?;
        let Some(result) = message.find("result") else {
            return Ok(None);
        };
        if !result.get().trim_ascii_start().starts_with('{') {
            return Ok(None);
        }
        let mut members: Members<'_> = read(result.get())?;
        let mut is_list = false;
        for (name, kind) in LISTS {
            let Some(list) = members.find(name) else {
                continue;
            };
            *list = Cow::Owned(self.cut_list(kind, list.get())?);
            is_list = true;
        }
        if !is_list {
            return Ok(None);
        }
        // Nobody else is to be shown it ([caching]).
        //
        // [caching]: https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching
        if let Some(scope) = members.find("cacheScope") {
            *scope = Cow::Owned(write(&"private")?);
        }
        *result = Cow::Owned(write(&members)?);
        Ok(Some(write(&message)?.get().to_owned()))
    }

    fn cut_list(&self, kind: ListKind, list: &str) -> Result<Box<RawValue>, Unreadable> {
        let entries: Vec<&RawValue> = read(list)?;
        let shown: Vec<&RawValue> = entries
            .into_iter()
            .filter(|entry| self.shows(kind, entry.get()))
            .collect();
        write(&shown)
    }

    /// What has no name cannot be used by it, and is not shown either.
    fn shows(&self, kind: ListKind, entry: &str) -> bool {
        let Ok(entry) = read::<Entry<'_>>(entry) else {
            return false;
        };
        let policy = self.resource.policy();
        let held = self.caller.as_ref().map(VerifiedToken::scope);
        let shows = |operation: Operation<'_>| policy.shows(held, &operation);
        let name = entry.name.as_deref();
        match kind {
            ListKind::Tools => name.map(Operation::call).is_some_and(shows),
            ListKind::Prompts => name.map(Operation::prompted).is_some_and(shows),
            ListKind::Resources => {
                let uri = entry.uri.as_deref();
                uri.map(Operation::read).is_some_and(shows)
            }
            ListKind::Templates => {
                let template = entry.uri_template.as_deref();
                template.is_some_and(|template| policy.shows_template(held, template))
            }
        }
    }

    /// What stands in the place of an answer that cannot be cut down.
    pub(super) fn failure(&self) -> String {
        let id = self.id.as_deref().unwrap_or("null");
        let error = json!({
            "code": -32603,
            "message": "the answer could not be cut down to what the caller may use: \
                        it is too long, compressed or no JSON-RPC",
        });
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable)
}

fn write<T: Serialize>(value: &T) -> Result<Box<RawValue>, Unreadable> {
    to_raw_value(value).map_err(|_| Unreadable)
}

impl<'a> Members<'a> {
    fn find(&mut self, name: &str) -> Option<&mut Cow<'a, RawValue>> {
        let member = self.0.iter_mut().find(|(known, _)| known == name);
        member.map(|(_, value)| value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, Cow<'de, RawValue>)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("a member is there twice"));
            }
            members.push((name, Cow::Borrowed(value)));
        }
        Ok(members)
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
