//! Refresh tokens at several servers, and how long a grant lives.

use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::server::{AccessTokenFormat, Lifetimes};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use serde_json::json;

use super::support::{PING, expect_refusal, post_mcp, refresh_token};

const FORMATS: [AccessTokenFormat; 2] = [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque];

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn reuses(server: &TestServer) -> usize {
    let reused = |event: &&Event| matches!(event, Event::RefreshTokenReused { .. });
    server.events().all().iter().filter(reused).count()
}

/// How many grants the memory store of a server keeps, expired or not.
fn kept(server: &TestServer) -> String {
    let store = format!("{:?}", server.auth().server().vault().store());
    let (_, rest) = store.split_once(" grants: ").expect("it is counted");
    rest.split(',').next().unwrap_or_default().to_owned()
}

async fn sweep(server: &TestServer) {
    let store = server.auth().server().vault().store();
    let swept = store.sweep(server.now(), 1_000).await;
    swept.expect("a memory store sweeps");
}

/// E3
#[tokio::test]
async fn within_the_grace_every_server_gives_a_spent_token_the_same_answer() {
    for format in FORMATS {
        let a = TestServer::with(|builder| builder.access_token_format(format));
        let b = a.replica();
        let client = TestClient::register(&a).await;
        let first = client.sign_in(&a, "notes:read").await;
        let spent = refresh_token(&first);

        let (at_a, at_b) = tokio::join!(client.refresh(&a, spent), client.refresh(&b, spent));
        a.clock().advance(seconds(29));
        let later = client.refresh(&b, spent).await;

        let next = at_a.expect_tokens();
        assert_eq!(at_a.response().body(), at_b.response().body());
        assert_eq!(at_a.response().body(), later.response().body());
        for server in [&a, &b] {
            let answer = post_mcp(server, &next.access_token, PING).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(reuses(server), 0);
        }
        let _ = client
            .refresh(&b, refresh_token(&next))
            .await
            .expect_tokens();
    }
}

/// E3
#[tokio::test]
async fn after_the_grace_a_reuse_at_another_server_revokes_the_grant() {
    for format in FORMATS {
        let a = TestServer::with(|builder| builder.access_token_format(format));
        let b = a.replica();
        let client = TestClient::register(&a).await;
        let first = client.sign_in(&a, "notes:read").await;
        let next = client
            .refresh(&a, refresh_token(&first))
            .await
            .expect_tokens();
        a.clock().advance(seconds(30));

        let reused = client.refresh(&b, refresh_token(&first)).await;

        expect_refusal(reused.response(), 400, "invalid_grant", "reused");
        assert_eq!((reuses(&a), reuses(&b)), (0, 1));
        for server in [&a, &b] {
            for token in [&first.access_token, &next.access_token] {
                let answer = post_mcp(server, token, PING).await;
                expect_refusal(&answer, 401, "invalid_token", "revoked");
            }
            let answer = client.refresh(server, refresh_token(&next)).await;
            expect_refusal(answer.response(), 400, "invalid_grant", "revoked");
        }
    }
}

fn server_with(access: u64, idle: u64, grant: u64, format: AccessTokenFormat) -> TestServer {
    let lifetimes = Lifetimes {
        access_token: seconds(access),
        refresh_idle: seconds(idle),
        grant: seconds(grant),
        ..Lifetimes::default()
    };
    TestServer::with(|builder| builder.lifetimes(lifetimes).access_token_format(format))
}

/// E3
#[tokio::test]
async fn a_grant_that_is_not_refreshed_ends_with_the_last_of_its_tokens() {
    for format in FORMATS {
        for (access, idle) in [(600, 60), (60, 600), (600, 600), (600, 3_600)] {
            let server = server_with(access, idle, 3_600, format);
            let client = TestClient::register(&server).await;
            let first = client.sign_in(&server, "notes:read").await;
            server.clock().advance(seconds(idle - 1));
            let next = client
                .refresh(&server, refresh_token(&first))
                .await
                .expect_tokens();
            let last = access.max(idle).min(3_600 - (idle - 1));

            for passed in 1..=last {
                server.clock().advance(seconds(1));
                sweep(&server).await;
                let alive = passed < next.expires_in;
                let answer = post_mcp(&server, &next.access_token, PING).await;
                assert_eq!(answer.status(), if alive { 200 } else { 401 }, "{passed}");
                let found = if passed < last { "1" } else { "0" };
                assert_eq!(kept(&server), found, "{access} {idle}: {passed} of {last}");
            }
            let answer = client.refresh(&server, refresh_token(&next)).await;
            expect_refusal(answer.response(), 400, "invalid_grant", "over");
        }
    }
}

/// E3
#[tokio::test]
async fn a_grant_that_cannot_be_refreshed_ends_with_its_access_token() {
    for format in FORMATS {
        let server = server_with(600, 3_600, 3_600, format);
        let metadata = json!({
            "redirect_uris": [TestClient::REDIRECT_URI],
            "grant_types": ["authorization_code"],
        });
        let client = TestClient::register_with(&server, &metadata).await;
        let tokens = client.sign_in(&server, "notes:read").await;
        assert_eq!(tokens.refresh_token, None);
        server.clock().advance(seconds(599));
        sweep(&server).await;
        let answer = post_mcp(&server, &tokens.access_token, PING).await;
        assert_eq!(
            (answer.status().as_u16(), kept(&server).as_str()),
            (200, "1")
        );
        server.clock().advance(seconds(1));
        sweep(&server).await;
        let answer = post_mcp(&server, &tokens.access_token, PING).await;
        assert_eq!(
            (answer.status().as_u16(), kept(&server).as_str()),
            (401, "0")
        );
    }
}

/// E3
#[tokio::test]
async fn the_end_of_a_grant_holds_whatever_is_refreshed_and_wherever() {
    for format in FORMATS {
        for (access, idle, grant) in [
            (600, 60, 3_600),
            (60, 600, 3_600),
            (3_600, 3_600, 3_600),
            (999, 1_000, 1_001),
            (1, 1_000, 1_000),
        ] {
            let a = server_with(access, idle, grant, format);
            let b = a.replica();
            let client = TestClient::register(&a).await;
            let mut tokens = client.sign_in(&a, "notes:read").await;
            let end = a.now().plus(seconds(grant));
            let step = (idle / 2 + 1).min(97);
            for server in [&b, &a].into_iter().cycle() {
                if a.now().plus(seconds(step)) >= end {
                    break;
                }
                a.clock().advance(seconds(step));
                let answer = client.refresh(server, refresh_token(&tokens)).await;
                tokens = answer.expect_tokens();
                let left = end.since(a.now()).as_secs();
                assert_eq!(tokens.expires_in, access.min(left));
                let answer = post_mcp(&a, &tokens.access_token, PING).await;
                assert_eq!(answer.status(), 200);
            }
            a.clock().advance(end.since(a.now()));
            let answer = post_mcp(&b, &tokens.access_token, PING).await;
            expect_refusal(&answer, 401, "invalid_token", "the end");
            let answer = client.refresh(&b, refresh_token(&tokens)).await;
            expect_refusal(answer.response(), 400, "invalid_grant", "the end");
            sweep(&a).await;
            assert_eq!(kept(&a), "0");
        }
    }
}
