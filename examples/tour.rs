//! The seven steps from a stranger to a tool's answer, with every HTTP exchange.
//!
//! Type `cargo run --example tour`. It starts an OpenID provider and the server of
//! `reference_server.rs`, both on this machine, and connects the official Rust client.
//! A script plays the person. Secrets are shortened.

use std::{
    error::Error,
    sync::{Mutex, PoisonError},
};

use axum::{Router, middleware::from_fn_with_state};
use person::Person;
use recorder::{Exchange, Recorder};
use rmcp::{model::JsonObject, transport::auth::AuthorizationRequest};
use rmcp_client::Transport;
use settings::Settings;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

#[path = "support/mcp_service.rs"]
mod mcp_service;
#[path = "support/notes.rs"]
mod notes;
#[path = "support/openid_provider.rs"]
mod openid_provider;
#[path = "support/person.rs"]
mod person;
#[path = "support/recorder.rs"]
mod recorder;
#[path = "support/redact.rs"]
mod redact;
#[path = "support/rmcp_client.rs"]
mod rmcp_client;
#[path = "support/settings.rs"]
mod settings;

type Failure = Box<dyn Error + Send + Sync>;

const PROVIDER: &str = "the identity provider";
const SERVER: &str = "the server";

/// Where a client on this machine would listen for its answer; nothing does here,
/// since the script hands the address over.
const CALLBACK: &str = "http://127.0.0.1:53682/callback";

const STEPS: [&str; 7] = [
    "The client asks to authorize: the server challenges it, it finds out where and registers",
    "The person agrees, and the server redirects them to the identity provider",
    "They sign in there",
    "The provider redirects them back with a code",
    "The server exchanges that code for the provider's token, and checks it",
    "The server issues its own token, bound to that sign-in",
    "The client calls tools",
];

/// To which step an exchange belongs, counted from 1.
fn step(exchange: &Exchange) -> usize {
    let path = exchange.target.split('?').next().unwrap_or_default();
    let has_token = exchange
        .request_headers
        .iter()
        .any(|(name, _)| name == "authorization");
    match (exchange.server, path) {
        (SERVER, "/oauth/consent") | (PROVIDER, "/.well-known/openid-configuration") => 2,
        (PROVIDER, "/authorize" | "/sign-in") => 3,
        (PROVIDER, "/resume") => 4,
        (PROVIDER, _) => 5,
        (SERVER, "/oauth/callback" | "/token") => 6,
        (SERVER, "/mcp") if has_token => 7,
        _ => 1,
    }
}

/// Prints exchanges as they come, and the heading of each step before its first.
#[derive(Default)]
struct Narrator(Mutex<Told>);

#[derive(Default)]
struct Told {
    step: usize,
    exchanges: usize,
}

impl Narrator {
    fn tell(&self, exchange: &Exchange) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while told.step < step(exchange) {
            println!("=== Step {}: {}\n", told.step + 1, STEPS[told.step]);
            told.step += 1;
        }
        told.exchanges += 1;
        println!("[{}] {exchange}", told.exchanges);
    }

    fn steps(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).step
    }
}

static NARRATOR: Narrator = Narrator(Mutex::new(Told {
    step: 0,
    exchanges: 0,
}));

fn serve(
    name: &'static str,
    listener: TcpListener,
    routes: Router,
    shutdown: &CancellationToken,
) -> tokio::task::JoinHandle<std::io::Result<()>> {
    let recorder = Recorder::new(name, |exchange| NARRATOR.tell(&exchange));
    let routes = routes.layer(from_fn_with_state(recorder, recorder::record));
    tokio::spawn(mcp_service::serve(listener, routes, shutdown.clone()))
}

/// What the environment of `reference_server` would say.
fn settings(public_url: &str, issuer: &str) -> Result<Settings, Failure> {
    let settings = Settings::read(|name| {
        let value = match name {
            "PUBLIC_URL" => public_url,
            "REGISTRATION" => "dynamic",
            "IDP_ISSUER" => issuer,
            "IDP_CLIENT_ID" => openid_provider::CLIENT_ID,
            "IDP_CLIENT_SECRET" => openid_provider::CLIENT_SECRET,
            _ => return None,
        };
        Some(value.to_owned())
    });
    Ok(settings?)
}

async fn visit(server: &str) -> Result<(), Failure> {
    let mut person = Person::new(&[("name", "Ada"), ("password", "x")], "approve")?;
    let browser = async |url: String| person.open(&url, CALLBACK).await;
    let request = AuthorizationRequest::new(CALLBACK).with_client_name("Tour");
    let url = Url::parse(&format!("{server}/mcp"))?;
    let client = rmcp_client::sign_in(&url, request, Transport::Stateless, browser).await?;
    println!(
        "--- The client may call: {}\n",
        client.tools().await?.join(", ")
    );
    let answer = client.call("whoami", JsonObject::new()).await?;
    let whoami = answer.structured_content.ok_or("whoami answers nothing")?;
    client.close().await?;
    if NARRATOR.steps() != STEPS.len() {
        return Err("a step is missing".into());
    }
    println!("=== whoami says\n\n{whoami:#}");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let at_provider = TcpListener::bind("127.0.0.1:0").await?;
    let at_server = TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://{}", at_provider.local_addr()?);
    let public_url = format!("http://{}", at_server.local_addr()?);
    println!("{PROVIDER}: {issuer}\n{SERVER}: {public_url}\n");

    let shutdown = CancellationToken::new();
    let auth = settings(&public_url, &issuer)?.auth.build()?;
    let provider = serve(
        PROVIDER,
        at_provider,
        openid_provider::routes(&issuer)?,
        &shutdown,
    );
    let routes = mcp_service::routes(&auth, &shutdown);
    let server = serve(SERVER, at_server, routes, &shutdown);
    visit(&public_url).await?;
    shutdown.cancel();
    provider.await??;
    server.await??;
    Ok(())
}
