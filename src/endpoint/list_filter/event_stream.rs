use bytes::{Bytes, BytesMut};

use crate::endpoint::list_filter::ListFilter;
use crate::endpoint::list_filter::message::{Unreadable, View};

/// An event stream on its way ([HTML, section 9.2.6]): events pass one by one, as
/// soon as they are whole. One without a list passes byte for byte.
///
/// [HTML, section 9.2.6]: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
#[derive(Default)]
pub(super) struct EventStream {
    /// The event that is not whole yet.
    event: BytesMut,
    /// Where its last line begins.
    line: usize,
    /// Whether a line feed would belong to the line before.
    after_return: bool,
    is_too_long: bool,
}

impl EventStream {
    pub(super) fn push(&mut self, view: &View, piece: &[u8]) -> Bytes {
        let mut sent = BytesMut::new();
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            if self.after_return && first == b'\n' {
                self.take_line_feed(&mut sent);
                rest = &rest[1..];
                continue;
            }
            self.after_return = false;
            let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let Some(end) = end else {
                self.keep(rest);
                break;
            };
            self.keep(&rest[..=end]);
            self.after_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            self.end_line(view, &mut sent);
        }
        sent.freeze()
    }

    /// The line feed behind a carriage return ends no further line.
    fn take_line_feed(&mut self, sent: &mut BytesMut) {
        self.after_return = false;
        if self.event.is_empty() {
            sent.extend_from_slice(b"\n");
        } else {
            self.event.extend_from_slice(b"\n");
            self.line = self.event.len();
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.event.extend_from_slice(bytes);
        if self.event.len() > ListFilter::MAX_MESSAGE {
            self.is_too_long = true;
        }
        if self.is_too_long {
            // Enough to tell an empty line from others.
            let begun = self.event.len() - self.line;
            self.event.clear();
            self.event.extend_from_slice(&b"xx"[..begun.min(2)]);
            self.line = 0;
        }
    }

    fn end_line(&mut self, view: &View, sent: &mut BytesMut) {
        let is_empty = self.event.len() - self.line == 1;
        let is_lone_comment = self.line == 0 && self.event.starts_with(b":");
        if is_empty || is_lone_comment {
            sent.extend_from_slice(&self.cut(view));
        } else {
            self.line = self.event.len();
        }
    }

    /// What a client that waits for no empty line would take for an event.
    pub(super) fn end(&mut self, view: &View) -> Bytes {
        self.cut(view)
    }

    fn cut(&mut self, view: &View) -> Bytes {
        let event = self.event.split().freeze();
        self.line = 0;
        if std::mem::take(&mut self.is_too_long) {
            return format!("data: {}\n\n", view.failure()).into();
        }
        let data = data_of(&event);
        let cut = match &data {
            // Such as the endpoint that transports of 2024-11-05 begin with.
            Ok(data) if !data.trim_start().starts_with(['{', '[']) => Ok(None),
            Ok(data) => view.cut(data),
            Err(Unreadable) => Err(Unreadable),
        };
        match cut {
            Ok(None) => event,
            Ok(Some(cut)) => with_data(&event, &cut),
            Err(Unreadable) => with_data(&event, &view.failure()),
        }
    }
}

/// The lines of an event, each with its end.
fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = event;
    std::iter::from_fn(move || {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let end = end.map_or(rest.len(), |end| {
            end + if rest[end..].starts_with(b"\r\n") {
                2
            } else {
                1
            }
        });
        let (line, others) = rest.split_at(end);
        rest = others;
        (!line.is_empty()).then_some(line)
    })
}

/// The value of a line of data.
fn value(line: &[u8]) -> Option<&[u8]> {
    // A stream may begin with a byte order mark.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let line = &line[..end.unwrap_or(line.len())];
    let rest = line.strip_prefix(b"data")?;
    match rest.strip_prefix(b":") {
        Some(value) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        None => rest.is_empty().then_some(rest),
    }
}

fn data_of(event: &[u8]) -> Result<String, Unreadable> {
    let values: Vec<&[u8]> = lines(event).filter_map(value).collect();
    String::from_utf8(values.join(&b'\n')).map_err(|_| Unreadable)
}

/// The event with other data; its other lines stay.
fn with_data(event: &[u8], data: &str) -> Bytes {
    let mut changed = BytesMut::new();
    let mut is_written = false;
    for line in lines(event) {
        if value(line).is_none() {
            changed.extend_from_slice(line);
        } else if !is_written {
            is_written = true;
            for part in data.split('\n') {
                changed.extend_from_slice(format!("data: {part}\n").as_bytes());
            }
        }
    }
    changed.freeze()
}
