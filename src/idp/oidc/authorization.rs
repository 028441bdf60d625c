use url::Url;

use crate::idp::Login;
use crate::idp::oidc::Registration;
use crate::idp::oidc::discovery::Metadata;
use crate::idp::oidc::error::OidcError;
use crate::protocol::form::Form;
use crate::types::{Issuer, Secret};

/// Where the browser goes to sign in ([OpenID Connect Core, section 3.1.2.1]).
///
/// The `resource` that a client asked us for means nothing to the provider.
///
/// [OpenID Connect Core, section 3.1.2.1]: https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
pub(super) fn url(client: &Registration, metadata: &Metadata, login: &Login) -> Url {
    let mut url = metadata.authorization_endpoint.clone();
    // The endpoint may have a query of its own, which stays.
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client.client_id.as_str())
        .append_pair("redirect_uri", &login.callback)
        .append_pair("scope", &client.scopes)
        .append_pair("state", login.state.expose())
        .append_pair("nonce", login.nonce.expose())
        .append_pair("code_challenge", &login.verifier.challenge().to_string())
        .append_pair("code_challenge_method", "S256");
    url
}

/// The code in an answer that comes from this provider.
///
/// The issuer is judged before anything else: an answer of another provider must
/// not even be able to end the sign-in ([RFC 9207, section 2.4]).
///
/// [RFC 9207, section 2.4]: https://www.rfc-editor.org/rfc/rfc9207#section-2.4
pub(super) fn judge(
    answer: &Form,
    issuer: &Issuer,
    metadata: &Metadata,
) -> Result<Secret, OidcError> {
    match answer.value("iss") {
        Some(named) if named != issuer.as_str() => return Err(OidcError::AnswerOfAnother),
        None if metadata.answers_name_issuer => return Err(OidcError::AnswerWithoutIssuer),
        Some(_) | None => {}
    }
    if let Some(error) = OidcError::of_answer(answer) {
        return Err(error);
    }
    answer
        .value("code")
        .map(Secret::from)
        .ok_or(OidcError::NoCode)
}
