//! Bodies: what is read is bounded, what is not read flows.

use std::time::Duration;

use oauth_for_mcp::endpoint::{Endpoints, Protection};
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::stage::{LIMIT, PING, Stage, behind_each_framework, read};
use crate::fronts::Front;

behind_each_framework! {
    a_body_that_says_it_is_too_long_is_not_waited_for
    a_chunked_body_is_read_up_to_the_limit_and_no_further
    who_is_not_let_in_is_not_listened_to
    a_body_that_breaks_off_reaches_no_handler
    a_body_that_stalls_reaches_no_handler_and_stops_nobody_else
    a_body_in_pieces_reaches_the_handler_whole
    the_first_event_arrives_before_the_stream_ends
    a_body_that_decides_nothing_flows_through
}

/// A head for a body that comes in chunks.
fn chunked(stage: &Stage, path: &str, token: Option<&str>) -> String {
    let mut headers = vec![
        "Content-Type: application/json".to_owned(),
        "Transfer-Encoding: chunked".to_owned(),
    ];
    headers.extend(token.map(|token| format!("Authorization: Bearer {token}")));
    stage.head(&format!("POST {path}"), &headers)
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

async fn a_body_that_says_it_is_too_long_is_not_waited_for(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    for (path, limit) in [
        ("/token", Endpoints::MAX_BODY),
        ("/mcp", Protection::MAX_BODY),
    ] {
        let headers = [
            format!("Content-Length: {}", limit + 1),
            format!("Authorization: Bearer {token}"),
        ];
        let head = stage.head(&format!("POST {path}"), &headers);
        assert_eq!(stage.raw(head.as_bytes()).await.status, 413, "{path}");
    }
    assert_eq!(stage.calls(), 0);
}

async fn a_chunked_body_is_read_up_to_the_limit_and_no_further(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    for (path, limit) in [
        ("/token", Endpoints::MAX_BODY),
        ("/mcp", Protection::MAX_BODY),
    ] {
        let mut request = chunked(&stage, path, Some(&token)).into_bytes();
        request.extend(chunk(&vec![b' '; limit]));
        // The end never comes.
        request.extend(chunk(b" "));
        assert_eq!(stage.raw(&request).await.status, 413, "{path}");
    }
    assert_eq!(stage.calls(), 0);
}

async fn who_is_not_let_in_is_not_listened_to(front: Front) {
    let stage = Stage::new(front);
    // Neither of them ever sends a body.
    let declared = stage.head("POST /mcp", &["Content-Length: 10".to_owned()]);
    for head in [chunked(&stage, "/mcp", None), declared] {
        assert_eq!(stage.raw(head.as_bytes()).await.status, 401);
    }
    assert_eq!(stage.calls(), 0);
}

async fn a_body_that_breaks_off_reaches_no_handler(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    let mut garbled = chunked(&stage, "/mcp", Some(&token)).into_bytes();
    garbled.extend_from_slice(b"no length\r\n");
    let answer = stage.raw(&garbled).await;
    assert_eq!(answer.status, 400, "{answer:?}");

    let headers = [
        "Content-Length: 1000".to_owned(),
        format!("Authorization: Bearer {token}"),
    ];
    let request = stage.head("POST /mcp", &headers) + PING;
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read(&mut stream).await;
    assert!([0, 400].contains(&answer.status), "{answer:?}");
    assert_eq!(stage.calls(), 0);
}

/// For how long it may stall is for the host to say.
async fn a_body_that_stalls_reaches_no_handler_and_stops_nobody_else(front: Front) {
    let stage = Stage::with(front, |builder| {
        builder
            .tool("add_note", "notes:write")
            .public_method("ping")
    });
    let token = stage.token("alice", "notes:read").await;
    let mut stalled = Vec::new();
    for token in [None, None, None, Some(token.as_str()), Some(&token)] {
        let mut request = chunked(&stage, "/mcp", token).into_bytes();
        request.extend(chunk(&PING.as_bytes()[..7]));
        let mut stream = TcpStream::connect(stage.address).await.unwrap();
        stream.write_all(&request).await.unwrap();
        stalled.push(stream);
    }
    let bearer = format!("Authorization: Bearer {token}");
    for headers in [&[bearer.as_str()][..], &[]] {
        let answer = timeout(LIMIT, stage.post(headers, PING)).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(stage.calls(), 2, "those that stall are not among them");
    for mut stream in stalled {
        let mut answer = [0];
        let waited = timeout(Duration::from_millis(20), stream.read(&mut answer)).await;
        assert!(waited.is_err(), "nothing is answered yet");
    }
}

async fn a_body_in_pieces_reaches_the_handler_whole(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    let (first, second) = PING.as_bytes().split_at(7);
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    let mut request = chunked(&stage, "/mcp", Some(&token)).into_bytes();
    request.extend(chunk(first));
    stream.write_all(&request).await.unwrap();
    stream.flush().await.unwrap();
    let mut rest = chunk(second);
    rest.extend_from_slice(b"0\r\n\r\n");
    stream.write_all(&rest).await.unwrap();

    let answer = read(&mut stream).await;

    assert_eq!(answer.json()["body"], PING);
}

async fn the_first_event_arrives_before_the_stream_ends(front: Front) {
    let stage = Stage::new(front);
    let token = stage.token("alice", "notes:read").await;
    let request = stage.wire.request(Method::POST, "/mcp").bearer_auth(token);
    let request = request.header("x-task", "stream").body(PING);

    let mut answer = timeout(LIMIT, request.send()).await.unwrap().unwrap();
    let first = timeout(LIMIT, answer.chunk()).await.expect("an event");
    assert_eq!(first.unwrap().unwrap(), "data: 1\n\n");

    stage.probe.go_on.notify_one();
    let second = timeout(LIMIT, answer.chunk()).await.expect("another");
    assert_eq!(second.unwrap().unwrap(), "data: 2\n\n");
    let end = timeout(LIMIT, answer.chunk()).await.expect("the end");
    assert!(end.unwrap().is_none());
}

/// No table of scopes looks at bodies here, so they are left alone.
async fn a_body_that_decides_nothing_flows_through(front: Front) {
    let stage = Stage::with(front, |builder| builder);
    let token = stage.token("alice", "notes:read").await;
    let headers = [
        "Transfer-Encoding: chunked".to_owned(),
        "X-Task: echo".to_owned(),
        format!("Authorization: Bearer {token}"),
    ];
    let mut request = stage.head("POST /mcp", &headers).into_bytes();
    request.extend(chunk(b"the first piece"));
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    stream.write_all(&request).await.unwrap();

    let mut answer = Vec::new();
    let first = async {
        while !String::from_utf8_lossy(&answer).contains("the first piece") {
            let read = stream.read_buf(&mut answer).await.unwrap();
            assert!(read > 0, "hung up: {}", String::from_utf8_lossy(&answer));
        }
    };
    timeout(LIMIT, first).await.expect("it comes back at once");
    let mut rest = chunk(b"the last piece");
    rest.extend_from_slice(b"0\r\n\r\n");
    stream.write_all(&rest).await.unwrap();
    let rest = read(&mut stream).await;
    assert!(rest.head.contains("the last piece"), "{rest:?}");
}
