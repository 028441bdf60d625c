//! An MCP server that lets in API keys alone, with an administration of its keys.
//!
//! ```text
//! cargo run --example api_keys --features axum,rmcp,sqlite -- issue "nightly import" importer greet 90
//! cargo run --example api_keys --features axum,rmcp,sqlite -- list
//! cargo run --example api_keys --features axum,rmcp,sqlite -- revoke ID
//! cargo run --example api_keys --features axum,rmcp,sqlite -- serve
//! ```
//!
//! `issue` shows the key, this once: name, subject, scopes and for how many days it counts
//! (without a number for ever). Keys are kept in `api_keys.db`, next to the master key that seals
//! whom they speak for. `serve` also lets in the keys of the file that `API_KEYS_FILE` names, or
//! else the one in `MCP_API_KEY`, if there is one; it listens at `LISTEN`, by default at
//! 127.0.0.1:8080.

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::adapter::axum::{protected, routes};
use oauth_for_mcp::adapter::rmcp::caller;
use oauth_for_mcp::endpoint::{Endpoints, Protection};
use oauth_for_mcp::model::{MasterKey, MasterKeys};
use oauth_for_mcp::resource::api_key::{ApiKeyPrefix, ApiKeyRequest, ApiKeys, StaticApiKeys};
use oauth_for_mcp::resource::verifier::FirstOf;
use oauth_for_mcp::resource::{ResourceServer, ScopePolicy, TokenVerifier};
use oauth_for_mcp::server::Sweeper;
use oauth_for_mcp::store::{SqliteStore, Vault};
use oauth_for_mcp::types::{ApiKeyId, ResourceUri, Scope, Subject, SystemEntropy};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};

type Outcome<T> = Result<T, Box<dyn Error>>;

const USAGE: &str = "api_keys issue NAME SUBJECT SCOPES [DAYS] | list | revoke ID | serve";

#[derive(Clone)]
struct Greeter;

#[tool_router]
impl Greeter {
    #[tool(description = "Greets whom the key speaks for.")]
    async fn greet(&self, context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        Ok(format!("Hello, {}!", caller(&context)?.subject()))
    }
}

#[tool_handler]
impl ServerHandler for Greeter {}

#[tokio::main]
async fn main() -> Outcome<()> {
    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    // Keys are good at this URL alone.
    let resource = ResourceUri::parse(&format!("http://{listen}/mcp"))?;
    let store = SqliteStore::open("sqlite:api_keys.db").await?;
    let master_key = MasterKey::load_or_create("api_keys.key", &SystemEntropy)?;
    let vault = Vault::new(Arc::new(store), Arc::new(MasterKeys::new(master_key)));
    // Told apart from the keys of the operator, which begin with `mcpkey`.
    let keys =
        ApiKeys::new(vault.clone(), resource.clone()).prefix(ApiKeyPrefix::parse("greeter")?);
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["issue", name, subject, scopes] => issue(&keys, [name, subject, scopes], None).await,
        ["issue", name, subject, scopes, days] => {
            let lifetime = Duration::from_secs(86_400 * days.parse::<u64>()?);
            issue(&keys, [name, subject, scopes], Some(lifetime)).await
        }
        ["list"] => list(&keys).await,
        ["revoke", id] => revoke(&keys, &ApiKeyId::parse(id)?).await,
        ["serve"] => {
            let sweeper = Sweeper::new(vault, &SystemEntropy)?;
            // Deletes keys that have ended.
            tokio::spawn(sweeper.run(tokio::time::sleep));
            serve(&listen, resource, &keys).await
        }
        _ => Err(USAGE.into()),
    }
}

async fn issue(
    keys: &ApiKeys,
    [name, subject, scopes]: [&str; 3],
    lifetime: Option<Duration>,
) -> Outcome<()> {
    let (subject, scope) = (Subject::parse(subject)?, Scope::parse(scopes)?);
    let request = ApiKeyRequest::new(name, subject, scope, lifetime);
    let issued = keys.issue(request).await?;
    println!("{}  {}", issued.record.id, issued.key.expose());
    Ok(())
}

async fn list(keys: &ApiKeys) -> Outcome<()> {
    let mut after = None;
    loop {
        let page = keys.list(after.as_ref()).await?;
        for key in page.keys {
            let end = key.expires_at.map(|end| end.as_secs().to_string());
            println!(
                "{}  {}  {}  [{}]  ends: {}",
                key.id,
                key.details.name,
                key.details.subject,
                key.details.scope,
                end.as_deref().unwrap_or("never")
            );
        }
        for id in page.unreadable {
            println!("{id}  does not open: it was spoiled, or its master key is gone");
        }
        if page.next.is_none() {
            return Ok(());
        }
        after = page.next;
    }
}

async fn revoke(keys: &ApiKeys, id: &ApiKeyId) -> Outcome<()> {
    let revoked = keys.revoke(id).await?;
    println!(
        "{}",
        if revoked {
            "revoked"
        } else {
            "there is no such key"
        }
    );
    Ok(())
}

async fn serve(listen: &str, resource: ResourceUri, keys: &ApiKeys) -> Outcome<()> {
    let mut verifiers: Vec<Arc<dyn TokenVerifier>> = vec![Arc::new(keys.verifier())];
    if let Some(configured) = configured(&resource)? {
        verifiers.push(Arc::new(configured));
    }
    let policy = ScopePolicy::new(Scope::parse("greet")?);
    let server = ResourceServer::for_api_keys(resource, Arc::new(FirstOf::new(verifiers)))
        .scope_policy(policy)
        .build()?;
    let server = Arc::new(server);
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(|| Ok(Greeter), sessions, Default::default());
    let endpoints = Arc::new(Endpoints::for_resource(&server));
    let router: axum::Router =
        protected("/mcp", Protection::new(server), service).merge(routes(endpoints));
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("listening on http://{listen}");
    axum::serve(listener, router).await?;
    Ok(())
}

/// The keys that the operator wrote down.
fn configured(resource: &ResourceUri) -> Outcome<Option<StaticApiKeys>> {
    if let Ok(file) = env::var("API_KEYS_FILE") {
        return Ok(Some(StaticApiKeys::from_file(file, resource)?));
    }
    if env::var_os("MCP_API_KEY").is_none() {
        return Ok(None);
    }
    let (subject, scope) = (Subject::parse("operator")?, Scope::parse("greet")?);
    Ok(Some(StaticApiKeys::from_env(
        "MCP_API_KEY",
        resource,
        subject,
        scope,
    )?))
}
