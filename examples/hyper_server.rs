//! The note book on plain hyper: the two services for `tower`, and nothing else.
//!
//! Type `cargo run --example hyper_server`; the server is then at
//! <http://127.0.0.1:8080/mcp>. In a package of your own: `oauth-for-mcp`, `rmcp` with
//! `transport-streamable-http-server`, `hyper` with `http1` and `server`, `hyper-util` with
//! `service` and `tokio`, and `tokio` with `macros` and `rt-multi-thread`.

#[path = "support/notes.rs"]
mod notes;

use std::{convert::Infallible, error::Error, net::IpAddr, sync::Arc};

use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use notes::NoteBook;
use oauth_for_mcp::{
    McpAuth,
    adapter::tower::{EndpointService, ProtectService},
    endpoint::PeerAddress,
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpService, session::local::LocalSessionManager,
};
use tokio::net::TcpListener;

const PUBLIC_URL: &str = "http://127.0.0.1:8080";

type McpService = StreamableHttpService<NoteBook, LocalSessionManager>;
type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

#[derive(Clone)]
struct Routes {
    mcp: TowerToHyperService<ProtectService<McpService>>,
    /// Metadata, registration, consent, tokens.
    endpoints: TowerToHyperService<EndpointService>,
}

impl Routes {
    fn new(auth: &McpAuth) -> Self {
        let book = NoteBook::new();
        let service = StreamableHttpService::new(
            move || Ok(book.clone()),
            LocalSessionManager::default().into(),
            Default::default(),
        );
        let mcp = ProtectService::new(auth.protection().clone(), service);
        let endpoints = EndpointService::new(Arc::clone(auth.endpoints()));
        Self {
            mcp: TowerToHyperService::new(mcp),
            endpoints: TowerToHyperService::new(endpoints),
        }
    }

    async fn answer(
        self,
        mut request: Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Response<Body>, Infallible> {
        use hyper::service::Service as _;

        // Limits go by address.
        request.extensions_mut().insert(PeerAddress(peer));
        if request.uri().path() == "/mcp" {
            let answer = self.mcp.call(request).await?;
            return Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()));
        }
        let answer = self.endpoints.call(request).await?;
        Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let auth = McpAuth::builder(PUBLIC_URL)
        .scope("notes:read", "Read your notes")
        .scope("notes:write", "Add notes for you")
        .covers("notes:write", "notes:read")
        .tool("add_note", "notes:write")
        // Takes any name, on this machine only; elsewhere: `.identity_provider(…)`.
        .development_login()
        .build()?;
    let routes = Routes::new(&auth);
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("The MCP server is at {PUBLIC_URL}/mcp.");
    loop {
        let (stream, peer) = listener.accept().await?;
        let routes = routes.clone();
        let answer = service_fn(move |request| routes.clone().answer(request, peer.ip()));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(connection);
    }
}
