//! Sending requests and looking at answers.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response};
use oauth_for_mcp::jose::{Algorithm, KeyRing, Signer as _, SigningKey};
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::test_util::{SeededEntropy, TestBrowser, TestClient, TestServer, Tokens};
use serde_json::Value;
use url::Url;

pub(super) type Answer = Response<Bytes>;
pub(super) type Parameters = Vec<(String, String)>;

pub(super) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub(super) const JSON: (&str, &str) = ("content-type", "application/json");

/// Sends a request with these headers and this body to `path`.
pub(super) async fn send(
    server: &TestServer,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(server.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into());
    server
        .send(request.expect("a test's request is good"))
        .await
}

/// Posts a form without credentials of its own.
pub(super) async fn post_form(server: &TestServer, path: &str, body: &str) -> Answer {
    send(server, ("POST", path), &[FORM], body.to_owned()).await
}

/// Posts a JSON-RPC body to the MCP endpoint.
/// A message that needs no more than to connect.
pub(super) const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

pub(super) async fn post_mcp(server: &TestServer, token: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [JSON, ("authorization", bearer.as_str())];
    send(server, ("POST", "/mcp"), &headers, body.to_owned()).await
}

pub(super) fn json(answer: &Answer) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_default()
}

pub(super) fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(answer.body()).into_owned()
}

/// The value of a header, empty if it is absent.
pub(super) fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().expect("our headers are ASCII"))
}

/// Makes sure that an answer is this refusal and nothing else.
#[track_caller]
pub(super) fn expect_refusal(answer: &Answer, status: u16, code: &str, case: &str) {
    let body = json(answer);
    assert_eq!(answer.status(), status, "{case}: {answer:?}");
    assert_eq!(body["error"], code, "{case}: {answer:?}");
    assert!(body["error_description"].is_string(), "{case}");
    assert_eq!(header(answer, "cache-control"), "no-store", "{case}");
    assert!(body.get("access_token").is_none(), "{case}");
    assert_eq!(header(answer, "location"), "", "{case}");
}

/// Makes sure that the server says that it failed, and that nobody is told why.
#[track_caller]
pub(super) fn expect_outage(answer: &Answer, case: &str) {
    expect_refusal(answer, 503, "temporarily_unavailable", case);
    assert!(!header(answer, "retry-after").is_empty(), "{case}");
    assert_eq!(header(answer, "www-authenticate"), "", "{case}");
    assert!(!text(answer).contains("db.internal"), "{case}");
}

/// Makes sure that the person sees a page and is sent nowhere.
#[track_caller]
pub(super) fn expect_page(answer: &Answer, status: u16, words: &str, case: &str) {
    assert_eq!(answer.status(), status, "{case}: {answer:?}");
    assert!(text(answer).contains(words), "{case}: {answer:?}");
    assert_eq!(header(answer, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(answer, "location"), "", "{case}");
}

/// Makes sure that the client is told of this error, with `state` and `iss`.
#[track_caller]
pub(super) fn expect_error_redirect(answer: &Answer, code: &str, case: &str) {
    assert_eq!(answer.status(), 303, "{case}: {answer:?}");
    let location = header(answer, "location");
    assert!(location.starts_with(TestClient::REDIRECT_URI), "{case}");
    assert_eq!(
        parameter(location, "error").as_deref(),
        Some(code),
        "{case}"
    );
    assert_eq!(parameter(location, "code"), None, "{case}");
    let iss = parameter(location, "iss");
    assert_eq!(iss.as_deref(), Some(TestServer::PUBLIC_URL), "{case}");
}

/// A parameter in the query of a URL.
pub(super) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).expect("a location is a URL");
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.map(|(_, value)| value.into_owned())
}

/// `parameters` with `name` replaced, added or, for `None`, left out.
pub(super) fn with(mut parameters: Parameters, name: &str, value: Option<&str>) -> Parameters {
    parameters.retain(|(known, _)| known != name);
    parameters.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    parameters
}

pub(super) fn authorize_url(server: &TestServer, parameters: Parameters) -> String {
    let query = Form::from_iter(parameters).encode();
    format!("{}?{query}", server.url("/authorize"))
}

/// Opens the authorization endpoint in a new browser.
pub(super) async fn open(server: &TestServer, parameters: Parameters) -> Answer {
    let url = authorize_url(server, parameters);
    TestBrowser::new().open(server, &url).await
}

/// The value of a hidden field of the consent page. Those of this crate hold
/// nothing that HTML escapes but the separator of parameters.
pub(super) fn hidden(page: &Answer, name: &str) -> String {
    let html = text(page);
    let marker = format!("name=\"{name}\" value=\"");
    let (_, rest) = html.split_once(&marker).expect("the field is there");
    let (value, _) = rest.split_once('"').expect("the value ends");
    value.replace("&amp;", "&")
}

/// The cookie that an answer sets, as `name=value`.
pub(super) fn cookie(answer: &Answer) -> String {
    let set = header(answer, "set-cookie");
    set.split(';').next().unwrap_or_default().to_owned()
}

pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The claims of a signed token, as anybody can read them.
pub(super) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("the token is signed");
    let bytes = URL_SAFE_NO_PAD.decode(payload).expect("it is base64url");
    serde_json::from_slice(&bytes).expect("it is JSON")
}

/// The key that a signed token names.
pub(super) fn kid(token: &str) -> String {
    let head = token.split('.').next().expect("the token is signed");
    let bytes = URL_SAFE_NO_PAD.decode(head).expect("it is base64url");
    let head: Value = serde_json::from_slice(&bytes).expect("it is JSON");
    head["kid"].as_str().expect("it names its key").to_owned()
}

/// The names of the keys that a server publishes.
pub(super) async fn published(server: &TestServer) -> Vec<String> {
    let answer = server.get("/jwks").await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let keys = json(&answer)["keys"].as_array().cloned();
    let names = keys.into_iter().flatten();
    names
        .map(|key| key["kid"].as_str().expect("a key has a name").to_owned())
        .collect()
}

/// The refresh token of a client that may refresh.
pub(super) fn refresh_token(tokens: &Tokens) -> &str {
    let token = tokens.refresh_token.as_deref();
    token.expect("the client may refresh")
}

pub(super) fn key(seed: u64) -> Arc<SigningKey> {
    let key = SigningKey::generate(Algorithm::Es256, &SeededEntropy::new(seed));
    Arc::new(key.expect("the seed makes a key"))
}

/// A server that signs with `key`.
pub(super) fn server_with(key: &Arc<SigningKey>) -> TestServer {
    let ring = KeyRing::new(Arc::clone(key) as _).expect("the key is good");
    TestServer::with(|builder| builder.keys(Arc::new(ring)))
}

/// Signs whatever is given, well-formed or not.
pub(super) async fn forge(key: &SigningKey, header: &str, claims: &str) -> String {
    let input = format!("{}.{}", base64url(header), base64url(claims));
    let signature = key.sign(input.as_bytes()).await.expect("the key signs");
    format!("{input}.{}", base64url(signature))
}
