use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::fetch::Fetch;
use crate::idp::Login;
use crate::idp::oidc::discovery::Metadata;
use crate::idp::oidc::document::{self, JSON};
use crate::idp::oidc::error::{Document, OidcError, ProviderCode};
use crate::idp::oidc::{OpenIdClientAuth, Registration};
use crate::protocol::form::Form;
use crate::types::Secret;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// What a code is worth.
#[derive(Debug)]
pub(super) struct TokenAnswer {
    pub(super) access_token: Secret,
    pub(super) id_token: Secret,
}

#[derive(Deserialize)]
struct WireAnswer {
    access_token: String,
    token_type: String,
    id_token: String,
}

#[derive(Deserialize)]
struct WireError {
    error: String,
}

/// The token request ([OpenID Connect Core, section 3.1.3.1]).
///
/// [OpenID Connect Core, section 3.1.3.1]: https://openid.net/specs/openid-connect-core-1_0.html#TokenRequest
pub(super) fn request(
    client: &Registration,
    metadata: &Metadata,
    login: &Login,
    code: &Secret,
) -> Result<Request<Bytes>, OidcError> {
    let method = client.auth.or(metadata.client_auth);
    let method = method.ok_or(OidcError::ClientAuth)?;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", &login.callback),
        ("code_verifier", login.verifier.expose()),
    ];
    let mut request = Request::post(&metadata.token_endpoint)
        .header(CONTENT_TYPE, FORM)
        .header(ACCEPT, JSON);
    match method {
        OpenIdClientAuth::Basic => request = request.header(AUTHORIZATION, basic(client)?),
        OpenIdClientAuth::Post => fields.extend([
            ("client_id", client.client_id.as_str()),
            ("client_secret", client.client_secret.expose()),
        ]),
    }
    let body = fields.into_iter().collect::<Form>().encode();
    request
        .body(Bytes::from(body))
        .map_err(|_| OidcError::Request)
}

/// Both halves are encoded like values of a form first ([RFC 6749, section 2.3.1]).
///
/// [RFC 6749, section 2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
fn basic(client: &Registration) -> Result<HeaderValue, OidcError> {
    let encode = |text: &str| -> Zeroizing<String> {
        Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
    };
    let id = encode(client.client_id.as_str());
    let secret = encode(client.client_secret.expose());
    let pair = Zeroizing::new(format!("{}:{}", *id, *secret));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).map_err(|_| OidcError::Request)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Sends the token request.
pub(super) async fn exchange(
    fetch: &dyn Fetch,
    request: Request<Bytes>,
) -> Result<TokenAnswer, OidcError> {
    let answer = document::send(fetch, request, Document::Tokens).await?;
    if answer.status() != StatusCode::OK
        && let Ok(WireError { error }) = serde_json::from_slice(answer.body())
    {
        return Err(OidcError::Token(ProviderCode::new(&error)));
    }
    let wire: WireAnswer = document::read(&answer, Document::Tokens)?;
    if !wire.token_type.eq_ignore_ascii_case("bearer") {
        return Err(OidcError::malformed(Document::Tokens));
    }
    Ok(TokenAnswer {
        access_token: Secret::new(wire.access_token),
        id_token: Secret::new(wire.id_token),
    })
}
