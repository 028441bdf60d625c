//! A table of scopes with everything that one can hold, and what shows that it is there.

use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::resource::Operation;
use oauth_for_mcp::types::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::wire::{Reply, Wire};

/// What covers every row but those that are closed.
pub(crate) const MOST: &str = "suite:most";
/// What the client of the suite holds. It asks for methods that are gone and names no
/// resource, which is taken for every one: it needs what all rows for resources need.
pub(crate) const HELD: &str = "suite:most suite:closed-resource";
/// What no client of these tests holds.
const CLOSED: &str = "suite:closed";
const STATELESS: &str = "2026-07-28";

/// Each of another row, so that none stands in for another.
const COVERED: [&str; 8] = [
    "suite:connect",
    "suite:tool",
    "suite:prompt",
    "suite:resource",
    "suite:template",
    "suite:method",
    "suite:arguments",
    "suite:otherwise",
];

pub(crate) fn protect(builder: McpAuthBuilder) -> McpAuthBuilder {
    let builder = COVERED.iter().fold(builder, |builder, scope| {
        builder.scope(*scope, "A part").covers(MOST, *scope)
    });
    let builder = builder
        .scope(MOST, "Everything that is open")
        .scope(CLOSED, "What is closed")
        .scope("suite:closed-resource", "The resource that is closed")
        .connect(["suite:connect"])
        .otherwise(["suite:otherwise"])
        .public_method("ping")
        .public_tool("test_public")
        .rule(by_arguments)
        .filtered_lists();
    let builder = METHODS.iter().fold(builder, |builder, method| {
        builder.method(*method, ["suite:method"])
    });
    builder
        .tool("test_simple_text", ["suite:tool"])
        .tool("test_tool_with_progress", ["suite:tool"])
        .tool("test_sampling", ["suite:tool"])
        .tool("test_closed", [CLOSED])
        .prompt("test_simple_prompt", ["suite:prompt"])
        .prompt("test_prompt_with_arguments", ["suite:prompt"])
        .prompt("test_closed", [CLOSED])
        .resource("test://static-text", ["suite:resource"])
        .resource("test://template/", ["suite:template"])
        .resource("test://closed/", ["suite:closed-resource"])
}

/// Of the rest, some methods have a row as well.
const METHODS: [&str; 8] = [
    "completion/complete",
    "logging/setLevel",
    "prompts/list",
    "resources/subscribe",
    "server/discover",
    "subscriptions/listen",
    "tools/call",
    "tools/list",
];

/// Reads the arguments of every call.
fn by_arguments(operation: &Operation<'_>) -> Scope {
    let Some(arguments) = operation.arguments() else {
        return Scope::empty();
    };
    let needed = match arguments.get("region").and_then(Value::as_str) {
        Some("closed") => CLOSED,
        Some(_) | None => "suite:arguments",
    };
    Scope::parse(needed).unwrap()
}

/// That the table stands before a client that holds most: what it closes is shown in no
/// list and is not done, in front of a server that has it.
pub(crate) async fn is_in_front(open: &str, guarded: &str, revision: &str) {
    let open = Client::connect(open, revision).await;
    let guarded = Client::connect(guarded, revision).await;
    for list in [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        let all = open.ask(list, json!({})).await;
        assert!(is_good(&all) && all.body.contains("closed"), "{all:?}");
        let shown = guarded.ask(list, json!({})).await;
        let is_cut = shown.body.contains("suite") && !shown.body.contains("closed");
        assert!(is_good(&shown) && is_cut, "{shown:?}");
        // The lists of the one come as JSON, and those of the other as events.
        let kind = shown.headers["content-type"].to_str().unwrap();
        let expected = match revision {
            STATELESS => "application/json",
            _ => "text/event-stream",
        };
        assert_eq!(kind, expected);
    }
    for (method, params) in [
        ("tools/call", json!({ "name": "test_closed" })),
        ("prompts/get", json!({ "name": "test_closed" })),
        ("resources/read", json!({ "uri": "test://closed/1" })),
        (
            "tools/call",
            json!({ "name": "test_simple_text", "arguments": { "region": "closed" } }),
        ),
    ] {
        let done = open.ask(method, params.clone()).await;
        assert!(is_good(&done), "{done:?}");
        let refused = guarded.ask(method, params).await;
        assert_eq!(refused.status, 403, "{method}: {refused:?}");
    }
}

fn is_good(reply: &Reply) -> bool {
    reply.status == 200 && reply.body.contains(r#""result""#)
}

/// A client in a session, for a revision that has them.
struct Client {
    wire: Wire,
    revision: String,
    session: Option<String>,
}

impl Client {
    async fn connect(url: &str, revision: &str) -> Self {
        let origin = url.strip_suffix("/mcp").unwrap();
        let mut client = Self {
            wire: Wire::new(origin, vec![origin.to_owned()]),
            revision: revision.to_owned(),
            session: None,
        };
        if revision != STATELESS {
            let hello = client.ask("initialize", hello(revision)).await;
            let id = hello.headers["mcp-session-id"].to_str().unwrap();
            client.session = Some(id.to_owned());
            client.send("notifications/initialized", None, None).await;
        }
        client
    }

    async fn ask(&self, method: &str, mut params: Value) -> Reply {
        if self.revision == STATELESS {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": STATELESS,
                "io.modelcontextprotocol/clientInfo": { "name": "probe", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        self.send(method, Some(1), Some(params)).await
    }

    async fn send(&self, method: &str, id: Option<u8>, params: Option<Value>) -> Reply {
        let mut request = self
            .wire
            .request(Method::POST, "/mcp")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", &self.revision);
        let name = params.as_ref().and_then(|params| {
            let name = params.get("name").or_else(|| params.get("uri"));
            name.and_then(Value::as_str).map(str::to_owned)
        });
        if self.revision == STATELESS {
            request = request.header("mcp-method", method);
            request = name
                .into_iter()
                .fold(request, |request, name| request.header("mcp-name", name));
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if let Some(id) = id {
            message["id"] = json!(id);
        }
        if let Some(params) = params {
            message["params"] = params;
        }
        self.wire.send(request.json(&message)).await.unwrap()
    }
}

fn hello(revision: &str) -> Value {
    json!({
        "protocolVersion": revision,
        "capabilities": {},
        "clientInfo": { "name": "probe", "version": "1" },
    })
}
