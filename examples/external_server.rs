//! An MCP server for the tokens of an authorization server that is there already, in
//! one file to copy.
//!
//! Type `ISSUER=https://auth.example.com cargo run --example external_server --features
//! axum,rmcp`. Everything is set in the environment:
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `ISSUER` | | the issuer of the authorization server, byte for byte as its metadata says |
//! | `LISTEN` | `127.0.0.1:8080` | address to bind |
//! | `PUBLIC_URL` | `http://127.0.0.1:8080` | where clients reach this server; the MCP endpoint, and the audience of tokens, is `/mcp` below |
//! | `INTROSPECTION_ENDPOINT`, `INTROSPECTION_CLIENT_ID`, `INTROSPECTION_CLIENT_SECRET` | | where to ask about tokens that are not signed, and who asks; without them such tokens are refused |

use std::{env, error::Error, sync::Arc};

use oauth_for_mcp::{
    adapter::{axum as routes, rmcp::caller},
    endpoint::{Endpoints, Protection},
    fetch::{Fetch, ReqwestFetch},
    resource::{
        ResourceServer,
        verifier::{
            FirstOf, IntrospectionAuth, IntrospectionEndpoint, IntrospectionVerifier, JwtVerifier,
            TokenVerifier,
        },
    },
    types::{ClientId, Issuer, ResourceUri, Secret},
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    service::RequestContext,
    tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpService, session::local::LocalSessionManager,
    },
};

type Failure = Box<dyn Error>;

#[derive(Clone)]
struct Greeter;

#[tool_router]
impl Greeter {
    #[tool(description = "Greets you by the name that your token has for you.")]
    async fn greet(&self, context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        Ok(format!("Hello, {}!", caller(&context)?.subject()))
    }
}

#[tool_handler]
impl ServerHandler for Greeter {}

/// Tokens that are signed are verified here; the keys come from the issuer.
fn signed_tokens(
    issuer: &Issuer,
    fetch: &Arc<dyn Fetch>,
) -> Result<Vec<Arc<dyn TokenVerifier>>, Failure> {
    let verifier = JwtVerifier::builder(issuer.clone(), Arc::clone(fetch)).build()?;
    Ok(vec![Arc::new(verifier)])
}

/// Only the issuer can say what any other token is good for.
fn opaque_tokens(
    issuer: &Issuer,
    fetch: &Arc<dyn Fetch>,
) -> Result<Vec<Arc<dyn TokenVerifier>>, Failure> {
    let Ok(client_id) = env::var("INTROSPECTION_CLIENT_ID") else {
        return Ok(vec![]);
    };
    let secret = Secret::new(env::var("INTROSPECTION_CLIENT_SECRET")?);
    let endpoint = IntrospectionEndpoint::parse(&env::var("INTROSPECTION_ENDPOINT")?)?;
    let auth = IntrospectionAuth::basic(&ClientId::parse(&client_id)?, &secret);
    let fetch = Arc::clone(fetch);
    let verifier = IntrospectionVerifier::builder(issuer.clone(), endpoint, auth, fetch).build();
    Ok(vec![Arc::new(verifier)])
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let variable = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let public_url = variable("PUBLIC_URL", "http://127.0.0.1:8080");
    let issuer = Issuer::parse(&env::var("ISSUER").map_err(|_| "ISSUER is not set")?)?;
    let resource = ResourceUri::parse(&format!("{public_url}/mcp"))?;

    // It contacts what stands in the environment of this program, and nothing else.
    let fetch: Arc<dyn Fetch> = Arc::new(ReqwestFetch::configured()?);
    let mut verifiers = signed_tokens(&issuer, &fetch)?;
    verifiers.extend(opaque_tokens(&issuer, &fetch)?);
    let first_of = Arc::new(FirstOf::new(verifiers));
    let server = ResourceServer::builder(resource, vec![issuer], first_of).build()?;
    let server = Arc::new(server);

    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(|| Ok(Greeter), sessions, Default::default());
    let protection = Protection::new(Arc::clone(&server));
    let router: axum::Router = routes::protected(server.resource().path(), protection, service)
        .merge(routes::routes(Arc::new(Endpoints::for_resource(&server))));
    let listen = variable("LISTEN", "127.0.0.1:8080");
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
