//! Several verifiers side by side: which of them decides, and who sees a token.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderMap, Request};
use oauth_for_mcp::endpoint::Protection;
use oauth_for_mcp::jose::Audience;
use oauth_for_mcp::protocol::bearer::BearerToken;
use oauth_for_mcp::resource::verifier::{
    FirstOf, TokenClaims, TokenKind, TokenVerifier, VerifierError,
};
use oauth_for_mcp::resource::{ResourceError, ResourceServer};
use oauth_for_mcp::test_util::TestClock;
use oauth_for_mcp::types::{Issuer, ResourceUri, Subject, Timestamp};

use super::support::{expect_outage, expect_refusal};

const RESOURCE: &str = "https://mcp.example/mcp";

/// Knows the tokens that begin with its prefix, and notes what it is shown.
#[derive(Debug)]
struct Prefixed {
    prefix: &'static str,
    issuer: &'static str,
    seen: Mutex<Vec<String>>,
}

impl Prefixed {
    fn new(prefix: &'static str, issuer: &'static str) -> Arc<Self> {
        Arc::new(Self {
            prefix,
            issuer,
            seen: Mutex::default(),
        })
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[async_trait]
impl TokenVerifier for Prefixed {
    async fn verify(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let text = token.secret().expose();
        self.seen.lock().unwrap().push(text.to_owned());
        let Some(rest) = text.strip_prefix(self.prefix) else {
            return Err(VerifierError::Foreign);
        };
        match rest {
            "down" => Err(VerifierError::Unavailable("no route".into())),
            "good" => Ok(TokenClaims::new(
                TokenKind::AccessToken,
                self.issuer,
                Subject::parse("ada").unwrap(),
                Audience::one(RESOURCE),
                now.plus(std::time::Duration::from_secs(600)),
            )),
            _ => Err(VerifierError::Refused("it is unknown")),
        }
    }
}

const KEYS: &str = "https://mcp.example";
const WORK: &str = "https://work.example";
const HOME: &str = "https://home.example";

struct Scene {
    keys: Arc<Prefixed>,
    work: Arc<Prefixed>,
    last: Arc<Prefixed>,
    server: Arc<ResourceServer>,
}

impl Scene {
    /// API keys first, then one issuer, and last one that would take anything.
    fn new() -> Self {
        let keys = Prefixed::new("key_", KEYS);
        let work = Prefixed::new("work_", WORK);
        let last = Prefixed::new("", HOME);
        let first_of = FirstOf::new(vec![
            Arc::clone(&keys) as Arc<dyn TokenVerifier>,
            Arc::clone(&work) as _,
            Arc::clone(&last) as _,
        ]);
        let server = server([KEYS, WORK, HOME], Arc::new(first_of));
        Self {
            keys,
            work,
            last,
            server,
        }
    }

    async fn issuer_of(&self, token: &str) -> Result<String, ResourceError> {
        let verified = self.server.authenticate(&bearing(token)).await?;
        Ok(verified.issuer().to_owned())
    }
}

fn server<const N: usize>(
    issuers: [&str; N],
    verifier: Arc<dyn TokenVerifier>,
) -> Arc<ResourceServer> {
    let resource = ResourceUri::parse(RESOURCE).unwrap();
    let issuers = issuers
        .map(|issuer| Issuer::parse(issuer).unwrap())
        .to_vec();
    let server = ResourceServer::builder(resource, issuers, verifier)
        .clock(Arc::new(TestClock::default()))
        .build();
    Arc::new(server.unwrap())
}

fn bearing(token: &str) -> HeaderMap {
    let value = format!("Bearer {token}").parse().unwrap();
    HeaderMap::from_iter([(http::header::AUTHORIZATION, value)])
}

async fn refusal(server: &Arc<ResourceServer>, token: &str) -> super::support::Answer {
    let mut request = Request::post(RESOURCE);
    request.headers_mut().unwrap().extend(bearing(token));
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    let protection = Protection::new(Arc::clone(server));
    let refused = protection.admit(&mut parts).await;
    refused.expect_err("nobody gets in")
}

/// B11
#[tokio::test]
async fn tokens_of_several_issuers_are_good_side_by_side() {
    let scene = Scene::new();
    assert_eq!(scene.issuer_of("key_good").await.unwrap(), KEYS);
    assert_eq!(scene.issuer_of("work_good").await.unwrap(), WORK);
    assert_eq!(scene.issuer_of("good").await.unwrap(), HOME);
}

/// B11
#[tokio::test]
async fn a_verifier_sees_only_what_is_foreign_to_those_before_it() {
    let scene = Scene::new();
    for token in [
        "key_good",
        "key_stolen",
        "key_down",
        "work_good",
        "work_bad",
        "good",
    ] {
        let _ = scene.issuer_of(token).await;
    }
    assert_eq!(scene.keys.seen().len(), 6);
    assert_eq!(scene.work.seen(), ["work_good", "work_bad", "good"]);
    assert_eq!(scene.last.seen(), ["good"]);
}

/// B11
#[tokio::test]
async fn what_one_verifier_refuses_no_other_one_lets_in() {
    let scene = Scene::new();
    let answer = refusal(&scene.server, "key_bad").await;
    expect_refusal(&answer, 401, "invalid_token", "a key that is unknown");
    assert!(scene.work.seen().is_empty() && scene.last.seen().is_empty());
}

/// B11
#[tokio::test]
async fn while_one_verifier_is_down_its_tokens_wait_and_those_of_others_are_good() {
    let scene = Scene::new();
    let answer = refusal(&scene.server, "work_down").await;
    expect_outage(&answer, "the second is down");
    assert!(scene.last.seen().is_empty());
    assert_eq!(scene.issuer_of("key_good").await.unwrap(), KEYS);
    assert_eq!(scene.issuer_of("good").await.unwrap(), HOME);
}

/// B11
#[tokio::test]
async fn a_token_that_nobody_knows_is_invalid() {
    let verifiers: [Vec<Arc<dyn TokenVerifier>>; 2] = [
        vec![],
        vec![Prefixed::new("key_", KEYS), Prefixed::new("work_", WORK)],
    ];
    for verifiers in verifiers {
        let server = server([KEYS], Arc::new(FirstOf::new(verifiers)));
        let answer = refusal(&server, "good").await;
        expect_refusal(&answer, 401, "invalid_token", "nobody knows it");
    }
}

/// B11
#[tokio::test]
async fn a_verifier_speaks_for_no_issuer_that_the_resource_does_not_trust() {
    let strange = Prefixed::new("", "https://strange.example");
    let first_of = FirstOf::new(vec![strange as _]);
    let server = server([KEYS, WORK], Arc::new(first_of));
    let answer = refusal(&server, "good").await;
    expect_refusal(&answer, 401, "invalid_token", "nobody trusts it");
}
