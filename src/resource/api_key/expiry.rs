use std::time::Duration;

use serde_json::Value;

use crate::types::Timestamp;

const DAY: u64 = 86_400;
/// The end of the year 9999: what lies beyond it was counted in milliseconds.
const LAST: Timestamp = Timestamp::from_secs(253_402_300_799);

/// Reads a point in time before the year 10000: seconds since 1970, or as
/// `2027-01-31T12:00:00Z` ([RFC 3339, section 5.6]).
///
/// [RFC 3339, section 5.6]: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
pub(super) fn parse(value: &Value) -> Option<Timestamp> {
    let time = match value.as_u64() {
        Some(seconds) => Timestamp::from_secs(seconds),
        None => parse_text(value.as_str()?)?,
    };
    Some(time).filter(|time| *time <= LAST)
}

fn parse_text(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (time, offset) = split_offset(time)?;
    // A part of a second is of no account.
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    // A leap second is the one after it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    let local = Timestamp::from_secs(days * DAY + hour * 3600 + minute * 60 + second);
    Some(match offset {
        Offset::East(ahead) => local.minus(ahead),
        Offset::West(behind) => local.plus(behind),
    })
}

enum Offset {
    East(Duration),
    West(Duration),
}

fn split_offset(time: &str) -> Option<(&str, Offset)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, Offset::East(Duration::ZERO)));
    }
    let at = time.rfind(['+', '-'])?;
    let (time, offset) = time.split_at(at);
    let [hours, minutes] = numbers(&offset[1..], ':', [2, 2])?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let length = Duration::from_secs(hours * 3600 + minutes * 60);
    let is_east = offset.starts_with('+');
    Some((
        time,
        if is_east {
            Offset::East(length)
        } else {
            Offset::West(length)
        },
    ))
}

/// Numbers of so many digits each.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[u64; N]> {
    let parts: Vec<_> = text.split(between).collect();
    let parts: [&str; N] = parts.try_into().ok()?;
    let mut numbers = [0; N];
    for ((part, length), number) in parts.iter().zip(digits).zip(&mut numbers) {
        if part.len() != length || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    Some(numbers)
}

fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if is_leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = usize::try_from(month.checked_sub(1)?).ok()?;
    if year < 1970 || day == 0 || day > *lengths.get(before)? {
        return None;
    }
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    Some(years + lengths[..before].iter().sum::<u64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_read_as_the_seconds_it_stands_for() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2027-01-31T12:34:56Z", 1_801_398_896),
            ("2027-01-31t12:34:56.789z", 1_801_398_896),
            ("2027-01-31 12:34:56Z", 1_801_398_896),
            ("2027-01-31T14:34:56+02:00", 1_801_398_896),
            ("2027-01-31T07:04:56-05:30", 1_801_398_896),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            let read = parse(&json!(text));
            assert_eq!(read, Some(Timestamp::from_secs(seconds)), "{text}");
        }
        for seconds in [7, LAST.as_secs()] {
            let read = parse(&json!(seconds));
            assert_eq!(read, Some(Timestamp::from_secs(seconds)));
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for value in [
            json!(null),
            json!(-1),
            json!(1.5),
            // Milliseconds.
            json!(1_801_398_896_000_u64),
            json!(LAST.as_secs() + 1),
            json!("9999-12-31T23:59:59-00:01"),
            json!(""),
            json!("1800000000"),
            json!("2027-01-31"),
            json!("2027-01-31T12:34:56"),
            json!("2027-1-31T12:34:56Z"),
            json!("2027-02-29T12:34:56Z"),
            json!("2100-02-29T00:00:00Z"),
            json!("2027-00-10T12:34:56Z"),
            json!("2027-13-10T12:34:56Z"),
            json!("2027-01-00T12:34:56Z"),
            json!("2027-01-31T24:00:00Z"),
            json!("2027-01-31T12:60:00Z"),
            json!("2027-01-31T12:34:61Z"),
            json!("2027-01-31T12:34Z"),
            json!("2027-01-31T12:34:56.Z"),
            json!("2027-01-31T12:34:56+2:00"),
            json!("2027-01-31T12:34:56+24:00"),
            json!("1969-12-31T23:59:59Z"),
            json!("+027-01-31T12:34:56Z"),
        ] {
            assert_eq!(parse(&value), None, "{value}");
        }
    }
}
