use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;

const LIMITS: FetchLimits = FetchLimits {
    max_body_bytes: 16,
    timeout: Duration::from_secs(10),
};

async fn fetch(fetch: &ReqwestFetch, url: &str) -> Result<http::Response<Bytes>, FetchError> {
    let request = http::Request::get(url).body(Bytes::new()).unwrap();
    fetch.fetch(request, LIMITS).await
}

async fn fetch_configured(url: &str) -> Result<http::Response<Bytes>, FetchError> {
    fetch(&ReqwestFetch::configured().unwrap(), url).await
}

/// A server that gives each request this answer, and its requests.
async fn server(answer: &'static str) -> (String, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
    let (seen, requests) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = socket.read(&mut request).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let _ = seen.send(text);
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (url, requests)
}

#[tokio::test]
async fn an_answer_comes_back_whole_with_any_status() {
    let answer = "HTTP/1.1 503 Busy\r\nx-a: b\r\ncontent-length: 16\r\n\r\n0123456789abcdef";
    let (url, mut requests) = server(answer).await;
    let answer = fetch_configured(&url).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["x-a"], "b");
    assert_eq!(&answer.body()[..], b"0123456789abcdef");
    let request = requests.recv().await.unwrap().to_lowercase();
    assert!(request.starts_with("get /a?b=c http/1.1\r\n"));
    let agent = format!(
        "user-agent: oauth-for-mcp/{}\r\n",
        env!("CARGO_PKG_VERSION")
    );
    assert!(request.contains(&agent));
    for header in ["accept-encoding", "cookie", "referer"] {
        assert!(!request.contains(header), "{header}");
    }
}

#[tokio::test]
async fn a_chunked_body_is_put_together_and_bounded() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let good = format!("{head}8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n").leak();
    let (url, _requests) = server(good).await;
    assert_eq!(fetch_configured(&url).await.unwrap().body().len(), 16);
    // It never ends, so the limit is what ends it.
    let endless = format!("{head}8\r\n01234567\r\n9\r\n012345678\r\n").leak();
    let (url, _requests) = server(endless).await;
    let error = fetch_configured(&url).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge(16)), "{error:?}");
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_not_read() {
    let (url, _requests) = server("HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n").await;
    let error = fetch_configured(&url).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge(16)), "{error:?}");
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x02";
    let (url, _requests) = server(answer).await;
    let answer = fetch_configured(&url).await.unwrap();
    assert_eq!(&answer.body()[..], b"\x1f\x02");
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let (target, mut requests) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\n\r\n").leak();
    let (url, _requests) = server(redirect).await;
    assert_eq!(fetch_configured(&url).await.unwrap().status(), 302);
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_server_that_does_not_finish_in_time_fails() {
    let fetch = ReqwestFetch::configured().unwrap();
    let limits = FetchLimits {
        timeout: Duration::from_millis(50),
        ..LIMITS
    };
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        let request = http::Request::get(url).body(Bytes::new()).unwrap();
        let error = fetch.fetch(request, limits).await.unwrap_err();
        assert!(matches!(error, FetchError::Failed(_)), "{error:?}");
        server.abort();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_hangs_up_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = fetch_configured(&format!("http://{address}/?secret=hunter2")).await;
    let error = error.unwrap_err();
    assert!(matches!(error, FetchError::Failed(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"));
    let (url, _requests) = server("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await;
    let error = fetch_configured(&url).await.unwrap_err();
    assert!(matches!(error, FetchError::Failed(_)), "{error:?}");
}

#[tokio::test]
async fn the_guarded_kind_refuses_whatever_is_not_public_https() {
    let guarded = ReqwestFetch::public().unwrap();
    for url in [
        "http://example.com",
        "http://127.0.0.1",
        "https://127.0.0.1",
        "https://127.0.0.1:8443/x",
        "https://localhost",
        "https://LOCALHOST",
        "https://[::1]",
        "https://[::]",
        "https://[::ffff:127.0.0.1]",
        "https://[::ffff:7f00:1]",
        "https://[64:ff9b::a9fe:a9fe]",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1",
        "https://0.0.0.0",
        "https://0",
        // Other spellings of 127.0.0.1 and 169.254.169.254.
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.1",
        "https://017700000001",
        "https://0177.0.0.1",
        "https://127.1",
        "https://127.0.1",
        "https://127.0.0.1.",
        "https://2852039166",
        "https://0xA9FEA9FE",
        "https://0251.0376.0251.0376",
        "https://user@1.1.1.1",
        "https://user:password@example.com",
    ] {
        let error = fetch(&guarded, url).await.unwrap_err();
        assert!(matches!(error, FetchError::Refused(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn plain_http_is_for_loopback_hosts_even_if_the_address_is_configured() {
    for url in [
        "http://example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "http://[::2]",
        "ftp://127.0.0.1",
        "http://user@127.0.0.1",
    ] {
        let error = fetch_configured(url).await.unwrap_err();
        assert!(matches!(error, FetchError::Refused(_)), "{url}: {error:?}");
    }
    let (url, _requests) = server("HTTP/1.1 204 No\r\n\r\n").await;
    let named = url.replace("127.0.0.1", "localhost");
    assert_eq!(fetch_configured(&named).await.unwrap().status(), 204);
}
