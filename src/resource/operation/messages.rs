use http::HeaderMap;

use crate::resource::operation::headers::{BodyHeaders, Mirrored};
use crate::resource::operation::wire::{Body, LONGEST_LIST, Member, Message, Params};
use crate::resource::operation::{InvalidMessage, Operation, Target};

/// The messages of a request: one, or a batch of them.
///
/// One message is read in one pass, and nothing of it is copied that is written
/// without escapes.
#[derive(Debug)]
pub struct Messages<'a> {
    body: Body<'a>,
    mirrored: Mirrored<'a>,
}

impl<'a> Messages<'a> {
    const MAX_BATCH: usize = 100;

    /// Reads a body on its own.
    ///
    /// # Errors
    ///
    /// [`InvalidMessage`] if it cannot be told for sure what the body asks for.
    pub fn parse(body: &'a [u8]) -> Result<Self, InvalidMessage> {
        let text = std::str::from_utf8(body).map_err(|_| InvalidMessage::Encoding)?;
        let body: Body<'a> = serde_json::from_str(text).map_err(|_| InvalidMessage::Malformed)?;
        match &body {
            Member::Object(message) => message.judge()?,
            Member::List(batch) if batch.is_empty() || batch.len() > Self::MAX_BATCH => {
                return Err(InvalidMessage::BatchSize);
            }
            Member::List(batch) => judge_batch(batch)?,
            Member::Nothing | Member::Text(_) | Member::Other => {
                return Err(InvalidMessage::Malformed);
            }
        }
        Ok(Self {
            body,
            mirrored: Mirrored::default(),
        })
    }

    /// Reads a body together with the headers that mirror it.
    ///
    /// A handler may go by either. So what the headers name counts as well, never
    /// instead.
    ///
    /// # Errors
    ///
    /// [`InvalidMessage`] if it cannot be told for sure what the request asks for.
    pub fn parse_request(headers: &'a HeaderMap, body: &'a [u8]) -> Result<Self, InvalidMessage> {
        let head = BodyHeaders::find(headers);
        head.judge_media_type()?;
        Ok(Self {
            mirrored: head.mirrored()?,
            ..Self::parse(body)?
        })
    }

    /// Reads the headers that mirror a message for a request that has none.
    ///
    /// # Errors
    ///
    /// [`InvalidMessage`] if it cannot be told for sure what they name.
    pub(crate) fn parse_head(headers: &'a HeaderMap) -> Result<Self, InvalidMessage> {
        Ok(Self {
            body: Member::Nothing,
            mirrored: BodyHeaders::find(headers).mirrored()?,
        })
    }

    /// Hands over everything that a handler could take the request for, one
    /// operation after another.
    ///
    /// # Errors
    ///
    /// What `visit` returns, or [`InvalidMessage::NoTarget`].
    pub fn try_for_each<E: From<InvalidMessage>>(
        &self,
        mut visit: impl FnMut(&Operation<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.body {
            Member::Object(message) => self.visit(message, &mut visit),
            Member::List(batch) => batch
                .iter()
                .filter_map(Member::object)
                .try_for_each(|message| self.visit(message, &mut visit)),
            Member::Nothing => self.visit_head(&mut visit),
            Member::Text(_) | Member::Other => Ok(()),
        }
    }

    /// Without a message, all there is to go by is what the headers name.
    fn visit_head<E: From<InvalidMessage>>(
        &self,
        visit: &mut impl FnMut(&Operation<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(method) = self.mirrored.method else {
            return Ok(());
        };
        let target = Target::of(method, None, self.mirrored.name.as_deref())?;
        visit(&Operation::new(Some(method), target, None))
    }

    fn visit<E: From<InvalidMessage>>(
        &self,
        message: &Message<'_>,
        visit: &mut impl FnMut(&Operation<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let own = message.operation(message.method.text(), None)?;
        visit(&own)?;
        let name = self.mirrored.name.as_deref();
        let name = name.filter(|name| !own.target.is_named(name));
        let method = self.mirrored.method;
        let method = method.filter(|method| own.method != Some(method));
        if let Some(name) = name {
            visit(&message.operation(own.method, Some(name))?)?;
        }
        if let Some(method) = method {
            // Behind another method, the name may stand for something else.
            let name = self.mirrored.name.as_deref();
            let as_header = message.operation(Some(method), name)?;
            let has_name = as_header.target.has_name();
            visit(&as_header)?;
            if name.is_some() && has_name && message.has_name_for(method) {
                visit(&message.operation(Some(method), None)?)?;
            }
        }
        Ok(())
    }

    /// The id of the only message, as it is written.
    pub(crate) fn id(&self) -> Option<&str> {
        Some(self.body.object()?.id?.get())
    }
}

fn judge_batch(batch: &[Member<'_, Message<'_>>]) -> Result<(), InvalidMessage> {
    let mut listed = 0;
    for message in batch {
        let message = message.object().ok_or(InvalidMessage::Malformed)?;
        message.judge()?;
        listed += message.params.object().map_or(0, Params::listed);
    }
    (listed <= LONGEST_LIST)
        .then_some(())
        .ok_or(InvalidMessage::TooManyTargets)
}

impl Message<'_> {
    fn judge(&self) -> Result<(), InvalidMessage> {
        match &self.method {
            Member::Text(_) => Ok(()),
            // Neither a request nor an answer: some readers know objects that stand
            // for other text.
            Member::Nothing if self.is_answer => Ok(()),
            Member::Nothing | Member::Object(_) | Member::List(_) | Member::Other => {
                Err(InvalidMessage::Malformed)
            }
        }
    }

    /// What the message is if it has this method, and its target this name.
    fn operation<'m>(
        &'m self,
        method: Option<&'m str>,
        name: Option<&'m str>,
    ) -> Result<Operation<'m>, InvalidMessage> {
        let params: Option<&Params<'_>> = self.params.object();
        let target = match method {
            Some(method) => Target::of(method, params, name)?,
            None => Target::Nothing,
        };
        let arguments = params.and_then(|params| params.arguments.as_ref());
        Ok(Operation::new(method, target, arguments))
    }

    fn has_name_for(&self, method: &str) -> bool {
        Target::of(method, self.params.object(), None).is_ok()
    }
}
