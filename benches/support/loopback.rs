//! HTTP on loopback: servers each on a thread of its own, so that the kernel
//! tells the CPU time of each, and a client that costs them nothing.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use bytes::Bytes;
use http::{Request, Response};

use crate::walk::Transport;

/// What the whole way asks for; the last of them twice.
pub(crate) const PATHS: [&str; 4] = ["/authorize", "/oauth/consent", "/oauth/callback", "/token"];

/// A server that runs.
pub(crate) struct Served {
    address: SocketAddr,
    task: PathBuf,
}

impl Served {
    /// Starts the server that `make` makes for an origin.
    pub(crate) fn start(make: impl FnOnce(&str) -> Router + Send + 'static) -> Self {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let task = fs::read_link("/proc/thread-self").expect("a Linux system");
            let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
            listener.set_nonblocking(true).expect("a socket");
            let address = listener.local_addr().expect("an address");
            let router = make(&format!("http://{address}"));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let task = PathBuf::from("/proc").join(task);
                tell.send(Self { address, task }).expect("somebody waits");
                axum::serve(listener, router).await.expect("a server");
            });
        });
        told.recv().expect("a server that started")
    }

    pub(crate) fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Connection(BufReader::new(stream))
    }

    /// The CPU time the server's thread has used, in the kernel and out of it.
    pub(crate) fn cpu(&self) -> Duration {
        // The thread may still be on its way from its last answer to sleep.
        thread::sleep(Duration::from_millis(2));
        let text = fs::read_to_string(self.task.join("schedstat")).expect("a thread");
        let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
        Duration::from_nanos(nanoseconds.expect("a number"))
    }
}

/// Whatever `respond` says, as axum serves it.
pub(crate) fn router(
    respond: impl Fn(Request<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
) -> Router {
    let respond = Arc::new(respond);
    let handler = any(move |request: Request<Body>| {
        let respond = Arc::clone(&respond);
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 64 * 1024).await;
            let body = body.expect("a body that is not too long");
            respond(Request::from_parts(parts, body)).map(Body::from)
        }
    });
    PATHS.iter().fold(Router::new(), |router, path| {
        router.route(path, handler.clone())
    })
}

/// A kept-alive connection of HTTP/1.1 that knows as much as this takes.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Transport for Connection {
    fn send(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        let (method, target) = (request.method(), request.uri());
        let mut message = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n");
        for (name, value) in request.headers() {
            message += &format!("{name}: {}\r\n", value.to_str().expect("a text"));
        }
        let body = request.body();
        message += &format!("content-length: {}\r\n\r\n", body.len());
        let message = [message.as_bytes(), body].concat();
        self.0.get_mut().write_all(&message).expect("a server");
        self.answer()
    }
}

impl Connection {
    fn answer(&mut self) -> Response<Bytes> {
        let status = self.line();
        let status = status.split(' ').nth(1).expect("a status line");
        let mut response = Response::builder().status(status);
        let mut length = 0;
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            if name == "content-length" {
                length = value.parse().expect("a length");
            }
            response = response.header(name, value);
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        response.body(body.into()).expect("an answer")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a server");
        line.trim_end().to_owned()
    }
}
