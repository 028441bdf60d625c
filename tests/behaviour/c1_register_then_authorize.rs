//! Whatever registration accepts goes the whole way, for any metadata.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth_for_mcp::jose::Signer as _;
use oauth_for_mcp::protocol::credentials::ASSERTION_TYPE;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::server::{DynamicRegistration, RegistrationConfig};
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use oauth_for_mcp::types::{RedirectUri, RedirectUriKind};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use url::Url;

use super::c6_assertions;
use super::support::{FORM, authorize_url, json, key, parameter, send};

struct World {
    runtime: Runtime,
    stored: TestServer,
    self_contained: TestServer,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let with = |dynamic| {
        let registration = RegistrationConfig::new().dynamic(dynamic);
        TestServer::with(|builder| builder.registration(registration))
    };
    World {
        runtime: runtime.expect("a runtime needs nothing"),
        stored: with(DynamicRegistration::Stored),
        self_contained: with(DynamicRegistration::SelfContained),
    }
});

/// How many of the cases were accepted, so that the test proves something.
static ACCEPTED: AtomicUsize = AtomicUsize::new(0);
/// How many of these sign.
static SIGNING: AtomicUsize = AtomicUsize::new(0);

fn any_path() -> impl Strategy<Value = String> {
    let piece = r"[A-Za-z0-9._~!$&'()*+,;=:@-]{0,6}|%[2-7][0-9A-F]";
    vec(piece, 0..4).prop_map(|pieces| {
        let path: Vec<_> = pieces.iter().map(|piece| format!("/{piece}")).collect();
        path.concat()
    })
}

fn any_query() -> impl Strategy<Value = String> {
    let pair = r"[a-zA-Z0-9_]{1,4}(=[a-zA-Z0-9%._~/?:@+-]{0,6})?";
    option::of(vec(pair, 0..3))
        .prop_map(|pairs| pairs.map_or_else(String::new, |pairs| format!("?{}", pairs.join("&"))))
}

fn any_redirect_uri() -> impl Strategy<Value = String> {
    let origins = [
        "https://client.example.com",
        "https://CLIENT.example.com",
        "https://client.example.com:8443",
        "https://xn--bcher-kva.example",
        "https://192.0.2.7",
        "https://[2001:db8::1]",
        "http://localhost",
        "http://localhost:8787",
        "http://127.0.0.1:80",
        "http://127.9.9.9",
        "http://[::1]:1",
        "HTTP://localhost:1",
        "HTTPS://client.example.com",
        "cursor://anysphere.cursor-retrieval",
        "com.example.app:",
        "vscode://x",
    ];
    let refused = [
        "http://client.example.com",
        "javascript:",
        "data:",
        "https://user@client.example.com",
    ];
    let origin = prop_oneof![20 => select(origins.to_vec()), 1 => select(refused.to_vec())];
    (origin, any_path(), any_query())
        .prop_map(|(origin, path, query)| format!("{origin}{path}{query}"))
}

fn any_of(names: &[&'static str]) -> impl Strategy<Value = Value> + use<> {
    vec(select(names.to_vec()), 0..4).prop_map(|names| json!(names))
}

fn any_name() -> impl Strategy<Value = Value> {
    prop_oneof![
        r"\PC{0,40}".prop_map(Value::from),
        Just(json!("<script>alert(1)</script>")),
        Just(json!("\"' onload=x {{ 7 * 7 }} {% raw %}")),
        Just(Value::Null),
    ]
}

fn any_scope() -> impl Strategy<Value = Value> {
    let scopes = [
        "",
        "notes:read",
        "notes:write notes:read",
        "notes:read openid",
        "openid",
    ];
    select(scopes.to_vec()).prop_map(Value::from)
}

fn any_metadata() -> impl Strategy<Value = Value> {
    let methods = [
        "none",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "private_key_jwt",
    ];
    let grants = [
        "authorization_code",
        "refresh_token",
        "implicit",
        "client_credentials",
    ];
    let members = (
        vec(any_redirect_uri(), 1..4),
        option::of(any_name()),
        option::weighted(0.7, select(methods.to_vec())),
        option::weighted(0.2, any_of(&methods)),
        option::weighted(0.3, any_of(&grants)),
        option::weighted(0.2, any_of(&["code", "token", "id_token"])),
        option::weighted(0.5, any_scope()),
        option::of(select(vec!["web", "native", "x"])),
        prop::bool::weighted(0.9),
    );
    members.prop_map(|members| {
        let (uris, name, method, methods, grants, types, scope, kind, has_keys) = members;
        let mut metadata = Map::from_iter([("redirect_uris".to_owned(), json!(uris))]);
        let optional = [
            ("client_name", name),
            ("token_endpoint_auth_method", method.map(Value::from)),
            ("token_endpoint_auth_methods_supported", methods),
            ("grant_types", grants),
            ("response_types", types),
            ("scope", scope),
            ("application_type", kind.map(Value::from)),
        ];
        if has_keys {
            let keys = json!({ "keys": [key(1).public_jwk()] });
            metadata.insert("jwks".to_owned(), keys);
        }
        for (member, value) in optional {
            metadata.extend(value.map(|value| (member.to_owned(), value)));
        }
        Value::Object(metadata)
    })
}

/// A client that was accepted, as it was told.
struct Accepted {
    client: TestClient,
    method: String,
    scope: String,
    may_refresh: bool,
    /// Whether the URI is the only one.
    is_alone: bool,
}

impl Accepted {
    fn all(body: &Value) -> Vec<Self> {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
        let uris = list("redirect_uris");
        let accept = |uri: &Value| {
            let uri = uri.as_str().expect("a redirect URI is a text");
            let mut client = TestClient::known(&text("client_id"), uri);
            client.client_secret = body["client_secret"].as_str().map(str::to_owned);
            Self {
                client,
                method: text("token_endpoint_auth_method"),
                scope: text("scope"),
                may_refresh: list("grant_types").contains(&json!("refresh_token")),
                is_alone: uris.len() == 1,
            }
        };
        uris.iter().map(accept).collect()
    }

    /// Signs in where the client registered and, if it listens there itself, on
    /// another port; without naming the place, if it is the only one.
    async fn sign_in_everywhere(&mut self, server: &TestServer) {
        let registered = self.client.redirect_uri.clone();
        let mut places = vec![(registered.clone(), false)];
        let local = RedirectUri::parse(&registered).map(|uri| uri.kind());
        let local = local.expect("it was accepted") == RedirectUriKind::Loopback;
        if local && registered.starts_with("http:") {
            places.push((on_another_port(&registered), false));
        } else if self.is_alone && !local {
            places.push((registered, true));
        }
        for (place, unnamed) in places {
            self.client.redirect_uri = place;
            self.sign_in(server, unnamed).await;
        }
    }

    async fn sign_in(&self, server: &TestServer, unnamed: bool) {
        let uri = &self.client.redirect_uri;
        let mut parameters = self.client.authorization_parameters(&self.scope);
        parameters.retain(|(name, _)| !unnamed || name != "redirect_uri");
        let url = authorize_url(server, parameters);
        let sent_to = TestBrowser::new().agree(server, &url).await;
        let sent_to = sent_to.unwrap_or_else(|page| panic!("{uri}: {page:?}"));
        assert!(sent_to.starts_with(uri.as_str()), "{sent_to} is not {uri}");
        let code = parameter(&sent_to, "code").expect("there is a code");
        let redeemed = self.redeem(server, &code).await;
        let refresh = redeemed.get("refresh_token").is_some();
        assert_eq!(refresh, self.may_refresh);
        assert_eq!(redeemed["scope"], self.scope);
    }

    async fn redeem(&self, server: &TestServer, code: &str) -> Value {
        let TestClient {
            client_id,
            client_secret,
            verifier,
            ..
        } = &self.client;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
        ];
        let mut headers = vec![FORM];
        let secret = client_secret.as_deref().unwrap_or_default();
        let basic = format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")));
        let mut claims = c6_assertions::claims(server, client_id);
        claims["jti"] = json!(code);
        let assertion = c6_assertions::signed(&key(1), &claims).await;
        match self.method.as_str() {
            "client_secret_basic" => headers.push(("authorization", &basic)),
            "client_secret_post" => {
                form.extend([("client_id", client_id.as_str()), ("client_secret", secret)]);
            }
            "private_key_jwt" => form.extend([
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", &assertion),
            ]),
            _ => form.push(("client_id", client_id)),
        }
        let body = Form::from_iter(form).encode();
        let answer = send(server, ("POST", "/token"), &headers, body).await;
        assert_eq!(answer.status(), 200, "{}: {answer:?}", self.method);
        json(&answer)
    }
}

/// The same loopback URI on a port that nobody registered.
fn on_another_port(uri: &str) -> String {
    let mut url = Url::parse(uri).expect("it was accepted");
    url.set_port(Some(49_152)).expect("it has a host");
    let host = url.host_str().expect("it has a host");
    let (scheme, authority_on) = uri.split_once("://").expect("it is hierarchical");
    let end = authority_on.find(['/', '?']).unwrap_or(authority_on.len());
    format!("{scheme}://{host}:49152{}", &authority_on[end..])
}

/// Registers and, if that succeeds, signs in at every redirect URI.
async fn go_the_whole_way(server: &TestServer, metadata: &Value) {
    let answer = TestClient::try_register(server, metadata).await;
    if answer.status() != 201 {
        assert_eq!(answer.status(), 400, "{answer:?}");
        return;
    }
    ACCEPTED.fetch_add(1, Ordering::Relaxed);
    let body = json(&answer);
    let signs = body["token_endpoint_auth_method"] == "private_key_jwt";
    SIGNING.fetch_add(usize::from(signs), Ordering::Relaxed);
    for mut accepted in Accepted::all(&body) {
        accepted.sign_in_everywhere(server).await;
    }
}

/// C1
#[test]
fn whatever_registers_signs_in() {
    const CASES: u32 = 256;
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(metadata in any_metadata())| {
        for server in [&WORLD.stored, &WORLD.self_contained] {
            WORLD.runtime.block_on(go_the_whole_way(server, &metadata));
        }
    });
    let signing = SIGNING.load(Ordering::Relaxed);
    assert!(signing >= 5, "only {signing} of them sign");
    let accepted = ACCEPTED.load(Ordering::Relaxed);
    assert!(
        accepted >= 100,
        "only {accepted} of {CASES} were accepted, twice"
    );
}
