//! The whole way over sockets: a certified provider, the reference server, the
//! official Rust client, and a person at a scripted browser.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/support/rmcp_client.rs"]
mod rmcp_client;
mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::StatusCode;
use rmcp::model::JsonObject;
use rmcp::transport::auth::{AuthorizationRequest, ClientCredentialsConfig};
use serde_json::{Value, json};
use url::Url;

use rmcp_client::{Failure, SignedIn, Transport};
use support::browser::Browser;
use support::e2e;
use support::process::{Process, example};
use support::reference_server::{ReferenceServer, Settings};
use support::upstream::Upstream;

const CALLBACK: &str = "http://127.0.0.1:53682/callback";

#[tokio::test]
async fn a_person_of_a_real_provider_uses_the_transport_with_sessions() {
    if e2e::enabled() {
        whole_way(Transport::Stateful).await;
    }
}

#[tokio::test]
async fn a_person_of_a_real_provider_uses_the_transport_without_sessions() {
    if e2e::enabled() {
        whole_way(Transport::Stateless).await;
    }
}

async fn whole_way(transport: Transport) {
    let settings = Settings::new().env("ACCESS_TOKEN_TTL", "2");
    let upstream = Upstream::start(&settings.callback()).await;
    let server = settings.upstream(&upstream).start().await;
    let mut person = Browser::new()
        .fill("login", "alice")
        .fill("password", "x")
        .press("approve");

    let client = sign_in(&server, stranger(), transport, &mut person).await;
    whoami_names_the_person(&server, &client).await;
    an_expired_token_is_refreshed(&server, &client).await;
    a_tool_that_needs_more_leads_to_a_step_up(&client, &mut person).await;
    revoking_ends_the_grant(&server, &client).await;
    client.close().await.unwrap();
    println!(
        "{transport:?}: {} requests of the browser",
        person.transcript().len()
    );
}

async fn whoami_names_the_person(server: &ReferenceServer, client: &SignedIn) {
    let (client_id, _) = client.credentials().await.unwrap();
    let whoami = call(client, "whoami", json!({})).await;
    println!("whoami: {whoami}");
    assert_eq!(
        whoami,
        json!({
            "subject": "alice",
            "upstream_subject": "alice",
            "email": "alice@example.com",
            "client_id": client_id,
            "scopes": ["notes:read"],
            "issuer": server.public_url(),
        })
    );
}

async fn an_expired_token_is_refreshed(server: &ReferenceServer, client: &SignedIn) {
    let before = access_token(client).await;
    tokio::time::sleep(Duration::from_millis(3100)).await;
    assert_eq!(
        list_tools(server, &before).await,
        StatusCode::UNAUTHORIZED,
        "it is over"
    );

    let notes = call(client, "list_notes", json!({})).await;

    assert_eq!(notes, json!({ "notes": [] }));
    assert_ne!(access_token(client).await, before);
}

async fn a_tool_that_needs_more_leads_to_a_step_up(client: &SignedIn, person: &mut Browser) {
    let note = json!({ "text": "buy milk" });
    let denied = client
        .call("add_note", object(note.clone()))
        .await
        .unwrap_err();
    let challenge = denied.auth_challenge().unwrap();
    println!("denied: {challenge}");
    assert!(
        challenge.contains(r#"error="insufficient_scope""#),
        "{challenge}"
    );
    assert!(
        challenge.contains("notes:read") && challenge.contains("notes:write"),
        "{challenge}"
    );
    assert_eq!(
        call(client, "list_notes", json!({})).await,
        json!({ "notes": [] })
    );

    client
        .step_up(&denied, async |url: String| visit(person, &url).await)
        .await
        .unwrap();

    assert_eq!(call(client, "add_note", note).await, json!({ "count": 1 }));
    assert_eq!(
        call(client, "list_notes", json!({})).await,
        json!({ "notes": ["buy milk"] })
    );
    let scopes = &call(client, "whoami", json!({})).await["scopes"];
    assert_eq!(*scopes, json!(["notes:read", "notes:write"]));
}

async fn revoking_ends_the_grant(server: &ReferenceServer, client: &SignedIn) {
    let (client_id, tokens) = client.credentials().await.unwrap();
    let tokens = serde_json::to_value(tokens.unwrap()).unwrap();
    let access_token = tokens["access_token"].as_str().unwrap();
    let refresh_token = tokens["refresh_token"].as_str().unwrap();

    // The refresh token goes; with it, so does every access token of the grant.
    let form = [("token", refresh_token), ("client_id", &client_id)];
    assert_eq!(post(server, "/revoke", &form).await.0, StatusCode::OK);

    assert_eq!(
        list_tools(server, access_token).await,
        StatusCode::UNAUTHORIZED
    );
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
        ("client_id", &client_id),
    ];
    let (status, answer) = post(server, "/token", &form).await;
    assert_eq!(
        (status, &answer["error"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_grant"))
    );
    assert!(client.call("whoami", JsonObject::new()).await.is_err());
}

#[tokio::test]
async fn opaque_access_tokens_work_and_are_revoked_alike() {
    if !e2e::enabled() {
        return;
    }
    let server = Settings::new()
        .env("ACCESS_TOKEN_FORMAT", "opaque")
        .start()
        .await;

    let client = sign_in(&server, stranger(), Transport::Stateless, &mut bob()).await;

    let token = access_token(&client).await;
    assert!(!token.contains('.'), "an opaque token is no JWT");
    assert_eq!(call(&client, "whoami", json!({})).await["subject"], "bob");
    let (client_id, _) = client.credentials().await.unwrap();
    let form = [("token", token.as_str()), ("client_id", &client_id)];
    assert_eq!(post(&server, "/revoke", &form).await.0, StatusCode::OK);
    assert_eq!(list_tools(&server, &token).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_confidential_client_that_is_known_signs_in_where_nobody_can_register() {
    if !e2e::enabled() {
        return;
    }
    let clients = json!([{
        "client_id": "desk",
        "client_secret": "a secret, with :odd% characters",
        "client_name": "Desk",
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": [CALLBACK],
    }]);
    let server = Settings::new()
        .clients(&clients)
        .env("REGISTRATION", "")
        .start()
        .await;
    let metadata = get(&server, "/.well-known/oauth-authorization-server").await;
    assert_eq!(metadata["registration_endpoint"], Value::Null);
    assert_eq!(
        post(&server, "/register", &[]).await.0,
        StatusCode::NOT_FOUND
    );

    let known = stranger()
        .with_preregistered_client("desk")
        .with_client_secret("a secret, with :odd% characters");
    let client = sign_in(&server, known, Transport::Stateful, &mut bob()).await;

    let whoami = call(&client, "whoami", json!({})).await;
    assert_eq!(whoami["client_id"], "desk");
    assert_eq!(whoami["upstream_subject"], "bob");
    let before = access_token(&client).await;
    client.refresh().await.unwrap();
    assert_ne!(access_token(&client).await, before);
    client.close().await.unwrap();
}

#[tokio::test]
async fn a_machine_that_the_operator_knows_connects_without_a_person() {
    if !e2e::enabled() {
        return;
    }
    let clients = json!([{
        "client_id": "robot",
        "client_secrets": ["new", "old"],
        "grant_types": ["client_credentials"],
        "scope": "notes:read",
    }]);
    let server = Settings::new()
        .clients(&clients)
        .env("REGISTRATION", "")
        .start()
        .await;
    let url = server.resource().parse().unwrap();
    for secret in ["old", "new"] {
        let robot = ClientCredentialsConfig::ClientSecret {
            client_id: "robot".to_owned(),
            client_secret: secret.to_owned(),
            scopes: vec![],
            resource: Some(server.resource()),
        };
        let client = rmcp_client::connect_as_machine(&url, robot, Transport::Stateless);
        let client = client.await.unwrap();
        assert_eq!(
            call(&client, "whoami", json!({})).await,
            json!({
                "subject": "robot",
                "client_id": "robot",
                "scopes": ["notes:read"],
                "issuer": server.public_url(),
            })
        );
        client.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_person_who_cancels_sends_the_client_an_error() {
    if !e2e::enabled() {
        return;
    }
    let server = Settings::new().start().await;
    let mut person = Browser::new().press("deny");

    let url = server.resource().parse().unwrap();
    let mut answer = None;
    let browser = async |url: String| {
        let sent_to = visit(&mut person, &url).await?;
        answer = Some(sent_to.clone());
        Ok(sent_to)
    };
    let refused = rmcp_client::sign_in(&url, stranger(), Transport::Stateless, browser).await;

    assert!(refused.is_err(), "nobody agreed");
    let answer = Url::parse(&answer.unwrap()).unwrap();
    let parameters: BTreeMap<_, _> = answer.query_pairs().collect();
    assert_eq!(parameters["error"], "access_denied");
    assert_eq!(parameters["iss"], server.public_url());
    assert!(!parameters["state"].is_empty());
}

#[tokio::test]
async fn sigterm_ends_the_server_cleanly_while_a_client_is_connected() {
    if !e2e::enabled() {
        return;
    }
    let server = Settings::new().start().await;
    let client = sign_in(&server, stranger(), Transport::Stateful, &mut bob()).await;
    assert_eq!(
        call(&client, "list_notes", json!({})).await,
        json!({ "notes": [] })
    );

    let status = server.terminate().await;

    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn the_tour_shows_seven_steps_and_no_secret() {
    if !e2e::enabled() {
        return;
    }
    let mut tour = Process::spawn("the tour", example("tour"));
    let status = tour.wait().await;
    let output = tour.output();
    assert!(status.success(), "{output}");

    let places: Vec<_> = (1..=7)
        .map(|step| output.find(&format!("=== Step {step}: ")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{output}");
    let (_, whoami) = output.split_once("=== whoami says").unwrap();
    let whoami: Value = serde_json::from_str(whoami).unwrap();
    assert_eq!(whoami["email"], "ada@example.com");
    for start in ["Bearer eyJ", "code=", "code_verifier=", "_token\":\""] {
        for (at, _) in output.match_indices(start) {
            let shown = &output[at + start.len()..];
            let end = shown.find('…').unwrap();
            assert!(end <= 6, "a secret is shown: {start}{}", &shown[..end]);
        }
    }
}

/// A client that nobody knows yet.
fn stranger() -> AuthorizationRequest {
    AuthorizationRequest::new(CALLBACK).with_client_name("End to end")
}

/// Somebody at the development login.
fn bob() -> Browser {
    Browser::new().fill("name", "bob").press("approve")
}

async fn sign_in(
    server: &ReferenceServer,
    request: AuthorizationRequest,
    transport: Transport,
    person: &mut Browser,
) -> SignedIn {
    let url = server.resource().parse().unwrap();
    let browser = async |url: String| visit(person, &url).await;
    match rmcp_client::sign_in(&url, request, transport, browser).await {
        Ok(client) => client,
        Err(failure) => panic!("{failure}\nthe server printed:\n{}", server.output()),
    }
}

async fn visit(person: &mut Browser, url: &str) -> Result<String, Failure> {
    let url = Url::parse(url)?;
    Ok(person.open(&url, CALLBACK).await?.into())
}

async fn call(client: &SignedIn, tool: &'static str, arguments: Value) -> Value {
    let answer = client.call(tool, object(arguments)).await.unwrap();
    answer.structured_content.unwrap()
}

fn object(arguments: Value) -> JsonObject {
    serde_json::from_value(arguments).unwrap()
}

async fn access_token(client: &SignedIn) -> String {
    let (_, tokens) = client.credentials().await.unwrap();
    let tokens = serde_json::to_value(tokens.unwrap()).unwrap();
    tokens["access_token"].as_str().unwrap().to_owned()
}

/// What the MCP endpoint answers to a request with this token.
async fn list_tools(server: &ReferenceServer, token: &str) -> StatusCode {
    let request = reqwest::Client::new()
        .post(server.resource())
        .bearer_auth(token)
        .header("accept", "application/json, text/event-stream")
        .json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }));
    request.send().await.unwrap().status()
}

async fn post(server: &ReferenceServer, path: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let url = format!("{}{path}", server.public_url());
    let answer = reqwest::Client::new()
        .post(url)
        .form(form)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

async fn get(server: &ReferenceServer, path: &str) -> Value {
    let url = format!("{}{path}", server.public_url());
    reqwest::get(url).await.unwrap().json().await.unwrap()
}
