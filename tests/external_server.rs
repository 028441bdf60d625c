//! The example `external_server` with tokens of a certified provider, which knows
//! nothing of this crate and is its authorization server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../examples/support/rmcp_client.rs"]
mod rmcp_client;
mod support;

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use rmcp::model::JsonObject;
use rmcp::transport::auth::ClientCredentialsConfig;
use serde_json::{Value, json};
use url::Url;

use rmcp_client::Transport;
use support::browser::Browser;
use support::e2e;
use support::process::{Process, example, free_port};
use support::upstream::{CLIENT_ID, CLIENT_SECRET, Upstream};

const CALLBACK: &str = "http://127.0.0.1:53683/callback";
/// Another resource for which the provider gives out tokens.
const OTHER: &str = "https://other.example/mcp";
/// A client that gets signed tokens, and one that gets opaque ones.
const SIGNED: &str = "signed-robot";
const OPAQUE: &str = "opaque-robot";
/// Within this time a revocation counts by default, and a little more.
const BOUND: Duration = Duration::from_millis(11_000);

// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Scene {
    provider: Option<Upstream>,
    metadata: Value,
    server: Process,
    resource: String,
}

impl Scene {
    async fn start() -> Self {
        let port = free_port();
        let public_url = format!("http://127.0.0.1:{port}");
        let resource = format!("{public_url}/mcp");
        let resources = json!([resource, OTHER]).to_string();
        let machines = json!({ SIGNED: "jwt", OPAQUE: "opaque" }).to_string();
        let more = [("RESOURCES", &*resources), ("MACHINES", &*machines)];
        let provider = Upstream::start_with(CALLBACK, &more).await;
        let well_known = "/.well-known/openid-configuration";
        let metadata = get(&format!("{}{well_known}", provider.issuer())).await;
        let mut command = example("external_server");
        let endpoint = metadata["introspection_endpoint"].as_str().unwrap();
        command
            .env_clear()
            .env("LISTEN", format!("127.0.0.1:{port}"))
            .env("PUBLIC_URL", public_url)
            .env("ISSUER", provider.issuer())
            .env("INTROSPECTION_ENDPOINT", endpoint)
            .env("INTROSPECTION_CLIENT_ID", CLIENT_ID)
            .env("INTROSPECTION_CLIENT_SECRET", CLIENT_SECRET);
        let (server, _) = Process::start("the server", command).await;
        Self {
            provider: Some(provider),
            metadata,
            server,
            resource,
        }
    }

    async fn kill_provider(&mut self) {
        let provider = self.provider.take();
        provider.expect("it is running").kill().await;
    }

    fn endpoint(&self, name: &str) -> &str {
        self.metadata[format!("{name}_endpoint")].as_str().unwrap()
    }

    /// An access token of a client that acts for itself.
    async fn token_of(&self, client: &str, resource: &str) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "notes:read"),
            ("resource", resource),
        ];
        let request = Client::new().post(self.endpoint("token"));
        let request = request.basic_auth(client, Some(CLIENT_SECRET)).form(&form);
        let tokens = json_of(request).await;
        let token = tokens["access_token"].as_str();
        token.unwrap_or_else(|| panic!("{tokens}")).to_owned()
    }

    /// The tokens of a person who signs in at the provider.
    async fn sign_in(&self) -> Value {
        let parameters = [
            ("client_id", CLIENT_ID),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("redirect_uri", CALLBACK),
            ("resource", &self.resource),
            ("response_type", "code"),
            ("scope", "openid offline_access notes:read"),
            ("prompt", "consent"),
        ];
        let url = Url::parse_with_params(self.endpoint("authorization"), parameters).unwrap();
        let mut person = Browser::new().fill("login", "alice").fill("password", "x");
        let answer = person.open(&url, CALLBACK).await.unwrap();
        let code = answer.query_pairs().find(|(name, _)| name == "code");
        let (_, code) = code.unwrap_or_else(|| panic!("{answer}"));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", CALLBACK),
        ];
        let request = Client::new().post(self.endpoint("token"));
        let request = request.basic_auth(CLIENT_ID, Some(CLIENT_SECRET));
        json_of(request.form(&form)).await
    }

    async fn revoke(&self, client: &str, token: &str) {
        let request = Client::new().post(self.endpoint("revocation"));
        let request = request.basic_auth(client, Some(CLIENT_SECRET));
        let answer = request.form(&[("token", token)]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// What the MCP endpoint answers to `initialize`, with a token or without.
    async fn initialize(&self, token: Option<&str>) -> reqwest::Response {
        let message = json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": { "name": "test", "version": "1" },
            },
        });
        let request = Client::new()
            .post(&self.resource)
            .header("accept", "application/json, text/event-stream")
            .json(&message);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.unwrap()
    }

    #[track_caller]
    fn expect(&self, answer: &reqwest::Response, status: u16, case: &str) {
        let printed = self.server.output();
        assert_eq!(answer.status(), status, "{case}; it printed:\n{printed}");
        let challenge = answer.headers().get("www-authenticate");
        assert_eq!(challenge.is_some(), status == 401, "{case}");
    }

    async fn expect_status(&self, token: &str, status: u16, case: &str) {
        let answer = self.initialize(Some(token)).await;
        self.expect(&answer, status, case);
    }

    /// Lets the official client connect as `client`, and calls the tool.
    async fn greeting(&self, client: &str) -> String {
        let robot = ClientCredentialsConfig::ClientSecret {
            client_id: client.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            scopes: vec!["notes:read".to_owned()],
            resource: Some(self.resource.clone()),
        };
        let url = self.resource.parse().unwrap();
        let connected = rmcp_client::connect_as_machine(&url, robot, Transport::Stateful).await;
        let connected = match connected {
            Ok(connected) => connected,
            Err(failure) => panic!("{failure}\nit printed:\n{}", self.server.output()),
        };
        let answer = connected.call("greet", JsonObject::new()).await.unwrap();
        connected.close().await.unwrap();
        let answer = serde_json::to_value(&answer.content).unwrap();
        answer[0]["text"].as_str().unwrap().to_owned()
    }
}

async fn get(url: &str) -> Value {
    json_of(Client::new().get(url)).await
}

async fn json_of(request: RequestBuilder) -> Value {
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_client_finds_the_provider_gets_a_token_there_and_calls_a_tool_here() {
    if !e2e::enabled() {
        return;
    }
    let scene = Scene::start().await;

    let answer = scene.initialize(None).await;
    scene.expect(&answer, 401, "nobody");
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    let (_, place) = challenge.split_once("resource_metadata=\"").unwrap();
    let (place, _) = place.split_once('"').unwrap();
    let resource = get(place).await;
    assert_eq!(resource["resource"], scene.resource);
    let issuer = resource["authorization_servers"][0].as_str().unwrap();
    let metadata = get(&format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(metadata["issuer"], issuer);
    assert_eq!(metadata["token_endpoint"], scene.endpoint("token"));

    assert_eq!(scene.greeting(OPAQUE).await, "Hello, opaque-robot!");
}

#[tokio::test]
async fn an_opaque_token_is_good_until_it_is_revoked_at_the_provider() {
    if !e2e::enabled() {
        return;
    }
    let scene = Scene::start().await;
    let token = scene.token_of(OPAQUE, &scene.resource).await;
    assert!(!token.contains('.'), "{token}");

    scene.expect_status(&token, 200, "it is good").await;
    let other = scene.token_of(OPAQUE, OTHER).await;
    scene.expect_status(&other, 401, "another resource").await;
    scene.expect_status("unknown", 401, "made up").await;

    scene.revoke(OPAQUE, &token).await;
    tokio::time::sleep(BOUND).await;
    scene.expect_status(&token, 401, "revoked").await;
}

#[tokio::test]
async fn neither_the_id_token_nor_the_refresh_token_of_a_person_is_good() {
    if !e2e::enabled() {
        return;
    }
    let scene = Scene::start().await;
    let tokens = scene.sign_in().await;
    for kind in ["id_token", "refresh_token"] {
        let token = tokens[kind].as_str().unwrap_or_else(|| panic!("{tokens}"));
        scene.expect_status(token, 401, kind).await;
    }
}

#[tokio::test]
async fn while_the_provider_is_down_opaque_tokens_wait_and_are_not_refused() {
    if !e2e::enabled() {
        return;
    }
    let mut scene = Scene::start().await;
    let known = scene.token_of(OPAQUE, &scene.resource).await;
    let unknown = scene.token_of(OPAQUE, &scene.resource).await;
    scene.expect_status(&known, 200, "the provider is up").await;

    scene.kill_provider().await;
    scene.expect_status(&known, 200, "within the bound").await;
    scene.expect_status(&unknown, 503, "nobody can tell").await;
    tokio::time::sleep(BOUND).await;
    scene.expect_status(&known, 503, "past the bound").await;
}

#[tokio::test]
async fn a_signed_token_is_good_here_and_goes_on_while_the_provider_is_down() {
    if !e2e::enabled() {
        return;
    }
    let mut scene = Scene::start().await;
    assert_eq!(scene.greeting(SIGNED).await, "Hello, signed-robot!");
    let other = scene.token_of(SIGNED, OTHER).await;
    scene.expect_status(&other, 401, "another resource").await;
    let person = scene.sign_in().await;
    let of_person = person["access_token"].as_str().unwrap();
    scene.expect_status(of_person, 200, "a person").await;
    let id_token = person["id_token"].as_str().unwrap();
    scene.expect_status(id_token, 401, "an ID token").await;

    let unknown = scene.token_of(SIGNED, &scene.resource).await;
    scene.kill_provider().await;
    scene.expect_status(of_person, 200, "known").await;
    scene.expect_status(&unknown, 200, "never seen").await;
}
