use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

/// What a JSON-RPC message asks the MCP server to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Operation {
    /// The method, such as `tools/call`; `None` for an answer to a request of
    /// the server.
    pub method: Option<String>,
    /// The name of the tool, if the method is `tools/call`.
    pub tool: Option<String>,
}

/// The body is no JSON-RPC message, or one that two readers may read differently.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidMessage {
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    Encoding,
    /// The body is encoded in a way that is not looked through.
    #[error("the body has a content encoding")]
    ContentEncoding,
    /// The body is no JSON-RPC message, or a member of it is there twice.
    #[error("the body is no JSON-RPC message")]
    Malformed,
    /// The batch is empty, or has more than 100 messages.
    #[error("the batch is empty or has more than 100 messages")]
    BatchSize,
    /// A `tools/call` does not name its tool.
    #[error("a tools/call does not name its tool")]
    NoTool,
}

// Derived structs refuse a member that is there twice.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default)]
    method: Option<String>,
    #[serde(default, borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CallParams {
    name: String,
}

impl Operation {
    const MAX_BATCH: usize = 100;

    /// Reads every operation of a body: one message, or a batch of them.
    ///
    /// # Errors
    ///
    /// [`InvalidMessage`] if it cannot be told for sure what the body asks for.
    pub fn parse_body(body: &[u8]) -> Result<Vec<Self>, InvalidMessage> {
        let text = std::str::from_utf8(body).map_err(|_| InvalidMessage::Encoding)?;
        if !text.trim_start().starts_with('[') {
            return Ok(vec![Self::parse(text)?]);
        }
        let batch: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|_| InvalidMessage::Malformed)?;
        if batch.is_empty() || batch.len() > Self::MAX_BATCH {
            return Err(InvalidMessage::BatchSize);
        }
        batch
            .iter()
            .map(|message| Self::parse(message.get()))
            .collect()
    }

    fn parse(text: &str) -> Result<Self, InvalidMessage> {
        if !is_object(text) {
            return Err(InvalidMessage::Malformed);
        }
        let message: Message<'_> =
            serde_json::from_str(text).map_err(|_| InvalidMessage::Malformed)?;
        if message.method.as_deref() != Some("tools/call") {
            return Ok(Self {
                method: message.method,
                tool: None,
            });
        }
        let params = message.params.filter(|params| is_object(params.get()));
        let params = params.ok_or(InvalidMessage::NoTool)?;
        let call: CallParams =
            serde_json::from_str(params.get()).map_err(|_| InvalidMessage::NoTool)?;
        Ok(Self {
            method: message.method,
            tool: Some(call.name),
        })
    }
}

/// Derived structs can be read from an array too, member by position.
fn is_object(json: &str) -> bool {
    json.trim_start().starts_with('{')
}
