//! Machines that act for themselves.

use std::sync::Arc;

use async_trait::async_trait;
use oauth_for_mcp::event::Event;
use oauth_for_mcp::idp::FixedIdentity;
use oauth_for_mcp::model::Identity;
use oauth_for_mcp::server::{
    AccessTokenFormat, Approval, Decision, LoginAttempt, LoginPolicy, PolicyError,
    PreregisteredClient,
};
use oauth_for_mcp::test_util::{TestClient, TestServer, TokenAnswer};
use oauth_for_mcp::types::{ClientId, Subject};
use oauth_for_mcp::{McpAuth, McpAuthBuilder};
use serde_json::{Value, json};

use super::faulty_store::{FaultyStore, master_keys};
use super::support::{
    PING, claims, expect_error_redirect, expect_outage, expect_page, expect_refusal, header, json,
    open, post_mcp, with,
};

const FORMATS: [AccessTokenFormat; 2] = [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque];

/// A machine with a secret, with one member of its metadata replaced or left out.
fn machine(name: &str, value: Value) -> PreregisteredClient {
    let mut client = json!({
        "client_id": "robot",
        "client_secret": "s",
        "grant_types": ["client_credentials"],
    });
    client[name] = value;
    serde_json::from_value(client).expect("a test's client is good")
}

fn robot() -> PreregisteredClient {
    machine("client_name", json!("Robot"))
}

fn server_with(client: PreregisteredClient) -> TestServer {
    TestServer::with(|builder| builder.client(client))
}

async fn ask(server: &TestServer, more: &[(&str, &str)]) -> TokenAnswer {
    let mut client = TestClient::known("robot", TestClient::REDIRECT_URI);
    client.client_secret = Some("s".to_owned());
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend(more);
    client.token(server, &form).await
}

/// E11
#[tokio::test]
async fn only_a_machine_that_the_operator_registered_for_it_acts_for_itself() {
    let asked = json!(["authorization_code", "client_credentials"]);
    let server = server_with(machine("redirect_uris", json!([TestClient::REDIRECT_URI])));
    for method in ["none", "client_secret_basic", "client_secret_post"] {
        let metadata = json!({
            "redirect_uris": [TestClient::REDIRECT_URI],
            "grant_types": asked,
            "token_endpoint_auth_method": method,
        });
        let answer = TestClient::try_register(&server, &metadata).await;
        let granted = &json(&answer)["grant_types"];
        assert_eq!(*granted, json!(["authorization_code"]), "{method}");
        let client = TestClient::register_with(&server, &metadata).await;
        let form = [("grant_type", "client_credentials")];
        let answer = client.token(&server, &form).await;
        expect_refusal(answer.response(), 400, "unauthorized_client", method);
    }
    let person = TestServer::with(|builder| {
        let client = json!({
            "client_id": "robot",
            "client_secret": "s",
            "redirect_uris": [TestClient::REDIRECT_URI],
        });
        builder.client(serde_json::from_value(client).unwrap())
    });
    let answer = ask(&person, &[]).await;
    expect_refusal(answer.response(), 400, "unauthorized_client", "not for it");
    let _ = ask(&server, &[]).await.expect_tokens();
}

/// E11
#[test]
fn a_machine_that_could_not_prove_itself_is_refused_when_it_is_configured() {
    let build = |client: PreregisteredClient| {
        let builder = McpAuth::builder("http://127.0.0.1:8080").scope("notes:read", "Read");
        let built = McpAuthBuilder::client(builder.development_login(), client).build();
        built.map(|_| ()).map_err(|error| error.to_string())
    };
    let refusal = |name: &str, value: Value| build(machine(name, value)).unwrap_err();
    assert_eq!(build(robot()), Ok(()));
    for (name, value, words) in [
        (
            "token_endpoint_auth_method",
            json!("none"),
            "proves who it is",
        ),
        ("client_secret", json!(null), "proves who it is"),
        ("client_secret", json!(""), "empty"),
        ("client_secrets", json!(["t", ""]), "empty"),
        ("client_secrets", json!(["t", "t"]), "twice"),
        ("client_secrets", json!(["s"]), "twice"),
        ("client_id", json!("x".repeat(256)), "255"),
        ("scope", json!("unknown"), "scope"),
        ("grant_types", json!(["refresh_token"]), "grant types"),
        ("grant_types", json!(["authorization_code"]), "redirect URI"),
    ] {
        let case = format!("{name}: {value}");
        let refused = refusal(name, value);
        assert!(refused.contains(words), "{case}: {refused}");
    }
}

/// E11
#[tokio::test]
async fn a_machine_gets_what_it_asks_for_as_far_as_it_is_registered() {
    let (all, read, write) = ("notes:read notes:write", "notes:read", "notes:write");
    for (registered, requested, granted) in [
        (None, None, Some(all)),
        (None, Some(read), Some(read)),
        (None, Some("notes:read unknown"), Some(read)),
        (None, Some("unknown"), None),
        (Some(read), None, Some(read)),
        (Some(read), Some(read), Some(read)),
        (Some(read), Some(all), Some(read)),
        (Some(read), Some(write), None),
        (Some("notes:write unknown"), None, Some(write)),
    ] {
        let server = server_with(machine("scope", json!(registered)));
        let scope = requested.map(|scope| ("scope", scope));
        let answer = ask(&server, scope.as_slice()).await;
        let case = format!("{registered:?} {requested:?}");
        match granted {
            Some(granted) => assert_eq!(answer.expect_tokens().scope, granted, "{case}"),
            None => expect_refusal(answer.response(), 400, "invalid_scope", &case),
        }
    }
    let server = server_with(robot());
    let malformed = ask(&server, &[("scope", "a\"b")]).await;
    expect_refusal(malformed.response(), 400, "invalid_scope", "malformed");
}

/// E11, B5
#[tokio::test]
async fn a_machine_names_the_resource_by_any_of_its_names_or_not_at_all() {
    let server = server_with(robot());
    for resource in [
        None,
        Some("https://mcp.example.com/mcp"),
        Some("https://mcp.example.com/mcp/"),
        Some("https://mcp.example.com"),
    ] {
        let resource = resource.map(|resource| ("resource", resource));
        let tokens = ask(&server, resource.as_slice()).await.expect_tokens();
        let audience = &claims(&tokens.access_token)["aud"];
        assert_eq!(audience, "https://mcp.example.com/mcp");
    }
    for resource in [
        "https://mcp.example.com/mcp-evil",
        "https://b.example",
        "mcp",
    ] {
        let answer = ask(&server, &[("resource", resource)]).await;
        expect_refusal(answer.response(), 400, "invalid_target", resource);
    }
}

/// E11
#[tokio::test]
async fn the_token_of_a_machine_speaks_for_the_client_and_for_no_person() {
    for format in FORMATS {
        let server =
            TestServer::with(|builder| builder.access_token_format(format).client(robot()));
        let answer = ask(&server, &[]).await;
        let tokens = answer.expect_tokens();
        assert_eq!(tokens.refresh_token, None);
        assert_eq!(header(answer.response(), "cache-control"), "no-store");
        let seen = json(&post_mcp(&server, &tokens.access_token, PING).await);
        for (name, value) in [
            ("subject", json!("robot")),
            ("client_id", json!("robot")),
            ("machine", json!(true)),
            ("email", Value::Null),
            ("scope", json!("notes:read notes:write")),
        ] {
            assert_eq!(seen[name], value, "{name}");
        }
        let issued = |event: &&Event| matches!(event, Event::TokensIssued { .. });
        assert_eq!(server.events().all().iter().filter(issued).count(), 1);
    }
}

/// E11
#[tokio::test]
async fn a_machine_that_may_refresh_for_people_gets_no_refresh_token_for_itself() {
    let types = json!(["authorization_code", "refresh_token", "client_credentials"]);
    let mut client = json!({
        "client_id": "robot",
        "client_secret": "s",
        "redirect_uris": [TestClient::REDIRECT_URI],
    });
    client["grant_types"] = types;
    let server = server_with(serde_json::from_value(client).unwrap());
    assert_eq!(ask(&server, &[]).await.expect_tokens().refresh_token, None);

    let mut client = TestClient::known("robot", TestClient::REDIRECT_URI);
    client.client_secret = Some("s".to_owned());
    let tokens = client.sign_in(&server, "notes:read").await;
    assert!(tokens.refresh_token.is_some());
    let seen = json(&post_mcp(&server, &tokens.access_token, PING).await);
    assert_eq!(seen["subject"], "alice");
    assert_eq!(seen["machine"], false);
}

/// E11
#[tokio::test]
async fn the_grant_of_a_machine_is_listed_and_ends_with_its_token_or_before() {
    for format in FORMATS {
        let server =
            TestServer::with(|builder| builder.access_token_format(format).client(robot()));
        let replica = server.replica();
        let (id, subject) = (
            ClientId::parse("robot").unwrap(),
            Subject::parse("robot").unwrap(),
        );
        let grants = replica.auth().grants();
        let alive = async |token: &str| post_mcp(&replica, token, PING).await.status() == 200;

        let tokens = ask(&server, &[]).await.expect_tokens();
        let page = grants.of_client(&id, None).await.unwrap();
        let [grant] = page.grants.as_slice() else {
            panic!("one grant: {page:?}")
        };
        assert_eq!(grant.details.identity, None);
        assert_eq!(grant.details.subject, subject);
        assert_eq!(
            grant.expires_at.since(server.now()).as_secs(),
            tokens.expires_in
        );
        assert_eq!(
            grants
                .of_subject(&subject, None)
                .await
                .unwrap()
                .grants
                .len(),
            1
        );
        assert!(alive(&tokens.access_token).await);
        assert!(grants.revoke(&grant.id).await.unwrap());
        assert!(!alive(&tokens.access_token).await);

        let mut client = TestClient::known("robot", TestClient::REDIRECT_URI);
        client.client_secret = Some("s".to_owned());
        let tokens = ask(&server, &[]).await.expect_tokens();
        let answer = client.revoke(&server, &tokens.access_token).await;
        assert_eq!(answer.status(), 200);
        assert!(!alive(&tokens.access_token).await);

        let tokens = ask(&server, &[]).await.expect_tokens();
        let lifetime = std::time::Duration::from_secs(tokens.expires_in);
        server.clock().advance(lifetime);
        assert!(!alive(&tokens.access_token).await);
        assert!(grants.of_client(&id, None).await.unwrap().grants.is_empty());
    }
}

/// E11, E8
#[tokio::test]
async fn while_the_store_is_down_a_machine_is_not_refused_and_gets_nothing() {
    let store = FaultyStore::new();
    let shared = Arc::new(store.clone());
    let server = TestServer::with(|builder| builder.store(shared, master_keys()).client(robot()));
    store.set_down(true);
    expect_outage(ask(&server, &[]).await.response(), "down");
    store.set_down(false);
    let _ = ask(&server, &[]).await.expect_tokens();
    let id = ClientId::parse("robot").unwrap();
    let page = server.auth().grants().of_client(&id, None).await.unwrap();
    assert_eq!(page.grants.len(), 1);
}

/// E11
#[tokio::test]
async fn a_machine_is_sent_nowhere() {
    let server = server_with(robot());
    let client = TestClient::known("robot", TestClient::REDIRECT_URI);
    let parameters = client.authorization_parameters("notes:read");
    let page = open(&server, parameters.clone()).await;
    expect_page(&page, 400, "", "it has no redirect URI");
    let without = with(parameters, "redirect_uri", None);
    expect_page(&open(&server, without).await, 400, "", "nor needs one");

    let server = server_with(machine("redirect_uris", json!([TestClient::REDIRECT_URI])));
    let refused = open(&server, client.authorization_parameters("notes:read")).await;
    expect_error_redirect(&refused, "unauthorized_client", "not registered for codes");
}

/// Gives everybody the subject that the test says.
#[derive(Debug)]
struct Everybody(&'static str);

#[async_trait]
impl LoginPolicy for Everybody {
    async fn decide(&self, attempt: &LoginAttempt<'_>) -> Result<Decision, PolicyError> {
        let subject = Subject::parse(self.0).expect("a name is a subject");
        Ok(Decision::Allow(Approval::of(attempt, subject)))
    }
}

/// E11
#[tokio::test]
async fn a_person_whose_subject_is_that_of_a_client_does_not_get_in() {
    let desk = json!({ "client_id": "desk", "redirect_uris": [TestClient::REDIRECT_URI] });
    let desk: PreregisteredClient = serde_json::from_value(desk).unwrap();
    for (subject, gets_in) in [("robot", false), ("desk", false), ("Robot", true)] {
        let server = TestServer::with(|builder| {
            let builder = builder.client(robot()).client(desk.clone());
            builder.policy(Everybody(subject))
        });
        let client = TestClient::known("desk", TestClient::REDIRECT_URI);
        let browser = oauth_for_mcp::test_util::TestBrowser::new();
        let url = client.authorization_url(&server, "notes:read");
        let page = browser.open(&server, &url).await;
        let answer = browser.decide(&server, &page, "approve").await;
        let answer = browser.open(&server, header(&answer, "location")).await;
        if gets_in {
            assert!(header(&answer, "location").contains("code="), "{answer:?}");
            continue;
        }
        expect_error_redirect(&answer, "server_error", subject);
        let told = |event: &Event| matches!(event, Event::Outage { cause } if cause.contains("identifier of a client"));
        assert!(server.events().all().iter().any(told), "{subject}");
    }
}

/// E11
#[tokio::test]
async fn a_person_is_never_taken_for_a_machine() {
    // An identity provider of the host itself, at which people choose their names.
    let subject = Subject::parse("robot").unwrap();
    let identity = Identity::new(TestServer::PUBLIC_URL, subject);
    let server =
        TestServer::with(|builder| builder.identity_provider(FixedIdentity::new(identity)));
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let seen = json(&post_mcp(&server, &tokens.access_token, PING).await);
    assert_eq!(seen["subject"], "robot");
    assert_eq!(seen["machine"], false);
}

/// E11, A2
#[tokio::test]
async fn client_credentials_are_listed_only_if_a_client_can_use_them() {
    let listed = async |server: TestServer| {
        let path = "/.well-known/oauth-authorization-server";
        json(&server.get(path).await)["grant_types_supported"].clone()
    };
    let machines = json!(["authorization_code", "refresh_token", "client_credentials"]);
    assert_eq!(listed(server_with(robot())).await, machines);
    let people = json!(["authorization_code", "refresh_token"]);
    assert_eq!(listed(TestServer::new()).await, people);
}
