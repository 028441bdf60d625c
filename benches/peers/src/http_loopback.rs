//! Whole requests over HTTP on loopback.
//!
//! Each server has a thread of its own, so that the kernel tells its CPU time,
//! system calls included and clients excluded. Four clients keep it busy.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jwt_authorizer::IntoLayer as _;
use oauth_for_mcp::adapter::axum::{protect, protected};
use oauth_for_mcp::endpoint::Protection;
use oauth_for_mcp::resource::ResourceServer;
use oauth_resource_server::mcp::McpToolScopes;

use crate::candidates::{self, HandWritten};
use crate::idle_layer::IdleLayer;
use crate::issued::{Issued, SCOPE};
use crate::mcp_server::{self, CALL, HEADERS};
use crate::measure::{cpu_of, median};
use crate::ours as our;

const CLIENTS: usize = 4;
const ANSWER: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"milk\nbread"}]}}"#;

/// What is guarded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// A server of MCP, which reads what it is asked and calls a tool.
    Mcp,
    /// Reads the body and says what it always says.
    Nothing,
}

pub(crate) fn measure(rounds: usize, requests: u32) {
    for handler in [Handler::Mcp, Handler::Nothing] {
        for algorithm in ["RS256", "ES256"] {
            let issued = Arc::new(Issued::signed_with(algorithm));
            println!("\nover HTTP, handler {handler:?}, {algorithm}:");
            println!("median of {rounds} rounds of {requests} requests");
            compare(&servers(&issued, handler), rounds, requests);
        }
    }
}

fn compare(servers: &[(&'static str, Served, usize)], rounds: usize, requests: u32) {
    let mut rows: Vec<Row> = servers.iter().map(|_| Row::default()).collect();
    // The first round is for warming up.
    for round in 0..=rounds {
        for ((_, server, _), row) in servers.iter().zip(&mut rows) {
            let measured = server.load(requests);
            if round > 0 {
                row.push(measured);
            }
        }
    }
    for (index, (name, _, floor)) in servers.iter().enumerate() {
        rows[index].print(name, &rows[*floor]);
    }
}

/// Each with its name and the place of the server that it is compared with.
fn servers(issued: &Arc<Issued>, handler: Handler) -> Vec<(&'static str, Served, usize)> {
    let good = Some(issued.token.clone());
    let serve = |make: fn(&Issued, Handler) -> Router, token: &Option<String>, status| {
        let issued = Arc::clone(issued);
        Served::start(
            move || serve_08(make(&issued, handler)),
            token.clone(),
            status,
        )
    };
    let serve_07 = |make: fn(&Issued, Handler) -> axum_07::Router| {
        let issued = Arc::clone(issued);
        Served::start(move || serve_07(make(&issued, handler)), good.clone(), 200)
    };
    vec![
        ("no authorization", serve(bare, &good, 200), 0),
        (
            "a layer that reads the body",
            serve(idle_layer, &good, 200),
            0,
        ),
        ("ours, known", serve(ours, &good, 200), 0),
        (
            "ours, known, as a layer",
            serve(ours_as_layer, &good, 200),
            0,
        ),
        ("ours, as if new", serve(ours_forgetful, &good, 200), 0),
        (
            "ours, as if new, by token alone",
            serve(ours_by_token, &good, 200),
            0,
        ),
        ("hand-written", serve(hand_written, &good, 200), 0),
        (
            "oauth-resource-server",
            serve(oauth_resource_server, &good, 200),
            0,
        ),
        ("ours, 401", serve(ours, &None, 401), 0),
        (
            "oauth-resource-server, 401",
            serve(oauth_resource_server, &None, 401),
            0,
        ),
        ("no authorization, axum 0.7", serve_07(bare_07), 10),
        ("jwt-authorizer, axum 0.7", serve_07(jwt_authorizer), 10),
    ]
}

async fn answer(_: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], ANSWER).into_response()
}

pub(crate) fn bare(_: &Issued, handler: Handler) -> Router {
    match handler {
        Handler::Mcp => Router::new().route_service("/mcp", mcp_server::service()),
        Handler::Nothing => Router::new().route("/mcp", post(answer)),
    }
}

/// What the framework takes for any layer that reads the body.
pub(crate) fn idle_layer(issued: &Issued, handler: Handler) -> Router {
    bare(issued, handler).route_layer(IdleLayer)
}

pub(crate) fn ours(issued: &Issued, handler: Handler) -> Router {
    guarded(our::guard(issued, true), handler)
}

pub(crate) fn ours_forgetful(issued: &Issued, handler: Handler) -> Router {
    guarded(our::guard(issued, false), handler)
}

/// Does the same as the others that are compared, of which most decide by the token alone.
pub(crate) fn ours_by_token(issued: &Issued, handler: Handler) -> Router {
    guarded(our::guard_by_token(issued), handler)
}

fn guarded(guard: ResourceServer, handler: Handler) -> Router {
    let protection = Protection::new(Arc::new(guard));
    match handler {
        Handler::Mcp => protected("/mcp", protection, mcp_server::service()),
        Handler::Nothing => protected("/mcp", protection, post(answer)),
    }
}

pub(crate) fn ours_as_layer(issued: &Issued, handler: Handler) -> Router {
    let protection = Protection::new(Arc::new(our::guard(issued, true)));
    bare(issued, handler).route_layer(protect(protection))
}

pub(crate) fn hand_written(issued: &Issued, handler: Handler) -> Router {
    let verifier = Arc::new(HandWritten::new(issued));
    let guard = move |mut request: Request, next: Next| {
        let claims = verifier.verify(request.headers());
        async move {
            let Some(claims) = claims else {
                return StatusCode::UNAUTHORIZED.into_response();
            };
            request.extensions_mut().insert(claims);
            next.run(request).await
        }
    };
    bare(issued, handler).route_layer(from_fn(guard))
}

pub(crate) fn oauth_resource_server(issued: &Issued, handler: Handler) -> Router {
    let validator = candidates::oauth_resource_server(issued);
    let auth = oauth_resource_server::axum::AuthLayer::builder().oauth(validator);
    let tools = McpToolScopes::new()
        .default([SCOPE])
        .tool("add_note", ["notes:write"]);
    bare(issued, handler)
        .route_layer(tools)
        .route_layer(auth.build().expect("good settings"))
}

fn bare_07(_: &Issued, handler: Handler) -> axum_07::Router {
    let answer =
        |_: axum_07::body::Bytes| async { ([("content-type", "application/json")], ANSWER) };
    match handler {
        Handler::Mcp => axum_07::Router::new().route_service("/mcp", mcp_server::service()),
        Handler::Nothing => axum_07::Router::new().route("/mcp", axum_07::routing::post(answer)),
    }
}

fn jwt_authorizer(issued: &Issued, handler: Handler) -> axum_07::Router {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let authorizer = thread::scope(|scope| {
        let build = scope.spawn(|| {
            let runtime = runtime.expect("a runtime");
            runtime.block_on(candidates::jwt_authorizer(issued))
        });
        build.join().expect("a guard")
    });
    bare_07(issued, handler).layer(authorizer.into_layer())
}

type Serving = Box<dyn FnOnce(tokio::net::TcpListener) -> Pending>;
type Pending = Pin<Box<dyn Future<Output = ()>>>;

fn serve_08(router: Router) -> Serving {
    Box::new(|listener| Box::pin(async { axum::serve(listener, router).await.expect("a server") }))
}

fn serve_07(router: axum_07::Router) -> Serving {
    Box::new(|listener| {
        Box::pin(async { axum_07::serve(listener, router).await.expect("a server") })
    })
}

/// A server that runs, and what it is asked.
struct Served {
    address: SocketAddr,
    task: PathBuf,
    request: String,
    status: u16,
}

impl Served {
    fn start(
        make: impl FnOnce() -> Serving + Send + 'static,
        token: Option<String>,
        status: u16,
    ) -> Self {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let task = fs::read_link("/proc/thread-self").expect("a Linux system");
            let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
            listener.set_nonblocking(true).expect("a socket");
            let address = listener.local_addr().expect("an address");
            let serve = make();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                tell.send((address, PathBuf::from("/proc").join(task)))
                    .expect("somebody waits");
                serve(listener).await;
            });
        });
        let (address, task) = told.recv().expect("a server that started");
        Self {
            address,
            task,
            request: request(token.as_deref()),
            status,
        }
    }

    /// Sends this many requests, over a few connections at once.
    fn load(&self, requests: u32) -> Measured {
        let mut clients = [(); CLIENTS].map(|()| Client::connect(self));
        let (begin, before) = (Instant::now(), cpu_of(&self.task));
        thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(move || (0..requests / CLIENTS as u32).for_each(|_| client.ask()));
            }
        });
        let taken = begin.elapsed();
        Measured {
            requests_a_second: f64::from(requests) / taken.as_secs_f64(),
            cpu: (cpu_of(&self.task) - before).as_secs_f64() / f64::from(requests),
        }
    }
}

fn request(token: Option<&str>) -> String {
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    format!(
        "POST /mcp HTTP/1.1\r\nhost: mcp.example.com\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\n{HEADERS}{}content-length: {}\r\n\r\n{CALL}",
        token.unwrap_or_default(),
        CALL.len(),
    )
}

/// A kept-alive connection.
struct Client<'a> {
    stream: BufReader<TcpStream>,
    server: &'a Served,
}

impl<'a> Client<'a> {
    fn connect(server: &'a Served) -> Self {
        let stream = TcpStream::connect(server.address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream: BufReader::new(stream),
            server,
        }
    }

    fn ask(&mut self) {
        let request = self.server.request.as_bytes();
        self.stream.get_mut().write_all(request).expect("a server");
        let status = self.line();
        let expected = self.server.status.to_string();
        assert_eq!(status.split(' ').nth(1), Some(&*expected), "{status}");
        let mut length = 0;
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a server");
        line.trim_end().to_owned()
    }
}

#[derive(Clone, Copy)]
struct Measured {
    requests_a_second: f64,
    /// In seconds for one request.
    cpu: f64,
}

/// The rounds of one server.
#[derive(Default)]
struct Row(Vec<Measured>);

impl Row {
    fn push(&mut self, measured: Measured) {
        self.0.push(measured);
    }

    fn print(&self, name: &str, floor: &Self) {
        let ratio = |value: fn(&Measured) -> f64| {
            let pairs = self.0.iter().zip(&floor.0);
            median(
                pairs
                    .map(|(one, other)| value(one) / value(other))
                    .collect(),
            )
        };
        let cpu = median(self.0.iter().map(|one| one.cpu * 1e6).collect());
        let throughput = median(self.0.iter().map(|one| one.requests_a_second).collect());
        println!(
            "  {name:31} {cpu:7.2} µs of CPU  {:6.3} ×   {throughput:8.0} requests a second  {:6.3} ×",
            ratio(|one| one.cpu),
            ratio(|one| one.requests_a_second),
        );
    }
}
