use thiserror::Error;

use crate::resource::scope_policy::uri;

/// The beginning of a URI: it stands for the resource of this name and for all
/// below it.
///
/// It ends at a slash or a question mark: `notes://a` is not the beginning of
/// `notes://ab`. A slash at its own end means nothing, except where nothing but
/// slashes follows the scheme.
#[derive(Clone, Debug)]
pub(super) struct ResourcePrefix {
    text: String,
    is_whole_scheme: bool,
    /// What is between its slashes.
    segments: Vec<String>,
}

/// How deep a prefix may go before segments have to be looked for again.
const FIRST: usize = 8;

/// A URI that is split once, and then compared to many prefixes.
#[derive(Debug)]
pub(super) struct SplitUri<'a> {
    scheme: Option<&'a str>,
    /// The first segments; empty where there are fewer.
    first: [&'a str; FIRST],
    /// The path behind them.
    rest: &'a str,
}

impl<'a> SplitUri<'a> {
    pub(super) fn new(uri: &'a str) -> Self {
        let (scheme, mut rest) = uri.split_once(':').unzip();
        let mut first = [""; FIRST];
        for place in &mut first {
            let Some((segment, others)) = rest.and_then(next_segment) else {
                rest = None;
                break;
            };
            (*place, rest) = (segment, Some(others));
        }
        let rest = rest.unwrap_or_default();
        Self {
            scheme,
            first,
            rest,
        }
    }

    fn segments(&self) -> impl Iterator<Item = &'a str> {
        let first = self.first.into_iter();
        let first = first.take_while(|segment| !segment.is_empty());
        first.chain(segments(self.rest))
    }
}

/// The text is no beginning of URIs.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a prefix of resources is a URI in its plain form, without query")]
pub struct InvalidPrefix;

impl ResourcePrefix {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPrefix> {
        let (scheme, path) = text.split_once(':').ok_or(InvalidPrefix)?;
        let is_whole_scheme = path.bytes().all(|byte| byte == b'/');
        let has_holes = path.trim_start_matches('/').contains("//");
        let is_good = if is_whole_scheme {
            uri::is_scheme(scheme)
        } else {
            uri::is_plain(text) && !has_holes
        };
        let is_lower_case = !scheme.bytes().any(|byte| byte.is_ascii_uppercase());
        if !is_good || !is_lower_case || text.contains('?') {
            return Err(InvalidPrefix);
        }
        let without_slash = text.strip_suffix('/').filter(|_| !is_whole_scheme);
        Ok(Self {
            text: without_slash.unwrap_or(text).to_owned(),
            is_whole_scheme,
            segments: segments(path).map(str::to_owned).collect(),
        })
    }

    /// Whether `uri`, taken as it is written, is what this stands for.
    pub(super) fn covers(&self, uri: &str) -> bool {
        let rest = uri.strip_prefix(&self.text);
        rest.is_some_and(|rest| {
            self.is_whole_scheme || rest.is_empty() || rest.starts_with(['/', '?'])
        })
    }

    /// Whether some reader could find that `uri` is what this stands for.
    ///
    /// There are those for whom the case of letters, the number of slashes, a
    /// port, parameters behind a semicolon and dots at an end mean nothing.
    pub(super) fn may_cover(&self, uri: &SplitUri<'_>) -> bool {
        let mut segments = uri.segments();
        uri.scheme.is_some_and(|scheme| self.has_scheme(scheme))
            && self.segments.iter().all(|own| {
                segments
                    .next()
                    .is_some_and(|other| own.eq_ignore_ascii_case(other))
            })
    }

    /// Whether everything that `template` stands for is what this stands for.
    pub(super) fn covers_template(&self, template: &str) -> bool {
        match template.split_once('{') {
            None => self.covers(template),
            Some((literal, _)) => {
                let rest = literal.strip_prefix(&self.text);
                rest.is_some_and(|rest| self.is_whole_scheme || rest.starts_with(['/', '?']))
            }
        }
    }

    /// Whether `template` may stand for something that this stands for.
    pub(super) fn may_meet_template(&self, template: &str) -> bool {
        let Some((literal, _)) = template.split_once('{') else {
            return self.may_cover(&SplitUri::new(template));
        };
        let Some((scheme, path)) = literal.split_once(':') else {
            return true;
        };
        let whole = path.rfind('/').map_or("", |slash| &path[..slash]);
        let last = path[whole.len()..].trim_start_matches('/');
        let (mut known, mut last) = (segments(whole), Some(last));
        let agrees = |own: &str| match known.next() {
            Some(other) => own.eq_ignore_ascii_case(other),
            None => last.take().is_none_or(|begun| begins(own, plain(begun))),
        };
        self.has_scheme(scheme) && self.segments.iter().map(String::as_str).all(agrees)
    }

    fn has_scheme(&self, scheme: &str) -> bool {
        let own = self.text.split_once(':').map(|(own, _)| own);
        own.is_some_and(|own| own.eq_ignore_ascii_case(scheme))
    }
}

fn begins(whole: &str, begun: &str) -> bool {
    let head = whole.get(..begun.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(begun))
}

/// What is between slashes, as the most careless reader sees it.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        let (segment, others) = next_segment(rest)?;
        rest = others;
        Some(segment)
    })
}

/// The first of the segments, and what is behind it.
fn next_segment(path: &str) -> Option<(&str, &str)> {
    let mut rest = path;
    while !rest.is_empty() {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let segment = plain(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        if !segment.is_empty() {
            return Some((segment, rest));
        }
    }
    None
}

fn plain(segment: &str) -> &str {
    let end = segment.find([':', ';']).unwrap_or(segment.len());
    segment[..end].trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> ResourcePrefix {
        ResourcePrefix::parse(text).unwrap()
    }

    #[test]
    fn a_prefix_ends_at_a_boundary() {
        for text in ["notes://a", "notes://a/"] {
            let prefix = prefix(text);
            for uri in [
                "notes://a",
                "notes://a/",
                "notes://a/b",
                "notes://a?b",
                "notes://a//b",
            ] {
                assert!(
                    prefix.covers(uri) && prefix.may_cover(&SplitUri::new(uri)),
                    "{text} {uri}"
                );
            }
            for uri in [
                "notes://ab",
                "notes://ab/a",
                "notes://b/a",
                "notes://",
                "notes:",
                "x://a",
            ] {
                assert!(
                    !prefix.covers(uri) && !prefix.may_cover(&SplitUri::new(uri)),
                    "{text} {uri}"
                );
            }
        }
    }

    #[test]
    fn a_scheme_alone_stands_for_all_of_it() {
        for (text, uri) in [
            ("notes:", "notes:a"),
            ("notes:", "notes://a/b"),
            ("notes://", "notes://a/b"),
            ("file:///", "file:///etc/passwd"),
        ] {
            assert!(
                prefix(text).covers(uri) && prefix(text).may_cover(&SplitUri::new(uri)),
                "{text}"
            );
        }
        assert!(!prefix("file:///").covers("file://host/share"));
        assert!(!prefix("notes:").may_cover(&SplitUri::new("notesx:a")));
    }

    #[test]
    fn what_a_careless_reader_takes_for_it_may_be_it() {
        let prefix = prefix("notes://private/a");
        for uri in [
            "NOTES://private/a",
            "notes://PRIVATE/A/b",
            "notes:private/a",
            "notes:/private/a",
            "notes:///private//a",
            "notes://private:80/a",
            "notes://private./a",
            "notes://private;x/a;y=1/b",
        ] {
            assert!(prefix.may_cover(&SplitUri::new(uri)), "{uri}");
            assert!(!prefix.covers(uri), "{uri}");
        }
    }

    #[test]
    fn a_prefix_may_go_deeper_than_what_is_split_at_once() {
        let deep = prefix("n://1/2/3/4/5/6/7/8/9/10");
        for (uri, may_cover) in [
            ("n:1//2/3/4/5/6/7/8/9/10/11", true),
            ("n://1/2/3/4/5/6/7/8/9./;x/10", true),
            ("n://1/2/3/4/5/6/7/8/9", false),
            ("n://1/2/3/4/5/6/7/8/9/11", false),
            ("n://1/2/3/4/5/6/7/8", false),
            ("n://1/2/3/4/5/6/7/x/9/10", false),
            ("n://1", false),
        ] {
            assert_eq!(deep.may_cover(&SplitUri::new(uri)), may_cover, "{uri}");
        }
    }

    #[test]
    fn a_template_is_known_as_far_as_it_is_written() {
        let prefix = prefix("notes://private/a");
        for (template, covers, meets) in [
            ("notes://private/a/{id}", true, true),
            ("notes://private/a", true, true),
            ("notes://private/a{id}", false, true),
            ("notes://private/{id}", false, true),
            ("notes://{folder}/a", false, true),
            ("notes://pri{folder}/a", false, true),
            ("NOTES://PRI{folder}", false, true),
            ("notes:{+all}", false, true),
            ("{+all}", false, true),
            ("notes://open/{id}", false, false),
            ("notes://private/b{id}", false, false),
            ("other://{id}", false, false),
        ] {
            assert_eq!(prefix.covers_template(template), covers, "{template}");
            assert_eq!(prefix.may_meet_template(template), meets, "{template}");
        }
    }

    #[test]
    fn what_begins_no_plain_uri_is_no_prefix() {
        for text in [
            "",
            "notes",
            "/a",
            "1a://b",
            "Notes://a",
            "notes://a?b",
            "notes://a#b",
            "notes://a b",
            "notes://a/../b",
            "notes://a//b",
            "notes://%61",
            "notes://a%2Fb",
            "notes://u@a",
            "no tes:",
            "HTTPS://",
            "https://Example.com",
            "https://example.com:443/a",
            "http://127.1/",
            "notes://a/{id}",
        ] {
            assert_eq!(
                ResourcePrefix::parse(text).err(),
                Some(InvalidPrefix),
                "{text}"
            );
        }
        for text in [
            "https://example.com",
            "https://example.com/a/",
            "file:///",
            "a.b+c-1:x",
        ] {
            assert!(ResourcePrefix::parse(text).is_ok(), "{text}");
        }
    }
}
