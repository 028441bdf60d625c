//! Signed tokens say who issued them: whose they are decides who sees them, whatever
//! else is wrong with them.
//!
//! The attacks:
//!
//! - a header that nobody here takes, so that the token is shown to the next verifier,
//!   which may send it away or believe it
//! - a key of ours under the name of another issuer
//! - a name of this resource that one issuer uses, in a token of another one

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use oauth_for_mcp::jose::{JwkSet, Signer as _, SigningKey};
use oauth_for_mcp::protocol::bearer::BearerToken;
use oauth_for_mcp::resource::verifier::{
    JwtVerifier, LocalVerifier, TokenClaims, TokenVerifier, VerifierError,
};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::types::{Clock as _, ResourceUri, Timestamp};
use serde_json::{Value, json};

use super::elsewhere::{Elsewhere, ISSUER, RESOURCE, changed, header_of, issuer};
use super::support::{base64url, claims, forge, key, server_with};
use super::web::Web;

const OTHER: &str = "https://other.example.com";

/// Notes what it is shown, and knows nothing.
#[derive(Debug, Default)]
struct Onlooker(Mutex<usize>);

#[async_trait]
impl TokenVerifier for Onlooker {
    async fn verify(&self, _: &BearerToken, _: Timestamp) -> Result<TokenClaims, VerifierError> {
        *self.0.lock().expect("no test panics here") += 1;
        Err(VerifierError::Refused("it is unknown"))
    }
}

fn jwt_verifier(name: &str, key: &SigningKey) -> Arc<dyn TokenVerifier> {
    let keys = JwkSet::new(vec![key.public_jwk().clone()]);
    let verifier = JwtVerifier::with_keys(issuer(name), &keys).build();
    Arc::new(verifier.expect("there is a key"))
}

fn local_verifier(server: &TestServer) -> Arc<dyn TokenVerifier> {
    let role = server.auth().server();
    let (keys, vault) = (Arc::clone(role.keys()), role.vault().clone());
    let issuer = issuer(TestServer::PUBLIC_URL);
    Arc::new(LocalVerifier::new(issuer, keys, vault))
}

/// How many of these tokens are shown to whoever comes after `verifier`.
async fn shown_on(verifier: Arc<dyn TokenVerifier>, tokens: &[String]) -> usize {
    let onlooker = Arc::new(Onlooker::default());
    let verifiers = vec![verifier, Arc::clone(&onlooker) as _];
    let resource = Elsewhere::trusting(Web::default(), verifiers, |resource| resource);
    for token in tokens {
        resource.expect_invalid(token, token).await;
    }
    *onlooker.0.lock().expect("no test panics here")
}

/// Tokens of `issuer` in which something besides the claims is unacceptable.
fn unacceptable(issuer: &str) -> Vec<String> {
    let mut claims = json!({ "iss": issuer, "sub": "alice", "aud": RESOURCE, "exp": 1 });
    claims["scope"] = json!("notes:read");
    let body = base64url(claims.to_string());
    let signature = base64url([1_u8; 64]);
    let headers = [
        json!({ "alg": "RS512", "kid": "1" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "none" }),
        json!({ "alg": "ES256", "crit": ["exp"] }),
        json!({ "alg": "ES256", "b64": false }),
        json!({ "kid": "1" }),
        json!([]),
    ];
    let mut tokens: Vec<_> = headers
        .iter()
        .map(|header| format!("{}.{body}.{signature}", base64url(header.to_string())))
        .collect();
    let good = base64url(r#"{"alg":"ES256"}"#);
    tokens.push(format!("{good}.{body}."));
    tokens.push(format!("{good}.{body}.A"));
    tokens.push(format!("AA.{body}.{signature}"));
    tokens
}

/// B11
#[tokio::test]
async fn a_token_that_names_its_issuer_is_shown_to_nobody_else_whatever_its_header() {
    let server = TestServer::new();
    for (verifier, name) in [
        (jwt_verifier(ISSUER, &key(7)), ISSUER),
        (local_verifier(&server), TestServer::PUBLIC_URL),
    ] {
        let ours = unacceptable(name);
        assert_eq!(shown_on(Arc::clone(&verifier), &ours).await, 0, "{name}");
        let of_another = unacceptable(OTHER);
        let shown = shown_on(verifier, &of_another).await;
        assert_eq!(shown, of_another.len(), "{name}");
    }
}

/// B11
#[tokio::test]
async fn a_second_name_of_an_issuer_is_as_good_as_the_first_and_no_third_one_is() {
    let keys = JwkSet::new(vec![key(7).public_jwk().clone()]);
    let verifier = JwtVerifier::with_keys(issuer(ISSUER), &keys).also_named(issuer(OTHER));
    let verifier: Arc<dyn TokenVerifier> = Arc::new(verifier.build().expect("there is a key"));
    for name in [ISSUER, OTHER] {
        let mut ours = unacceptable(name);
        let odd = json!({ "iss": name, "exp": "soon" }).to_string();
        ours.push(forge(&key(7), &header_of(&key(7)).to_string(), &odd).await);
        let shown = shown_on(Arc::clone(&verifier), &ours).await;
        assert_eq!(shown, 0, "{name}");
    }
    let third = unacceptable("https://third.example.com");
    assert_eq!(shown_on(Arc::clone(&verifier), &third).await, third.len());

    // The resource decides which names it trusts.
    for (trusts, status) in [(true, 200), (false, 401)] {
        let verifiers = vec![Arc::clone(&verifier)];
        let resource = Elsewhere::trusting(Web::default(), verifiers, |resource| {
            if trusts {
                return resource.token_issuer(issuer(OTHER));
            }
            resource
        });
        let mut body = resource.claims();
        body["iss"] = json!(OTHER);
        let token = forge(&key(7), &header_of(&key(7)).to_string(), &body.to_string()).await;
        assert_eq!(resource.status(&token).await, status, "{trusts}");
        let by_another = forge(&key(8), &header_of(&key(8)).to_string(), &body.to_string()).await;
        resource.expect_invalid(&by_another, "another key").await;
    }
}

/// B11
#[tokio::test]
async fn tokens_of_our_own_and_of_others_are_good_side_by_side() {
    let own_key = key(9);
    let server = server_with(&own_key);
    let client = TestClient::register(&server).await;
    let own = client.sign_in(&server, "notes:read").await.access_token;
    let verifiers = vec![local_verifier(&server), jwt_verifier(ISSUER, &key(7))];
    let resource = Elsewhere::trusting(Web::default(), verifiers, |resource| {
        let alias = claims(&own)["aud"].as_str().expect("a text").to_owned();
        resource
            .token_issuer(issuer(TestServer::PUBLIC_URL))
            .accepted_audience(alias)
    });
    assert_eq!(resource.status(&own).await, 200);
    assert_eq!(resource.status(&resource.token().await).await, 200);

    // Neither vouches for what names the other.
    for (key, header, body) in [
        (&own_key, header_of(&own_key), resource.claims()),
        (&key(7), header_of(&key(7)), claims(&own)),
    ] {
        let token = forge(key, &header.to_string(), &body.to_string()).await;
        resource.expect_invalid(&token, "of the other").await;
    }
}

/// B11
#[tokio::test]
async fn our_own_key_vouches_for_nothing_under_another_name() {
    let own_key = key(9);
    let server = server_with(&own_key);
    let client = TestClient::register(&server).await;
    let own = client.sign_in(&server, "notes:read").await.access_token;
    let mut renamed = vec![];
    for name in [json!(OTHER), json!(""), Value::Null, json!([ISSUER])] {
        let body = changed(claims(&own), "iss", &name);
        renamed.push(forge(&own_key, &header_of(&own_key).to_string(), &body).await);
    }
    let shown = shown_on(local_verifier(&server), &renamed).await;
    assert_eq!(shown, renamed.len(), "each is foreign");
}

/// B11
#[tokio::test]
async fn a_name_that_one_issuer_has_for_the_resource_counts_for_no_other() {
    let resource = ResourceUri::parse(RESOURCE).expect("a resource");
    let keys = JwkSet::new(vec![key(7).public_jwk().clone()]);
    let named = JwtVerifier::with_keys(issuer(ISSUER), &keys)
        .audience_name("api://notes", resource)
        .build()
        .expect("there is a key");
    let verifiers = vec![Arc::new(named) as _, jwt_verifier(OTHER, &key(8))];
    let server = Elsewhere::trusting(Web::default(), verifiers, |resource| {
        resource.token_issuer(issuer(OTHER))
    });
    let now = server.clock.now().as_secs();
    for (key, name) in [(key(7), ISSUER), (key(8), OTHER)] {
        for (audience, is_good) in [
            (json!(RESOURCE), true),
            (json!("api://notes"), name == ISSUER),
            (json!(["api://other", "api://notes"]), name == ISSUER),
            (json!("api://notes/"), false),
            (json!("API://notes"), false),
            (json!("api://other"), false),
        ] {
            let body = json!({
                "iss": name, "sub": "alice", "aud": audience, "exp": now + 600, "iat": now,
            });
            let token = forge(&key, &header_of(&key).to_string(), &body.to_string()).await;
            let status = server.status(&token).await;
            assert_eq!(status.is_success(), is_good, "{body}");
        }
    }
}
