use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use serde::Deserialize;

use crate::protocol::introspect::Introspection;
use crate::resource::verifier::introspection::error::IntrospectionError;

#[derive(Deserialize)]
struct WireError {
    error: String,
}

/// Reads an answer; `None` if the endpoint knows no tokens of such a kind.
///
/// Whatever is no answer about the token says nothing about it, and is an error.
pub(super) fn read(answer: &Response<Bytes>) -> Result<Option<Introspection>, IntrospectionError> {
    match answer.status() {
        StatusCode::OK if is_json(answer) => {}
        StatusCode::OK => return Err(IntrospectionError::ContentType),
        StatusCode::BAD_REQUEST if says_unsupported(answer) => return Ok(None),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(IntrospectionError::Credentials(status));
        }
        status => return Err(IntrospectionError::Status(status)),
    }
    let read = Introspection::parse(answer.body());
    read.map(Some).map_err(|_| IntrospectionError::Malformed)
}

/// Some endpoints answer so to a signed token that they could have told about, had it
/// been an opaque one; the code is that of RFC 7009, section 2.2.1.
fn says_unsupported(answer: &Response<Bytes>) -> bool {
    let error = serde_json::from_slice::<WireError>(answer.body());
    is_json(answer) && error.is_ok_and(|wire| wire.error == "unsupported_token_type")
}

fn is_json(answer: &Response<Bytes>) -> bool {
    let mut types = answer.headers().get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let media_type = only.to_str().unwrap_or_default().split(';').next();
    media_type.is_some_and(|text| text.trim().eq_ignore_ascii_case("application/json"))
}
