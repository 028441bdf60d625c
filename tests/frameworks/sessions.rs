//! The sessions of rmcp's stateful transport belong to those who opened them, and
//! its tools know who calls.

use std::sync::Arc;

use oauth_for_mcp::adapter::rmcp::caller;
use reqwest::{Method, StatusCode};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::stage::{LIMIT, Probe, Stage, behind_each_framework};
use crate::agent;
use crate::fronts::{Front, Shared};
use crate::wire::Reply;

behind_each_framework! {
    a_session_is_open_to_those_who_opened_it_alone
    a_tool_knows_who_calls
}

#[derive(Clone)]
struct Tools;

#[tool_router]
impl Tools {
    #[tool(description = "Says who you are.")]
    async fn whoami(&self, context: RequestContext<RoleServer>) -> Result<String, ErrorData> {
        Ok(caller(&context)?.subject().to_string())
    }
}

#[tool_handler]
impl ServerHandler for Tools {}

fn stage(front: Front) -> Stage {
    let sessions = Arc::new(LocalSessionManager::default());
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(true);
    let service = StreamableHttpService::new(|| Ok(Tools), sessions, config);
    let configure = |builder: oauth_for_mcp::McpAuthBuilder| builder.tool("add", "notes:write");
    Stage::serving(
        front,
        configure,
        Shared::of(service),
        Arc::new(Probe::default()),
    )
}

/// Somebody with a token, and perhaps in a session.
struct Caller<'a> {
    stage: &'a Stage,
    token: String,
    session: Option<String>,
}

impl Caller<'_> {
    async fn send(&self, method: Method, message: Option<Value>) -> Reply {
        let request = self.stage.wire.request(method, "/mcp");
        let mut request = request
            .bearer_auth(&self.token)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-11-25");
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        if let Some(message) = message {
            request = request.json(&message);
        }
        let reply = timeout(LIMIT, self.stage.wire.send(request)).await;
        reply.expect("an answer").unwrap()
    }

    async fn open(&mut self) {
        let reply = self.send(
            Method::POST,
            Some(json!({
                "jsonrpc": "2.0", "id": 1, "method": "initialize",
                "params": {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {},
                    "clientInfo": { "name": "test", "version": "1" },
                },
            })),
        );
        let reply = reply.await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        let session = reply.headers.get("mcp-session-id").unwrap();
        self.session = Some(session.to_str().unwrap().to_owned());
        let done = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(
            self.send(Method::POST, Some(done)).await.status,
            StatusCode::ACCEPTED
        );
    }

    async fn whoami(&self) -> Reply {
        let call = json!({
            "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": "whoami" },
        });
        self.send(Method::POST, Some(call)).await
    }
}

async fn a_session_is_open_to_those_who_opened_it_alone(front: Front) {
    let stage = stage(front);
    let caller = |token, session: Option<&String>| Caller {
        stage: &stage,
        token,
        session: session.cloned(),
    };
    let mut alice = caller(stage.token("alice", "notes:read").await, None);
    alice.open().await;
    let bob = caller(
        stage.token("bob", "notes:read").await,
        alice.session.as_ref(),
    );

    for (method, message) in [
        (
            Method::POST,
            Some(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" })),
        ),
        (Method::GET, None),
        (Method::DELETE, None),
    ] {
        let reply = bob.send(method.clone(), message).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{method}: {reply:?}");
    }

    let reply = alice.whoami().await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert!(reply.body.contains("alice"), "{reply:?}");
    let later = caller(
        stage.token("alice", "notes:write").await,
        alice.session.as_ref(),
    );
    assert_eq!(
        later.whoami().await.status,
        StatusCode::OK,
        "the same person"
    );
    let closed = alice.send(Method::DELETE, None).await;
    assert!(closed.status.is_success(), "{closed:?}");
    assert_eq!(alice.whoami().await.status, StatusCode::NOT_FOUND);
}

async fn a_tool_knows_who_calls(front: Front) {
    let stage = stage(front);
    let token = stage.token("carol", "notes:read").await;

    let call = agent::call(&stage.wire, &token, "whoami", json!({}));
    let reply = timeout(LIMIT, call).await.expect("an answer").unwrap();

    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert!(reply.body.contains("carol"), "{reply:?}");
}
