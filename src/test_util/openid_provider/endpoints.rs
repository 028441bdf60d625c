use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::fetch::{Fetch, FetchError, FetchLimits};
use crate::jose::Signer;
use crate::protocol::form::Form;
use crate::test_util::openid_provider::{
    FakeEndpoint, FakeOpenIdProvider, Fault, Person, RegisteredClient, SignedIn,
};
use crate::types::{CodeVerifier, Secret};

#[async_trait]
impl Fetch for FakeOpenIdProvider {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        limits: FetchLimits,
    ) -> Result<Response<Bytes>, FetchError> {
        let endpoint = self.endpoint(&request.uri().to_string())?;
        *self.state().fetches.entry(endpoint).or_default() += 1;
        if self.has(Fault::NetworkDown) {
            return Err(FetchError::failed("the network is down"));
        }
        let answer = match endpoint {
            FakeEndpoint::Metadata => self.metadata(),
            FakeEndpoint::Keys => self.keys(),
            FakeEndpoint::Token => self.token(&request).await,
            FakeEndpoint::Userinfo => self.userinfo(&request),
        };
        if answer.body().len() > limits.max_body_bytes {
            return Err(FetchError::TooLarge(limits.max_body_bytes));
        }
        Ok(answer)
    }
}

impl Person {
    pub(super) fn email(&self) -> String {
        format!("{}@example.com", self.subject)
    }
}

impl FakeOpenIdProvider {
    fn endpoint(&self, uri: &str) -> Result<FakeEndpoint, FetchError> {
        let paths = [
            (FakeEndpoint::Metadata, "/.well-known/openid-configuration"),
            (FakeEndpoint::Keys, "/jwks"),
            (FakeEndpoint::Token, "/token"),
            (FakeEndpoint::Userinfo, "/userinfo"),
        ];
        let here = |path: &str| self.issuer.endpoint(path) == uri;
        let found = paths.into_iter().find(|(_, path)| here(path));
        found
            .map(|(endpoint, _)| endpoint)
            .ok_or_else(|| FetchError::failed("there is no server at this address"))
    }

    fn metadata(&self) -> Response<Bytes> {
        if self.has(Fault::MetadataUnavailable) {
            return json_answer(StatusCode::SERVICE_UNAVAILABLE, &json!({}));
        }
        if self.has(Fault::MetadataGarbage) {
            return text_answer(StatusCode::OK, "<!doctype html>");
        }
        let mut metadata = json!({
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer.endpoint("/authorize"),
            "token_endpoint": self.issuer.endpoint("/token"),
            "jwks_uri": self.issuer.endpoint("/jwks"),
            "userinfo_endpoint": self.issuer.endpoint("/userinfo"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        if self.has(Fault::MetadataOversized) {
            metadata["padding"] = json!(" ".repeat(1024 * 1024));
        }
        if let Some(members) = metadata.as_object_mut() {
            members.extend(self.state().metadata.clone());
            members.retain(|_, value| !value.is_null());
        }
        json_answer(StatusCode::OK, &metadata)
    }

    fn keys(&self) -> Response<Bytes> {
        if self.has(Fault::KeysUnavailable) {
            return json_answer(StatusCode::SERVICE_UNAVAILABLE, &json!({}));
        }
        let mut key = json!(self.state().key.public_jwk());
        if self.has(Fault::KeyForEncryption) {
            key["use"] = json!("enc");
        }
        let keys = if self.has(Fault::UnusableKeys) {
            let unknown = json!({"kty": "NEW", "kid": "unknown"});
            vec![unknown, json!({"kty": "oct", "k": "AAAA"}), key, json!(7)]
        } else {
            vec![key]
        };
        json_answer(StatusCode::OK, &json!({ "keys": keys }))
    }

    async fn token(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if let Some(answer) = self.token_fault() {
            return answer;
        }
        let signed_in = match self.redeem(request) {
            Ok(signed_in) => signed_in,
            Err(error) => return refusal(error),
        };
        let access_token = self.entropy.identifier().expect("entropy");
        let id_token = self.id_token(&signed_in, &access_token).await;
        let person = signed_in.person;
        let answer = json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 600,
            "id_token": id_token,
        });
        self.state().access_tokens.insert(access_token, person);
        json_answer(StatusCode::OK, &answer)
    }

    fn token_fault(&self) -> Option<Response<Bytes>> {
        if self.has(Fault::TokenUnavailable) {
            let text = "a stack trace";
            return Some(text_answer(StatusCode::INTERNAL_SERVER_ERROR, text));
        }
        if self.has(Fault::TokenBusy) {
            return Some(text_answer(StatusCode::TOO_MANY_REQUESTS, "later"));
        }
        if self.has(Fault::TokenRefused) {
            return Some(refusal("invalid_grant"));
        }
        if self.has(Fault::TokenGarbage) {
            return Some(text_answer(StatusCode::OK, "access_token=a&id_token=b"));
        }
        if self.has(Fault::TokenRedirect) {
            let mut answer = text_answer(StatusCode::TEMPORARY_REDIRECT, "");
            let elsewhere = HeaderValue::from_static("https://evil.example/token");
            answer.headers_mut().insert(LOCATION, elsewhere);
            return Some(answer);
        }
        None
    }

    /// Judges a token request and takes the code, which counts once.
    fn redeem(&self, request: &Request<Bytes>) -> Result<SignedIn, &'static str> {
        let form = Form::parse(request.body()).map_err(|_| "invalid_request")?;
        let is_form = header(request, &CONTENT_TYPE) == "application/x-www-form-urlencoded";
        if request.method() != Method::POST || !is_form {
            return Err("invalid_request");
        }
        if form.value("grant_type") != Some("authorization_code") {
            return Err("unsupported_grant_type");
        }
        let client = self.authenticate(request, &form).ok_or("invalid_client")?;
        let code = form.value("code").ok_or("invalid_request")?;
        let signed_in = self.state().codes.remove(code).ok_or("invalid_grant")?;
        let verifier = form.value("code_verifier").map(CodeVerifier::parse);
        let proven = verifier
            .and_then(Result::ok)
            .is_some_and(|verifier| signed_in.challenge.matches(&verifier));
        let redirect_uri = form.value("redirect_uri");
        let same_uri = redirect_uri == Some(signed_in.client.redirect_uri.as_str());
        if signed_in.client.id != client.id || !proven || !same_uri {
            return Err("invalid_grant");
        }
        Ok(signed_in)
    }

    fn authenticate(&self, request: &Request<Bytes>, form: &Form) -> Option<RegisteredClient> {
        let basic = header(request, &AUTHORIZATION).strip_prefix("Basic ");
        let (id, secret) = match (basic, form.value("client_secret")) {
            (Some(credentials), None) => basic_credentials(credentials)?,
            (None, Some(secret)) => (form.value("client_id")?.to_owned(), secret.to_owned()),
            // Neither, or both at once.
            (Some(_), Some(_)) | (None, None) => return None,
        };
        let secret = Secret::new(secret);
        let known = |client: &&RegisteredClient| client.id == id && client.secret == secret;
        self.state().clients.iter().find(known).cloned()
    }

    fn userinfo(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if self.has(Fault::UserinfoUnavailable) {
            return text_answer(StatusCode::INTERNAL_SERVER_ERROR, "a stack trace");
        }
        let token = header(request, &AUTHORIZATION).strip_prefix("Bearer ");
        let person = token.and_then(|token| self.state().access_tokens.get(token).cloned());
        let Some(person) = person else {
            return json_answer(StatusCode::UNAUTHORIZED, &json!({}));
        };
        let subject = match self.has(Fault::UserinfoOfAnother) {
            true => "somebody-else",
            false => person.subject.as_str(),
        };
        let claims = json!({
            "sub": subject,
            "email": person.email(),
            "email_verified": true,
            "name": person.name,
        });
        let mut answer = json_answer(StatusCode::OK, &claims);
        if self.has(Fault::UserinfoNotJson) {
            let jwt = HeaderValue::from_static("application/jwt");
            answer.headers_mut().insert(CONTENT_TYPE, jwt);
        }
        answer
    }
}

fn header<'a>(request: &'a Request<Bytes>, name: &http::HeaderName) -> &'a str {
    let value = request.headers().get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Decodes both halves like values of a form ([RFC 6749, section 2.3.1]).
///
/// [RFC 6749, section 2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
fn basic_credentials(credentials: &str) -> Option<(String, String)> {
    let pair = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decode = |text: &str| {
        let mut pairs = form_urlencoded::parse(text.as_bytes());
        pairs.next().map(|(text, _)| text.into_owned())
    };
    Some((decode(id)?, decode(secret)?))
}

fn refusal(error: &str) -> Response<Bytes> {
    let description = "A text of the provider";
    let answer = json!({"error": error, "error_description": description});
    json_answer(StatusCode::BAD_REQUEST, &answer)
}

fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut answer = text_answer(status, body.to_string());
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}

fn text_answer(status: StatusCode, body: impl Into<String>) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body.into()));
    *answer.status_mut() = status;
    answer
}
