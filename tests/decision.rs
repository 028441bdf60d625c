//! What is decided on every request costs next to nothing. Alone in its file,
//! since other tests would allocate meanwhile.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use http::HeaderMap;
use oauth_for_mcp::resource::ResourceError;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATIONS: PeakAlloc = PeakAlloc;

/// B8
#[tokio::test]
async fn a_yes_to_one_message_allocates_nothing() {
    let server = TestServer::with(|builder| {
        builder
            .scope("notes:admin", "Everything")
            .prompt("draft", ["notes:write"])
            .resource("notes://private", ["notes:write"])
            .method("logging/setLevel", ["notes:admin"])
            .otherwise(["notes:read"])
    });
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:write").await.access_token;
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let guard = server.auth().resource();
    let caller = guard.authenticate(&headers).await.unwrap();
    headers.insert(
        "content-type",
        "application/json; charset=utf-8".parse().unwrap(),
    );
    headers.insert("mcp-method", "tools/call".parse().unwrap());
    headers.insert("mcp-name", "add_note".parse().unwrap());
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note","arguments":{"text":"a \"b\"","count":1.5}}}"#;
    // How deep it is in what it skips, the JSON parser counts in a few bytes.
    let deep = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note","_meta":{"a":{"b":["c"]}}}}"#;
    let read = r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"Cursor":"a","uri":"notes://private/a"}}"#;
    let without = HeaderMap::new();
    for (headers, body, most) in [
        (&headers, call, 0),
        (&without, call, 0),
        (&without, read, 0),
        (&headers, deep, 8),
    ] {
        ALLOCATIONS.reset_peak_usage();
        let before = ALLOCATIONS.current_usage();
        let decision = guard.authorize(Some(&caller), headers, Some(body.as_bytes()));
        let allocated = ALLOCATIONS.peak_usage() - before;
        assert!(allocated <= most, "{allocated} bytes: {body}");
        assert!(decision.is_ok(), "{body}");
    }
    // So that the test could fail.
    ALLOCATIONS.reset_peak_usage();
    let before = ALLOCATIONS.current_usage();
    let level = r#"{"method":"logging/setLevel","params":{}}"#;
    let refused = guard.authorize(Some(&caller), &without, Some(level.as_bytes()));
    assert!(
        ALLOCATIONS.peak_usage() > before,
        "a refusal names what is lacking"
    );
    assert!(matches!(
        refused,
        Err(ResourceError::InsufficientScope { .. })
    ));
}
