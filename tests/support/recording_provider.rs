//! An OpenID provider that remembers what the server under test tells it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tokio::net::TcpListener;

use super::process::lasting_port;

const LARGEST: usize = 1 << 20;

/// The bodies of every request to its token endpoint, each with its answer.
pub(crate) type Spoken = Arc<Mutex<Vec<[String; 2]>>>;

/// Serves the routes that `routes` makes for its issuer; gives both.
pub(crate) async fn start(routes: impl FnOnce(&str) -> Router) -> (String, Spoken) {
    let port = lasting_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).await;
    let listener = listener.expect("the port was free");
    let issuer = format!("http://127.0.0.1:{port}");
    let spoken = Spoken::default();
    let memory = Arc::clone(&spoken);
    let record = move |request: Request, next: Next| record(Arc::clone(&memory), request, next);
    let routes = routes(&issuer).layer(from_fn(record));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (issuer, spoken)
}

async fn record(memory: Spoken, request: Request, next: Next) -> Response {
    let is_token = request.uri().path() == "/token";
    let (head, body) = request.into_parts();
    let (body, asked) = copy(body).await;
    let answer = next.run(Request::from_parts(head, body)).await;
    let (head, body) = answer.into_parts();
    let (body, answered) = copy(body).await;
    if is_token {
        let mut memory = memory.lock().expect("nobody panics with the lock");
        memory.push([asked, answered]);
    }
    Response::from_parts(head, body)
}

async fn copy(body: Body) -> (Body, String) {
    let bytes = to_bytes(body, LARGEST).await.expect("the body is small");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (Body::from(bytes), text)
}
