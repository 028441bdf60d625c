use serde::Deserialize;
use serde::de::IgnoredAny;
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
    #[serde(default)]
    result: Option<IgnoredAny>,
    #[serde(default)]
    error: Option<IgnoredAny>,
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
        let message: Message<'_> = object(text).ok_or(InvalidMessage::Malformed)?;
        // Neither a request nor an answer: some readers know objects that stand
        // for other text.
        if message.method.is_none() && message.result.is_none() && message.error.is_none() {
            return Err(InvalidMessage::Malformed);
        }
        if message.method.as_deref() != Some("tools/call") {
            return Ok(Self {
                method: message.method,
                tool: None,
            });
        }
        let params = message.params.ok_or(InvalidMessage::NoTool)?;
        let call: CallParams = object(params.get()).ok_or(InvalidMessage::NoTool)?;
        Ok(Self {
            method: message.method,
            tool: Some(call.name),
        })
    }
}

/// Reads an object. Derived structs would take an array for one as well, member
/// by member, in an order that is not the handler's.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let is_object = text.trim_ascii_start().starts_with('{');
    is_object.then(|| serde_json::from_str(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(tool: &str) -> Operation {
        Operation {
            method: Some("tools/call".to_owned()),
            tool: Some(tool.to_owned()),
        }
    }

    #[test]
    fn every_message_of_a_batch_is_seen() {
        let body = br#" [{"method":"ping"},{"id":1,"result":{}},
            {"method":"tools/call","params":{"name":"a","arguments":{"name":"b"}}}]"#;
        let ping = Operation {
            method: Some("ping".to_owned()),
            tool: None,
        };
        let answer = Operation {
            method: None,
            tool: None,
        };
        assert_eq!(
            Operation::parse_body(body),
            Ok(vec![ping, answer, call("a")])
        );
    }

    #[test]
    fn a_name_is_read_as_the_handler_reads_it() {
        let body = br#"{"m\u0065thod":"tools\/call","params":{"n\u0061me":"\u0061dd"}}"#;
        assert_eq!(Operation::parse_body(body), Ok(vec![call("add")]));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        use InvalidMessage::{BatchSize, Encoding, Malformed, NoTool};
        let cases: [(&[u8], InvalidMessage); 17] = [
            (b"{}", Malformed),
            (br#"{"id":1,"params":{"name":"a"}}"#, Malformed),
            (
                br#"{"$serde_json::private::RawValue":"{\"method\":\"tools/call\"}"}"#,
                Malformed,
            ),
            (br#"{"method":"tools/call","method":"ping"}"#, Malformed),
            (
                br#"{"method":"ping","m\u0065thod":"tools/call"}"#,
                Malformed,
            ),
            (
                br#"{"method":"tools/call","params":{"name":"a"},"params":{}}"#,
                Malformed,
            ),
            (
                br#"{"method":"tools/call","params":{"name":"a","name":"b"}}"#,
                NoTool,
            ),
            (br#"{"method":"tools/call","params":["add_note"]}"#, NoTool),
            (
                br#"{"method":"tools/call","params":{"name":["add_note"]}}"#,
                NoTool,
            ),
            (br#"{"method":"tools/call"}"#, NoTool),
            (br#"{"method":["tools/call"]}"#, Malformed),
            (br#"{"method":"ping"} {"method":"tools/call"}"#, Malformed),
            (b"[]", BatchSize),
            (b"", Malformed),
            (b"\xef\xbb\xbf{\"method\":\"ping\"}", Malformed),
            (b"{\"method\":\"\xff\"}", Encoding),
            (br#"[[{"method":"ping"}]]"#, Malformed),
        ];
        for (body, expected) in cases {
            let shown = String::from_utf8_lossy(body);
            assert_eq!(Operation::parse_body(body), Err(expected), "{shown}");
        }
        let many = format!("[{}]", vec![r#"{"method":"a"}"#; 101].join(","));
        assert_eq!(Operation::parse_body(many.as_bytes()), Err(BatchSize));
    }
}
