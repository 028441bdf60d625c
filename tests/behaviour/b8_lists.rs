//! Lists show what the caller may use, if the operator wants it so.

use bytes::Bytes;
use http::{Request, Response};
use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::{Value, json};

use super::support::{Answer, JSON, header, post_mcp, send};

/// Answers to everything with every list there is.
fn all_lists(request: &Request<Bytes>) -> Response<Bytes> {
    let result = json!({
        "tools": [{ "name": "list_notes" }, { "name": "add_note" }, { "name": "search" }],
        "prompts": [{ "name": "greet" }, { "name": "draft" }],
        "resources": [{ "uri": "notes://open/1" }, { "uri": "notes://private/1" }],
        "resourceTemplates": [{ "uriTemplate": "notes://private/{id}" }],
        "cacheScope": "public",
    });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "result": result }).to_string();
    let as_stream = request.headers().contains_key("x-as-stream");
    let (media_type, body) = if as_stream {
        (
            "text/event-stream",
            format!("event: message\nid: 1\ndata: {message}\n\n"),
        )
    } else {
        ("application/json", message)
    };
    let answer = Response::builder()
        .header("content-type", media_type)
        .header("content-length", body.len());
    answer.body(Bytes::from(body)).expect("the answer is good")
}

fn table(builder: McpAuthBuilder) -> McpAuthBuilder {
    builder
        .scope("notes:private", "Read private notes")
        .prompt("draft", ["notes:write"])
        .resource("notes://private", ["notes:private"])
        .public_tool("search")
        .public_method("tools/list")
}

fn filtering() -> TestServer {
    TestServer::with(|builder| table(builder).filtered_lists()).handler(all_lists)
}

/// The names of everything that is listed.
fn shown(answer: &Answer) -> Vec<String> {
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    let json = text.lines().find_map(|line| line.strip_prefix("data: "));
    let message: Value = serde_json::from_str(json.unwrap_or(&text)).unwrap_or_default();
    let lists = ["tools", "prompts", "resources", "resourceTemplates"].into_iter();
    let entries = lists.flat_map(|list| message["result"][list].as_array().cloned());
    let name = |entry: Value| {
        let mut names = ["name", "uri", "uriTemplate"].into_iter();
        names.find_map(|name| entry[name].as_str().map(str::to_owned))
    };
    entries.flatten().filter_map(name).collect()
}

const EVERYTHING: [&str; 8] = [
    "list_notes",
    "add_note",
    "search",
    "greet",
    "draft",
    "notes://open/1",
    "notes://private/1",
    "notes://private/{id}",
];

fn ask(method: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method }).to_string()
}

async fn token(server: &TestServer, scope: &str) -> String {
    let client = TestClient::register(server).await;
    client.sign_in(server, scope).await.access_token
}

/// B8
#[tokio::test]
async fn a_list_shows_what_the_caller_may_use() {
    let server = filtering();
    let reader = token(&server, "notes:read").await;
    let writer = token(&server, "notes:write notes:private").await;
    for method in [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        let answer = post_mcp(&server, &reader, &ask(method)).await;
        assert_eq!(
            shown(&answer),
            ["list_notes", "search", "greet", "notes://open/1"],
            "{method}"
        );
        assert_eq!(header(&answer, "content-length"), "", "{method}");
        assert!(String::from_utf8_lossy(answer.body()).contains(r#""cacheScope":"private""#));
        let answer = post_mcp(&server, &writer, &ask(method)).await;
        assert_eq!(shown(&answer), EVERYTHING, "{method}");
    }
    let batch = format!("[{},{}]", ask("ping"), ask("tools/list"));
    assert_eq!(shown(&post_mcp(&server, &reader, &batch).await).len(), 4);
    let escaped = r#"{"id":1,"method":"tools\/l\u0069st"}"#;
    assert_eq!(shown(&post_mcp(&server, &reader, escaped).await).len(), 4);
}

/// B8
#[tokio::test]
async fn a_list_in_an_event_stream_is_cut_too() {
    let server = filtering();
    let bearer = format!("Bearer {}", token(&server, "notes:read").await);
    let headers = [
        JSON,
        ("authorization", bearer.as_str()),
        ("x-as-stream", "1"),
    ];
    let posted = send(&server, ("POST", "/mcp"), &headers, ask("tools/list")).await;
    // A stream that is resumed may hold the answer of an earlier request.
    let resumed = send(&server, ("GET", "/mcp"), &headers, "").await;
    for answer in [posted, resumed] {
        assert_eq!(shown(&answer).len(), 4, "{answer:?}");
        assert!(answer.body().starts_with(b"event: message\nid: 1\ndata: "));
    }
}

/// B8
#[tokio::test]
async fn a_header_that_asks_for_a_list_counts_as_well() {
    let server = filtering();
    let bearer = format!("Bearer {}", token(&server, "notes:read").await);
    let headers = [
        JSON,
        ("authorization", bearer.as_str()),
        ("mcp-method", "tools/list"),
    ];
    let answer = send(&server, ("POST", "/mcp"), &headers, ask("ping")).await;
    assert_eq!(shown(&answer).len(), 4);
}

/// B2, B8
#[tokio::test]
async fn nobody_sees_what_is_public() {
    let server = filtering();
    let answer = send(&server, ("POST", "/mcp"), &[JSON], ask("tools/list")).await;
    assert_eq!(shown(&answer), ["search"]);
}

/// B8
#[tokio::test]
async fn other_answers_pass_as_they_are() {
    let server = filtering();
    let reader = token(&server, "notes:read").await;
    let answer = post_mcp(&server, &reader, &ask("ping")).await;
    assert_eq!(shown(&answer), EVERYTHING);
    assert_ne!(header(&answer, "content-length"), "");
}

/// B8
#[tokio::test]
async fn lists_are_whole_unless_the_operator_wants_them_cut() {
    let server = TestServer::with(table).handler(all_lists);
    let reader = token(&server, "notes:read").await;
    let answer = post_mcp(&server, &reader, &ask("tools/list")).await;
    assert_eq!(shown(&answer), EVERYTHING);
}
