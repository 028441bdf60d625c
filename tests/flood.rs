//! A hundred thousand registrations by strangers, while people work.
#![cfg(feature = "test-util")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::event::{Event, EventSink};
use oauth_for_mcp::server::{DynamicRegistration, RegistrationConfig};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const REGISTRATIONS: u32 = 100_000;
/// How many come in a second, and from how many addresses.
const A_SECOND: u32 = 100;
const ADDRESSES: u32 = 50;
const DAY: Duration = Duration::from_secs(86_400);

/// Events would be counted as memory; those that matter here are few.
#[derive(Debug)]
struct Silence;

impl EventSink for Silence {
    fn emit(&self, _: &Event) {}
}

/// What a client of the field sends.
fn known() -> Value {
    json!({
        "client_name": "Known",
        "redirect_uris": ["http://localhost:4000/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

fn strange(number: u32) -> Value {
    json!({
        "client_name": format!("Strange {number}"),
        "redirect_uris": [format!("https://strange.example/{number}")],
    })
}

/// What came of a flood.
#[derive(Debug, Default)]
struct Flood {
    registered: usize,
    refused: usize,
    full: usize,
}

/// Floods `server`, with a person at work from another address.
async fn flood(server: &TestServer) -> Flood {
    let home = server.from_address(Ipv4Addr::new(203, 0, 113, 7));
    let client = TestClient::register_with(&home, &known()).await;
    let mut tokens = client.sign_in(&home, "notes:read").await;
    let mut flood = Flood::default();
    for number in 0..REGISTRATIONS {
        if number % A_SECOND == 0 {
            server.clock().advance(Duration::from_secs(1));
        }
        let address = Ipv4Addr::from(0x0a00_0000 + number % ADDRESSES);
        let stranger = server.from_address(address);
        let answer = TestClient::try_register(&stranger, &strange(number)).await;
        match answer.status().as_u16() {
            201 => flood.registered += 1,
            429 => flood.refused += 1,
            503 => flood.full += 1,
            other => panic!("{other}: {answer:?}"),
        }
        if answer.status() != 201 {
            assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
        }
        if number % 10_000 == 0 {
            let refresh_token = tokens.refresh_token.unwrap();
            let refreshed = client.refresh(&home, &refresh_token).await;
            tokens = refreshed.expect_tokens();
            let call = home.call("tools/list", None, &tokens.access_token).await;
            assert_eq!(call.status(), 200, "after {number}");
        }
    }
    let again = TestClient::register_with(&home, &known()).await;
    again.sign_in(&home, "notes:read").await;
    client.sign_in(&home, "notes:read").await;
    flood
}

fn server(configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> TestServer {
    TestServer::with(|builder| configure(builder.events(Arc::new(Silence))))
}

async fn rows(server: &TestServer) -> usize {
    let stored = server.auth().server().vault().store();
    stored.count_clients(usize::MAX).await.unwrap()
}

fn grown(begin: usize) -> usize {
    ALLOCATED.current_usage().saturating_sub(begin)
}

/// One after the other: memory is that of the process.
#[tokio::test]
async fn a_flood_of_registrations_ends_with_bounded_rows_and_everybody_still_in() {
    const MOST: usize = 5_000;
    let limited = || RegistrationConfig::new().most_clients(MOST);
    let begin = ALLOCATED.current_usage();
    let server = self::server(|builder| builder.registration(limited()));
    let flood = self::flood(&server).await;
    let grown = self::grown(begin);
    println!(
        "{flood:?}, {} rows, {grown} bytes more",
        rows(&server).await
    );
    assert!(flood.refused > 50_000, "{flood:?}");
    assert!(flood.full > 0, "{flood:?}");
    assert_eq!(rows(&server).await, MOST);
    assert!(grown < 8 << 20, "{grown} bytes");

    // Nobody signed in with any of them.
    server.clock().advance(DAY);
    server.auth().sweeper().unwrap().sweep().await.unwrap();
    assert_eq!(rows(&server).await, 1, "the one that is used");

    a_flood_of_self_contained_registrations_ends_with_no_row_at_all().await;
}

async fn a_flood_of_self_contained_registrations_ends_with_no_row_at_all() {
    let begin = ALLOCATED.current_usage();
    let registration = RegistrationConfig::new().dynamic(DynamicRegistration::SelfContained);
    let server = server(|builder| builder.registration(registration));
    let flood = flood(&server).await;
    let grown = grown(begin);
    println!(
        "{flood:?}, {} rows, {grown} bytes more",
        rows(&server).await
    );
    assert!(flood.refused > 40_000, "{flood:?}");
    assert_eq!((flood.full, rows(&server).await), (0, 0));
    assert!(grown < 2 << 20, "{grown} bytes");
}
