//! Some operations may be open to everybody, if the operator says so.

use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::test_util::{TestClient, TestServer};

use super::support::{Answer, JSON, expect_refusal, header, json, post_mcp, send};

fn mixed(builder: McpAuthBuilder) -> McpAuthBuilder {
    builder
        .public_method("initialize")
        .public_method("notifications/initialized")
        .public_method("tools/call")
        .public_tool("search")
        .public_tool("add_note")
        .public_prompt("greet")
        .public_resource("notes://open")
        .resource("notes://open/diary", ["notes:read"])
}

async fn anonymous(server: &TestServer, body: &str) -> Answer {
    send(server, ("POST", "/mcp"), &[JSON], body.to_owned()).await
}

fn call(tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#)
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;

#[tokio::test]
async fn nothing_is_public_by_default() {
    let server = TestServer::new();
    for body in [INITIALIZE, &call("search"), "[]", ""] {
        let answer = anonymous(&server, body).await;
        assert_eq!(answer.status(), 401, "{body}");
    }
}

#[tokio::test]
async fn what_is_public_needs_no_token() {
    let server = TestServer::with(mixed);
    let batch = format!("[{INITIALIZE},{}]", call("search"));
    for body in [INITIALIZE, &call("search"), &batch] {
        let answer = anonymous(&server, body).await;
        assert_eq!(answer.status(), 200, "{body}");
        assert!(json(&answer)["subject"].is_null(), "nobody calls");
    }
}

/// B2
#[tokio::test]
async fn prompts_and_resources_can_be_public() {
    let server = TestServer::with(mixed);
    let message = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
    };
    for (method, params, status) in [
        ("prompts/get", r#"{"name":"greet"}"#, 200),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"greet"}}"#,
            200,
        ),
        ("resources/read", r#"{"uri":"notes://open/1"}"#, 200),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/resource","uri":"notes://open/a/{id}"}}"#,
            200,
        ),
        ("prompts/get", r#"{"name":"draft"}"#, 401),
        ("prompts/get", r#"{"name":"search"}"#, 401),
        ("resources/read", r#"{"uri":"notes://opened/1"}"#, 401),
        ("resources/read", r#"{"uri":"notes://open/diary/1"}"#, 401),
        ("resources/read", r#"{"uri":"notes://open/DIARY/1"}"#, 401),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/resource","uri":"notes://open/{id}"}}"#,
            401,
        ),
        // To watch is more than to read.
        ("resources/subscribe", r#"{"uri":"notes://open/1"}"#, 401),
        (
            "resources/read",
            r#"{"uri":"notes://open/../private"}"#,
            400,
        ),
    ] {
        let answer = anonymous(&server, &message(method, params)).await;
        assert_eq!(answer.status(), status, "{method} {params}");
    }
    let headers = [JSON, ("mcp-name", "list_notes")];
    let answer = send(&server, ("POST", "/mcp"), &headers, call("search")).await;
    assert_eq!(
        answer.status(),
        401,
        "what the headers name has to be public too"
    );
}

#[tokio::test]
async fn everything_else_is_challenged() {
    let server = TestServer::with(mixed);
    let batch = format!("[{INITIALIZE},{}]", call("list_notes"));
    for body in [
        call("list_notes"),
        // It is listed as public, but needs a scope: the scope counts.
        call("add_note"),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(),
        batch,
    ] {
        let answer = anonymous(&server, &body).await;
        assert_eq!(answer.status(), 401, "{body}");
        assert!(header(&answer, "www-authenticate").contains("resource_metadata="));
    }
    for method in ["GET", "DELETE", "HEAD"] {
        for body in [INITIALIZE, "", "not JSON"] {
            let answer = send(&server, (method, "/mcp"), &[], body).await;
            assert_eq!(answer.status(), 401, "{method} {body}");
        }
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_even_for_what_is_public() {
    let server = TestServer::with(mixed);
    let answer = post_mcp(&server, "not-a-token", INITIALIZE).await;
    expect_refusal(&answer, 401, "invalid_token", "bad token");
}

#[tokio::test]
async fn who_has_a_token_is_known_to_public_tools_too() {
    let server = TestServer::with(mixed);
    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let answer = post_mcp(&server, &tokens.access_token, &call("search")).await;
    assert_eq!(json(&answer)["subject"], "alice");
}

#[tokio::test]
async fn credentials_of_another_scheme_do_not_reach_the_handler() {
    let server = TestServer::with(mixed);
    let headers = [JSON, ("authorization", "Basic YTpi")];
    let answer = send(&server, ("POST", "/mcp"), &headers, INITIALIZE).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(json(&answer)["saw_authorization"], false);
}
