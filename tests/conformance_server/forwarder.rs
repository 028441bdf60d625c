//! A client's way to a server that adds the client's token, and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

const HEAD_END: &[u8] = b"\r\n\r\n";

/// Forwards byte for byte, in both directions, as it comes.
pub(crate) struct Forwarder {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    _running: DropGuard,
}

impl Forwarder {
    pub(crate) async fn start(server: SocketAddr, token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let line = format!("\r\nAuthorization: Bearer {token}");
        let count = Arc::clone(&requests);
        let end = CancellationToken::new();
        let ended = end.clone();
        tokio::spawn(async move {
            let accept = async {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(forward(client, server, line.clone(), Arc::clone(&count)));
                }
            };
            tokio::select! {
                () = accept => {}
                () = ended.cancelled() => {}
            }
        });
        Self {
            address,
            requests,
            _running: end.drop_guard(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many requests went through.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn forward(
    client: TcpStream,
    server: SocketAddr,
    line: String,
    count: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        tokio::io::copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    let requests = async {
        let mut read = Vec::new();
        while let Some(head) = read_head(&mut from_client, &mut read).await? {
            count.fetch_add(1, Ordering::SeqCst);
            let (lines, end) = head.split_at(head.len() - HEAD_END.len());
            to_server.write_all(lines).await?;
            to_server.write_all(line.as_bytes()).await?;
            to_server.write_all(end).await?;
            let mut left = body_length(&head);
            while left > 0 {
                if read.is_empty() && from_client.read_buf(&mut read).await? == 0 {
                    return Ok(());
                }
                let piece = left.min(read.len());
                to_server.write_all(&read[..piece]).await?;
                read.drain(..piece);
                left -= piece;
            }
        }
        to_server.shutdown().await
    };
    // When one side hangs up, the other hears of it.
    tokio::select! {
        ended = answers => ended,
        ended = async { requests.await?; std::future::pending().await } => ended,
    }
}

/// The next head, with the empty line; what was read beyond it stays in `read`.
async fn read_head(
    from: &mut (impl AsyncRead + Unpin),
    read: &mut Vec<u8>,
) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        let found = read
            .windows(HEAD_END.len())
            .position(|bytes| bytes == HEAD_END);
        if let Some(begin) = found {
            let rest = read.split_off(begin + HEAD_END.len());
            return Ok(Some(std::mem::replace(read, rest)));
        }
        if from.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

fn body_length(head: &[u8]) -> usize {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    assert!(!text.contains("transfer-encoding"), "not built: {text}");
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| *name == "content-length");
    length.map_or(0, |(_, length)| length.trim().parse().unwrap())
}
