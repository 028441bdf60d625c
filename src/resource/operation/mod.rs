mod arguments;
mod headers;
mod messages;
mod spelling;
#[cfg(test)]
mod tests;
mod wire;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::resource::operation::arguments::Arguments;
use crate::resource::operation::wire::{LONGEST_LIST, Params};

pub use messages::Messages;
pub(super) use wire::Member;

/// What a JSON-RPC message asks the MCP server to do: a method, and the tool,
/// prompt or resource that it is about.
///
/// [`Messages`] finds those of a body; the constructors are for asking a
/// [`ScopePolicy`](crate::resource::ScopePolicy) beforehand.
#[derive(Debug)]
pub struct Operation<'a> {
    method: Option<&'a str>,
    target: Target<'a>,
    arguments: Option<&'a Arguments<'a>>,
}

/// What an operation is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target<'a> {
    Nothing,
    /// A resource that the message leaves open; what its handler makes of that only
    /// the handler knows.
    Unnamed,
    Tool(&'a str),
    Prompt(&'a str),
    Resource(&'a str),
    /// All of a list, which is text throughout.
    Resources(&'a [Member<'a>]),
    /// A URI in which parts are left open.
    Template(&'a str),
}

/// The body is no JSON-RPC message, or one that two readers may read differently.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidMessage {
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    Encoding,
    /// The body is encoded in a way that is not looked through.
    #[error("the body has a content encoding")]
    ContentEncoding,
    /// The body is said to be something else than JSON in UTF-8.
    #[error("the content type is not application/json in UTF-8")]
    ContentType,
    /// A header that mirrors the message is there twice, or cannot be read.
    #[error("the header Mcp-Method or Mcp-Name is there twice or cannot be read")]
    Header,
    /// The body is no JSON-RPC message, or a member of it is there twice, even if
    /// only for who does not tell upper from lower case.
    #[error("the body is no JSON-RPC message")]
    Malformed,
    /// The batch is empty, or has more than 100 messages.
    #[error("the batch is empty or has more than 100 messages")]
    BatchSize,
    /// The messages of a batch list more than 1,000 resources together.
    #[error("the messages list more than 1,000 resources together")]
    TooManyTargets,
    /// A message does not name the tool, prompt or resource that its method is
    /// about.
    #[error("a message does not name its tool, prompt or resource")]
    NoTarget,
    /// A resource has a URI that two readers could resolve differently.
    #[error("the URI of a resource is not written in its plain form")]
    AmbiguousUri,
    /// Arguments that are looked at are no object, or a member is there twice.
    #[error("the arguments are no object, or a member of them is there twice")]
    Arguments,
}

/// A method whose answer is a list that may be shown in part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ListKind {
    Tools,
    Prompts,
    Resources,
    Templates,
}

impl<'a> Operation<'a> {
    /// A message with this method, about nothing in particular.
    #[must_use]
    pub const fn method_alone(method: &'a str) -> Self {
        Self::new(Some(method), Target::Nothing, None)
    }

    /// The call of a tool.
    #[must_use]
    pub const fn call(tool: &'a str) -> Self {
        Self::new(Some("tools/call"), Target::Tool(tool), None)
    }

    /// The use of a prompt.
    #[must_use]
    pub const fn prompted(prompt: &'a str) -> Self {
        Self::new(Some("prompts/get"), Target::Prompt(prompt), None)
    }

    /// The reading of a resource.
    #[must_use]
    pub const fn read(uri: &'a str) -> Self {
        Self::new(Some("resources/read"), Target::Resource(uri), None)
    }

    const fn new(
        method: Option<&'a str>,
        target: Target<'a>,
        arguments: Option<&'a Arguments<'a>>,
    ) -> Self {
        Self {
            method,
            target,
            arguments,
        }
    }

    /// The method, such as `tools/call`; `None` for an answer to a request of
    /// the server.
    #[must_use]
    pub const fn method(&self) -> Option<&'a str> {
        self.method
    }

    /// The tool that is called.
    #[must_use]
    pub const fn tool(&self) -> Option<&'a str> {
        match self.target {
            Target::Tool(name) => Some(name),
            Target::Nothing
            | Target::Unnamed
            | Target::Prompt(_)
            | Target::Resource(_)
            | Target::Resources(_)
            | Target::Template(_) => None,
        }
    }

    /// The prompt that is used, or completed.
    #[must_use]
    pub const fn prompt(&self) -> Option<&'a str> {
        match self.target {
            Target::Prompt(name) => Some(name),
            Target::Nothing
            | Target::Unnamed
            | Target::Tool(_)
            | Target::Resource(_)
            | Target::Resources(_)
            | Target::Template(_) => None,
        }
    }

    /// The URIs of the resources that are read or subscribed to, or the template of
    /// them that is completed.
    pub fn resources(&self) -> impl Iterator<Item = &'a str> {
        let (one, many): (Option<&'a str>, &'a [Member<'a>]) = match self.target {
            Target::Resource(uri) | Target::Template(uri) => (Some(uri), &[]),
            Target::Resources(uris) => (None, uris),
            Target::Nothing | Target::Unnamed | Target::Tool(_) | Target::Prompt(_) => (None, &[]),
        };
        one.into_iter().chain(many.iter().filter_map(Member::text))
    }

    /// The arguments of a tool or prompt, as its handler gets them; `None` if there
    /// are none.
    ///
    /// They are read when a rule asks for the first time. Of what has two readings,
    /// since a member is there twice, none is shown, and the request is refused
    /// whatever the rule says.
    pub fn arguments(&self) -> Option<&Map<String, Value>> {
        self.arguments?.read()
    }

    /// Whether a rule asked for arguments that cannot be shown.
    pub(super) fn hid_arguments(&self) -> bool {
        self.arguments.is_some_and(Arguments::were_hidden)
    }

    pub(super) const fn target(&self) -> Target<'a> {
        self.target
    }

    /// The list that is asked for.
    pub(crate) fn list(&self) -> Option<ListKind> {
        match self.method? {
            "tools/list" => Some(ListKind::Tools),
            "prompts/list" => Some(ListKind::Prompts),
            "resources/list" | "resources/directory/read" | "skills/list" => {
                Some(ListKind::Resources)
            }
            "resources/templates/list" => Some(ListKind::Templates),
            _ => None,
        }
    }
}

impl<'a> Target<'a> {
    /// What `method` is about if its target is called `name`; without one, it is
    /// called as in `params`.
    fn of(
        method: &str,
        params: Option<&'a Params<'a>>,
        name: Option<&'a str>,
    ) -> Result<Self, InvalidMessage> {
        let named = || name.or_else(|| params?.name.text());
        let located = || match (name, params.map(|params| &params.uri)) {
            (Some(uri), _) => Some(Self::Resource(uri)),
            (None, Some(Member::Nothing)) => Some(Self::Unnamed),
            (None, uri) => uri.and_then(Member::text).map(Self::Resource),
        };
        let target = match method {
            "tools/call" => named().map(Self::Tool),
            "prompts/get" => named().map(Self::Prompt),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => located(),
            // Skills, an extension, are resources.
            "resources/directory/read" | "skills/get" => located(),
            "completion/complete" => params.and_then(Self::completed),
            "subscriptions/listen" => Self::listened_to(params),
            _ => Some(Self::Nothing),
        };
        target.ok_or(InvalidMessage::NoTarget)
    }

    /// Whether a header can name it.
    const fn has_name(self) -> bool {
        matches!(self, Self::Tool(_) | Self::Prompt(_) | Self::Resource(_))
    }

    fn is_named(self, other: &str) -> bool {
        match self {
            Self::Tool(name) | Self::Prompt(name) | Self::Resource(name) => name == other,
            Self::Nothing | Self::Unnamed | Self::Resources(_) | Self::Template(_) => true,
        }
    }

    fn completed(params: &'a Params<'a>) -> Option<Self> {
        let reference = params.reference.object()?;
        let (name, uri) = (&reference.name, &reference.uri);
        match (reference.kind.text()?, name, uri) {
            ("ref/prompt", Member::Text(name), Member::Nothing) => Some(Self::Prompt(name)),
            ("ref/resource", Member::Nothing, Member::Text(uri)) => Some(Self::Template(uri)),
            _ => None,
        }
    }

    fn listened_to(params: Option<&'a Params<'a>>) -> Option<Self> {
        let Some(params) = params else {
            return Some(Self::Nothing);
        };
        let wanted = match &params.notifications {
            Member::Nothing => return Some(Self::Nothing),
            Member::Object(wanted) => wanted,
            Member::Text(_) | Member::List(_) | Member::Other => return None,
        };
        match &wanted.resource_subscriptions {
            Member::Nothing => Some(Self::Nothing),
            Member::List(uris) if uris.len() <= LONGEST_LIST => {
                let all_text = uris.iter().all(|uri| uri.text().is_some());
                all_text.then_some(Self::Resources(uris))
            }
            Member::List(_) | Member::Text(_) | Member::Object(_) | Member::Other => None,
        }
    }
}
