use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::json;

use super::support::{JSON, expect_refusal, post_mcp, send};

async fn reader(server: &TestServer) -> String {
    let client = TestClient::register(server).await;
    client.sign_in(server, "notes:read").await.access_token
}

/// B8
#[tokio::test]
async fn a_tool_that_needs_more_is_found_however_the_message_is_written() {
    let server = TestServer::new();
    let token = reader(&server).await;
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note"}}"#,
        r#"{"params":{"arguments":{"name":"x"},"name":"add_note"},"method":"tools/call"}"#,
        r#"{"method":"tools/call","params":{"name":"add\u005fnote"}}"#,
        r#"{"method":"tools\/call","params":{"name":"add_note"}}"#,
        r#"{"method":"\u0074ools/call","params":{"n\u0061me":"add_note"}}"#,
        r#"{"\u006dethod":"tools/call","params":{"name":"add_note"}}"#,
        "\n\t {\"method\" : \"tools/call\" , \"params\" : {\"name\" : \"add_note\"} } \r\n",
        r#"[{"method":"tools/call","params":{"name":"add_note"}}]"#,
        r#" [ {"method":"ping"} , {"method":"tools/call","params":{"name":"add_note"}} ] "#,
        r#"{"method":"tools/call","params":{"name":"add_note"}}"#,
    ] {
        let answer = post_mcp(&server, &token, body).await;
        expect_refusal(&answer, 403, "insufficient_scope", body);
    }
}

/// B8
#[tokio::test]
async fn a_message_that_two_readers_could_read_differently_is_refused() {
    let server = TestServer::new();
    let token = reader(&server).await;
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let deep = format!(r#"{{"method":"tools/call","params":{deep}}}"#);
    let cases = [
        r#"{"method":"ping","method":"tools/call","params":{"name":"add_note"}}"#,
        r#"{"method":"tools/call","\u006dethod":"ping","params":{"name":"add_note"}}"#,
        r#"{"method":"tools/call","params":{"name":"list","name":"add_note"}}"#,
        r#"{"method":"tools/call","params":{"name":"list","n\u0061me":"add_note"}}"#,
        r#"{"method":"tools/call","params":{"name":"list"},"params":{"name":"add_note"}}"#,
        r#"{"method":"tools/call","params":["add_note"]}"#,
        r#"{"method":"tools/call","params":["list"]}"#,
        r#"{"method":"tools/call","params":["list","add_note"]}"#,
        r#"{"method":"tools/call","params":"add_note"}"#,
        r#"{"method":"tools/call","params":null}"#,
        r#"{"method":"tools/call","params":{}}"#,
        r#"{"method":"tools/call","params":{"name":null}}"#,
        r#"{"method":"tools/call","params":{"name":["add_note"]}}"#,
        r#"{"method":"tools/call","params":{"Name":"add_note"}}"#,
        r#"{"method":"tools/call"}"#,
        r#"{"method":["tools/call"],"params":{"name":"add_note"}}"#,
        r#"{"method":1}"#,
        r#"[["tools/call",{"name":"list"}]]"#,
        r#"[["ping",null]]"#,
        r#"[[{"method":"tools/call","params":{"name":"add_note"}}]]"#,
        r#"[{"method":"ping"},1]"#,
        "[]",
        "[{}",
        "",
        "   ",
        "null",
        "1",
        "\"tools/call\"",
        r#"{"method":"ping"}{"method":"tools/call","params":{"name":"add_note"}}"#,
        r#"{"method":"ping"} x"#,
        r#"{"method":"ping",}"#,
        r#"{'method':'ping'}"#,
        "{\"method\":\"ping\"}\0",
        "\u{feff}{\"method\":\"ping\"}",
        "\u{a0}[{\"method\":\"ping\"}]",
        r#"{"method":"\ud800"}"#,
        "// a comment\n{\"method\":\"ping\"}",
        "{\"method\":\"ping\n\"}",
        deep.as_str(),
    ];
    for body in cases {
        let answer = post_mcp(&server, &token, body).await;
        expect_refusal(&answer, 400, "invalid_request", body);
    }
}

/// B8
#[tokio::test]
async fn bytes_that_are_no_plain_utf_8_are_refused() {
    let server = TestServer::new();
    let bearer = format!("Bearer {}", reader(&server).await);
    let authorization = ("authorization", bearer.as_str());
    let utf_16: Vec<u8> =
        r#"{"method":"ping"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bodies: [Vec<u8>; 4] = [
        b"{\"method\":\"\xff\"}".to_vec(),
        b"{\"method\":\"tools/\xc0\xafcall\"}".to_vec(),
        b"\xfe\xff{}".to_vec(),
        utf_16,
    ];
    for body in bodies {
        let case = format!("{body:?}");
        let answer = send(&server, ("POST", "/mcp"), &[JSON, authorization], body).await;
        expect_refusal(&answer, 400, "invalid_request", &case);
    }
    for encoding in ["gzip", "br", "identity", ""] {
        let headers = [JSON, authorization, ("content-encoding", encoding)];
        let answer = send(&server, ("POST", "/mcp"), &headers, r#"{"method":"ping"}"#).await;
        expect_refusal(&answer, 400, "invalid_request", encoding);
    }
}

/// B8
#[tokio::test]
async fn a_message_is_judged_whatever_method_carries_it() {
    let server = TestServer::new();
    let bearer = format!("Bearer {}", reader(&server).await);
    let headers = [JSON, ("authorization", bearer.as_str())];
    let body = r#"{"method":"tools/call","params":{"name":"add_note"}}"#;
    for method in ["POST", "PUT", "PATCH", "QUERY"] {
        let answer = send(&server, (method, "/mcp"), &headers, body).await;
        expect_refusal(&answer, 403, "insufficient_scope", method);
    }
}

/// B8
#[tokio::test]
async fn headers_that_name_another_operation_change_nothing() {
    let server = TestServer::new();
    let bearer = format!("Bearer {}", reader(&server).await);
    for (method, name) in [("ping", "list"), ("tools/call", "list"), ("initialize", "")] {
        let headers = [
            JSON,
            ("authorization", bearer.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
            ("mcp-name", name),
        ];
        let body = r#"{"method":"tools/call","params":{"name":"add_note"}}"#;
        let answer = send(&server, ("POST", "/mcp"), &headers, body).await;
        expect_refusal(&answer, 403, "insufficient_scope", method);
    }
}

/// B8
#[tokio::test]
async fn the_body_and_the_batch_are_bounded() {
    let server = TestServer::new();
    let token = reader(&server).await;
    let batch = |count| format!("[{}]", vec![r#"{"method":"ping"}"#; count].join(","));
    assert_eq!(post_mcp(&server, &token, &batch(100)).await.status(), 200);
    let answer = post_mcp(&server, &token, &batch(101)).await;
    expect_refusal(&answer, 400, "invalid_request", "101 messages");

    let huge = json!({ "method": "ping", "params": "x".repeat(4 * 1024 * 1024) }).to_string();
    let answer = post_mcp(&server, &token, &huge).await;
    expect_refusal(&answer, 413, "invalid_request", "4 MiB");
}

/// B8
#[tokio::test]
async fn what_needs_no_more_than_to_connect_gets_through() {
    let server = TestServer::new();
    let token = reader(&server).await;
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":["add_note"]}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"name":"add_note"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"tools/call"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note "}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"notes://a","name":"add_note"}}"#,
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"result":{}}]"#,
    ] {
        let answer = post_mcp(&server, &token, body).await;
        assert_eq!(answer.status(), 200, "{body}: {answer:?}");
    }
}
