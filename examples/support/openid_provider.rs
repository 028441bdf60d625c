//! A small OpenID provider over HTTP, so that the tour needs no other program.
//!
//! It knows one client and takes any name and password: nothing to copy. What a
//! provider has to prove is proven against a certified one, in `tests/end_to_end.rs`.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use oauth_for_mcp::{
    jose::{Algorithm, JwkSet, Signer, SigningKey, sign_compact},
    protocol::form::Form,
    types::{Clock, CodeChallenge, CodeVerifier, Entropy, SystemClock, SystemEntropy},
};
use serde_json::{Value, json};

/// The one client it knows.
pub(crate) const CLIENT_ID: &str = "note-book";
/// The secret of that client.
pub(crate) const CLIENT_SECRET: &str = "known-to-the-provider-and-the-note-book";

const ID_TOKEN_SECONDS: u64 = 300;

type Failure = Box<dyn Error + Send + Sync>;
type Answer = Result<Response, Refusal>;

#[derive(Clone)]
struct Provider(Arc<Inner>);

struct Inner {
    issuer: String,
    key: SigningKey,
    sign_ins: Mutex<BTreeMap<String, SignIn>>,
}

/// An authorization request, and later who answered it.
struct SignIn {
    request: Form,
    name: Option<String>,
}

/// The provider at `issuer`.
///
/// # Errors
///
/// If there is no randomness for its key.
pub(crate) fn routes(issuer: &str) -> Result<Router, Failure> {
    let provider = Provider(Arc::new(Inner {
        issuer: issuer.to_owned(),
        key: SigningKey::generate(Algorithm::Es256, &SystemEntropy)?,
        sign_ins: Mutex::default(),
    }));
    Ok(Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/jwks", get(keys))
        .route("/authorize", get(authorize))
        .route("/sign-in", post(sign_in))
        .route("/resume", get(resume))
        .route("/token", post(token))
        .with_state(provider))
}

async fn metadata(State(Provider(provider)): State<Provider>) -> Response {
    let issuer = &provider.issuer;
    json_answer(&json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(State(Provider(provider)): State<Provider>) -> Response {
    json_answer(&json!(JwkSet::new(vec![provider.key.public_jwk().clone()])))
}

/// Shows the page where people sign in.
async fn authorize(
    State(Provider(provider)): State<Provider>,
    RawQuery(query): RawQuery,
) -> Answer {
    let request = Form::parse(query.unwrap_or_default().as_bytes()).or(Err(Refusal))?;
    if request.value("client_id") != Some(CLIENT_ID) {
        return Err(Refusal);
    }
    let id = provider.keep(SignIn {
        request,
        name: None,
    })?;
    Ok(Html(format!(
        r#"<!doctype html><title>Sign in</title><form method="post" action="/sign-in">
<input type="hidden" name="id" value="{id}"><input name="name"><input name="password" type="password">
<button>Sign in</button></form>"#
    ))
    .into_response())
}

/// Takes who the person says they are.
async fn sign_in(State(Provider(provider)): State<Provider>, body: Bytes) -> Answer {
    let form = Form::parse(&body).or(Err(Refusal))?;
    let mut sign_in = provider.take(form.value("id"))?;
    sign_in.name = form.value("name").map(str::to_owned);
    let id = provider.keep(sign_in)?;
    Ok(Redirect::to(&format!("/resume?id={id}")).into_response())
}

/// Sends the person back to the client, with a code.
async fn resume(State(Provider(provider)): State<Provider>, RawQuery(query): RawQuery) -> Answer {
    let query = Form::parse(query.unwrap_or_default().as_bytes()).or(Err(Refusal))?;
    let sign_in = provider.take(query.value("id"))?;
    let back = sign_in
        .request
        .value("redirect_uri")
        .ok_or(Refusal)?
        .to_owned();
    let state = sign_in.request.value("state").ok_or(Refusal)?.to_owned();
    let code = provider.keep(sign_in)?;
    let answer = [
        ("code", &code),
        ("state", &state),
        ("iss", &provider.issuer),
    ];
    let answer = Form::from_iter(answer.map(|(name, value)| (name, value.as_str())));
    Ok(Redirect::to(&format!("{back}?{}", answer.encode())).into_response())
}

/// Trades a code for an ID token.
async fn token(
    State(Provider(provider)): State<Provider>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let credentials = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    let presented = headers.get(header::AUTHORIZATION).ok_or(Refusal)?;
    if presented.as_bytes() != format!("Basic {credentials}").as_bytes() {
        return Err(Refusal);
    }
    let form = Form::parse(&body).or(Err(Refusal))?;
    let SignIn { request, name } = provider.take(form.value("code"))?;
    let parameter = |form: &Form, name| form.value(name).map(str::to_owned).ok_or(Refusal);
    let challenge =
        CodeChallenge::parse(&parameter(&request, "code_challenge")?).or(Err(Refusal))?;
    let verifier = CodeVerifier::parse(&parameter(&form, "code_verifier")?).or(Err(Refusal))?;
    if !challenge.matches(&verifier) {
        return Err(Refusal);
    }
    let name = name.ok_or(Refusal)?;
    let now = SystemClock.now().as_secs();
    let claims = json!({
        "iss": provider.issuer,
        "sub": format!("person-{}", name.to_lowercase()),
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + ID_TOKEN_SECONDS,
        "nonce": parameter(&request, "nonce")?,
        "name": name,
        "email": format!("{}@example.com", name.to_lowercase()),
        "email_verified": true,
    });
    let id_token = sign_compact(&provider.key, "JWT", &claims)
        .await
        .or(Err(Refusal))?;
    Ok(json_answer(&json!({
        "access_token": random()?,
        "token_type": "Bearer",
        "expires_in": ID_TOKEN_SECONDS,
        "id_token": id_token,
    })))
}

impl Inner {
    /// Keeps a sign-in under a new name.
    fn keep(&self, sign_in: SignIn) -> Result<String, Refusal> {
        let id = random()?;
        let mut sign_ins = self.sign_ins.lock().unwrap_or_else(PoisonError::into_inner);
        sign_ins.insert(id.clone(), sign_in);
        Ok(id)
    }

    fn take(&self, id: Option<&str>) -> Result<SignIn, Refusal> {
        let mut sign_ins = self.sign_ins.lock().unwrap_or_else(PoisonError::into_inner);
        sign_ins.remove(id.ok_or(Refusal)?).ok_or(Refusal)
    }
}

fn random() -> Result<String, Refusal> {
    let entropy: &dyn Entropy = &SystemEntropy;
    entropy.identifier().or(Err(Refusal))
}

fn json_answer(value: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

/// Nothing in the tour asks for anything wrong.
struct Refusal;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        StatusCode::BAD_REQUEST.into_response()
    }
}
