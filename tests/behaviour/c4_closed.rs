use std::sync::Arc;

use async_trait::async_trait;
use oauth_for_mcp::jose::{JwkSet, Signer as _, SigningKey};
use oauth_for_mcp::server::{
    PolicyError, RegistrationAttempt, RegistrationConfig, RegistrationPolicy, RegistrationWay,
};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::types::{Issuer, Secret};
use serde_json::{Value, json};

use super::support::{JSON, expect_outage, expect_refusal, forge, header, json, key, send};

fn with(registration: RegistrationConfig) -> TestServer {
    TestServer::with(|builder| builder.registration(registration))
}

fn metadata() -> Value {
    json!({ "client_name": "Good", "redirect_uris": [TestClient::REDIRECT_URI] })
}

/// C4
#[tokio::test]
async fn a_closed_server_registers_only_who_shows_an_initial_access_token() {
    let tokens = ["first-token", "second-token"].map(Secret::new);
    let closed = tokens
        .iter()
        .fold(RegistrationConfig::new(), |config, token| {
            config.initial_access_token(token)
        });
    let server = with(closed);
    let cases = [
        (None, 401),
        (Some("Bearer first-token"), 201),
        (Some("bearer second-token"), 201),
        (Some("Bearer first-tokenx"), 401),
        (Some("Bearer first-toke"), 401),
        (Some("Bearer"), 401),
        (Some("Bearer a b"), 401),
        (Some("Basic first-token"), 401),
    ];
    for (authorization, status) in cases {
        let mut headers = vec![JSON];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let body = metadata().to_string();
        let answer = send(&server, ("POST", "/register"), &headers, body).await;
        assert_eq!(answer.status(), status, "{authorization:?}: {answer:?}");
        if status == 401 {
            expect_refusal(&answer, 401, "invalid_token", "closed");
            assert!(header(&answer, "www-authenticate").starts_with("Bearer"));
        }
    }
}

/// Admits clients with a good name; does not know about others.
#[derive(Debug)]
struct ByName;

#[async_trait]
impl RegistrationPolicy for ByName {
    async fn admits(&self, attempt: &RegistrationAttempt<'_>) -> Result<bool, PolicyError> {
        assert!(matches!(attempt.way, RegistrationWay::Dynamic));
        assert_eq!(attempt.redirect_uris[0].as_str(), TestClient::REDIRECT_URI);
        match attempt.name {
            Some("Good") => Ok(true),
            Some("Vouched") => Ok(attempt.vouched_by == Some(VOUCHER)),
            Some("Broken") => Err(PolicyError::new("db.internal is down")),
            Some(_) | None => Ok(false),
        }
    }
}

/// C4
#[tokio::test]
async fn a_policy_decides_who_becomes_a_client() {
    let server = with(RegistrationConfig::new().policy(ByName));
    let cases = [
        ("Good", 201),
        ("Bad", 400),
        ("Vouched", 400),
        ("Broken", 503),
    ];
    for (name, status) in cases {
        let mut metadata = metadata();
        metadata["client_name"] = json!(name);
        let answer = TestClient::try_register(&server, &metadata).await;
        match status {
            400 => expect_refusal(&answer, 400, "invalid_client_metadata", name),
            503 => expect_outage(&answer, name),
            _ => assert_eq!(answer.status(), status, "{name}"),
        }
    }
    let stored = server.auth().server().vault().store();
    assert_eq!(stored.count_clients(10).await.unwrap(), 1);
}

const VOUCHER: &str = "https://vouch.example.com";

fn believing(key: &Arc<SigningKey>) -> RegistrationConfig {
    let issuer = Issuer::parse(VOUCHER).expect("it is an issuer");
    let keys = JwkSet::new(vec![key.public_jwk().clone()]);
    RegistrationConfig::new().software_statement_issuer(issuer, keys)
}

async fn statement(key: &SigningKey, claims: &Value) -> String {
    let head = json!({ "alg": "ES256", "typ": "JWT", "kid": key.public_jwk().key_id() });
    forge(key, &head.to_string(), &claims.to_string()).await
}

async fn register(server: &TestServer, statement: &str) -> super::support::Answer {
    let mut metadata = metadata();
    metadata["software_statement"] = json!(statement);
    TestClient::try_register(server, &metadata).await
}

/// C4
#[tokio::test]
async fn what_a_statement_says_stands_in_place_of_what_the_client_says() {
    let voucher = key(7);
    let server = with(believing(&voucher).policy(ByName));
    let claims = json!({
        "iss": VOUCHER,
        "client_name": "Vouched",
        "redirect_uris": [TestClient::REDIRECT_URI],
        "software_id": "x",
    });
    let text = statement(&voucher, &claims).await;
    let answer = register(&server, &text).await;
    assert_eq!(answer.status(), 201, "{answer:?}");
    assert_eq!(json(&answer)["client_name"], "Vouched");
    assert_eq!(json(&answer)["software_statement"], json!(text));
}

/// C4
#[tokio::test]
async fn a_statement_that_does_not_hold_is_refused() {
    let (voucher, stranger) = (key(7), key(8));
    let server = with(believing(&voucher));
    let now = server.now().as_secs();
    let good = json!({ "iss": VOUCHER, "client_name": "Vouched" });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let invalid = "invalid_software_statement";
    let cases = [
        (with("iss", json!("https://other.example.com")), invalid),
        (with("iss", Value::Null), invalid),
        (with("exp", json!(now - 61)), invalid),
        (with("nbf", json!(now + 120)), invalid),
        (with("iat", json!(now + 120)), invalid),
        (with("aud", json!("https://other.example.com")), invalid),
        (with("redirect_uris", json!("x")), invalid),
        (
            with("redirect_uris", json!(["data:x"])),
            "invalid_redirect_uri",
        ),
        (with("scope", json!("unknown")), "invalid_client_metadata"),
    ];
    for (claims, code) in cases {
        let text = statement(&voucher, &claims).await;
        let answer = register(&server, &text).await;
        expect_refusal(&answer, 400, code, &claims.to_string());
    }
    let text = statement(&voucher, &good).await;
    assert_eq!(register(&server, &text).await.status(), 201);
    let unapproved = statement(&stranger, &good).await;
    let answer = register(&server, &unapproved).await;
    expect_refusal(&answer, 400, "unapproved_software_statement", "stranger");
    // The name of the right key does not help.
    let head = json!({ "alg": "ES256", "kid": voucher.public_jwk().key_id() });
    let forged = forge(&stranger, &head.to_string(), &good.to_string()).await;
    let none = format!("{}.e30.", super::support::base64url(r#"{"alg":"none"}"#));
    let changed = text.replace('.', ".x");
    for text in ["", "x", "x.y.z", &forged, &none, &changed] {
        let answer = register(&server, text).await;
        expect_refusal(&answer, 400, invalid, text);
    }
}
