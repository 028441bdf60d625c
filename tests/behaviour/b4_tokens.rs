use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::jose::SigningKey;
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::test_util::{TestClient, TestServer, Tokens};
use serde_json::{Value, json};

use super::support::{PING, base64url, claims, expect_refusal, forge, key, post_mcp, server_with};

/// A good token of a server whose key is at hand, to change one thing of it.
struct Forger {
    key: Arc<SigningKey>,
    server: TestServer,
    client: TestClient,
    tokens: Tokens,
}

impl Forger {
    async fn new() -> Self {
        let key = key(7);
        let server = server_with(&key);
        let client = TestClient::register(&server).await;
        let tokens = client.sign_in(&server, "notes:read").await;
        Self {
            key,
            server,
            client,
            tokens,
        }
    }

    fn header(&self) -> Value {
        use oauth_for_mcp::jose::Signer as _;
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.key.key_id() })
    }

    fn claims(&self) -> Value {
        claims(&self.tokens.access_token)
    }

    /// A token that says more than a good one.
    async fn sign_with(&self, more: &str) -> String {
        let good = self.claims().to_string();
        let body = format!("{},{more}}}", &good[..good.len() - 1]);
        forge(&self.key, &self.header().to_string(), &body).await
    }

    async fn expect_invalid(&self, token: &str, case: &str) {
        let answer = post_mcp(&self.server, token, PING).await;
        expect_refusal(&answer, 401, "invalid_token", case);
    }
}

fn changed(mut object: Value, name: &str, value: &Value) -> String {
    let members = object.as_object_mut().expect("it is an object");
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value.clone());
    }
    object.to_string()
}

#[tokio::test]
async fn a_forged_token_in_which_nothing_is_wrong_is_accepted() {
    let forger = Forger::new().await;
    let token = forge(
        &forger.key,
        &forger.header().to_string(),
        &forger.claims().to_string(),
    )
    .await;
    let answer = post_mcp(&forger.server, &token, PING).await;
    assert_eq!(answer.status(), 200);
}

/// B4
#[tokio::test]
async fn a_token_with_one_wrong_claim_is_refused() {
    let forger = Forger::new().await;
    let now = forger.server.now().as_secs();
    let cases = [
        ("iss", json!("https://evil.example")),
        ("iss", json!("https://mcp.example.com/")),
        ("iss", json!("https://MCP.example.com")),
        ("iss", json!("http://mcp.example.com")),
        ("iss", json!(["https://mcp.example.com"])),
        ("iss", json!({"0": "https://mcp.example.com"})),
        ("iss", json!("")),
        ("iss", Value::Null),
        ("aud", json!("https://mcp.example.com/mcp-evil")),
        ("aud", json!("https://mcp.example.com/mc")),
        ("aud", json!("https://mcp.example.com/mcp/sub")),
        ("aud", json!("https://evil.example/mcp")),
        ("aud", json!("https://mcp.example.com")),
        ("aud", json!("http://mcp.example.com/mcp")),
        ("aud", json!(["https://evil.example/mcp"])),
        ("aud", json!([])),
        ("aud", json!("")),
        ("aud", Value::Null),
        ("exp", json!(now - 61)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!("9999999999")),
        ("exp", json!([9_999_999_999_u64])),
        ("exp", Value::Null),
        ("nbf", json!(now + 61)),
        ("nbf", json!("tomorrow")),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("client_id", json!("another")),
        ("client_id", Value::Null),
        ("grant_id", json!("AAAAAAAAAAAAAAAAAAAAAA")),
        ("grant_id", Value::Null),
        ("scope", json!(["notes:read"])),
    ];
    for (name, value) in cases {
        let case = format!("{name}: {value}");
        let body = changed(forger.claims(), name, &value);
        let token = forge(&forger.key, &forger.header().to_string(), &body).await;
        forger.expect_invalid(&token, &case).await;
    }
}

/// B4
#[tokio::test]
async fn a_token_that_speaks_for_another_than_its_grant_tells_nobody_who_signed_in() {
    let forger = Forger::new().await;
    for (subject, email) in [("alice", json!("alice@example.com")), ("bob", Value::Null)] {
        let body = changed(forger.claims(), "sub", &json!(subject));
        let token = forge(&forger.key, &forger.header().to_string(), &body).await;
        let answer = forger.server.call("ping", None, &token).await;
        let seen: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(
            (&seen["subject"], &seen["email"]),
            (&json!(subject), &email)
        );
    }
}

/// B4
#[tokio::test]
async fn a_token_with_one_wrong_header_is_refused() {
    let forger = Forger::new().await;
    let cases = [
        ("typ", json!("JWT")),
        ("typ", json!("jwt")),
        ("typ", json!("application/jwt")),
        ("typ", json!("id+jwt")),
        ("typ", json!("client-authentication+jwt")),
        ("typ", json!("at+jwt ")),
        ("typ", json!("")),
        ("typ", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("HS256")),
        ("alg", json!("EdDSA")),
        ("alg", json!("RS256")),
        ("alg", json!("ES384")),
        ("alg", json!("es256")),
        ("alg", json!("")),
        ("alg", Value::Null),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("kid", json!("another")),
        ("kid", json!("")),
        ("kid", json!(1)),
        ("kid", Value::Null),
    ];
    for (name, value) in cases {
        let case = format!("{name}: {value}");
        let head = changed(forger.header(), name, &value);
        let token = forge(&forger.key, &head, &forger.claims().to_string()).await;
        forger.expect_invalid(&token, &case).await;
    }
}

/// B4
#[tokio::test]
async fn a_key_in_the_header_is_not_used() {
    use oauth_for_mcp::jose::Signer as _;
    let forger = Forger::new().await;
    let thief = key(8);
    let jwk = serde_json::to_value(thief.public_jwk()).unwrap();
    let theirs = json!({ "alg": "ES256", "typ": "at+jwt", "kid": thief.key_id(), "jwk": jwk });
    let headers = [
        forger.header().to_string(),
        theirs.to_string(),
        changed(forger.header(), "jwk", &jwk),
        changed(forger.header(), "jku", &json!("https://evil.example/jwks")),
    ];
    for head in headers {
        let token = forge(&thief, &head, &forger.claims().to_string()).await;
        forger.expect_invalid(&token, &head).await;
    }
}

/// B4
#[tokio::test]
async fn a_token_that_is_not_as_it_was_signed_is_refused() {
    let forger = Forger::new().await;
    let good = forger.tokens.access_token.clone();
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let none = base64url(r#"{"alg":"none","typ":"at+jwt"}"#);
    let wide = base64url(changed(forger.claims(), "scope", &json!("notes:write")));
    let twice = r#"{"alg":"ES256","alg":"ES256","typ":"at+jwt"}"#;
    let cases = [
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{head}.{body}."),
        format!("{head}.{body}"),
        format!("{head}.{body}.{signature}."),
        format!("{head}.{body}.{signature}.{signature}"),
        format!("{head}.{wide}.{signature}"),
        format!("{head}.{body}.{}", base64url([0_u8; 64])),
        format!("{head}.{body}.{}", &signature[..80]),
        format!("{head}.{body}.{signature}="),
        format!(".{body}.{signature}"),
        format!("{head}..{signature}"),
        forge(&forger.key, twice, &forger.claims().to_string()).await,
        forge(&forger.key, &forger.header().to_string(), "[]").await,
        forge(&forger.key, &forger.header().to_string(), "null").await,
        forge(&forger.key, &forger.header().to_string(), "").await,
    ];
    for token in cases {
        forger.expect_invalid(&token, &token).await;
    }
}

/// B4
#[tokio::test]
async fn a_token_that_repeats_a_claim_is_refused() {
    let forger = Forger::new().await;
    let good = forger.claims();
    let claims = good.as_object().unwrap();
    let mut doubled: Vec<_> = claims
        .iter()
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    assert_eq!(doubled.len(), 9, "{good}");
    doubled.push(r#""\u0073ub":"somebody""#.to_owned());
    doubled.push(r#""machine":false,"machine":false"#.to_owned());
    doubled.push(r#""nbf":1,"nbf":1"#.to_owned());
    doubled.push(r#""tenant":1,"tenant":1"#.to_owned());
    for more in doubled {
        let token = forger.sign_with(&more).await;
        forger.expect_invalid(&token, &more).await;
    }
    let token = forger
        .sign_with(r#""machine":false,"nbf":1,"tenant":1"#)
        .await;
    let answer = post_mcp(&forger.server, &token, PING).await;
    assert_eq!(answer.status(), 200);
}

/// B4
#[tokio::test]
async fn a_claim_of_another_kind_is_not_taken_for_none() {
    let forger = Forger::new().await;
    for more in [
        r#""machine":null"#,
        r#""machine":1"#,
        r#""machine":"false""#,
        r#""nbf":null"#,
        r#""nbf":"1""#,
    ] {
        let token = forger.sign_with(more).await;
        forger.expect_invalid(&token, more).await;
    }
}

/// B4
#[tokio::test]
async fn a_token_over_8_kib_is_refused_unparsed() {
    let forger = Forger::new().await;
    let body = changed(forger.claims(), "padding", &json!("x".repeat(8 * 1024)));
    let token = forge(&forger.key, &forger.header().to_string(), &body).await;
    assert!(token.len() > 8 * 1024);
    forger.expect_invalid(&token, "long").await;

    let body = changed(forger.claims(), "padding", &json!("x".repeat(4 * 1024)));
    let token = forge(&forger.key, &forger.header().to_string(), &body).await;
    let answer = post_mcp(&forger.server, &token, PING).await;
    assert_eq!(answer.status(), 200);
}

/// B4
#[tokio::test]
async fn a_token_ends_within_a_minute_of_its_expiry() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server = TestServer::with(|builder| builder.access_token_format(format));
        let client = TestClient::register(&server).await;
        let tokens = client.sign_in(&server, "notes:read").await;
        server
            .clock()
            .advance(Duration::from_secs(tokens.expires_in - 1));
        let answer = post_mcp(&server, &tokens.access_token, PING).await;
        assert_eq!(answer.status(), 200, "{format:?}");

        server.clock().advance(Duration::from_secs(61));
        let answer = post_mcp(&server, &tokens.access_token, PING).await;
        expect_refusal(&answer, 401, "invalid_token", &format!("{format:?}"));
    }
}

/// E6
#[tokio::test]
async fn a_code_or_refresh_token_is_no_access_token() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server = TestServer::with(|builder| builder.access_token_format(format));
        let client = TestClient::register(&server).await;
        let code = client.authorize(&server, "notes:read").await;
        let tokens = client.sign_in(&server, "notes:read").await;
        let refresh_token = tokens.refresh_token.unwrap();
        let (family, own) = refresh_token.split_once('.').unwrap();
        let client_id = client.client_id.as_str();
        for token in [code.as_str(), &refresh_token, family, own, client_id] {
            let answer = post_mcp(&server, token, PING).await;
            expect_refusal(&answer, 401, "invalid_token", token);
        }
    }
}

/// E6
#[tokio::test]
async fn an_access_token_is_no_code_and_no_refresh_token() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server = TestServer::with(|builder| builder.access_token_format(format));
        let client = TestClient::register(&server).await;
        let code = client.authorize(&server, "notes:read").await;
        let tokens = client.sign_in(&server, "notes:read").await;
        let refresh_token = tokens.refresh_token.clone().unwrap();

        for token in [&tokens.access_token, &refresh_token] {
            client
                .redeem(&server, token)
                .await
                .expect_error("invalid_grant");
        }
        for token in [&tokens.access_token, &code] {
            client
                .refresh(&server, token)
                .await
                .expect_error("invalid_grant");
        }
        let answer = post_mcp(&server, &tokens.access_token, PING).await;
        assert_eq!(answer.status(), 200, "nothing was revoked by that");
        let _ = client.redeem(&server, &code).await.expect_tokens();
    }
}

/// B4
#[tokio::test]
async fn a_token_of_another_server_with_the_same_names_is_refused() {
    let forger = Forger::new().await;
    let other = server_with(&key(9));
    let client = TestClient::register(&other).await;
    let token = client.sign_in(&other, "notes:read").await.access_token;
    forger.expect_invalid(&token, "another key").await;
    assert_eq!(forger.client.client_id.len(), client.client_id.len());
}
