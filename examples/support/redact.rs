//! Shortens secrets in what an example prints.
//!
//! Forms and queries show in full only what is known to be public, so a field
//! nobody thought of stays hidden. JSON shows all but the fields that hold secrets,
//! since tool results have fields of every name.

use axum::http::{HeaderMap, HeaderName, Uri, header};
use serde_json::Value;

const SHOWN: usize = 6;

const PUBLIC_FIELDS: [&str; 14] = [
    "client_id",
    "code_challenge_method",
    "error",
    "error_description",
    "grant_type",
    "iss",
    "prompt",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "token_type_hint",
    "action",
];

const SECRET_FIELDS: [&str; 9] = [
    "access_token",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "id_token",
    "refresh_token",
    "registration_access_token",
    "token",
];

/// The start of a secret: enough to recognise it further down, too little to use it.
pub(crate) fn short(secret: &str) -> String {
    let mut start: String = secret.chars().take(SHOWN).collect();
    // Of a short one nothing is shown, else it would stand there almost whole.
    if secret.chars().count() <= 2 * SHOWN {
        start.clear();
    }
    start + "…"
}

pub(crate) fn header(name: &HeaderName, value: &str) -> String {
    match name.as_str() {
        "authorization" => match value.split_once(' ') {
            Some((scheme, secret)) => format!("{scheme} {}", short(secret)),
            None => short(value),
        },
        "cookie" => value.split("; ").map(cookie).collect::<Vec<_>>().join("; "),
        "set-cookie" => match value.split_once(';') {
            Some((pair, attributes)) => format!("{};{attributes}", cookie(pair)),
            None => cookie(value),
        },
        "location" => location(value),
        "mcp-session-id" => short(value),
        _ => value.to_owned(),
    }
}

fn cookie(pair: &str) -> String {
    match pair.split_once('=') {
        Some((name, value)) => format!("{name}={}", short(value)),
        None => short(pair),
    }
}

fn location(value: &str) -> String {
    match value.split_once('?') {
        Some((path, query)) => format!("{path}?{}", form(query.as_bytes())),
        None => value.to_owned(),
    }
}

pub(crate) fn target(uri: &Uri) -> String {
    location(&uri.to_string())
}

/// A body as one line.
pub(crate) fn body(headers: &HeaderMap, body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind {
        "application/json" => json(body),
        "application/x-www-form-urlencoded" => form(body),
        _ => format!("({} bytes)", body.len()),
    }
}

/// A form or query, decoded for reading.
fn form(text: &[u8]) -> String {
    form_urlencoded::parse(text)
        .map(|(name, value)| {
            let value = if PUBLIC_FIELDS.contains(&&*name) {
                value.into_owned()
            } else {
                short(&value)
            };
            // Decoded text may hold control characters, which a terminal would obey.
            format!("{}={}", name.escape_debug(), value.escape_debug())
        })
        .collect::<Vec<_>>()
        .join("&")
}

pub(crate) fn json(text: &[u8]) -> String {
    let Ok(mut value) = serde_json::from_slice(text) else {
        return format!("({} bytes)", text.len());
    };
    shorten(&mut value);
    value.to_string()
}

fn shorten(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if SECRET_FIELDS.contains(&name.as_str()) {
                    hide(value);
                } else {
                    shorten(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Hides text only: a `code` that is a number belongs to a JSON-RPC error.
fn hide(value: &mut Value) {
    if let Value::String(text) = value {
        *text = short(text);
    } else {
        shorten(value);
    }
}
