use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, Uri};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::fetch::Fetch;
use crate::idp::oidc::document::{self, JSON};
use crate::idp::oidc::error::{Document, OidcError};
use crate::types::{Secret, Subject};

/// The userinfo request ([OpenID Connect Core, section 5.3.1]).
///
/// [OpenID Connect Core, section 5.3.1]: https://openid.net/specs/openid-connect-core-1_0.html#UserInfoRequest
pub(super) fn request(endpoint: &Uri, token: &Secret) -> Result<Request<Bytes>, OidcError> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| OidcError::Request)?;
    value.set_sensitive(true);
    Request::get(endpoint)
        .header(ACCEPT, JSON)
        .header(AUTHORIZATION, value)
        .body(Bytes::new())
        .map_err(|_| OidcError::Request)
}

/// Sends the userinfo request.
pub(super) async fn load(
    fetch: &dyn Fetch,
    request: Request<Bytes>,
) -> Result<Map<String, Value>, OidcError> {
    let answer = document::send(fetch, request, Document::Userinfo).await?;
    let claims = document::read(&answer, Document::Userinfo)?;
    if !is_json(&answer) {
        return Err(OidcError::malformed(Document::Userinfo));
    }
    Ok(claims)
}

fn is_json(answer: &Response<Bytes>) -> bool {
    let content_type = answer.headers().get(CONTENT_TYPE);
    let text = content_type.and_then(|value| value.to_str().ok());
    let media_type = text.and_then(|text| text.split(';').next());
    media_type.is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}

/// Judges whether the claims are about the person who signed in ([OpenID Connect
/// Core, section 5.3.2]).
///
/// [OpenID Connect Core, section 5.3.2]: https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse
pub(super) fn judge(claims: &Map<String, Value>, subject: &Subject) -> Result<(), OidcError> {
    if claims.get("sub").and_then(Value::as_str) != Some(subject.as_str()) {
        return Err(OidcError::UserinfoOfAnother);
    }
    Ok(())
}
