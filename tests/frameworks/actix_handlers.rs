//! Handlers of actix-web itself, without a socket.

use actix_web::rt::System;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpMessage as _, web};
use oauth_for_mcp::VerifiedToken;
use oauth_for_mcp::endpoint::PeerAddress;
use oauth_for_mcp::limit::{Limit, Quota, RateLimits};
use oauth_for_mcp::test_util::{TestClient, TestServer};

use super::stage::PING;

async fn strictly(caller: VerifiedToken) -> String {
    caller.subject().to_string()
}

async fn perhaps(caller: Option<VerifiedToken>, body: web::Bytes) -> String {
    let name = caller.map_or_else(|| "nobody".to_owned(), |token| token.subject().to_string());
    format!("{name}: {} bytes", body.len())
}

#[test]
fn a_handler_that_needs_a_caller_fails_closed_without_protection() {
    System::new().block_on(async {
        let app = App::new().route("/open", web::get().to(strictly));
        let app = init_service(app).await;
        let answer = call_service(&app, TestRequest::get().uri("/open").to_request()).await;
        assert_eq!(answer.status(), 500);
    });
}

#[test]
fn a_handler_that_needs_a_caller_learns_who_calls() {
    System::new().block_on(async {
        let server = TestServer::new();
        let client = TestClient::register(&server).await;
        let token = client.sign_in(&server, "notes:read").await.access_token;
        let app = App::new().configure(server.auth().configure(strictly));
        let app = init_service(app).await;
        let request = TestRequest::post().uri("/mcp").set_payload(PING);
        let request = request.insert_header(("authorization", format!("Bearer {token}")));
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(read_body(answer).await, "alice");
    });
}

#[test]
fn a_handler_that_asks_perhaps_learns_that_nobody_calls() {
    System::new().block_on(async {
        let server = TestServer::with(|builder| builder.public_method("ping"));
        let app = App::new().configure(server.auth().configure(perhaps));
        let app = init_service(app).await;
        let request = TestRequest::post().uri("/mcp").set_payload(PING);
        let answer = call_service(&app, request.to_request()).await;
        assert_eq!(answer.status(), 200);
        let body = read_body(answer).await;
        assert_eq!(body, format!("nobody: {} bytes", PING.len()));
    });
}

#[test]
fn what_the_host_says_of_an_address_counts_and_not_the_connection() {
    System::new().block_on(async {
        let quota = Quota::new(1, 1).unwrap();
        let limits = RateLimits::off().with(Limit::RegisterByAddress, quota);
        let server = TestServer::with(|builder| builder.rate_limits(limits));
        let app = App::new().configure(server.auth().configure(perhaps));
        let app = init_service(app).await;
        let register = async |peer: &str, told: Option<&str>| {
            let request = TestRequest::post()
                .uri("/register")
                .insert_header(("content-type", "application/json"))
                .peer_addr(peer.parse().unwrap())
                .set_payload(r#"{"redirect_uris":["https://client.example.com/cb"]}"#)
                .to_request();
            if let Some(told) = told {
                let told = PeerAddress(told.parse().unwrap());
                request.extensions_mut().insert(told);
            }
            call_service(&app, request).await.status().as_u16()
        };
        let peer = "203.0.113.7:1000";
        assert_eq!(register(peer, None).await, 201);
        assert_eq!(register("203.0.113.7:2000", None).await, 429);
        assert_eq!(register(peer, Some("203.0.113.8")).await, 201);
        assert_eq!(register(peer, Some("203.0.113.8")).await, 429);
    });
}
