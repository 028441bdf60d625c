//! Stands between a PostgreSQL store and its server: counts round trips, and can
//! lose an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// A proxy to one PostgreSQL server; ends with the runtime.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    round_trips: AtomicUsize,
    loses_an_answer: AtomicBool,
    /// Connections with a lower number pass nothing on any more.
    silent_below: AtomicUsize,
    connections: AtomicUsize,
}

/// What a client sends to have everything before it carried out and answered.
const SYNC: u8 = b'S';
const QUERY: u8 = b'Q';

impl Proxy {
    /// Listens, and passes everything on to the server at `port`.
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("there is a free port");
        let proxy = Self {
            port: listener.local_addr().expect("it is bound").port(),
            state: Arc::default(),
        };
        let state = Arc::clone(&proxy.state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await;
                let server = server.expect("PostgreSQL answers");
                tokio::spawn(serve(client, server, Arc::clone(&state)));
            }
        });
        proxy
    }

    /// A proxy to the server of this URL, and the URL through it.
    pub(crate) async fn before(url: &str) -> (Self, String) {
        let mut url = url::Url::parse(url).expect("it is a URL");
        let proxy = Self::to(url.port().expect("it has a port")).await;
        url.set_port(Some(proxy.port)).expect("it takes a port");
        (proxy, format!("{url}&sslmode=disable"))
    }

    /// How often a client waited for the server since this was asked last.
    pub(crate) fn round_trips(&self) -> usize {
        self.state.round_trips.swap(0, Ordering::SeqCst)
    }

    /// The next request reaches the server, and its answer nobody.
    pub(crate) fn lose_the_next_answer(&self) {
        self.state.loses_an_answer.store(true, Ordering::SeqCst);
    }

    /// As when a firewall forgets: the connections there are stay open and fall
    /// silent, and new ones are good.
    pub(crate) fn silence(&self) {
        let number = self.state.connections.load(Ordering::SeqCst);
        self.state.silent_below.store(number, Ordering::SeqCst);
    }

    pub(crate) fn lost_an_answer(&self) -> bool {
        !self.state.loses_an_answer.load(Ordering::SeqCst)
    }
}

async fn serve(client: TcpStream, server: TcpStream, state: Arc<State>) {
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("it is a TCP stream");
    }
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    // The message that begins a connection has no type.
    let mut length = [0; 4];
    if from_client.read_exact(&mut length).await.is_err() {
        return;
    }
    let mut start = vec![0; u32::from_be_bytes(length) as usize - 4];
    if from_client.read_exact(&mut start).await.is_err() {
        return;
    }
    let start = [length.as_slice(), &start].concat();
    if to_server.write_all(&start).await.is_err() {
        return;
    }
    let number = state.connections.fetch_add(1, Ordering::SeqCst);
    let silent = Arc::new(AtomicBool::new(false));
    let answers = tokio::spawn(pass_answers(from_server, to_client, Arc::clone(&silent)));
    let mut asks = false;
    while let Some(message) = read_message(&mut from_client).await {
        if number < state.silent_below.load(Ordering::SeqCst) {
            continue;
        }
        asks |= message[0] != SYNC;
        // With nothing before it, the pool asks whether a connection that was
        // given back is well: no request waits for that.
        if matches!(message[0], SYNC | QUERY) && std::mem::take(&mut asks) {
            state.round_trips.fetch_add(1, Ordering::SeqCst);
            if state.loses_an_answer.swap(false, Ordering::SeqCst) {
                silent.store(true, Ordering::SeqCst);
            }
        }
        if to_server.write_all(&message).await.is_err() {
            break;
        }
    }
    answers.abort();
}

/// Passes answers on; once it is to be silent, hangs up after the whole answer.
async fn pass_answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silent: Arc<AtomicBool>) {
    while let Some(message) = read_message(&mut from).await {
        const READY: u8 = b'Z';
        if silent.load(Ordering::SeqCst) {
            if message[0] == READY {
                let _closed = to.shutdown().await;
                return;
            }
        } else if to.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// One message: its type, its length, which counts itself, and the rest.
async fn read_message(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut head = [0; 5];
    from.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut message = head.to_vec();
    message.resize(1 + length, 0);
    from.read_exact(&mut message[5..]).await.ok()?;
    Some(message)
}
