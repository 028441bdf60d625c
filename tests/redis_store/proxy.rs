use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Stands between a store and its server, and may lose what the server says.
pub(crate) struct Proxy {
    pub(crate) url: String,
    losing: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn before(url: &str) -> Self {
        let server = url.trim_start_matches("redis://").trim_end_matches('/');
        let server = server.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let losing = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&losing);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass_on(client, server, Arc::clone(&shared)));
            }
        });
        Self { url, losing }
    }

    /// The next time the server says something, the connection breaks instead.
    pub(crate) fn lose_next_answer(&self) {
        self.losing.store(1, Ordering::SeqCst);
    }

    pub(crate) fn lost(&self) -> bool {
        self.losing.load(Ordering::SeqCst) == 0
    }
}

async fn pass_on(client: TcpStream, server: TcpStream, losing: Arc<AtomicUsize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async {
        tokio::io::copy(&mut from_client, &mut to_server)
            .await
            .map(drop)
    };
    let answers = async {
        let mut bytes = vec![0; 65536];
        loop {
            let length = from_server.read(&mut bytes).await?;
            let lost = losing.swap(0, Ordering::SeqCst) > 0;
            if length == 0 || lost {
                return Ok::<_, std::io::Error>(());
            }
            to_client.write_all(&bytes[..length]).await?;
        }
    };
    // Whichever ends first takes the other along.
    let _ = tokio::select! { ended = requests => ended, ended = answers => ended };
}
