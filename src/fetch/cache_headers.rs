use std::time::Duration;

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderName};

/// For how long an answer is fresh, by what its headers say ([RFC 9111, section 4.2]).
///
/// `None` if they say nothing about it. The shortest counts of what is said twice,
/// and what cannot be read makes the answer stale from the beginning. `s-maxage`
/// is for caches that are shared, so it does not count.
///
/// A cache may keep to its own bounds; see [`Duration::clamp`].
///
/// [RFC 9111, section 4.2]: https://www.rfc-editor.org/rfc/rfc9111#section-4.2
#[must_use]
pub fn freshness(headers: &HeaderMap) -> Option<Duration> {
    let control = CacheControl::of(headers);
    if control.no_reuse {
        return Some(Duration::ZERO);
    }
    let lifetime = control.max_age.or_else(|| until_expiry(headers))?;
    Some(lifetime.saturating_sub(age(headers)))
}

/// What `Cache-Control` says that matters here.
#[derive(Default)]
struct CacheControl {
    /// `no-store`, or `no-cache` with or without the names of fields.
    no_reuse: bool,
    max_age: Option<Duration>,
}

impl CacheControl {
    fn of(headers: &HeaderMap) -> Self {
        let mut control = Self::default();
        for value in headers.get_all(CACHE_CONTROL) {
            match value.to_str() {
                Ok(text) => directives(text).for_each(|directive| control.add(directive)),
                Err(_) => control.shorten(Duration::ZERO),
            }
        }
        control
    }

    fn add(&mut self, directive: &str) {
        let (name, argument) = match directive.split_once('=') {
            Some((name, argument)) => (name.trim(), argument.trim()),
            None => (directive.trim(), ""),
        };
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            self.no_reuse = true;
        } else if name.eq_ignore_ascii_case("max-age") {
            self.shorten(seconds(unquoted(argument)).unwrap_or_default());
        }
    }

    fn shorten(&mut self, max_age: Duration) {
        self.max_age = Some(self.max_age.map_or(max_age, |known| known.min(max_age)));
    }
}

/// The parts between commas, of which those within quotes do not count.
fn directives(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character| {
        let literal = std::mem::take(&mut escaped);
        match character {
            '\\' if quoted => escaped = !literal,
            '"' if !literal => quoted = !quoted,
            _ => {}
        }
        character == ',' && !quoted
    })
}

fn unquoted(argument: &str) -> &str {
    let inner = argument.strip_prefix('"');
    inner
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(argument)
}

/// A number of seconds; one that is too large to count is merely large
/// ([RFC 9111, section 1.2.2]).
///
/// [RFC 9111, section 1.2.2]: https://www.rfc-editor.org/rfc/rfc9111#section-1.2.2
fn seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(1 << 31)))
}

/// From `Date` until `Expires`, which is in the past if either cannot be read.
fn until_expiry(headers: &HeaderMap) -> Option<Duration> {
    let times = |name| texts(headers, name).map(|text| httpdate::parse_http_date(text?).ok());
    let sent = times(DATE).flatten().max();
    times(EXPIRES)
        .map(|expires| expires?.duration_since(sent?).ok())
        .map(Option::unwrap_or_default)
        .min()
}

/// How old the answer was when it was sent; what cannot be read does not count.
fn age(headers: &HeaderMap) -> Duration {
    let ages = texts(headers, AGE).filter_map(|text| seconds(text?.trim()));
    ages.max().unwrap_or_default()
}

fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = Option<&str>> {
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "Date: Sun, 06 Nov 1994 12:00:00 GMT";

    fn fresh_for(lines: &[&str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            let name: HeaderName = name.to_lowercase().parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        freshness(&headers).map(|duration| duration.as_secs())
    }

    /// Lines of a header, and for how many seconds it is fresh.
    const TABLE: &[(&[&str], Option<u64>)] = &[
        (&[], None),
        (&["Cache-Control: public"], None),
        (&["Cache-Control: max-age=60"], Some(60)),
        (
            &["Cache-Control: private, Max-Age = 60 ,must-revalidate"],
            Some(60),
        ),
        (&["Cache-Control: max-age=\"60\""], Some(60)),
        (&["Cache-Control: max-age=0"], Some(0)),
        (&["Cache-Control: max-age=60, s-maxage=9"], Some(60)),
        (&["Cache-Control: s-maxage=9"], None),
        (&["Cache-Control: x-max-age=9"], None),
        // What forbids reuse comes before all else.
        (&["Cache-Control: no-store"], Some(0)),
        (&["Cache-Control: max-age=60, NO-CACHE"], Some(0)),
        (
            &["Cache-Control: no-cache=\"set-cookie, x\", max-age=60"],
            Some(0),
        ),
        (
            &["Cache-Control: max-age=60", "Cache-Control: no-store"],
            Some(0),
        ),
        // Within quotes nothing is a directive.
        (
            &["Cache-Control: private=\"no-store, max-age=1\", max-age=60"],
            Some(60),
        ),
        (
            &["Cache-Control: a=\"\\\", no-store, \", max-age=60"],
            Some(60),
        ),
        (&["Cache-Control: a=\"\\\\\", no-store"], Some(0)),
        // Twice: the shortest.
        (&["Cache-Control: max-age=60, max-age=30"], Some(30)),
        (
            &["Cache-Control: max-age=30", "Cache-Control: max-age=60"],
            Some(30),
        ),
        (&["Cache-Control: max-age=60, max-age=x"], Some(0)),
        // No number: stale. A large one: long.
        (&["Cache-Control: max-age"], Some(0)),
        (&["Cache-Control: max-age="], Some(0)),
        (&["Cache-Control: max-age=-60"], Some(0)),
        (&["Cache-Control: max-age=+60"], Some(0)),
        (&["Cache-Control: max-age=6.0"], Some(0)),
        (&["Cache-Control: max-age=\"60"], Some(0)),
        (&["Cache-Control: max-age=60 30"], Some(0)),
        (&["Cache-Control: max-age=60\u{e9}"], Some(0)),
        (
            &["Cache-Control: max-age=99999999999999999999999"],
            Some(1 << 31),
        ),
        // The age is taken off.
        (&["Cache-Control: max-age=60", "Age: 20"], Some(40)),
        (&["Cache-Control: max-age=60", "Age: 61"], Some(0)),
        (
            &["Cache-Control: max-age=60", "Age: 5", "Age: 20"],
            Some(40),
        ),
        (&["Cache-Control: max-age=60", "Age: -20"], Some(60)),
        (&["Age: 20"], None),
        // The point in time, if no length is given.
        (&[NOON, "Expires: Sun, 06 Nov 1994 12:01:00 GMT"], Some(60)),
        (
            &[NOON, "Expires: Sun, 06 Nov 1994 12:01:00 GMT", "Age: 20"],
            Some(40),
        ),
        (&[NOON, "Expires: Sunday, 06-Nov-94 12:01:00 GMT"], Some(60)),
        (&[NOON, "Expires: Sun Nov  6 12:01:00 1994"], Some(60)),
        (&[NOON, "Expires: Sun, 06 Nov 1994 11:59:00 GMT"], Some(0)),
        (&[NOON, "Expires: 0"], Some(0)),
        (&[NOON, "Expires: "], Some(0)),
        (&["Expires: Sun, 06 Nov 1994 12:01:00 GMT"], Some(0)),
        (
            &["Date: today", "Expires: Sun, 06 Nov 1994 12:01:00 GMT"],
            Some(0),
        ),
        (
            &[
                NOON,
                "Expires: Sun, 06 Nov 1994 13:00:00 GMT",
                "Expires: Sun, 06 Nov 1994 12:01:00 GMT",
            ],
            Some(60),
        ),
        (
            &[
                NOON,
                "Date: Sun, 06 Nov 1994 12:00:30 GMT",
                "Expires: Sun, 06 Nov 1994 12:01:00 GMT",
            ],
            Some(30),
        ),
        (
            &[NOON, "Expires: Sun, 06 Nov 1994 12:01:00 GMT", "Expires: x"],
            Some(0),
        ),
        (&[NOON, "Expires: 0", "Cache-Control: max-age=60"], Some(60)),
        (&[NOON], None),
    ];

    #[test]
    fn headers_say_for_how_long_an_answer_is_fresh() {
        for (lines, expected) in TABLE {
            assert_eq!(fresh_for(lines), *expected, "{lines:?}");
        }
    }
}
