//! A client, and the browser of a person who agrees to everything: from the
//! authorization request to refreshed tokens, the same for every server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Request, Response, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

pub(crate) const CLIENT_ID: &str = "the-client-of-the-benchmark";
pub(crate) const CLIENT_NAME: &str = "Notes & more";
pub(crate) const REDIRECT_URI: &str = "https://client.example.com/callback";
pub(crate) const SCOPE: &str = "notes:read";
const VERIFIER: &str = "a-verifier-of-more-than-43-characters-for-the-benchmark";

/// The way to a server.
pub(crate) trait Transport {
    fn send(&mut self, request: Request<Bytes>) -> Response<Bytes>;
}

impl<F: FnMut(Request<Bytes>) -> Response<Bytes>> Transport for F {
    fn send(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        self(request)
    }
}

/// The whole way.
pub(crate) fn whole(server: &mut impl Transport) {
    let code = authorize(server);
    let first = refresh_token(&server.send(redemption(&code)));
    let second = refresh_token(&server.send(renewal(&first)));
    assert!(!second.is_empty(), "no second refresh token");
}

/// Authorization request, consent page, sign-in: the code.
pub(crate) fn authorize(server: &mut impl Transport) -> String {
    let page = server.send(get(&authorization_request(), ""));
    assert_eq!(page.status(), StatusCode::OK);
    let cookie = text(&page, SET_COOKIE).split(';').next().expect("a cookie");
    let html = std::str::from_utf8(page.body()).expect("a page");
    let decision = form(&[
        ("request", &hidden_field(html, "request")),
        ("token", &hidden_field(html, "token")),
        ("decision", "approve"),
    ]);
    let to_sign_in = server.send(post("/oauth/consent", decision, cookie));
    let callback = location(&to_sign_in);
    let path = format!("{}?{}", callback.path(), callback.query().expect("a state"));
    let to_client = location(&server.send(get(&path, cookie)));
    let code = to_client.query_pairs().find(|(name, _)| name == "code");
    code.expect("a code").1.into_owned()
}

fn authorization_request() -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let query = form(&[
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT_URI),
        ("state", "what-the-client-wants-back"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("scope", SCOPE),
    ]);
    format!("/authorize?{query}")
}

/// The token request for a code.
pub(crate) fn redemption(code: &str) -> Request<Bytes> {
    let body = form(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
        ("client_id", CLIENT_ID),
    ]);
    post("/token", body, "")
}

/// The token request for a refresh token.
pub(crate) fn renewal(refresh_token: &str) -> Request<Bytes> {
    let body = form(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
        ("client_id", CLIENT_ID),
    ]);
    post("/token", body, "")
}

/// The refresh token in the answer to a token request.
pub(crate) fn refresh_token(answer: &Response<Bytes>) -> String {
    let json: Value = serde_json::from_slice(answer.body()).expect("JSON");
    let token = json["refresh_token"].as_str();
    token.unwrap_or_else(|| panic!("{json}")).to_owned()
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn get(path: &str, cookie: &str) -> Request<Bytes> {
    let request = Request::get(path).header(COOKIE, cookie);
    request.body(Bytes::new()).expect("a request")
}

fn post(path: &str, form: String, cookie: &str) -> Request<Bytes> {
    let request = Request::post(path)
        .header(COOKIE, cookie)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(form.into()).expect("a request")
}

fn text(response: &Response<Bytes>, name: http::HeaderName) -> &str {
    let value = response.headers().get(name).expect("the header");
    value.to_str().expect("a text")
}

fn location(response: &Response<Bytes>) -> Url {
    Url::parse(text(response, LOCATION)).expect("a URL")
}

fn hidden_field(html: &str, name: &str) -> String {
    let marker = format!("name=\"{name}\" value=\"");
    let (_, rest) = html.split_once(&marker).expect("the field");
    let (value, _) = rest.split_once('"').expect("the end of the field");
    value.replace("&#x2f;", "/").replace("&amp;", "&")
}
