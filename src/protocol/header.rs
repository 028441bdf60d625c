//! Headers that may be there once.

use http::header::AsHeaderName;
use http::{HeaderMap, HeaderValue};

/// How often a header is there that may be there once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Single<'a> {
    /// It is not there.
    #[default]
    Absent,
    /// It is there once, with this value.
    Once(&'a HeaderValue),
    /// It is there more than once: of two, readers take different ones.
    Repeated,
}

impl<'a> Single<'a> {
    /// The header of this name.
    pub(crate) fn of(headers: &'a HeaderMap, name: impl AsHeaderName) -> Self {
        let mut single = Self::Absent;
        for value in headers.get_all(name) {
            single.add(value);
        }
        single
    }

    /// One more, for whoever finds several headers in one pass: to look a header up
    /// is to hash its name, which takes longer than to pass over the few that are there.
    pub(crate) const fn add(&mut self, value: &'a HeaderValue) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    #[test]
    fn whatever_is_there_more_than_once_is_repeated() {
        let mut headers = HeaderMap::new();
        assert!(matches!(Single::of(&headers, ACCEPT), Single::Absent));
        headers.append(ACCEPT, HeaderValue::from_static("a"));
        assert!(matches!(Single::of(&headers, ACCEPT), Single::Once(value) if value == "a"));
        for more in ["a", "b", "c"] {
            headers.append(ACCEPT, HeaderValue::from_static(more));
            assert!(matches!(Single::of(&headers, ACCEPT), Single::Repeated));
        }
    }
}
