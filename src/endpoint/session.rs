//! The session ids of a stateful transport, bound to those who opened them.
//!
//! The revision of 2026-07-28 has no sessions; those before it have them in a
//! header ([2025-11-25, session management]).
//!
//! [2025-11-25, session management]: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::endpoint::{cors, respond};
use crate::protocol::error::ErrorCode;
use crate::resource::{Sessions, VerifiedToken};

// `Head::find` looks for these two: without either, nobody calls `unbind`.
const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The first revision that knows no sessions; revisions are dates.
const STATELESS_SINCE: &str = "2026-07-28";

/// Puts what the handler calls the session in the place of what the caller calls it.
///
/// To a handler of a revision without sessions, none is shown. Events are read again
/// within a session alone: without one, a handler could give those of others.
pub(super) fn unbind(
    sessions: &Sessions,
    headers: &mut HeaderMap,
    caller: Option<&VerifiedToken>,
) -> Result<(), Response<Bytes>> {
    let mut bound = headers.get_all(&SESSION_ID).iter();
    let only = match (bound.next(), bound.next()) {
        (Some(_), _) if is_stateless(headers) => {
            headers.remove(&SESSION_ID);
            headers.remove(&LAST_EVENT_ID);
            return Ok(());
        }
        (None, _) => {
            headers.remove(&LAST_EVENT_ID);
            return Ok(());
        }
        (Some(only), None) => only,
        (Some(_), Some(_)) => return Err(unknown()),
    };
    let id = only
        .to_str()
        .ok()
        .and_then(|bound| sessions.unbind(bound, caller));
    let id = id.and_then(|id| HeaderValue::from_str(id).ok());
    headers.insert(SESSION_ID, id.ok_or_else(unknown)?);
    Ok(())
}

/// Puts what the caller will call the session in the place of what the handler
/// calls it.
pub(super) fn bind(sessions: &Sessions, headers: &mut HeaderMap, caller: Option<&VerifiedToken>) {
    let Some(id) = headers.get(&SESSION_ID) else {
        return;
    };
    let bound = id.to_str().ok().map(|id| sessions.bind(id, caller));
    match bound.and_then(|bound| HeaderValue::try_from(bound).ok()) {
        Some(bound) => headers.insert(SESSION_ID, bound),
        // Nobody could use it: it is no text.
        None => headers.remove(&SESSION_ID),
    };
}

fn is_stateless(headers: &HeaderMap) -> bool {
    let mut versions = headers.get_all(&PROTOCOL_VERSION).iter();
    let (Some(only), None) = (versions.next(), versions.next()) else {
        return false;
    };
    let is_date = |text: &str| {
        let in_date = |byte: u8| byte.is_ascii_digit() || byte == b'-';
        text.len() == STATELESS_SINCE.len() && text.bytes().all(in_date)
    };
    let text = only.to_str().ok();
    text.is_some_and(|text| is_date(text) && text >= STATELESS_SINCE)
}

/// What a client hears that has to open a new session.
fn unknown() -> Response<Bytes> {
    cors::allow(respond::error_with(
        StatusCode::NOT_FOUND,
        ErrorCode::InvalidRequest,
        "there is no such session; open a new one",
    ))
}
