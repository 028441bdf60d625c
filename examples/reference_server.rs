//! A note book for each signed-in person: a small but complete protected MCP server.
//!
//! Type `cargo run --example reference_server --features sqlite,postgres,redis`, then connect an MCP client to
//! `http://127.0.0.1:8080/mcp`. Everything is set in the environment:
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `LISTEN` | `127.0.0.1:8080` | address to bind; port 0 takes a free one |
//! | `PUBLIC_URL` | `http://127.0.0.1:8080` | the issuer; the MCP endpoint is at `/mcp` below; on loopback, requests for other hosts are refused |
//! | `STORE` | `memory` | where records are kept: `memory`, `sqlite:PATH`, `postgres://…`, `redis://…` |
//! | `MASTER_KEY` | generated | 32 bytes as base64url, which seal what is stored; replicas share it |
//! | `IDP_ISSUER`, `IDP_CLIENT_ID`, `IDP_CLIENT_SECRET` | | the OpenID provider at which people sign in, with the callback `/oauth/callback`; without it any name signs in, on loopback only |
//! | `CLIENTS` | | a file with a JSON array of preregistered clients (RFC 7591, with `client_id` and `client_secret`, `client_secrets`, `jwks` or `jwks_uri`) |
//! | `REGISTRATION` | `dynamic,document` | how clients may register; empty: not at all |
//! | `DOCUMENT_CA` | | a file with certificates (PEM) to trust as well, for tests of `document` |
//! | `DOCUMENT_HOSTS` | | `host=ip:port[,…]`: where tests of `document` reach a host, public or not |
//! | `ACCESS_TOKEN_TTL`, `REFRESH_TOKEN_TTL`, `REFRESH_GRACE` | `600`, `2592000`, `30` | seconds |
//! | `ACCESS_TOKEN_FORMAT` | `jwt` | or `opaque` |
//! | `REGISTRATION_LIMIT` | `60` | registrations per minute and address; `off` lifts every limit, for tests of load |

use std::{env, error::Error, process::ExitCode, sync::Arc};

use oauth_for_mcp::event::{Event, EventSink};
use settings::{BadSetting, Settings};
use store::Storage;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[path = "support/mcp_service.rs"]
mod mcp_service;
#[path = "support/notes.rs"]
mod notes;
#[path = "support/settings.rs"]
mod settings;
#[path = "support/store.rs"]
mod store;

/// Tells the operator what happens; a real server would hand this to its log.
#[derive(Debug)]
struct StandardError;

impl EventSink for StandardError {
    fn emit(&self, event: &Event) {
        eprintln!("event: {event:?}");
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    // Before anything else, so that no early signal kills the process.
    let shutdown = CancellationToken::new();
    mcp_service::shut_down_on_signal(shutdown.clone())?;
    let variable = |name: &str| env::var_os(name).map(|text| text.to_string_lossy().into_owned());
    let Settings {
        listen,
        auth,
        store,
        master_key,
    } = Settings::read(variable)?;
    let storage = Storage::read(&store, master_key)?;
    let note = storage.note();
    let opened = tokio::select! {
        opened = storage.open() => opened?,
        // A database that is busy must not keep the server from ending.
        () = shutdown.cancelled() => return Ok(()),
    };
    let (store, master_keys) = opened;
    let auth = auth.store(store, master_keys);
    let auth = auth.events(Arc::new(StandardError)).build()?;
    let listener = TcpListener::bind(&listen)
        .await
        .map_err(|error| format!("LISTEN={listen} is unusable: {error}"))?;
    // A wrong master key shows now, and not at the first sign-in.
    if let Err(outage) = auth.prepare().await {
        return Err(BadSetting::caused_by("STORE", &outage).into());
    }
    tokio::spawn(auth.sweeper()?.run(tokio::time::sleep));
    if let Some(note) = note {
        eprintln!("note: {note}");
    }
    println!("listening on http://{}", listener.local_addr()?);
    let routes = mcp_service::routes(&auth, &shutdown);
    mcp_service::serve(listener, routes, shutdown).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reference_server: {error}");
            ExitCode::FAILURE
        }
    }
}
