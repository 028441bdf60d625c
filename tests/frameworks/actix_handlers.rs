//! Handlers of actix-web itself, without a socket.

use actix_web::body::MessageBody;
use actix_web::dev::Service as _;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::rt::System;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, Error, HttpMessage as _, HttpResponse, web};
use oauth_for_mcp::VerifiedToken;
use oauth_for_mcp::adapter::actix::Protect;
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

/// B5
#[test]
fn braces_and_stars_in_the_path_stand_for_nothing_else() {
    System::new().block_on(async {
        for (path, others) in [
            ("/%7Bx%7D", ["/other", "/x"]),
            ("/a%7Bb", ["/ab", "/a"]),
            ("/a%7D%7B.*%7D/b", ["/a/b", "/axx/b"]),
            ("/a*", ["/ab", "/a"]),
        ] {
            let server = TestServer::with(|builder| builder.resource_path(path));
            let app = App::new().configure(server.auth().configure(perhaps));
            let app = init_service(app).await;
            let status = async |path: &str| {
                let request = TestRequest::get().uri(path).to_request();
                call_service(&app, request).await.status().as_u16()
            };
            assert_eq!(status(path).await, 401, "{path}");
            let metadata = format!("/.well-known/oauth-protected-resource{path}");
            assert_eq!(status(&metadata).await, 200, "{metadata}");
            for other in others {
                assert_eq!(status(other).await, 404, "{path} {other}");
            }
        }
    });
}

async fn fail<B: MessageBody>(_: ServiceRequest, _: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let answer = HttpResponse::ImATeapot()
        .insert_header(("mcp-session-id", "raw"))
        .finish();
    Err(actix_web::error::InternalError::from_response("broken", answer).into())
}

/// B10
#[test]
fn what_middleware_answers_by_an_error_is_an_answer_too() {
    System::new().block_on(async {
        let server = TestServer::new();
        let client = TestClient::register(&server).await;
        let token = client.sign_in(&server, "notes:read").await.access_token;
        let protect = Protect::new(server.auth().protection().clone());
        let resource = web::resource("/mcp").to(perhaps);
        let app = App::new().service(resource.wrap(from_fn(fail)).wrap(protect));
        let app = init_service(app).await;
        let request = TestRequest::post().uri("/mcp").set_payload(PING);
        let request = request.insert_header(("authorization", format!("Bearer {token}")));
        let request = request.insert_header(("origin", "https://app.example.com"));

        let error = app.call(request.to_request()).await.err().unwrap();

        let answer = error.error_response();
        assert_eq!(answer.status(), 418);
        assert!(answer.headers().contains_key("access-control-allow-origin"));
        let session = answer.headers().get("mcp-session-id").unwrap();
        assert_ne!(session, "raw", "it is bound");
    });
}
