//! Lists that are cut down to what the caller may use.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::Full;
use oauth_for_mcp::McpAuthBuilder;
use tokio::time::timeout;

use super::stage::{LIMIT, Probe, Stage, behind_each_framework};
use crate::fronts::{Front, Shared, boxed};

behind_each_framework! {
    a_list_shows_what_the_caller_may_use
    a_list_that_cannot_be_read_is_not_shown
    a_stream_that_cannot_be_read_is_not_waited_for
}

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const TOOLS: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add_note"},{"name":"list_notes"}]}}"#;

/// A server whose handler answers everything with this list.
fn listing(front: Front, kind: &'static str, encoding: Option<&'static str>) -> Stage {
    let service = Shared::new(move |_| async move {
        let text = match kind {
            "text/event-stream" => format!("id: 1\ndata: {TOOLS}\n\n"),
            _ => TOOLS.to_owned(),
        };
        let answer = Response::builder().header(CONTENT_TYPE, kind);
        let answer = match encoding {
            Some(encoding) => answer.header(CONTENT_ENCODING, encoding),
            None => answer,
        };
        answer.body(boxed(Full::new(Bytes::from(text)))).unwrap()
    });
    let configure =
        |builder: McpAuthBuilder| builder.tool("add_note", "notes:write").filtered_lists();
    Stage::serving(front, configure, service, Arc::new(Probe::default()))
}

async fn a_list_shows_what_the_caller_may_use(front: Front) {
    for kind in ["application/json", "text/event-stream"] {
        let stage = listing(front, kind, None);
        for (scope, sees_all) in [("notes:read", false), ("notes:write", true)] {
            let token = stage.token("alice", scope).await;
            let bearer = format!("Authorization: Bearer {token}");
            let headers = [bearer.as_str()];
            let answer = timeout(LIMIT, stage.post(&headers, LIST)).await.unwrap();
            assert_eq!(answer.status, 200, "{kind}: {answer:?}");
            assert!(answer.body.contains("list_notes"), "{kind}: {answer:?}");
            assert_eq!(answer.body.contains("add_note"), sees_all, "{kind} {scope}");
        }
    }
}

/// Never says anything.
struct Silent;

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

async fn a_stream_that_cannot_be_read_is_not_waited_for(front: Front) {
    let service = Shared::new(move |_| async move {
        let answer = Response::builder()
            .header(CONTENT_TYPE, "text/event-stream")
            .header(CONTENT_ENCODING, "gzip");
        answer.body(boxed(Silent)).unwrap()
    });
    let configure =
        |builder: McpAuthBuilder| builder.tool("add_note", "notes:write").filtered_lists();
    let stage = Stage::serving(front, configure, service, Arc::new(Probe::default()));
    let bearer = format!(
        "Authorization: Bearer {}",
        stage.token("alice", "notes:read").await
    );
    let answer = timeout(LIMIT, stage.post(&[&bearer], LIST)).await.unwrap();
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(answer.body.contains("could not be cut down"), "{answer:?}");
}

async fn a_list_that_cannot_be_read_is_not_shown(front: Front) {
    let stage = listing(front, "application/json", Some("gzip"));
    let token = stage.token("alice", "notes:read").await;
    let answer = stage
        .post(&[&format!("Authorization: Bearer {token}")], LIST)
        .await;
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(!answer.body.contains("add_note"), "{answer:?}");
}
