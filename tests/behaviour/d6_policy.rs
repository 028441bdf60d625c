use async_trait::async_trait;
use oauth_for_mcp::server::{Approval, Decision, LoginAttempt, LoginPolicy, PolicyError};
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use oauth_for_mcp::types::{Scope, Subject};
use serde_json::{Map, Value, json};

use super::support::{claims, expect_error_redirect, header, open};

type Decide = fn(&LoginAttempt<'_>) -> Result<Decision, PolicyError>;

/// A policy that does what the test says.
#[derive(Debug)]
struct Scripted(Decide);

#[async_trait]
impl LoginPolicy for Scripted {
    async fn decide(&self, attempt: &LoginAttempt<'_>) -> Result<Decision, PolicyError> {
        (self.0)(attempt)
    }
}

fn server(decide: Decide) -> TestServer {
    TestServer::with(|builder| builder.policy(Scripted(decide)))
}

fn granting(attempt: &LoginAttempt<'_>, scope: &str) -> Decision {
    let mut approval = Approval::of(attempt, Subject::parse("employee-7").expect("a name"));
    approval.scope = Scope::parse(scope).expect("a scope");
    Decision::Allow(approval)
}

/// Agrees, and comes back with whatever the last page or redirect is.
async fn come_back(server: &TestServer) -> super::support::Answer {
    let client = TestClient::register(server).await;
    let browser = TestBrowser::new();
    let url = client.authorization_url(server, "notes:read");
    let page = browser.open(server, &url).await;
    let answer = browser.decide(server, &page, "approve").await;
    browser.open(server, header(&answer, "location")).await
}

/// D6
#[tokio::test]
async fn a_policy_that_refuses_or_grants_nothing_is_access_denied() {
    for decide in [
        (|_: &LoginAttempt<'_>| Ok(Decision::Refuse)) as Decide,
        |attempt| Ok(granting(attempt, "")),
        |attempt| Ok(granting(attempt, "notes:write")),
        |attempt| Ok(granting(attempt, "unknown")),
    ] {
        let answer = come_back(&server(decide)).await;
        expect_error_redirect(&answer, "access_denied", "refused");
    }
}

/// D6
#[tokio::test]
async fn a_policy_that_fails_is_an_outage_that_the_client_hears_of() {
    let answer = come_back(&server(|_| Err(PolicyError::new("ldap.internal is down")))).await;
    expect_error_redirect(&answer, "temporarily_unavailable", "failed");
    assert!(!header(&answer, "location").contains("ldap"));
}

/// D6
#[tokio::test]
async fn what_is_granted_is_asked_for_consented_to_and_allowed() {
    let cases: [(&str, Decide, &str); 4] = [
        (
            "notes:read notes:write",
            |a| Ok(granting(a, "notes:read")),
            "notes:read",
        ),
        (
            "notes:read",
            |a| Ok(granting(a, "notes:read notes:write")),
            "notes:read",
        ),
        (
            "notes:read",
            |a| Ok(granting(a, "admin notes:read")),
            "notes:read",
        ),
        (
            "notes:read unknown",
            |a| Ok(granting(a, "notes:read unknown")),
            "notes:read",
        ),
    ];
    for (asked, decide, granted) in cases {
        let server = server(decide);
        let client = TestClient::register(&server).await;
        let tokens = client.sign_in(&server, asked).await;
        assert_eq!(tokens.scope, granted, "{asked}");
        assert_eq!(claims(&tokens.access_token)["scope"], granted);

        let refresh_token = tokens.refresh_token.unwrap();
        let wider = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.as_str()),
            ("scope", "notes:read notes:write"),
        ];
        client
            .token(&server, &wider)
            .await
            .expect_error("invalid_scope");
        let refreshed = client
            .refresh(&server, &refresh_token)
            .await
            .expect_tokens();
        assert_eq!(refreshed.scope, granted, "{asked}");
    }
}

fn with_claims(attempt: &LoginAttempt<'_>) -> Result<Decision, PolicyError> {
    let mut approval = Approval::of(attempt, Subject::parse("employee-7").expect("a name"));
    approval.claims = hostile_claims();
    Ok(Decision::Allow(approval))
}

fn hostile_claims() -> Map<String, Value> {
    let claims = json!({
        "department": "sales",
        "iss": "https://evil.example",
        "sub": "root",
        "aud": "https://evil.example/mcp",
        "exp": 99_999_999_999_u64,
        "iat": 1,
        "nbf": 99_999_999_999_u64,
        "jti": "x",
        "client_id": "evil",
        "scope": "notes:write",
        "grant_id": "x",
        "cnf": {},
        "act": {},
    });
    claims.as_object().expect("an object").clone()
}

/// D6
#[tokio::test]
async fn a_policy_adds_claims_but_overrides_none_of_ours() {
    let server = server(with_claims);
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let seen = claims(&tokens.access_token);

    assert_eq!(seen["department"], "sales");
    assert_eq!(seen["sub"], "employee-7");
    for (name, value) in hostile_claims() {
        assert!(name == "department" || seen[&name] != value, "{name}");
    }
    for name in ["nbf", "cnf", "act"] {
        assert!(seen.get(name).is_none(), "{name}");
    }
    let answer = server.call("tools/list", None, &tokens.access_token).await;
    assert_eq!(answer.status(), 200);
}

/// D6
#[tokio::test]
async fn nobody_is_asked_for_a_policy_before_they_signed_in() {
    let server = server(|_| Ok(Decision::Refuse));
    let client = TestClient::register(&server).await;
    let page = open(&server, client.authorization_parameters("notes:read")).await;
    assert_eq!(page.status(), 200);
}

/// D6
#[tokio::test]
async fn claims_that_no_token_could_carry_are_no_outage_that_passes() {
    let answer = come_back(&server(|attempt| {
        let mut approval = Approval::of(attempt, Subject::parse("a").expect("a name"));
        let groups = vec!["group"; 1000];
        approval.claims.insert("groups".to_owned(), json!(groups));
        Ok(Decision::Allow(approval))
    }))
    .await;
    expect_error_redirect(&answer, "server_error", "too many claims");
}
