//! Whole requests over HTTP on loopback.
//!
//! Each server has a thread of its own, so that the kernel tells its CPU time,
//! system calls included and clients excluded. Four clients keep it busy. All servers
//! are started anew a few times and then take turns in another order, since where their
//! memory lies is luck, and what ran before leaves its traces.

use std::fs;
use std::net::{SocketAddr, TcpListener};
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
use tokio::sync::oneshot;

use crate::candidates::{self, HandWritten};
use crate::client::{Client, request};
use crate::idle_layer::IdleLayer;
use crate::issued::{Issued, SCOPE};
use crate::mcp_server;
use crate::measure::{cpu_of, median};
use crate::ours as our;

const CLIENTS: usize = 4;
/// For each start, how many places further the next turn is. None has a divisor in
/// common with the number of servers, so that each has its turn.
const STEPS: [usize; 4] = [1, 5, 7, 11];
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
            let starts = STEPS.len();
            println!("median of {starts} × {rounds} rounds of {requests} requests");
            println!("behind it the least and the most of the medians of one start");
            let mut rows = Vec::new();
            for step in STEPS {
                let servers = servers(&issued, handler);
                rows.resize_with(servers.len(), Row::default);
                compare(&servers, step, (rounds, requests), &mut rows);
            }
            for row in &rows {
                let measured = row.measured.len();
                assert_eq!(measured, starts * rounds, "a step left {} out", row.name);
                row.print(&rows[row.floor]);
            }
        }
    }
}

fn compare(
    servers: &[(&'static str, Served, usize)],
    step: usize,
    (rounds, requests): (usize, u32),
    rows: &mut [Row],
) {
    // The first round is for warming up.
    for round in 0..=rounds {
        for turn in 0..servers.len() {
            let place = turn * step % servers.len();
            let (name, server, floor) = &servers[place];
            let measured = server.load(requests);
            let row = &mut rows[place];
            (row.name, row.floor) = (name, *floor);
            if round > 0 {
                row.measured.push(measured);
            }
        }
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

/// A server that runs until this is dropped, and what it is asked.
struct Served {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
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
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
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
                tokio::select! {
                    () = serve(listener) => {}
                    _ = stopped => {}
                }
            });
        });
        let (address, task) = told.recv().expect("a server that started");
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
            task,
            request: request(token.as_deref()),
            status,
        }
    }

    /// Sends this many requests, over a few connections at once.
    fn load(&self, requests: u32) -> Measured {
        let mut clients = [(); CLIENTS].map(|()| Client::connect(self.address));
        let (begin, before) = (Instant::now(), cpu_of(&self.task));
        thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(move || {
                    (0..requests / CLIENTS as u32)
                        .for_each(|_| client.ask(&self.request, self.status));
                });
            }
        });
        let taken = begin.elapsed();
        Measured {
            requests_a_second: f64::from(requests) / taken.as_secs_f64(),
            cpu: (cpu_of(&self.task) - before).as_secs_f64() / f64::from(requests),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(thread::JoinHandle::join);
        ended.transpose().expect("a server that ends");
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
struct Row {
    name: &'static str,
    /// The place of the server that it is compared with.
    floor: usize,
    measured: Vec<Measured>,
}

impl Row {
    fn print(&self, floor: &Self) {
        let all = |value: fn(&Measured) -> f64| median(self.measured.iter().map(value).collect());
        println!(
            "  {:31} {:7.2} µs of CPU  {}   {:8.0} requests a second  {}",
            self.name,
            all(|one| one.cpu * 1e6),
            self.ratio(floor, |one| one.cpu),
            all(|one| one.requests_a_second),
            self.ratio(floor, |one| one.requests_a_second),
        );
    }

    /// The median of the ratios in each round, of all starts together and, the least and
    /// the most, of each.
    fn ratio(&self, floor: &Self, value: fn(&Measured) -> f64) -> String {
        let pairs = self.measured.iter().zip(&floor.measured);
        let ratios: Vec<f64> = pairs
            .map(|(one, other)| value(one) / value(other))
            .collect();
        let starts = ratios.chunks(ratios.len() / STEPS.len());
        let mut starts: Vec<f64> = starts.map(|start| median(start.to_vec())).collect();
        starts.sort_by(f64::total_cmp);
        let (least, most) = (starts[0], starts[starts.len() - 1]);
        format!("{:6.3} × ({least:.3} to {most:.3})", median(ratios))
    }
}
