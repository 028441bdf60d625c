//! From the `Authorization` header to who calls, in memory.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request};
use oauth_for_mcp::resource::{ResourceServer, VerifiedToken};
use oauth_for_mcp::types::TokenHash;
use quick_cache::sync::Cache;
use tower_service::Service as _;

use crate::candidates::{self, HandWritten, with_token};
use crate::http_loopback::{self, Handler};
use crate::issued::{ALGORITHMS, Issued};
use crate::mcp_server::{CALL, HEADERS};
use crate::measure::{Candidate, Measured, compare};
use crate::ours;
use crate::ready::ready;

const BODY: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes","arguments":{"limit":10}}}"#;

pub(crate) fn measure(rounds: usize, time: Duration) {
    for algorithm in ALGORITHMS {
        let issued = Issued::signed_with(algorithm);
        first_sight(&issued, &issued.token, rounds, time);
        first_sight(&issued, &issued.forged(), rounds, time);
    }
    let issued = Issued::signed_with("RS256");
    repeated(&issued, rounds, time);
    for handler in [Handler::Mcp, Handler::Nothing] {
        service(&issued, handler, rounds, time);
    }
}

/// Whether our guard lets the token call a tool.
fn decide(server: &ResourceServer, headers: &HeaderMap, token: &VerifiedToken) -> bool {
    server.authorize(Some(token), headers, Some(BODY)).is_ok()
}

/// A token that is good, which no guard is to remember, or one that is forged, which
/// none does.
fn first_sight(issued: &Issued, token: &str, rounds: usize, time: Duration) {
    let is_good = token == issued.token;
    let headers = with_token(token);
    let our_guard = ours::guard(issued, !is_good);
    let hand_written = HandWritten::new(issued);
    let oauth_resource_server = candidates::oauth_resource_server(issued);
    let jwt_authorizer = runtime().block_on(candidates::jwt_authorizer(issued));
    let runtime = runtime();
    let expect = |admitted: bool| assert_eq!(admitted, is_good, "{token}");
    let candidates = vec![
        Candidate::new("signature alone", || issued.floor()),
        Candidate::new("ours, and the tool if it is good", || {
            let token = ready(our_guard.authenticate(&headers));
            expect(token.is_ok_and(|token| decide(&our_guard, &headers, &token)));
        }),
        Candidate::new("hand-written with jsonwebtoken", || {
            expect(hand_written.verify(&headers).is_some());
        }),
        Candidate::new("oauth-resource-server", || {
            let verified = runtime.block_on(oauth_resource_server.validate(token));
            expect(verified.is_ok());
        }),
        Candidate::new("jwt-authorizer", || {
            let verified = runtime.block_on(jwt_authorizer.check_auth(token));
            expect(verified.is_ok());
        }),
    ];
    let which = if is_good { "first sight" } else { "forged" };
    print(
        &format!("{which}, {}", issued.algorithm),
        &compare(candidates, 0, rounds, time),
    );
}

/// The floor of what was seen before is to hash it, to look it up and to look at
/// the clock.
fn repeated(issued: &Issued, rounds: usize, time: Duration) {
    let headers = with_token(&issued.token);
    let our_guard = ours::guard(issued, true);
    let known = Cache::new(10_000);
    known.insert(TokenHash::of(&issued.token), u64::MAX);
    let candidates = vec![
        Candidate::new("SHA-256, one look-up and the clock", || {
            let end = known
                .get(&TokenHash::of(&issued.token))
                .expect("it is there");
            let now = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
            assert!(now < end, "it ends never");
        }),
        Candidate::new("ours, who calls", || {
            ready(our_guard.authenticate(&headers)).expect("a good token")
        }),
        Candidate::new("ours, with the decision about a tool", || {
            let token = ready(our_guard.authenticate(&headers)).expect("a good token");
            assert!(decide(&our_guard, &headers, &token), "enough scope");
        }),
    ];
    print("repeated", &compare(candidates, 0, rounds, time));
}

/// A whole request to an axum router, without HTTP, from somebody whose address is
/// known.
fn service(issued: &Issued, handler: Handler, rounds: usize, time: Duration) {
    type Make = fn(&Issued, Handler) -> Router;
    let routers: [(&str, Make); 8] = [
        ("no authorization", http_loopback::bare),
        ("a layer that reads the body", http_loopback::idle_layer),
        ("ours, known", http_loopback::ours),
        ("ours, known, as a layer", http_loopback::ours_as_layer),
        ("ours, as if new", http_loopback::ours_forgetful),
        (
            "ours, as if new, by token alone",
            http_loopback::ours_by_token,
        ),
        (
            "hand-written with jsonwebtoken",
            http_loopback::hand_written,
        ),
        (
            "oauth-resource-server",
            http_loopback::oauth_resource_server,
        ),
    ];
    let request = whole_request(&issued.token);
    let candidates = routers.map(|(name, make)| {
        let mut router = make(issued, handler);
        let (runtime, request) = (runtime(), request.clone());
        Candidate::new(name, move || {
            let answer = router.call(request.clone().map(Body::from));
            let answer = runtime.block_on(answer).expect("it never fails");
            assert_eq!(answer.status(), 200, "a good token");
        })
    });
    print(
        &format!("a whole request, without HTTP, handler {handler:?}"),
        &compare(candidates.into(), 0, rounds, time),
    );
}

fn whole_request(token: &str) -> Request<&'static str> {
    let mut request = Request::post("/mcp").header("host", "mcp.example.com");
    for line in HEADERS.lines() {
        let (name, value) = line.split_once(": ").expect("a header");
        request = request.header(name, value);
    }
    request = request.header("content-type", "application/json");
    request = request.header("accept", "application/json, text/event-stream");
    request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    let from = SocketAddr::from(([127, 0, 0, 1], 1));
    let request = request.extension(ConnectInfo(from)).body(CALL);
    request.expect("a request")
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

pub(crate) fn print(title: &str, measured: &[Measured]) {
    println!("\n{title}");
    for one in measured {
        println!(
            "  {:40} {:9.2} µs  {:7.3} ×  {:4} allocations",
            one.name,
            one.time.as_secs_f64() * 1e6,
            one.to_floor,
            one.allocations,
        );
    }
}
