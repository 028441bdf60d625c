use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth_for_mcp::jose::Signer as _;
use oauth_for_mcp::server::PreregisteredClient;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::{Value, json};

use super::support::{
    FORM, JSON, expect_page, expect_refusal, header, json, key, open, send, with,
};

fn metadata(name: &str, value: Value) -> Value {
    let mut metadata = json!({ "redirect_uris": [TestClient::REDIRECT_URI] });
    metadata[name] = value;
    metadata
}

/// C3
#[tokio::test]
async fn what_is_unknown_is_dropped_and_the_effective_set_is_echoed() {
    let server = TestServer::new();
    let cases = [
        (
            "grant_types",
            json!([
                "authorization_code",
                "urn:ietf:params:oauth:grant-type:device_code"
            ]),
            json!(["authorization_code"]),
        ),
        (
            "grant_types",
            json!(["password", "refresh_token", "authorization_code"]),
            json!(["authorization_code", "refresh_token"]),
        ),
        (
            "response_types",
            json!(["code", "token", "id_token"]),
            json!(["code"]),
        ),
        (
            "scope",
            json!("openid notes:read profile"),
            json!("notes:read"),
        ),
        ("scope", json!(""), json!("notes:read notes:write")),
        ("logo_uri", json!("https://x"), Value::Null),
        ("software_statement", json!("x.y.z"), Value::Null),
        ("client_uri", json!("javascript:alert(1)"), Value::Null),
        ("contacts", json!([1, null]), Value::Null),
    ];
    for (name, sent, echoed) in cases {
        let answer = TestClient::try_register(&server, &metadata(name, sent)).await;
        assert_eq!(answer.status(), 201, "{name}");
        assert_eq!(json(&answer)[name], echoed, "{name}");
    }
}

/// C3
#[tokio::test]
async fn a_registration_fails_when_nothing_usable_is_left() {
    let server = TestServer::new();
    let cases = [
        ("grant_types", json!(["client_credentials"])),
        ("grant_types", json!(["refresh_token"])),
        ("grant_types", json!([])),
        ("grant_types", json!("authorization_code")),
        ("response_types", json!(["token"])),
        ("response_types", json!(["code token"])),
        ("response_types", json!([])),
        ("scope", json!("openid profile")),
        ("scope", json!("NOTES:READ")),
        ("scope", json!(["notes:read"])),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("token_endpoint_auth_method", json!("")),
        ("client_name", json!("x".repeat(129))),
        ("client_name", json!("a\u{202e}b")),
        ("client_name", json!("a\nb")),
        ("client_name", json!("a\u{200b}b")),
        ("client_name", json!(1)),
    ];
    for (name, value) in cases {
        let case = format!("{name}: {value}");
        let answer = TestClient::try_register(&server, &metadata(name, value)).await;
        expect_refusal(&answer, 400, "invalid_client_metadata", &case);
    }
    let many: Vec<_> = (0..33)
        .map(|number| format!("https://a.example/{number}"))
        .collect();
    for uris in [json!([]), json!(many)] {
        let answer = TestClient::try_register(&server, &json!({ "redirect_uris": uris })).await;
        expect_refusal(&answer, 400, "invalid_redirect_uri", "count");
    }
}

/// C3
#[tokio::test]
async fn a_body_that_is_no_json_object_is_no_registration() {
    let server = TestServer::new();
    let object = r#"{"redirect_uris":["https://a.example/cb"]}"#;
    let cases = [
        (JSON, ""),
        (JSON, "null"),
        (JSON, "[]"),
        (
            JSON,
            r#"[["https://a.example/cb"],null,null,null,null,null,null]"#,
        ),
        (JSON, "\"x\""),
        (JSON, r#"{"redirect_uris":["https://a.example/cb"]"#),
        (JSON, r#"{"redirect_uris":["https://a.example/cb"]} x"#),
        (
            JSON,
            r#"{"redirect_uris":["https://a.example/cb"],"redirect_uris":[]}"#,
        ),
        (JSON, r#"{"redirect_uris":"https://a.example/cb"}"#),
        (JSON, r#"{"redirect_uris":null}"#),
        (JSON, "redirect_uris=https://a.example/cb"),
        (FORM, object),
        (("content-type", "text/plain"), object),
        (("accept", "*/*"), object),
    ];
    for (media_type, body) in cases {
        let answer = send(&server, ("POST", "/register"), &[media_type], body).await;
        let case = format!("{media_type:?} {body}");
        expect_refusal(&answer, 400, "invalid_client_metadata", &case);
    }
}

/// C3
#[tokio::test]
async fn a_client_is_public_unless_it_asks_for_a_secret() {
    let server = TestServer::new();
    let public = TestClient::try_register(&server, &metadata("client_name", json!("x"))).await;
    assert_eq!(json(&public)["token_endpoint_auth_method"], "none");
    assert!(json(&public).get("client_secret").is_none());
    assert!(json(&public).get("client_secret_expires_at").is_none());

    for method in ["client_secret_basic", "client_secret_post"] {
        let asked = metadata("token_endpoint_auth_method", json!(method));
        let answer = TestClient::try_register(&server, &asked).await;
        let body = json(&answer);
        assert_eq!(body["client_secret_expires_at"], 0);
        for name in ["client_id", "client_secret"] {
            let text = body[name].as_str().unwrap();
            let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            assert!(text.chars().all(unreserved), "{name}");
        }
        assert!(body["client_secret"].as_str().unwrap().len() >= 43);
    }
}

/// C3
#[tokio::test]
async fn a_secret_is_taken_from_the_header_or_the_form() {
    let secret = "p@ss/w+rd%:x";
    let known = json!({
        "client_id": "https://a.example/app",
        "client_secret": secret,
        "redirect_uris": [TestClient::REDIRECT_URI],
    });
    let known: PreregisteredClient = serde_json::from_value(known).unwrap();
    let server = TestServer::with(|builder| builder.client(known));
    let client = TestClient::known("https://a.example/app", TestClient::REDIRECT_URI);
    let encoded = "https%3A%2F%2Fa.example%2Fapp:p%40ss%2Fw%2Brd%25%3Ax".to_owned();
    let post = "client_id=https://a.example/app&client_secret=p%40ss%2Fw%2Brd%25%3Ax";
    let cases = [(Some(encoded), ""), (None, post)];
    for (basic, credentials) in cases {
        let code = client.authorize(&server, "notes:read").await;
        let basic = basic.map(|text| format!("Basic {}", STANDARD.encode(text)));
        let mut headers = vec![FORM];
        headers.extend(basic.as_deref().map(|value| ("authorization", value)));
        let body = format!(
            "grant_type=authorization_code&code={code}&code_verifier={}&{credentials}",
            client.verifier
        );
        let answer = send(&server, ("POST", "/token"), &headers, body).await;
        assert_eq!(answer.status(), 200, "{basic:?} {credentials}: {answer:?}");
    }
}

/// C3
#[tokio::test]
async fn the_scope_that_is_echoed_is_what_a_client_gets_that_asks_for_none() {
    let server = TestServer::new();
    for (registered, expected) in [
        (None, "notes:read notes:write"),
        (Some(""), "notes:read notes:write"),
        (Some("notes:read"), "notes:read"),
        (Some("notes:read unknown"), "notes:read"),
    ] {
        let metadata = match registered {
            Some(scope) => metadata("scope", json!(scope)),
            None => json!({ "redirect_uris": [TestClient::REDIRECT_URI] }),
        };
        let echoed = TestClient::try_register(&server, &metadata).await;
        assert_eq!(json(&echoed)["scope"], expected, "{registered:?}");
        let client = TestClient::register_with(&server, &metadata).await;
        let tokens = client.sign_in(&server, "").await;
        assert_eq!(tokens.scope, expected, "{registered:?}");
    }
}

/// C3
#[tokio::test]
async fn an_identifier_in_the_header_may_be_encoded_or_raw() {
    let known = json!({
        "client_id": "app+1",
        "client_secret": "a+b",
        "redirect_uris": [TestClient::REDIRECT_URI],
    });
    let known: PreregisteredClient = serde_json::from_value(known).unwrap();
    let server = TestServer::with(|builder| builder.client(known));
    for (shown, status) in [
        ("app%2B1:a%2Bb", 200),
        ("app+1:a+b", 200),
        ("app+1:a b", 401),
        ("app 1:a+b", 401),
        ("app+1:wrong", 401),
        ("app%252B1:a+b", 401),
    ] {
        let basic = format!("Basic {}", STANDARD.encode(shown));
        let headers = [FORM, ("authorization", basic.as_str())];
        let answer = send(&server, ("POST", "/revoke"), &headers, "token=x").await;
        assert_eq!(answer.status(), status, "{shown}");
    }
}

async fn confidential(server: &TestServer) -> TestClient {
    let asked = metadata("token_endpoint_auth_method", json!("client_secret_basic"));
    TestClient::register_with(server, &asked).await
}

/// C3, C7
#[tokio::test]
async fn a_client_that_does_not_prove_itself_gets_invalid_client() {
    let server = TestServer::new();
    let public = TestClient::register(&server).await.client_id;
    let client = confidential(&server).await;
    let (id, secret) = (
        client.client_id.clone(),
        client.client_secret.clone().unwrap(),
    );
    let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
    let cases = [
        (None, String::new()),
        (None, "client_id=nobody".to_owned()),
        (None, "client_id=nobody&client_secret=x".to_owned()),
        (None, "client_id=%C3%A9".to_owned()),
        (None, format!("client_secret={secret}")),
        (None, format!("client_id={id}")),
        (None, format!("client_id={id}&client_secret=")),
        (None, format!("client_id={id}&client_secret=wrong")),
        (None, format!("client_id={id}&client_secret={secret}x")),
        (None, format!("client_id={public}&client_secret=x")),
        (None, format!("client_id={public}&client_secret={secret}")),
        (Some(basic(format!("{id}:"))), String::new()),
        (Some(basic(format!("{id}:wrong"))), String::new()),
        (Some(basic(format!("nobody:{secret}"))), String::new()),
        (Some(basic(format!("{public}:{secret}"))), String::new()),
        (Some(basic(id.clone())), String::new()),
        (Some("Basic".to_owned()), String::new()),
        (Some("Basic !!!".to_owned()), format!("client_id={id}")),
        (Some("Bearer x".to_owned()), format!("client_id={public}")),
    ];
    for path in ["/token", "/revoke"] {
        for (authorization, form) in &cases {
            let mut headers = vec![FORM];
            headers.extend(
                authorization
                    .as_deref()
                    .map(|value| ("authorization", value)),
            );
            let body = format!("grant_type=refresh_token&refresh_token=x&token=x&{form}");
            let answer = send(&server, ("POST", path), &headers, body).await;
            let case = format!("{path} {authorization:?} {form}");
            expect_refusal(&answer, 401, "invalid_client", &case);
            let challenged = header(&answer, "www-authenticate").starts_with("Basic");
            assert_eq!(challenged, authorization.is_some(), "{case}");
        }
    }
}

/// C3
#[tokio::test]
async fn a_client_that_presents_itself_twice_is_refused() {
    let server = TestServer::new();
    let client = confidential(&server).await;
    let (id, secret) = (
        client.client_id.clone(),
        client.client_secret.clone().unwrap(),
    );
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let once: &[&str] = &[&basic];
    let twice: &[&str] = &[&basic, &basic];
    let cases = [
        (once, format!("client_id={id}&client_secret={secret}")),
        (once, format!("client_secret={secret}")),
        (once, "client_id=another".to_owned()),
        (twice, String::new()),
    ];
    for (values, form) in cases {
        let mut headers = vec![FORM];
        headers.extend(values.iter().map(|value| ("authorization", *value)));
        let body = format!("grant_type=refresh_token&refresh_token=x&{form}");
        let answer = send(&server, ("POST", "/token"), &headers, body).await;
        expect_refusal(&answer, 400, "invalid_request", &form);
    }
}

/// C3
#[tokio::test]
async fn a_registered_scope_does_not_cap_a_later_step_up() {
    let server = TestServer::new();
    let asked = json!({
        "redirect_uris": [TestClient::REDIRECT_URI],
        "scope": "notes:read",
    });
    let client = TestClient::register_with(&server, &asked).await;
    let tokens = client.sign_in(&server, "notes:read notes:write").await;
    assert_eq!(tokens.scope, "notes:read notes:write");
}

/// C3
#[tokio::test]
async fn fifteen_registrations_and_forty_sign_ins_a_minute_are_normal() {
    let server = TestServer::new();
    for _ in 0..15 {
        TestClient::register(&server).await;
    }
    let client = TestClient::register(&server).await;
    for _ in 0..40 {
        client.sign_in(&server, "notes:read").await;
    }
}

/// C7
#[tokio::test]
async fn an_unknown_client_gets_a_page_and_is_never_redirected() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let long = "x".repeat(2049);
    for id in [
        None,
        Some("nobody"),
        Some(""),
        Some("\u{e9}"),
        Some(long.as_str()),
    ] {
        let parameters = client.authorization_parameters("notes:read");
        let page = open(&server, with(parameters, "client_id", id)).await;
        expect_page(&page, 400, "not registered here", &format!("{id:?}"));
        assert!(!super::support::text(&page).contains("client.example.com"));
    }
}

/// C3
#[tokio::test]
async fn of_several_ways_that_a_client_offers_it_gets_one_that_works_here() {
    let server = TestServer::new();
    let keys = json!({ "keys": [key(1).public_jwk()] });
    let uri = "https://client.example.com/jwks";
    let both = json!(["none", "private_key_jwt"]);
    let cases = [
        // The strongest that it can prove.
        (
            json!({ "token_endpoint_auth_methods_supported": both, "jwks": keys }),
            "private_key_jwt",
        ),
        (
            json!({ "token_endpoint_auth_method": "none",
            "token_endpoint_auth_methods_supported": both, "jwks": keys }),
            "private_key_jwt",
        ),
        // Without keys, or with keys that this server does not fetch, the other.
        (
            json!({ "token_endpoint_auth_methods_supported": both }),
            "none",
        ),
        (
            json!({ "token_endpoint_auth_methods_supported": both, "jwks_uri": uri }),
            "none",
        ),
        (
            json!({ "token_endpoint_auth_method": "none", "jwks_uri": "" }),
            "none",
        ),
        (
            json!({ "token_endpoint_auth_method": "tls_client_auth",
            "token_endpoint_auth_methods_supported": ["client_secret_post"] }),
            "client_secret_post",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys }),
            "private_key_jwt",
        ),
    ];
    for (mut asked, expected) in cases {
        asked["redirect_uris"] = json!([TestClient::REDIRECT_URI]);
        let answer = TestClient::try_register(&server, &asked).await;
        assert_eq!(answer.status(), 201, "{asked}: {answer:?}");
        assert_eq!(
            json(&answer)["token_endpoint_auth_method"],
            expected,
            "{asked}"
        );
    }
}

/// C3
#[tokio::test]
async fn a_client_that_offers_no_way_that_works_here_is_refused() {
    let server = TestServer::new();
    let keys = json!({ "keys": [key(1).public_jwk()] });
    let uri = "https://client.example.com/jwks";
    for refused in [
        json!({ "token_endpoint_auth_method": "private_key_jwt" }),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri }),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": {} }),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys, "jwks_uri": uri }),
        json!({ "token_endpoint_auth_methods_supported": ["tls_client_auth"] }),
    ] {
        let mut asked = refused;
        asked["redirect_uris"] = json!([TestClient::REDIRECT_URI]);
        let answer = TestClient::try_register(&server, &asked).await;
        expect_refusal(&answer, 400, "invalid_client_metadata", &asked.to_string());
    }
}

/// C4
#[tokio::test]
async fn a_registration_of_more_than_16_kib_is_refused() {
    let server = TestServer::new();
    let mut asked = metadata("client_name", json!("Long"));
    let rest = asked.to_string().len() + r#","contacts":[""]"#.len();
    asked["contacts"] = json!(["x".repeat(16 * 1024 - rest)]);
    assert_eq!(asked.to_string().len(), 16 * 1024);
    assert_eq!(
        TestClient::try_register(&server, &asked).await.status(),
        201
    );
    asked["contacts"] = json!(["x".repeat(16 * 1024 - rest + 1)]);
    let answer = TestClient::try_register(&server, &asked).await;
    expect_refusal(&answer, 400, "invalid_client_metadata", "long");
}

/// C4
#[tokio::test]
async fn the_application_type_is_what_the_redirect_uris_make_of_it() {
    let server = TestServer::new();
    for (uri, expected) in [
        ("https://client.example.com/cb", "web"),
        ("http://localhost:1/cb", "native"),
        ("http://127.0.0.1/cb", "native"),
        ("cursor://x/cb", "native"),
    ] {
        for said in [Value::Null, json!("web"), json!("native"), json!("odd")] {
            let asked = json!({ "redirect_uris": [uri], "application_type": said });
            let answer = TestClient::try_register(&server, &asked).await;
            assert_eq!(json(&answer)["application_type"], expected, "{asked}");
        }
    }
}
