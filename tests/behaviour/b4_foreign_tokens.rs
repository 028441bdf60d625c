//! Tokens that an authorization server elsewhere signed.
//!
//! The attacks, each a test below:
//!
//! - a token without a signature, with one by the public key as a secret, by a
//!   stranger, by a key in its own header, by another server that is trusted too
//! - a token for another resource, from another issuer or one that is named nearly
//!   the same, of the past or of the future, without end
//! - an ID token, and every other kind of token that the server signs
//! - a key that is for something else, too short, or of another algorithm
//! - claims that two readers would read differently: repeated, arrays, wrong types

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use oauth_for_mcp::jose::{Algorithm, JwkSet, Signer as _, SigningKey};
use oauth_for_mcp::resource::verifier::{AccessTokenMark, JwtVerifier, TokenShape};
use oauth_for_mcp::test_util::SeededEntropy;
use oauth_for_mcp::types::Clock as _;
use serde_json::{Value, json};
use sha2::Sha256;

use super::elsewhere::{
    Elsewhere, ISSUER, KEYS_URI, RESOURCE, changed, header_of, issuer, publish,
};
use super::support::{base64url, forge, key};
use super::web::Web;

const OTHER: &str = "https://other.example.com";

fn eddsa_key(seed: u64) -> SigningKey {
    SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(seed)).expect("a key")
}

/// B4
#[tokio::test]
async fn a_good_token_of_somebody_else_says_who_calls() {
    let server = Elsewhere::new();
    let token = server
        .show(&server.token().await)
        .await
        .expect("it is good");
    assert_eq!(token.subject().as_str(), "alice");
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!(token.client_id().expect("a client").as_str(), "client-1");
    assert_eq!(token.scope().to_string(), "notes:read");
    assert_eq!(
        token.expires_at(),
        server.clock.now().plus(std::time::Duration::from_secs(600))
    );
    assert_eq!(token.extra()["jti"], "1");
    assert!(token.identity().is_none() && !token.is_machine());
}

/// Makes sure that a good token with any one of these changes is refused.
async fn expect_changes_refused(server: &Elsewhere, changes: &[(&str, Value)]) {
    for (name, value) in changes {
        let body = changed(server.claims(), name, value);
        let token = forge(&server.key, &server.header().to_string(), &body).await;
        server
            .expect_invalid(&token, &format!("{name}: {value}"))
            .await;
    }
}

/// B4
#[tokio::test]
async fn a_foreign_token_with_one_wrong_claim_is_refused() {
    let server = Elsewhere::new();
    let now = server.clock.now().as_secs();
    let cases = [
        ("iss", json!(OTHER)),
        ("iss", json!("https://auth.example.com/other-tenant")),
        ("iss", json!("https://auth.example.com/tenant/")),
        ("iss", json!("https://auth.example.com")),
        ("iss", json!("https://AUTH.example.com/tenant")),
        ("iss", json!("http://auth.example.com/tenant")),
        ("iss", json!([ISSUER])),
        ("iss", json!({ "0": ISSUER })),
        ("iss", json!("")),
        ("iss", Value::Null),
        ("aud", json!("https://mcp.example.com/mcp-evil")),
        ("aud", json!("https://mcp.example.com/mc")),
        ("aud", json!("https://mcp.example.com/mcp/sub")),
        ("aud", json!("https://mcp.example.com")),
        ("aud", json!("http://mcp.example.com/mcp")),
        ("aud", json!(["https://evil.example/mcp"])),
        ("aud", json!("client-1")),
        ("aud", json!([])),
        ("aud", json!({ "0": RESOURCE })),
        ("aud", json!([RESOURCE, 7])),
        ("aud", Value::Null),
        ("exp", json!(now - 61)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!("9999999999")),
        ("exp", json!([9_999_999_999_u64])),
        ("exp", Value::Null),
        ("nbf", json!(now + 61)),
        ("nbf", json!("tomorrow")),
        ("iat", json!(now + 61)),
        ("iat", json!("today")),
        (
            "cnf",
            json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }),
        ),
    ];
    expect_changes_refused(&server, &cases).await;
}

/// B4
#[tokio::test]
async fn a_foreign_token_with_a_claim_of_the_wrong_form_is_refused() {
    let server = Elsewhere::new();
    let cases = [
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!(["alice"])),
        ("sub", Value::Null),
        ("client_id", json!("")),
        ("client_id", json!(7)),
        ("client_id", json!(["client-1"])),
        ("scope", json!(7)),
        ("scope", json!({ "notes:read": true })),
        ("scope", json!(["notes:read", 7])),
        ("scope", json!(["notes:read notes:write"])),
        ("scope", json!("notes:\"read\"")),
    ];
    expect_changes_refused(&server, &cases).await;
}

/// B4
#[tokio::test]
async fn a_foreign_token_may_say_what_is_good_in_another_way() {
    let server = Elsewhere::new();
    let now = server.clock.now().as_secs();
    let cases = [
        ("aud", json!([OTHER, RESOURCE])),
        ("aud", json!("HTTPS://MCP.example.com:443/mcp/")),
        ("exp", json!(now as f64 + 0.5)),
        ("exp", json!(now - 59)),
        ("nbf", json!(now + 60)),
        ("iat", json!(now + 60)),
        ("iat", Value::Null),
        ("client_id", Value::Null),
        ("scope", json!(["notes:read"])),
        ("scope", Value::Null),
        ("more", json!({ "is": ["kept"] })),
    ];
    for (name, value) in cases {
        let body = changed(server.claims(), name, &value);
        let token = forge(&server.key, &server.header().to_string(), &body).await;
        assert_eq!(server.status(&token).await, 200, "{name}: {value}");
    }
}

/// B4
#[tokio::test]
async fn a_foreign_token_without_a_scope_claim_has_no_scope() {
    let server = Elsewhere::new();
    let body = changed(server.claims(), "scope", &Value::Null);
    let token = forge(&server.key, &server.header().to_string(), &body).await;
    assert!(
        server
            .show(&token)
            .await
            .expect("it is good")
            .scope()
            .is_empty()
    );
}

/// B4
#[tokio::test]
async fn a_foreign_token_with_one_wrong_header_is_refused() {
    let server = Elsewhere::new();
    let evil = key(8).public_jwk().clone();
    let cases = [
        ("typ", json!("JWT")),
        ("typ", json!("id+jwt")),
        ("typ", json!("logout+jwt")),
        ("typ", json!("okta-internal-at+jwt")),
        ("typ", json!("at+jwt ")),
        ("typ", json!("")),
        ("typ", Value::Null),
        ("alg", json!("none")),
        ("alg", json!("nOnE")),
        ("alg", json!("HS256")),
        ("alg", json!("EdDSA")),
        ("alg", json!("ES384")),
        ("alg", json!("RS256")),
        ("alg", json!("ES256 ")),
        ("alg", Value::Null),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("kid", json!("another")),
        ("kid", json!("../../dev/null")),
        ("kid", json!("' or '1'='1")),
        ("kid", json!("https://evil.example/jwks.json")),
        ("kid", json!(7)),
        // Of no use but to verify by what is in the header, which changes the input.
        ("jwk", json!(evil)),
    ];
    for (name, value) in cases {
        let head = changed(server.header(), name, &value);
        let signer = if name == "jwk" {
            key(8)
        } else {
            Arc::clone(&server.key)
        };
        let token = forge(&signer, &head, &server.claims().to_string()).await;
        server
            .expect_invalid(&token, &format!("{name}: {value}"))
            .await;
    }
}

/// B4
#[tokio::test]
async fn keys_that_a_foreign_token_brings_are_neither_used_nor_fetched() {
    let server = Elsewhere::new();
    let thief = key(8);
    let jwk = json!(thief.public_jwk());
    let url = json!("https://evil.example/jwks.json");
    server
        .web
        .publish("https://evil.example/jwks.json", &json!({ "keys": [jwk] }));
    for (name, value) in [
        ("jwk", jwk),
        ("jku", url.clone()),
        ("x5u", url),
        ("x5c", json!(["AAAA"])),
    ] {
        for head in [header_of(&thief), server.header()] {
            let head = changed(head, name, &value);
            let token = forge(&thief, &head, &server.claims().to_string()).await;
            server.expect_invalid(&token, &head).await;
        }
    }
    let fetched = server.web.fetched();
    assert!(fetched.iter().all(|url| url == KEYS_URI), "{fetched:?}");
}

/// B4
#[tokio::test]
async fn the_public_key_is_no_shared_secret() {
    let server = Elsewhere::new();
    let public = server.key.public_jwk();
    let head = changed(server.header(), "alg", &json!("HS256"));
    let input = format!(
        "{}.{}",
        base64url(head),
        base64url(server.claims().to_string())
    );
    for secret in [
        json!(public).to_string(),
        json!(JwkSet::new(vec![public.clone()])).to_string(),
    ] {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
        mac.update(input.as_bytes());
        let token = format!("{input}.{}", base64url(mac.finalize().into_bytes()));
        server.expect_invalid(&token, &secret).await;
    }
}

/// B4
#[tokio::test]
async fn a_foreign_token_that_is_not_as_it_was_signed_is_refused() {
    let server = Elsewhere::new();
    let good = server.token().await;
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let none = base64url(r#"{"alg":"none","typ":"at+jwt"}"#);
    let wide = base64url(changed(server.claims(), "scope", &json!("notes:write")));
    let header = server.header().to_string();
    let cases = [
        format!("{none}.{body}."),
        format!("{head}.{body}."),
        format!("{head}.{body}"),
        format!("{head}.{body}.{signature}.{signature}"),
        format!("{head}.{wide}.{signature}"),
        format!("{head}.{body}.{}", base64url([0_u8; 64])),
        format!("{head}.{body}.{}", &signature[..80]),
        format!("{head}.{body}.{signature}="),
        forge(&server.key, &header, "[]").await,
        forge(&server.key, &header, "null").await,
        forge(&server.key, &header, "").await,
    ];
    for token in cases {
        server.expect_invalid(&token, &token).await;
    }
}

/// B4
#[tokio::test]
async fn a_foreign_token_that_repeats_a_claim_is_refused_whatever_its_name() {
    let server = Elsewhere::new();
    let names = [
        "iss",
        "aud",
        "exp",
        "iat",
        "sub",
        "client_id",
        "scope",
        "jti",
    ];
    for name in names {
        let good = server.claims();
        for other in [good[name].clone(), json!("https://evil.example/mcp")] {
            for body in [
                format!(r#"{{"{name}":{other},{}"#, &good.to_string()[1..]),
                format!(
                    r#"{{"\u00{:x}{}":{other},{}"#,
                    name.as_bytes()[0],
                    &name[1..],
                    &good.to_string()[1..]
                ),
            ] {
                let token = forge(&server.key, &server.header().to_string(), &body).await;
                server.expect_invalid(&token, &body).await;
            }
        }
    }
}

/// B4
#[tokio::test]
async fn a_foreign_token_over_8_kib_is_refused_unparsed() {
    let server = Elsewhere::new();
    let body = changed(server.claims(), "padding", &json!("x".repeat(8 * 1024)));
    let token = forge(&server.key, &server.header().to_string(), &body).await;
    server.expect_invalid(&token, "long").await;
    assert_eq!(server.key_fetches(), 0);
}

/// B4
#[tokio::test]
async fn a_token_of_another_issuer_leads_to_no_fetch() {
    let server = Elsewhere::new();
    for name in [json!(OTHER), json!([ISSUER]), Value::Null] {
        let body = changed(server.claims(), "iss", &name);
        let token = forge(&server.key, &server.header().to_string(), &body).await;
        server.expect_invalid(&token, &body).await;
    }
    for text in ["opaque", "a.b", "a.b.c.d.e"] {
        server.expect_invalid(text, text).await;
    }
    assert_eq!(server.web.fetched(), Vec::<String>::new());
}

/// B4
#[tokio::test]
async fn of_two_trusted_servers_neither_signs_for_the_other() {
    let (one, two) = (key(7), key(8));
    let known = |name: &str, key: &SigningKey| {
        let keys = JwkSet::new(vec![key.public_jwk().clone().with_key_id("1")]);
        let verifier = JwtVerifier::with_keys(issuer(name), &keys).build();
        Arc::new(verifier.expect("a key")) as _
    };
    let verifiers = vec![known(ISSUER, &one), known(OTHER, &two)];
    let server = Elsewhere::trusting(Web::default(), verifiers, |resource| {
        resource.token_issuer(issuer(OTHER))
    });
    let head = changed(server.header(), "kid", &json!("1"));
    for (name, key, is_good) in [
        (ISSUER, &one, true),
        (OTHER, &two, true),
        (ISSUER, &two, false),
        (OTHER, &one, false),
    ] {
        let body = changed(server.claims(), "iss", &json!(name));
        let token = forge(key, &head, &body).await;
        assert_eq!(server.status(&token).await == 200, is_good, "{name}");
    }
    let body = changed(server.claims(), "iss", &json!("https://third.example.com"));
    server
        .expect_invalid(&forge(&one, &head, &body).await, "third")
        .await;
}

/// B4
#[tokio::test]
async fn an_issuer_that_the_resource_does_not_trust_is_refused_though_a_verifier_knows_it() {
    let key = key(7);
    let keys = JwkSet::new(vec![key.public_jwk().clone()]);
    let verifier = JwtVerifier::with_keys(issuer(OTHER), &keys)
        .build()
        .expect("a key");
    let server = Elsewhere::trusting(Web::default(), vec![Arc::new(verifier)], |resource| {
        resource
    });
    let body = changed(server.claims(), "iss", &json!(OTHER));
    let token = forge(&key, &server.header().to_string(), &body).await;
    server.expect_invalid(&token, OTHER).await;
}

/// B4
#[tokio::test]
async fn a_key_counts_only_for_what_it_is_published_for() {
    let server = Elsewhere::new();
    let (other, eddsa) = (key(8), eddsa_key(9));
    let good = json!(server.key.public_jwk());
    let with = |key: &SigningKey, name: &str, value: Value| {
        let mut jwk = json!(key.public_jwk());
        jwk[name] = value;
        jwk
    };
    // The modulus has 1024 bits.
    let short =
        json!({ "kty": "RSA", "kid": "short", "e": "AQAB", "n": base64url([0xff_u8; 128]) });
    let keys = [
        good,
        with(&other, "use", json!("enc")),
        with(&eddsa, "alg", json!("ES256")),
        short,
    ];
    server.web.publish(KEYS_URI, &json!({ "keys": keys }));
    assert_eq!(server.status(&server.token().await).await, 200);
    for key in [&*other, &eddsa] {
        let token = server.token_of(key).await;
        server.expect_invalid(&token, key.key_id()).await;
    }
    let head = json!({ "alg": "RS256", "typ": "at+jwt", "kid": "short" }).to_string();
    let token = forge(&other, &head, &server.claims().to_string()).await;
    server.expect_invalid(&token, "short").await;
}

/// B4
#[tokio::test]
async fn of_several_keys_of_one_name_the_one_that_signed_counts() {
    let server = Elsewhere::new();
    let (one, two, eddsa) = (key(8), key(9), eddsa_key(10));
    let named = |key: &SigningKey| key.public_jwk().clone().with_key_id("same");
    let keys = JwkSet::new(vec![named(&one), named(&eddsa)]);
    server.web.publish(KEYS_URI, &json!(keys));
    for (key, is_good) in [(&*one, true), (&eddsa, true), (&*two, false)] {
        let head = changed(header_of(key), "kid", &json!("same"));
        let token = forge(key, &head, &server.claims().to_string()).await;
        assert_eq!(server.status(&token).await == 200, is_good, "{head}");
    }
}

/// B4
#[tokio::test]
async fn a_token_that_names_no_key_is_good_if_any_key_signed_it() {
    let server = Elsewhere::new();
    publish(&server.web, &[&key(8), &server.key]);
    for (signer, is_good) in [(&server.key, true), (&key(9), false)] {
        let head = changed(server.header(), "kid", &Value::Null);
        let token = forge(signer, &head, &server.claims().to_string()).await;
        assert_eq!(server.status(&token).await == 200, is_good);
    }
}

/// B4
#[tokio::test]
async fn where_the_header_does_not_tell_only_what_has_the_mark_is_an_access_token() {
    let by_claims =
        TokenShape::rfc9068().marked_by(AccessTokenMark::Claims(&["client_id", "scope"]));
    let by_value = TokenShape::rfc9068().marked_by(AccessTokenMark::Value("token_use", "access"));
    let mut access = Elsewhere::new().claims();
    access["token_use"] = json!("access");
    let changes = [
        (by_claims, "client_id", Value::Null),
        (by_claims, "scope", Value::Null),
        (by_claims, "nonce", json!("n")),
        (by_claims, "at_hash", json!("h")),
        (by_claims, "c_hash", json!("h")),
        (by_claims, "s_hash", json!("h")),
        (by_value, "token_use", Value::Null),
        (by_value, "token_use", json!("id")),
        (by_value, "token_use", json!(["access"])),
    ];
    for (shape, name, value) in changes {
        let server = Elsewhere::with(Web::default(), |verifier| {
            verifier.keys_uri(KEYS_URI).token_shape(shape)
        });
        for typ in [json!("JWT"), json!("application/jwt"), Value::Null] {
            let head = changed(server.header(), "typ", &typ);
            let good = forge(&server.key, &head, &access.to_string()).await;
            assert_eq!(server.status(&good).await, 200, "{typ}");
            let other = changed(access.clone(), name, &value);
            let token = forge(&server.key, &head, &other).await;
            server
                .expect_invalid(&token, &format!("{name}: {value}"))
                .await;
        }
        for typ in ["id+jwt", "logout+jwt", "okta-internal-at+jwt", ""] {
            let head = changed(server.header(), "typ", &json!(typ));
            let token = forge(&server.key, &head, &access.to_string()).await;
            server.expect_invalid(&token, typ).await;
        }
    }
}

/// B4
#[tokio::test]
async fn an_audience_that_is_no_url_is_accepted_only_if_it_is_configured() {
    let key = key(7);
    let keys = JwkSet::new(vec![key.public_jwk().clone()]);
    let verifier = JwtVerifier::with_keys(issuer(ISSUER), &keys)
        .build()
        .expect("a key");
    let server = Elsewhere::trusting(Web::default(), vec![Arc::new(verifier)], |resource| {
        resource.accepted_audience("api://notes")
    });
    for (audience, is_good) in [
        ("api://notes", true),
        (RESOURCE, true),
        ("api://notes/", false),
        ("api://Notes", false),
        ("api://notes-evil", false),
        ("api://", false),
        ("", false),
    ] {
        let body = changed(server.claims(), "aud", &json!(audience));
        let token = forge(&key, &server.header().to_string(), &body).await;
        assert_eq!(server.status(&token).await == 200, is_good, "{audience}");
    }
}

/// B4
#[tokio::test]
async fn a_client_stands_in_for_an_audience_only_where_that_is_configured_and_there_is_none() {
    let stand_in = TokenShape::rfc9068().client_stands_in_for_audience();
    for (shape, audience, is_good) in [
        (stand_in, Value::Null, true),
        (stand_in, json!("https://evil.example/mcp"), false),
        (stand_in, json!([]), false),
        (TokenShape::rfc9068(), Value::Null, false),
    ] {
        let key = key(7);
        let keys = JwkSet::new(vec![key.public_jwk().clone()]);
        let verifier = JwtVerifier::with_keys(issuer(ISSUER), &keys).token_shape(shape);
        let verifier = Arc::new(verifier.build().expect("a key"));
        let server = Elsewhere::trusting(Web::default(), vec![verifier], |resource| {
            resource.accepted_audience("client-1")
        });
        let body = changed(server.claims(), "aud", &audience);
        let token = forge(&key, &server.header().to_string(), &body).await;
        assert_eq!(server.status(&token).await == 200, is_good, "{audience}");
        let body = changed(
            serde_json::from_str(&body).expect("JSON"),
            "client_id",
            &json!("client-2"),
        );
        let token = forge(&key, &server.header().to_string(), &body).await;
        server.expect_invalid(&token, "another client").await;
    }
}
