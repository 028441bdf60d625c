use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};

use crate::fetch::{Fetch, FetchLimits, Lifetime, Loaded, freshness};
use crate::server::registration::document::DocumentError;

/// What the draft recommends as the most that a document takes.
pub(super) const DOCUMENT: FetchLimits = limits(5);
pub(super) const KEYS: FetchLimits = limits(64);

const fn limits(kibibytes: usize) -> FetchLimits {
    FetchLimits {
        max_body_bytes: kibibytes * 1024,
        timeout: Duration::from_secs(5),
    }
}

/// JSON as it came, and for how long it is fresh.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Bytes,
    fresh: Duration,
}

/// Fetches JSON from where a stranger said.
pub(super) async fn load(
    fetch: &dyn Fetch,
    url: &str,
    limits: FetchLimits,
) -> Result<Answer, DocumentError> {
    let request = Request::get(url)
        .header(ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|_| DocumentError::Address("it is no URL that can be fetched"))?;
    let (parts, body) = fetch.fetch(request, limits).await?.into_parts();
    judge_status(parts.status)?;
    judge_headers(&parts.headers)?;
    if body.len() > limits.max_body_bytes {
        return Err(DocumentError::TooLarge);
    }
    let fresh = fresh_for(&parts.headers);
    Ok(Answer { body, fresh })
}

impl Answer {
    /// What was made of the answer, to be kept as long as the answer serves.
    pub(super) fn keep<T>(&self, value: T) -> Loaded<T, DocumentError> {
        /// For how long a copy is better than nothing, once it is not fresh.
        const STALE: Duration = Duration::from_secs(24 * 60 * 60);
        let lifetime = Lifetime {
            fresh: self.fresh,
            stale: self.fresh + STALE,
        };
        Loaded::Current(value, lifetime)
    }
}

/// Only a definite no keeps a copy from serving on: a firewall or a page about a
/// fault says nothing about the document.
pub(super) fn failed<T>(error: DocumentError) -> Loaded<T, DocumentError> {
    if error.is_final() {
        Loaded::Withdrawn(error)
    } else {
        Loaded::Failed(error)
    }
}

fn judge_status(status: StatusCode) -> Result<(), DocumentError> {
    let later = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if status == StatusCode::OK {
        Ok(())
    } else if status.is_server_error() || later.contains(&status) {
        Err(DocumentError::Unavailable(status))
    } else {
        Err(DocumentError::Status(status))
    }
}

fn judge_headers(headers: &HeaderMap) -> Result<(), DocumentError> {
    let plain = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return Err(DocumentError::Compressed);
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    match (types.next().map(http::HeaderValue::to_str), types.next()) {
        (Some(Ok(text)), None) if is_json(text) => Ok(()),
        (_, _) => Err(DocumentError::ContentType),
    }
}

/// `application/json`, or a kind of it such as `application/jwk-set+json`.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/").unwrap_or_default();
    let kind = subtype.strip_suffix("+json").unwrap_or_default();
    subtype == "json" || !kind.is_empty()
}

fn fresh_for(headers: &HeaderMap) -> Duration {
    const LEAST: Duration = Duration::from_secs(30);
    const UNSAID: Duration = Duration::from_secs(5 * 60);
    const MOST: Duration = Duration::from_secs(24 * 60 * 60);
    freshness(headers).unwrap_or(UNSAID).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_json() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json ;x=y",
            "application/client-metadata+json",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "json",
            "text/json",
            "text/html",
            "application/jsonp",
            "application/+json",
            "application/json, text/html",
            "application/x+json+xml",
            "text/html; application/json",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    #[test]
    fn freshness_is_kept_between_half_a_minute_and_a_day() {
        for (control, seconds) in [
            ("max-age=600", 600),
            ("max-age=0", 30),
            ("no-store", 30),
            ("max-age=31", 31),
            ("max-age=999999", 86_400),
            ("public", 300),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::CACHE_CONTROL, control.parse().unwrap());
            assert_eq!(fresh_for(&headers).as_secs(), seconds, "{control}");
        }
    }
}
