//! Whatever registration accepts goes the whole way, for any metadata.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth_for_mcp::server::{DynamicRegistration, RegistrationConfig};
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use super::support::{FORM, json, parameter, send};

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
        option::of(select(methods.to_vec())),
        option::weighted(0.2, any_of(&methods)),
        option::weighted(0.3, any_of(&grants)),
        option::weighted(0.2, any_of(&["code", "token", "id_token"])),
        option::weighted(0.5, any_scope()),
        option::of(select(vec!["web", "native", "x"])),
    );
    members.prop_map(|members| {
        let (uris, name, method, methods, grants, types, scope, kind) = members;
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
        for (member, value) in optional {
            metadata.extend(value.map(|value| (member.to_owned(), value)));
        }
        Value::Object(metadata)
    })
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
    let method = body["token_endpoint_auth_method"].as_str().unwrap();
    for uri in body["redirect_uris"].as_array().unwrap() {
        let uri = uri.as_str().unwrap();
        let id = body["client_id"].as_str().unwrap();
        let mut client = TestClient::known(id, uri);
        client.client_secret = body["client_secret"].as_str().map(str::to_owned);
        let url = client.authorization_url(server, body["scope"].as_str().unwrap());
        let sent_to = TestBrowser::new().agree(server, &url).await;
        let sent_to = sent_to.unwrap_or_else(|page| panic!("{uri}: {page:?}"));
        assert!(sent_to.starts_with(uri), "{sent_to} is not {uri}");
        let code = parameter(&sent_to, "code").expect("there is a code");
        let redeemed = redeem(server, &client, method, &code).await;
        let refresh = redeemed.get("refresh_token").is_some();
        let may_refresh = body["grant_types"].as_array().unwrap();
        assert_eq!(refresh, may_refresh.contains(&json!("refresh_token")));
        assert_eq!(redeemed["scope"], body["scope"]);
    }
}

async fn redeem(server: &TestServer, client: &TestClient, method: &str, code: &str) -> Value {
    let TestClient {
        client_id,
        client_secret,
        verifier,
        ..
    } = client;
    let mut form = format!("grant_type=authorization_code&code={code}&code_verifier={verifier}");
    let mut headers = vec![FORM];
    let secret = client_secret.as_deref().unwrap_or_default();
    let basic = format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")));
    match method {
        "client_secret_basic" => headers.push(("authorization", &basic)),
        "client_secret_post" => form += &format!("&client_id={client_id}&client_secret={secret}"),
        _ => form += &format!("&client_id={client_id}"),
    }
    let answer = send(server, ("POST", "/token"), &headers, form).await;
    assert_eq!(answer.status(), 200, "{method}: {answer:?}");
    json(&answer)
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
    let accepted = ACCEPTED.load(Ordering::Relaxed);
    assert!(
        accepted >= 100,
        "only {accepted} of {CASES} were accepted, twice"
    );
}
