use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::model::{ApiKey, ApiKeyDetails};
use crate::resource::api_key::expiry;
use crate::types::{ApiKeyId, ResourceUri, Scope, Subject, Timestamp, TokenHash};

/// The longest file that is read, in bytes.
const MAX_LENGTH: u64 = 1024 * 1024;
/// The most keys that one may have.
const MAX_KEYS: usize = 10_000;

/// Why a file of API keys is not used. Names an entry by its position, counted from
/// 1, and never shows what is in it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApiKeyFileError {
    /// It cannot be read.
    #[error("the file of API keys cannot be read")]
    Unreadable(#[from] io::Error),
    /// It is longer than 1 MiB.
    #[error("the file of API keys is longer than 1 MiB")]
    TooLong,
    /// It has more than 10,000 keys.
    #[error("the file of API keys has more than 10,000 keys")]
    TooMany,
    /// It is no array of JSON.
    #[error("the file of API keys is no JSON array: look at line {line}, column {column}")]
    NotAnArray {
        /// The line at which it stops being one.
        line: usize,
        /// The column of that line.
        column: usize,
    },
    /// One of its entries cannot be used.
    #[error("entry {position} of the file of API keys: {problem}")]
    Entry {
        /// Which one, counted from 1.
        position: usize,
        /// What is wrong.
        problem: &'static str,
    },
}

/// An entry, as it is written; `null` is as if the member were not there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    subject: Option<&'a RawValue>,
    #[serde(borrow, default)]
    scopes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    key_sha256: Option<&'a RawValue>,
    #[serde(borrow, default)]
    expires_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    machine: Option<&'a RawValue>,
    #[serde(default)]
    key: Option<IgnoredAny>,
}

pub(super) type Keys = HashMap<TokenHash, ApiKey>;

/// Reads a file, as far as it may be long.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ApiKeyFileError> {
    let mut text = Vec::new();
    File::open(path)?
        .take(MAX_LENGTH + 1)
        .read_to_end(&mut text)?;
    Ok(text)
}

/// The keys in a JSON array, which are good at `resource`.
pub(super) fn parse(json: &[u8], resource: &ResourceUri) -> Result<Keys, ApiKeyFileError> {
    if json.len() as u64 > MAX_LENGTH {
        return Err(ApiKeyFileError::TooLong);
    }
    let entries: Vec<&RawValue> =
        serde_json::from_slice(json).map_err(|error| ApiKeyFileError::NotAnArray {
            line: error.line(),
            column: error.column(),
        })?;
    if entries.len() > MAX_KEYS {
        return Err(ApiKeyFileError::TooMany);
    }
    let mut keys = Keys::new();
    let mut names = std::collections::HashSet::new();
    for (entry, position) in entries.into_iter().zip(1..) {
        let wrong = |problem| ApiKeyFileError::Entry { position, problem };
        let (hash, key) = parse_entry(entry, resource).map_err(wrong)?;
        if !names.insert(key.details.name.clone()) {
            return Err(wrong("another entry has the same name"));
        }
        if keys.insert(hash, key).is_some() {
            return Err(wrong("another entry has the same key"));
        }
    }
    Ok(keys)
}

fn parse_entry(
    entry: &RawValue,
    resource: &ResourceUri,
) -> Result<(TokenHash, ApiKey), &'static str> {
    const FORM: &str = "it is no object, or has a member twice, or one other than name, subject, \
                        scopes, key_sha256, expires_at and machine";

    // A list of its members in the right order would do otherwise.
    let object = Some(entry.get()).filter(|text| text.starts_with('{'));
    let entry: Entry<'_> = serde_json::from_str(object.ok_or(FORM)?).map_err(|_| FORM)?;
    if entry.key.is_some() {
        return Err("a file never holds a key: write key_sha256, its SHA-256, and no key");
    }
    let name: String = read_member(entry.name).ok_or("name has to be a text")?;
    if !is_name(&name) {
        return Err("name has to have 1 to 100 characters and no control characters");
    }
    let subject: Subject = read_member(entry.subject).ok_or("subject has to be a subject")?;
    let scopes: Vec<String> =
        read_member(entry.scopes).ok_or("scopes has to be a list of texts")?;
    let scope = Scope::from_texts(scopes).map_err(|_| "scopes has a text that is no scope")?;
    let hash: String = read_member(entry.key_sha256).ok_or("key_sha256 has to be a text")?;
    let hash = parse_hash(&hash)
        .ok_or("key_sha256 has to be a SHA-256, as 64 hexadecimal digits or base64url")?;
    let key = ApiKey {
        id: ApiKeyId::of(&hash),
        details: ApiKeyDetails {
            name,
            subject,
            scope,
            resource: resource.clone(),
            is_machine: parse_flag(entry.machine)?,
            claims: Map::new(),
        },
        created_at: Timestamp::default(),
        expires_at: parse_end(entry.expires_at)?,
    };
    Ok((hash, key))
}

/// Whether people can call a key so.
pub(super) fn is_name(name: &str) -> bool {
    (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

fn read_member<'a, T: Deserialize<'a>>(member: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(member?.get()).ok()
}

fn parse_flag(member: Option<&RawValue>) -> Result<bool, &'static str> {
    match member {
        None => Ok(false),
        flag => read_member(flag).ok_or("machine has to be true or false"),
    }
}

fn parse_end(member: Option<&RawValue>) -> Result<Option<Timestamp>, &'static str> {
    let Some(end) = member else {
        return Ok(None);
    };
    let end: Option<Value> = read_member(Some(end));
    let end = end.as_ref().and_then(expiry::parse);
    end.map(Some)
        .ok_or("expires_at has to be a time as 2027-01-31T12:00:00Z, or seconds since 1970, before the year 10000")
}

fn parse_hash(text: &str) -> Option<TokenHash> {
    let bytes = if text.len() == 64 {
        let digits = text.as_bytes().chunks(2);
        let bytes = digits.map(|pair| {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            u8::try_from(high * 16 + low).ok()
        });
        bytes.collect::<Option<Vec<_>>>()?
    } else {
        URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?
    };
    bytes.try_into().ok().map(TokenHash::from_bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "mcpkey_2hHMXCSXzN3kY1mZrVnWcQ0dUeXbTtq9aBcDeFgHiJk";

    fn hex(text: &str) -> String {
        let hash = TokenHash::of(text);
        hash.as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn entry() -> Value {
        json!({
            "name": "nightly import",
            "subject": "importer",
            "scopes": ["notes:read", "notes:write"],
            "key_sha256": hex(KEY),
            "expires_at": "2027-01-31T12:34:56Z",
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut entry = entry();
        entry[name] = value;
        entry
    }

    /// An entry that stands beside the usual one, but for one member.
    fn second(name: &str, value: Value) -> Value {
        let mut entry = with(name, value);
        if name != "name" {
            entry["name"] = json!("another");
        }
        if name != "key_sha256" {
            entry["key_sha256"] = json!(hex("another"));
        }
        entry
    }

    fn parsed(json: &Value) -> Result<Keys, ApiKeyFileError> {
        let resource = ResourceUri::parse("https://mcp.example.com/mcp").unwrap();
        parse(json.to_string().as_bytes(), &resource)
    }

    #[test]
    fn an_entry_says_whom_its_key_speaks_for_and_until_when() {
        let keys = parsed(&json!([entry()])).unwrap();
        let key = &keys[&TokenHash::of(KEY)];
        assert_eq!(key.details.name, "nightly import");
        assert_eq!(key.details.subject.as_str(), "importer");
        assert_eq!(key.details.scope.to_string(), "notes:read notes:write");
        assert_eq!(key.details.resource.as_str(), "https://mcp.example.com/mcp");
        assert!(!key.details.is_machine);
        assert_eq!(key.expires_at, Some(Timestamp::from_secs(1_801_398_896)));
    }

    #[test]
    fn a_hash_is_written_in_hexadecimal_or_base64url() {
        let base64url = serde_json::to_value(TokenHash::of(KEY)).unwrap();
        for hash in [json!(hex(KEY)), json!(hex(KEY).to_uppercase()), base64url] {
            let keys = parsed(&json!([with("key_sha256", hash)])).unwrap();
            assert!(keys.contains_key(&TokenHash::of(KEY)));
        }
    }

    #[test]
    fn a_wrong_entry_is_named_by_its_position_and_never_shown() {
        for (wrong, words) in [
            (json!(KEY), "it is no object"),
            (json!([]), "it is no object"),
            (
                json!(["another", "importer", [], hex("another")]),
                "it is no object",
            ),
            (second("key", json!(KEY)), "a file never holds a key"),
            (second("secret", json!(KEY)), "one other than name"),
            (second(KEY, json!(1)), "one other than name"),
            (second("name", json!(KEY.repeat(9))), "name has to have"),
            (second("name", json!(7)), "name has to be"),
            (second("name", json!("")), "name has to have"),
            (second("name", json!("a\nb")), "name has to have"),
            (second("name", json!("nightly import")), "the same name"),
            (second("subject", json!(null)), "subject"),
            (second("subject", json!("")), "subject"),
            (second("scopes", json!(KEY)), "a list of texts"),
            (second("scopes", json!(null)), "a list of texts"),
            (second("scopes", json!([KEY, "a b"])), "no scope"),
            (second("key_sha256", json!(KEY)), "has to be a SHA-256"),
            (second("key_sha256", json!("")), "has to be a SHA-256"),
            (
                second("key_sha256", json!("g".repeat(64))),
                "has to be a SHA-256",
            ),
            (
                second("key_sha256", json!("é".repeat(32))),
                "has to be a SHA-256",
            ),
            (second("key_sha256", json!(hex(KEY))), "the same key"),
            (second("expires_at", json!(KEY)), "expires_at has to be"),
            (second("expires_at", json!("")), "expires_at has to be"),
            (
                second("expires_at", json!(1_801_398_896_000_u64)),
                "before the year 10000",
            ),
            (second("machine", json!("yes")), "machine has to be"),
        ] {
            let error = parsed(&json!([entry(), wrong])).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains("entry 2 of the file"), "{text}");
            assert!(text.contains(words), "{text}");
            assert!(!text.contains(&KEY[7..]), "{text}");
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused() {
        let twice = entry()
            .to_string()
            .replacen('{', r#"{"subject":"root","#, 1);
        let resource = ResourceUri::parse("https://mcp.example.com/mcp").unwrap();
        let error = parse(format!("[{twice}]").as_bytes(), &resource).unwrap_err();
        assert!(error.to_string().contains("a member twice"), "{error}");
    }

    #[test]
    fn what_is_no_array_or_too_much_is_refused_without_being_shown() {
        for text in ["", "{}", "[", "[1,]", KEY, "[\"\\ud800\"", "[] []"] {
            let resource = ResourceUri::parse("https://mcp.example.com/mcp").unwrap();
            let error = parse(text.as_bytes(), &resource).unwrap_err();
            assert!(
                matches!(error, ApiKeyFileError::NotAnArray { .. }),
                "{text}"
            );
            assert!(!format!("{error} {error:?}").contains(&KEY[7..]));
        }
        let many: Vec<_> = (0..=MAX_KEYS).collect();
        let error = parsed(&json!(many)).unwrap_err();
        assert!(matches!(error, ApiKeyFileError::TooMany), "{error}");
        let long = format!("[{}]", " ".repeat(1024 * 1024));
        let resource = ResourceUri::parse("https://mcp.example.com/mcp").unwrap();
        let error = parse(long.as_bytes(), &resource).unwrap_err();
        assert!(matches!(error, ApiKeyFileError::TooLong), "{error}");
    }
}
