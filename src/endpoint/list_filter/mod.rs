//! Cuts lists in answers down to what the caller may use, while they pass.

mod event_stream;
mod message;
#[cfg(test)]
mod tests;

use std::{fmt, mem};

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    LAST_MODIFIED,
};
use http::{HeaderName, HeaderValue, StatusCode, response};

use crate::endpoint::list_filter::event_stream::EventStream;
pub(super) use message::View;

/// Cuts the lists in one answer down to what the caller may use.
///
/// An adapter sends what [`push`](Self::push) returns for each piece of the
/// handler's body, and at its end, or as soon as the filter [is over](Self::is_over),
/// what [`end`](Self::end) returns. Event streams
/// pass event by event, any other body at its end. What cannot be read, or is
/// longer than [`MAX_MESSAGE`](Self::MAX_MESSAGE), becomes an error of JSON-RPC:
/// it never passes as it is.
pub struct ListFilter {
    view: View,
    body: Body,
}

enum Body {
    Whole(BytesMut),
    Events(EventStream),
    /// Too long, or not readable: nothing of it passes.
    Refused,
}

impl ListFilter {
    /// The longest message that is looked through, in bytes.
    pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;

    /// Prepares the head of an answer. `None` if it cannot hold a list: one that
    /// reports a failure, or one without a list if only `streams` may hold one.
    pub(super) fn new(
        view: View,
        answer: &mut response::Parts,
        only_streams: bool,
    ) -> Option<Self> {
        let is_stream = is_event_stream(answer);
        if !answer.status.is_success() || (only_streams && !is_stream) {
            return None;
        }
        let body = if answer.headers.contains_key(CONTENT_ENCODING) {
            answer.status = StatusCode::INTERNAL_SERVER_ERROR;
            let json = HeaderValue::from_static("application/json");
            answer.headers.insert(CONTENT_TYPE, json);
            Body::Refused
        } else if is_stream {
            Body::Events(EventStream::default())
        } else {
            Body::Whole(BytesMut::new())
        };
        // What describes the handler's bytes does not describe what is sent.
        let stale = [
            CONTENT_ENCODING,
            CONTENT_LENGTH,
            ETAG,
            LAST_MODIFIED,
            ACCEPT_RANGES,
            HeaderName::from_static("content-digest"),
            HeaderName::from_static("repr-digest"),
            HeaderName::from_static("digest"),
            HeaderName::from_static("content-md5"),
        ];
        for name in stale {
            answer.headers.remove(name);
        }
        let no_store = HeaderValue::from_static("no-store");
        answer.headers.insert(CACHE_CONTROL, no_store);
        Some(Self { view, body })
    }

    /// Whether nothing of the handler's body will pass any more, however it goes on: it
    /// can be dropped, and is not waited for.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.body, Body::Refused)
    }

    /// Takes a piece of the handler's body, and returns what may be sent by now.
    pub fn push(&mut self, piece: Bytes) -> Bytes {
        match &mut self.body {
            Body::Events(events) => events.push(&self.view, &piece),
            Body::Whole(all) if all.len() + piece.len() <= Self::MAX_MESSAGE => {
                all.extend_from_slice(&piece);
                Bytes::new()
            }
            Body::Whole(_) => {
                self.body = Body::Refused;
                Bytes::new()
            }
            Body::Refused => Bytes::new(),
        }
    }

    /// Returns what is left to send when the handler's body has ended.
    pub fn end(&mut self) -> Bytes {
        match mem::replace(&mut self.body, Body::Whole(BytesMut::new())) {
            Body::Events(mut events) => events.end(&self.view),
            Body::Whole(all) if all.is_empty() => Bytes::new(),
            Body::Whole(all) => self.view.cut_bytes(all.freeze()),
            Body::Refused => self.view.failure().into(),
        }
    }
}

impl fmt::Debug for ListFilter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it holds is the answer of the handler.
        formatter.write_str("ListFilter(..)")
    }
}

fn is_event_stream(answer: &response::Parts) -> bool {
    let media_type = answer.headers.get(CONTENT_TYPE);
    let text = media_type.and_then(|value| value.to_str().ok());
    let essence = text.and_then(|text| text.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("text/event-stream"))
}
