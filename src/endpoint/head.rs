use http::Method;
use http::request::Parts;

use crate::protocol::header::Single;

/// What the head of a request says to whoever guards it, found in one pass.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) authorization: Single<'a>,
    /// Whether there is anything that belongs to a session.
    pub(super) names_session: bool,
    /// Whether a script may get to read the answer.
    ///
    /// Of a POST, browsers send its origin and how they fetch it ([Fetch metadata]), of
    /// which a proxy may take out one. Other answers may be kept for a script that asks
    /// later.
    ///
    /// [Fetch metadata]: https://www.w3.org/TR/fetch-metadata/
    pub(super) may_reach_script: bool,
}

impl<'a> Head<'a> {
    pub(super) fn find(request: &'a Parts) -> Self {
        let mut head = Self {
            authorization: Single::Absent,
            names_session: false,
            may_reach_script: request.method != Method::POST,
        };
        for (name, value) in &request.headers {
            match name.as_str() {
                "authorization" => head.authorization.add(value),
                "mcp-session-id" | "last-event-id" => head.names_session = true,
                "origin" | "sec-fetch-mode" => head.may_reach_script = true,
                _ => {}
            }
        }
        head
    }
}
