use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::resource::Messages;
use oauth_for_mcp::resource::api_key::{ApiKeyPrefix, StaticApiKeys};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::types::{ClientId, Issuer, RedirectUri, ResourceUri, Scope, Secret, Subject};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;

use super::support::{Answer, claims, forge, key, server_with};

struct World {
    runtime: Runtime,
    server: TestServer,
    client: TestClient,
    access_token: String,
    refresh_token: String,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime needs nothing");
    let server = server_with(&key(7));
    let (client, tokens) = runtime.block_on(async {
        let client = TestClient::register(&server).await;
        let tokens = client.sign_in(&server, "notes:read").await;
        (client, tokens)
    });
    let refresh_token = tokens.refresh_token.expect("the client may refresh");
    World {
        runtime,
        server,
        client,
        access_token: tokens.access_token,
        refresh_token,
    }
});

const PATHS: [&str; 12] = [
    "/authorize",
    "/oauth/consent",
    "/oauth/callback",
    "/token",
    "/register",
    "/revoke",
    "/jwks",
    "/mcp",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/openid-configuration/x",
    "/other",
];

const HEADERS: [&str; 6] = [
    "authorization",
    "content-type",
    "cookie",
    "origin",
    "content-encoding",
    "access-control-request-method",
];

fn answer(request: Request<Bytes>) -> Answer {
    WORLD.runtime.block_on(WORLD.server.send(request))
}

fn expect_calm(answer: &Answer) -> Result<(), TestCaseError> {
    prop_assert!(answer.status().as_u16() < 500, "{answer:?}");
    Ok(())
}

fn any_method() -> impl Strategy<Value = http::Method> {
    let names = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "X"];
    prop::sample::select(names.to_vec()).prop_map(|name| name.parse().expect("a method"))
}

const NAMES: [&str; 20] = [
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "redirect_uri",
    "state",
    "scope",
    "resource",
    "code",
    "code_verifier",
    "code_challenge",
    "code_challenge_method",
    "response_type",
    "grant_type",
    "refresh_token",
    "token",
    "request",
    "decision",
    "error",
    "iss",
];

const ODD: [&str; 21] = [
    "client_credentials",
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.AA",
    TestClient::REDIRECT_URI,
    "code",
    "S256",
    "authorization_code",
    "refresh_token",
    "approve",
    "notes:read",
    "https://mcp.example.com/mcp",
    "http://[::1",
    "a.b",
    "..",
    "%",
    "http://localhost:0/",
    "1.2.3",
    "18446744073709551616.x.AA",
    "\u{0}",
    "\u{feff}",
    "\u{fffd}",
];

/// Names that mean something, with values that are good, odd or anything.
fn any_parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    let known = || {
        let texts = [
            WORLD.client.client_id.clone(),
            WORLD.client.verifier.clone(),
            WORLD.refresh_token[..44].to_owned(),
            WORLD.access_token.clone(),
        ];
        prop::sample::select(texts.to_vec())
    };
    let odd = prop::sample::select(ODD.to_vec()).prop_map(str::to_owned);
    let value = prop_oneof![odd, known(), any::<String>()];
    let name = prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned);
    vec((name, value), 0..12)
}

fn any_header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let prefixes = [
        "",
        "Bearer ",
        "Basic ",
        "Basic Og==",
        "__Host-oauth-browser=",
        "application/json",
        "application/x-www-form-urlencoded",
        ";",
        "=;=",
    ];
    let name = prop::sample::select(HEADERS.to_vec()).prop_map(HeaderName::from_static);
    let prefix = prop::sample::select(prefixes.to_vec());
    let value = (prefix, vec(any::<u8>(), 0..40)).prop_filter_map("a value", |(prefix, bytes)| {
        HeaderValue::from_bytes(&[prefix.as_bytes(), &bytes].concat()).ok()
    });
    (name, value)
}

proptest! {
    /// F4
    #[test]
    fn any_bytes_to_any_endpoint_get_a_calm_answer(
        method in any_method(),
        path in prop::sample::select(PATHS.to_vec()),
        headers in vec(any_header(), 0..4),
        body in vec(any::<u8>(), 0..300),
    ) {
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("https://mcp.example.com{path}").parse().unwrap();
        request.headers_mut().extend(headers);
        expect_calm(&answer(request))?;
    }

    /// F4
    #[test]
    fn any_parameters_to_any_endpoint_get_a_calm_answer(
        path in prop::sample::select(PATHS.to_vec()),
        parameters in any_parameters(),
        headers in vec(any_header(), 0..2),
        in_body in any::<bool>(),
    ) {
        let text = Form::from_iter(parameters).encode();
        let (query, body) = if in_body { (String::new(), text) } else { (text, String::new()) };
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = if in_body { http::Method::POST } else { http::Method::GET };
        *request.uri_mut() = format!("https://mcp.example.com{path}?{query}").parse().unwrap();
        request.headers_mut().extend(headers);
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert("content-type", form);
        expect_calm(&answer(request))?;
    }

    /// F4
    #[test]
    fn any_json_to_any_endpoint_gets_a_calm_answer(
        path in prop::sample::select(vec!["/register", "/mcp"]),
        uris in vec(any::<String>(), 0..3),
        name in any::<String>(),
        extra in any::<String>(),
        number in any::<i64>(),
    ) {
        let body = serde_json::json!({
            "redirect_uris": uris, "client_name": name, "scope": extra, "client_uri": extra,
            "method": "tools/call", "params": { "name": name, extra.clone(): number }, "id": number,
        });
        let request = Request::post(format!("https://mcp.example.com{path}"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", WORLD.access_token))
            .body(Bytes::from(body.to_string())).unwrap();
        expect_calm(&answer(request))?;
    }

    /// F4
    #[test]
    fn any_claims_that_we_signed_get_a_calm_answer(
        name in prop::sample::select(vec!["iss", "aud", "exp", "sub", "scope", "grant_id", "x"]),
        text in any::<String>(),
        number in any::<i64>(),
        as_text in any::<bool>(),
    ) {
        let mut body = claims(&WORLD.access_token);
        body[name] = if as_text { text.into() } else { number.into() };
        let head = r#"{"alg":"ES256","typ":"at+jwt","kid":"KID"}"#;
        let signer = key(7);
        let head = head.replace("KID", oauth_for_mcp::jose::Signer::key_id(&*signer));
        let token = WORLD.runtime.block_on(forge(&signer, &head, &body.to_string()));
        let request = Request::post("https://mcp.example.com/mcp")
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::from_static(b"{}")).unwrap();
        expect_calm(&answer(request))?;
    }

    /// F4
    #[test]
    fn no_parser_panics(text in any::<String>(), bytes in vec(any::<u8>(), 0..200)) {
        let _ = Form::parse(&bytes);
        let _ = Messages::parse(&bytes);
        let _ = Messages::parse(text.as_bytes());
        let _ = (Scope::parse(&text), Subject::parse(&text), ClientId::parse(&text));
        let _ = (Issuer::parse(&text), ResourceUri::parse(&text));
        for text in [text.clone(), format!("mcpkey_{text}")] {
            let _ = (ApiKeyPrefix::parse(&text), ApiKeyPrefix::of(&Secret::new(text)));
        }
        let resource = ResourceUri::parse("https://mcp.example.com/mcp").expect("it is one");
        let mut files = vec![bytes, text.clone().into_bytes()];
        for member in ["name", "subject", "key_sha256", "expires_at"] {
            let mut entry = json!({
                "name": "a", "subject": "a", "scopes": [], "key_sha256": "0".repeat(64),
            });
            entry[member] = json!(text);
            files.push(json!([entry]).to_string().into_bytes());
        }
        for file in files {
            let _ = StaticApiKeys::from_json(&file, &resource);
        }
        for text in [text.clone(), format!("https://{text}"), format!("http://localhost{text}")] {
            if let Ok(uri) = RedirectUri::parse(&text) {
                let _ = (uri.kind(), uri.destination(), uri.matches(&uri));
            }
        }
    }
}
