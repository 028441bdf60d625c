use http::{HeaderMap, Method};

use crate::event::Event;
use crate::resource::config::ResourceServer;
use crate::resource::error::ResourceError;
use crate::resource::operation::{InvalidMessage, Messages};
use crate::resource::verified::VerifiedToken;
use crate::types::Scope;

/// What a request asks for that an answer may have to be cut down to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Lists {
    /// No list.
    None,
    /// Lists, in the only request with this id, as it is written, or in one of
    /// several.
    Asked(Option<String>),
}

impl ResourceServer {
    /// Decides whether the holder of `token`, or anybody if there is none, may
    /// do what `body` asks for.
    ///
    /// Without a body, nothing can be decided if the policy
    /// [depends on it](crate::resource::ScopePolicy::depends_on_body). One that is
    /// empty is an empty slice.
    ///
    /// # Errors
    ///
    /// [`ResourceError::InsufficientScope`] or [`ResourceError::NoCredentials`]
    /// if not; [`ResourceError::Message`] if it cannot be told what the body
    /// asks for, and [`ResourceError::BodyNotRead`] if there is none to ask.
    pub fn authorize(
        &self,
        token: Option<&VerifiedToken>,
        headers: &HeaderMap,
        body: Option<&[u8]>,
    ) -> Result<(), ResourceError> {
        self.permit(token, (&Method::POST, headers), body).map(drop)
    }

    /// The same for a request with this method: one that usually has no body is
    /// public to nobody, and asks for what its body asks for if it has one, or else
    /// for what its headers name.
    pub(crate) fn permit(
        &self,
        token: Option<&VerifiedToken>,
        (method, headers): (&Method, &HeaderMap),
        body: Option<&[u8]>,
    ) -> Result<Lists, ResourceError> {
        let is_bodiless = is_bodiless(method);
        if body.is_none() && self.policy().depends_on_body() {
            return Err(self.refuse_undecided());
        }
        let messages = body.map(|body| match body {
            [] if is_bodiless => Messages::parse_head(headers),
            body => Messages::parse_request(headers, body),
        });
        let messages = messages.transpose()?;
        let held = token.map(VerifiedToken::scope);
        let mut is_public = !is_bodiless && messages.is_some();
        // To connect is part of what an operation needs.
        let mut is_allowed = None;
        let mut asks_for_list = false;
        let looked_at = messages.iter().try_for_each(|messages| {
            messages.try_for_each(|operation| {
                let decision = self.policy().decide(held, operation)?;
                is_public &= decision.is_public;
                let allowed = is_allowed.get_or_insert(true);
                *allowed &= decision.is_allowed;
                asks_for_list |= operation.list().is_some();
                // What comes behind it makes no difference any more.
                let goes_on = is_public || *allowed;
                goes_on.then_some(()).ok_or(Undecided::Refused)
            })
        });
        if let Err(Undecided::Message(invalid)) = looked_at {
            return Err(invalid.into());
        }
        let may_connect = || held.is_some_and(|held| self.covers_connect(held));
        if !(is_public || is_allowed.unwrap_or_else(may_connect)) {
            return Err(self.refuse_scope(token, messages.as_ref()));
        }
        if !asks_for_list {
            return Ok(Lists::None);
        }
        let id = messages.as_ref().and_then(Messages::id);
        Ok(Lists::Asked(id.map(str::to_owned)))
    }

    fn refuse_undecided(&self) -> ResourceError {
        let error = ResourceError::BodyNotRead;
        self.events.emit(&Event::Outage {
            cause: error.to_string(),
        });
        error
    }

    fn covers_connect(&self, held: &Scope) -> bool {
        self.policy().covers(held, self.policy().connect())
    }

    /// Names everything that is needed at once, together with what is held: a
    /// client that asks for it loses nothing.
    fn refuse_scope(
        &self,
        token: Option<&VerifiedToken>,
        messages: Option<&Messages<'_>>,
    ) -> ResourceError {
        let Some(token) = token else {
            return ResourceError::NoCredentials;
        };
        let mut required = self.policy().connect().clone();
        let collected = messages.map_or(Ok(()), |messages| {
            messages.try_for_each(|operation| {
                self.policy().collect_required(operation, &mut required);
                Ok::<_, ResourceError>(())
            })
        });
        if let Err(error) = collected {
            return error;
        }
        self.events.emit(&Event::ScopeInsufficient {
            subject: token.subject().clone(),
            required: required.clone(),
        });
        ResourceError::InsufficientScope {
            needed: required.union(token.scope()),
        }
    }
}

/// Why not all messages were looked at.
enum Undecided {
    Refused,
    Message(InvalidMessage),
}

impl From<InvalidMessage> for Undecided {
    fn from(invalid: InvalidMessage) -> Self {
        Self::Message(invalid)
    }
}

/// Whether requests with this method usually carry no message.
pub(crate) fn is_bodiless(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS].contains(method)
}
