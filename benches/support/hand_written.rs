//! What a good engineer writes in an afternoon for one client and one scope:
//! the floor that our server is compared with. Nothing of this crate is used.
//!
//! It does all that the way needs to be safe: the client and its redirect URI
//! are compared exactly, PKCE by S256, a consent page with every value escaped
//! and a token that is bound to the browser's cookie by HMAC, headers against
//! framing and caching, random secrets of 256 bits that are stored only as
//! SHA-256, single use of states and codes, a code that comes twice ends the
//! grant, a refresh token that comes twice gets the same answer within a grace
//! period and ends the grant after it, expiry of everything, and access tokens
//! signed by ES256 with a key that was parsed once. Requests, sign-ins and
//! answers that are kept are sealed under the secret that asks for them, as ours
//! are; without `sealing` they lie there open.
//!
//! It leaves out what only a library needs: other clients and scopes, a store
//! that could be replaced, limits, sweeping, events, templates, CORS.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::walk::{CLIENT_ID, CLIENT_NAME, REDIRECT_URI, SCOPE};

type Hash = [u8; 32];
type Form = HashMap<String, String>;
type Refusal = &'static str;

const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                           frame-ancestors 'none'";

/// As long as the one on our own page.
const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 34rem; padding: 2rem 1rem; }
h1 { font-size: 1.4rem; line-height: 1.3; overflow-wrap: anywhere; }
dl { border: 1px solid #8886; border-radius: .5rem; padding: .75rem 1rem; }
dt { font-size: .85rem; opacity: .75; }
dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
button { border: 1px solid #888; border-radius: .5rem; cursor: pointer; font: inherit; padding: .6rem 1rem; }
button:last-of-type { background: #15c; border-color: #15c; color: #fff; }
input { border: 1px solid #888; border-radius: .5rem; box-sizing: border-box; font: inherit; width: 100%; }
";

/// A server for one client, with everything in memory.
pub(crate) struct Server {
    origin: String,
    resource: String,
    key: EcdsaKeyPair,
    sealing: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pending: HashMap<Hash, Pending>,
    codes: HashMap<Hash, Code>,
    grants: HashMap<String, Grant>,
    refresh_tokens: HashMap<Hash, Refresh>,
}

struct Pending {
    request: Kept<AuthorizedRequest>,
    expires_at: u64,
}

#[derive(Clone, Deserialize, Serialize)]
struct AuthorizedRequest {
    client_id: String,
    redirect_uri: String,
    challenge: String,
    state: String,
    scope: String,
    browser: String,
}

struct Code {
    login: Kept<Login>,
    expires_at: u64,
    grant: Option<String>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Login {
    request: AuthorizedRequest,
    subject: String,
}

struct Grant {
    client_id: String,
    subject: String,
    expires_at: u64,
}

struct Refresh {
    grant: String,
    spent: Option<(u64, Kept<String>)>,
    expires_at: u64,
}

/// A value that waits for whoever has its secret.
enum Kept<T> {
    Open(T),
    Sealed(Vec<u8>),
}

impl<T: Clone + DeserializeOwned + Serialize> Kept<T> {
    fn new(value: T, secret: &str, sealing: bool) -> Self {
        if !sealing {
            return Self::Open(value);
        }
        let nonce = random::<24>();
        let plain = serde_json::to_vec(&value).expect("JSON");
        let sealed = cipher(secret).encrypt(&XNonce::from(nonce), plain.as_slice());
        Self::Sealed([nonce.as_slice(), &sealed.expect("a short text")].concat())
    }

    fn open(&self, secret: &str) -> Option<T> {
        match self {
            Self::Open(value) => Some(value.clone()),
            Self::Sealed(bytes) => {
                let (nonce, sealed) = bytes.split_first_chunk::<24>()?;
                let plain = cipher(secret).decrypt(&XNonce::from(*nonce), sealed).ok()?;
                serde_json::from_slice(&plain).ok()
            }
        }
    }
}

fn cipher(secret: &str) -> XChaCha20Poly1305 {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, secret.as_bytes())
        .expand(b"kept", &mut key)
        .expect("32 bytes");
    XChaCha20Poly1305::new(&key.into())
}

impl Server {
    pub(crate) fn new(origin: &str, sealing: bool) -> Self {
        Self {
            origin: origin.to_owned(),
            resource: format!("{origin}/mcp"),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"),
            sealing,
            state: Mutex::default(),
        }
    }

    pub(crate) fn respond(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let result = match (request.method().as_str(), request.uri().path()) {
            ("GET", "/authorize") => parse(query).and_then(|form| self.authorize(&form)),
            ("POST", "/oauth/consent") => {
                body(request).and_then(|form| self.consent(&form, cookie(request.headers())))
            }
            ("GET", "/oauth/callback") => {
                parse(query).and_then(|form| self.callback(&form, cookie(request.headers())))
            }
            ("POST", "/token") => body(request).and_then(|form| self.token(&form)),
            _ => Err("there is nothing here"),
        };
        result.unwrap_or_else(error)
    }

    fn authorize(&self, form: &Form) -> Result<Response<Bytes>, Refusal> {
        judge(form, "")?;
        let browser = secret();
        let request = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let until = now() + 600;
        let mac = URL_SAFE_NO_PAD.encode(
            consent_mac(&browser, until, &request)
                .finalize()
                .into_bytes(),
        );
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <title>Allow {name}?</title><style>{STYLE}</style></head><body><main>\
             <h1>Allow “{name}” to use {resource} for you?</h1>\
             <p>If you agree, you sign in next, and the application can:</p>\
             <ul><li>Read your notes <small>({SCOPE})</small></li></ul>\
             <dl><dt>The answer is sent to</dt><dd><strong>client.example.com</strong></dd>\
             <dt>The application calls itself</dt><dd>{name}</dd>\
             <dt>Who vouches for it</dt><dd>The operator of this server knows it.</dd>\
             <dt>Its identifier</dt><dd>{id}</dd></dl>\
             <form method=\"post\" action=\"{origin}/oauth/consent\">\
             <input type=\"hidden\" name=\"request\" value=\"{request}\">\
             <input type=\"hidden\" name=\"token\" value=\"{until}.{mac}\">\
             <button name=\"decision\" value=\"deny\">Cancel</button>\
             <button name=\"decision\" value=\"approve\">Allow</button>\
             </form></main></body></html>",
            name = escaped(CLIENT_NAME),
            id = escaped(CLIENT_ID),
            resource = escaped(&self.resource),
            origin = escaped(&self.origin),
            request = escaped(&request),
        );
        let mut response = page(html);
        let cookie =
            format!("oauth-browser={browser}; Path=/; HttpOnly; SameSite=Lax; Max-Age=3600");
        let cookie = HeaderValue::try_from(cookie).expect("a cookie");
        response.headers_mut().insert(SET_COOKIE, cookie);
        Ok(response)
    }

    fn consent(&self, form: &Form, browser: Option<&str>) -> Result<Response<Bytes>, Refusal> {
        let browser = browser.ok_or("no cookie")?;
        let (until, mac) = field(form, "token")?.split_once('.').ok_or("no token")?;
        let until = until.parse().map_err(|_| "no token")?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| "no token")?;
        let text = field(form, "request")?;
        let good = consent_mac(browser, until, text).verify_slice(&mac).is_ok();
        if !good || now() >= until {
            return Err("the page is from another browser, or too old");
        }
        if field(form, "decision")? != "approve" {
            return Err("the person did not agree");
        }
        let request = judge(&parse(text.as_bytes())?, &encoded_hash(browser))?;
        let state = secret();
        let pending = Pending {
            request: Kept::new(request, &state, self.sealing),
            expires_at: now() + 600,
        };
        self.state().pending.insert(hash(&state), pending);
        Ok(redirect(&format!(
            "{}/oauth/callback?state={state}",
            self.origin
        )))
    }

    fn callback(&self, form: &Form, browser: Option<&str>) -> Result<Response<Bytes>, Refusal> {
        let secret_state = field(form, "state")?;
        let browser = browser.ok_or("no cookie")?;
        let key = hash(secret_state);
        let mut state = self.state();
        let pending = state.pending.get(&key).ok_or("unknown state")?;
        let request = pending.request.open(secret_state).ok_or("unknown state")?;
        if pending.expires_at <= now() || !same(&request.browser, &encoded_hash(browser)) {
            return Err("the sign-in is over, or of another browser");
        }
        state.pending.remove(&key);
        let code = secret();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &request.state)
            .append_pair("iss", &self.origin)
            .finish();
        let location = format!("{}?{query}", request.redirect_uri);
        let subject = "alice".to_owned();
        let record = Code {
            login: Kept::new(Login { request, subject }, &code, self.sealing),
            expires_at: now() + 60,
            grant: None,
        };
        state.codes.insert(hash(&code), record);
        Ok(redirect(&location))
    }

    fn token(&self, form: &Form) -> Result<Response<Bytes>, Refusal> {
        if field(form, "client_id")? != CLIENT_ID {
            return Err("unknown client");
        }
        match field(form, "grant_type")? {
            "authorization_code" => self.redeem(form),
            "refresh_token" => self.refresh(form),
            _ => Err("unknown grant type"),
        }
    }

    fn redeem(&self, form: &Form) -> Result<Response<Bytes>, Refusal> {
        let (secret, verifier) = (field(form, "code")?, field(form, "code_verifier")?);
        let (now, mut state) = (now(), self.state());
        let State { codes, grants, .. } = &mut *state;
        let code = codes.get_mut(&hash(secret));
        let code = code
            .filter(|code| code.expires_at > now)
            .ok_or("unknown code")?;
        if let Some(grant) = &code.grant {
            grants.remove(grant);
            return Err("the code was used before");
        }
        let Login { request, subject } = code.login.open(secret).ok_or("unknown code")?;
        let proven = same(&request.challenge, &encoded_hash(verifier));
        if field(form, "redirect_uri")? != request.redirect_uri || !proven {
            return Err("the code is for somebody else");
        }
        let grant = identifier();
        code.grant = Some(grant.clone());
        let record = Grant {
            client_id: request.client_id,
            subject: subject.clone(),
            expires_at: now + 180 * 24 * 3600,
        };
        grants.insert(grant.clone(), record);
        let body = self.issue(&mut state, &grant, &subject, now);
        Ok(answer(body))
    }

    fn refresh(&self, form: &Form) -> Result<Response<Bytes>, Refusal> {
        let (now, secret) = (now(), field(form, "refresh_token")?);
        let (key, mut state) = (hash(secret), self.state());
        let token = state.refresh_tokens.get(&key);
        let token = token
            .filter(|token| token.expires_at > now)
            .ok_or("unknown refresh token")?;
        let grant = token.grant.clone();
        if let Some((spent_at, kept)) = &token.spent {
            if now < spent_at + 30 {
                return kept.open(secret).map(answer).ok_or("unknown refresh token");
            }
            state.grants.remove(&grant);
            return Err("the refresh token was used before");
        }
        let held = state
            .grants
            .get(&grant)
            .filter(|grant| grant.expires_at > now);
        let held = held.filter(|grant| grant.client_id == CLIENT_ID);
        let subject = held.ok_or("the grant is over")?.subject.clone();
        let body = self.issue(&mut state, &grant, &subject, now);
        if let Some(token) = state.refresh_tokens.get_mut(&key) {
            token.spent = Some((now, Kept::new(body.clone(), secret, self.sealing)));
        }
        Ok(answer(body))
    }

    fn issue(&self, state: &mut State, grant: &str, subject: &str, now: u64) -> String {
        let refresh_token = secret();
        let record = Refresh {
            grant: grant.to_owned(),
            spent: None,
            expires_at: now + 30 * 24 * 3600,
        };
        state.refresh_tokens.insert(hash(&refresh_token), record);
        let body = json!({
            "access_token": self.sign(grant, subject, now),
            "token_type": "Bearer",
            "expires_in": 600,
            "refresh_token": refresh_token,
            "scope": SCOPE,
        });
        body.to_string()
    }

    fn sign(&self, grant: &str, subject: &str, now: u64) -> String {
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "the-key" });
        let claims = json!({
            "iss": self.origin,
            "sub": subject,
            "aud": self.resource,
            "exp": now + 600,
            "iat": now,
            "jti": identifier(),
            "client_id": CLIENT_ID,
            "scope": SCOPE,
            "grant_id": grant,
        });
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
        let signature = self.key.sign(&SystemRandom::new(), token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.expect("a signature"), &mut token);
        token
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Judges an authorization request from the browser with this hash.
fn judge(form: &Form, browser: &str) -> Result<AuthorizedRequest, Refusal> {
    let is = |name, expected: &str| field(form, name).map(|text| text == expected);
    if !is("client_id", CLIENT_ID)? || !is("redirect_uri", REDIRECT_URI)? {
        return Err("unknown client, or it is not at home there");
    }
    let supported = is("response_type", "code")? && is("scope", SCOPE)?;
    if !supported || !is("code_challenge_method", "S256")? {
        return Err("this is not supported");
    }
    let challenge = field(form, "code_challenge")?;
    let length = URL_SAFE_NO_PAD.decode(challenge).map(|bytes| bytes.len());
    if length != Ok(32) {
        return Err("the challenge is malformed");
    }
    Ok(AuthorizedRequest {
        client_id: CLIENT_ID.to_owned(),
        redirect_uri: REDIRECT_URI.to_owned(),
        challenge: challenge.to_owned(),
        state: field(form, "state")?.to_owned(),
        scope: SCOPE.to_owned(),
        browser: browser.to_owned(),
    })
}

fn consent_mac(browser: &str, until: u64, request: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(browser.as_bytes()).expect("any length will do");
    mac.update(format!("{until}\n{request}").as_bytes());
    mac
}

fn parse(text: &[u8]) -> Result<Form, Refusal> {
    let mut form = Form::new();
    for (name, value) in form_urlencoded::parse(text) {
        if form.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err("a parameter is repeated");
        }
    }
    Ok(form)
}

fn body(request: &Request<Bytes>) -> Result<Form, Refusal> {
    let form = "application/x-www-form-urlencoded";
    if request
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|value| value != form)
    {
        return Err("the body is no form");
    }
    parse(request.body())
}

fn field<'a>(form: &'a Form, name: &str) -> Result<&'a str, Refusal> {
    form.get(name)
        .map(String::as_str)
        .ok_or("a parameter is missing")
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get(COOKIE)?.to_str().ok()?.split("; ");
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == "oauth-browser")
        .map(|(_, value)| value)
}

fn page(html: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(html));
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

fn answer(json: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn redirect(location: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::try_from(location).expect("a URL"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn error(refusal: Refusal) -> Response<Bytes> {
    let body = json!({ "error": "invalid_request", "error_description": refusal });
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 32);
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#x27;"),
            other => html.push(other),
        }
    }
    html
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text).into()
}

fn encoded_hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash(text))
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn secret() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

fn identifier() -> String {
    URL_SAFE_NO_PAD.encode(random::<16>())
}

#[expect(clippy::disallowed_methods, reason = "nothing is handed in here")]
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("randomness");
    bytes
}

#[expect(clippy::disallowed_methods, reason = "nothing is handed in here")]
fn now() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.expect("a clock that is right").as_secs()
}
