use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use serde::Serialize;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::jose::{Signer, sign_compact};
use crate::protocol::credentials::ASSERTION_TYPE;
use crate::protocol::form::Form;
use crate::resource::verifier::introspection::IntrospectionEndpoint;
use crate::resource::verifier::introspection::error::IntrospectionError;
use crate::types::{ClientId, Entropy, Secret, Timestamp};

/// How the resource server proves at an introspection endpoint who it is
/// ([RFC 7662, section 2.1]).
///
/// [RFC 7662, section 2.1]: https://www.rfc-editor.org/rfc/rfc7662#section-2.1
#[derive(Clone)]
pub struct IntrospectionAuth(Method);

#[derive(Clone)]
enum Method {
    /// A header that is always the same.
    Header(HeaderValue),
    Post(ClientId, Secret),
    Assertion(Arc<Assertions>),
}

struct Assertions {
    client_id: ClientId,
    signer: Arc<dyn Signer>,
    entropy: Arc<dyn Entropy>,
}

/// The text can be no bearer token in a header.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a bearer token is printable ASCII without spaces, and not empty")]
pub struct InvalidIntrospectionToken;

impl IntrospectionAuth {
    /// A secret in the `Authorization` header (`client_secret_basic`).
    #[must_use]
    pub fn basic(client_id: &ClientId, secret: &Secret) -> Self {
        // Both halves are encoded like values of a form first (RFC 6749, section 2.3.1).
        let encode = |text: &str| -> Zeroizing<String> {
            Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
        };
        let pair = [client_id.as_str(), secret.expose()].map(encode);
        let pair = Zeroizing::new(format!("{}:{}", *pair[0], *pair[1]));
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        Self(Method::Header(sensitive(&text)))
    }

    /// A secret in the form (`client_secret_post`).
    #[must_use]
    pub const fn post(client_id: ClientId, secret: Secret) -> Self {
        Self(Method::Post(client_id, secret))
    }

    /// A token that the authorization server gave out for this.
    ///
    /// # Errors
    ///
    /// [`InvalidIntrospectionToken`] if `token` cannot stand in a header.
    pub fn bearer(token: &Secret) -> Result<Self, InvalidIntrospectionToken> {
        let graphic = token.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if token.expose().is_empty() || !graphic {
            return Err(InvalidIntrospectionToken);
        }
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        Ok(Self(Method::Header(sensitive(&text))))
    }

    /// A signature (`private_key_jwt`, [RFC 7523]): an assertion of its own for
    /// every request, good for a minute.
    ///
    /// [RFC 7523]: https://www.rfc-editor.org/rfc/rfc7523#section-2.2
    #[must_use]
    pub fn private_key_jwt(
        client_id: ClientId,
        signer: Arc<dyn Signer>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self(Method::Assertion(Arc::new(Assertions {
            client_id,
            signer,
            entropy,
        })))
    }

    /// The question what `token` is good for. An assertion is addressed to
    /// `audience`.
    pub(super) async fn request(
        &self,
        endpoint: &IntrospectionEndpoint,
        token: &Secret,
        audience: &str,
        now: Timestamp,
    ) -> Result<Request<Bytes>, IntrospectionError> {
        let mut request = Request::post(endpoint.uri())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        let mut fields = vec![
            ("token", token.expose()),
            ("token_type_hint", "access_token"),
        ];
        let assertion;
        match &self.0 {
            Method::Header(value) => request = request.header(AUTHORIZATION, value),
            Method::Post(client_id, secret) => fields.extend([
                ("client_id", client_id.as_str()),
                ("client_secret", secret.expose()),
            ]),
            Method::Assertion(assertions) => {
                assertion = assertions.sign(audience, now).await?;
                fields.extend([
                    ("client_id", assertions.client_id.as_str()),
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", assertion.expose()),
                ]);
            }
        }
        let body = fields.into_iter().collect::<Form>().encode();
        request
            .body(Bytes::from(body))
            .map_err(|_| IntrospectionError::Request)
    }
}

/// What says who we are ([RFC 7523, section 3]).
///
/// [RFC 7523, section 3]: https://www.rfc-editor.org/rfc/rfc7523#section-3
#[derive(Serialize)]
struct AssertionClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: Timestamp,
    iat: Timestamp,
    jti: &'a str,
}

impl Assertions {
    const TYPE: &'static str = "client-authentication+jwt";
    const LIFETIME: Duration = Duration::from_secs(60);

    async fn sign(&self, audience: &str, now: Timestamp) -> Result<Secret, IntrospectionError> {
        let id = self.entropy.identifier();
        let claims = AssertionClaims {
            iss: self.client_id.as_str(),
            sub: self.client_id.as_str(),
            aud: audience,
            exp: now.plus(Self::LIFETIME),
            iat: now,
            jti: &id.map_err(IntrospectionError::Entropy)?,
        };
        let signed = sign_compact(&*self.signer, Self::TYPE, &claims).await;
        signed.map(Secret::new).map_err(IntrospectionError::Sign)
    }
}

/// The value of a header that is printed nowhere.
fn sensitive(text: &str) -> HeaderValue {
    let value = HeaderValue::from_str(text);
    let mut value = value.expect("base64 and graphic ASCII can stand in a header");
    value.set_sensitive(true);
    value
}

impl fmt::Debug for IntrospectionAuth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match &self.0 {
            Method::Header(_) => "header",
            Method::Post(..) => "client_secret_post",
            Method::Assertion(_) => "private_key_jwt",
        };
        write!(formatter, "IntrospectionAuth({method})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn client() -> ClientId {
        ClientId::parse("our id:%+/").unwrap()
    }

    async fn request(auth: &IntrospectionAuth, token: &str) -> Request<Bytes> {
        let endpoint = IntrospectionEndpoint::parse("https://a.example/introspect").unwrap();
        let token = Secret::new(token);
        let request = auth.request(&endpoint, &token, "https://a.example", NOW);
        request.await.unwrap()
    }

    fn form(request: &Request<Bytes>) -> Form {
        Form::parse(request.body()).unwrap()
    }

    #[tokio::test]
    async fn a_secret_is_encoded_on_its_way_through_the_header() {
        let auth = IntrospectionAuth::basic(&client(), &Secret::new("s3cret :%+&=/é~"));
        let request = request(&auth, "abc").await;
        let header = request.headers()[AUTHORIZATION].to_str().unwrap();
        let encoded = header.strip_prefix("Basic ").unwrap();
        let pair = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        let expected = "our+id%3A%25%2B%2F:s3cret+%3A%25%2B%26%3D%2F%C3%A9%7E";
        assert_eq!(pair, expected);
        assert!(request.headers()[AUTHORIZATION].is_sensitive());
        assert_eq!(form(&request).value("client_secret"), None);
    }

    #[tokio::test]
    async fn a_secret_in_the_form_is_nowhere_else() {
        let auth = IntrospectionAuth::post(client(), Secret::new("a&client_id=b"));
        let request = request(&auth, "abc").await;
        assert!(!request.headers().contains_key(AUTHORIZATION));
        let form = form(&request);
        assert_eq!(form.value("client_id"), Some("our id:%+/"));
        assert_eq!(form.value("client_secret"), Some("a&client_id=b"));
    }

    #[tokio::test]
    async fn a_token_adds_no_parameter_whatever_it_holds() {
        let auth = IntrospectionAuth::bearer(&Secret::new("ours")).unwrap();
        for token in [
            "abc&token_type_hint=refresh_token",
            "abc%26token=def",
            "abc=&client_id=evil",
            "a+b/c~d==",
            "abc\r\nEvil: 1",
        ] {
            let request = request(&auth, token).await;
            assert_eq!(request.headers()[AUTHORIZATION], "Bearer ours");
            assert_eq!(request.headers().len(), 3);
            assert_eq!(request.uri(), "https://a.example/introspect");
            let form = form(&request);
            assert_eq!(form.value("token"), Some(token));
            assert_eq!(form.value("token_type_hint"), Some("access_token"));
            assert_eq!(form.value("client_id"), None);
        }
    }

    #[test]
    fn a_bearer_token_that_would_end_its_header_is_refused() {
        for text in ["", "a b", "a\r\nEvil: 1", "a\n", "é"] {
            let auth = IntrospectionAuth::bearer(&Secret::new(text));
            assert!(auth.is_err(), "{text:?}");
        }
    }

    #[test]
    fn no_way_to_authenticate_shows_its_secret_when_printed() {
        let secret = Secret::new("hunter2");
        let ways = [
            IntrospectionAuth::basic(&client(), &secret),
            IntrospectionAuth::post(client(), secret.clone()),
            IntrospectionAuth::bearer(&secret).unwrap(),
        ];
        let encoded = STANDARD.encode("hunter2");
        for way in ways {
            let text = format!("{way:?}");
            assert!(
                !text.contains("hunter2") && !text.contains(&encoded[..6]),
                "{text}"
            );
        }
    }
}
