use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::test_util::{TestClient, TestServer, Tokens};

use super::support::{PING, expect_refusal, post_mcp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Flow {
    server: TestServer,
    client: TestClient,
    first: Tokens,
}

impl Flow {
    async fn new() -> Self {
        Self::of(AccessTokenFormat::Jwt).await
    }

    async fn of(format: AccessTokenFormat) -> Self {
        let server = TestServer::with(|builder| builder.access_token_format(format));
        let client = TestClient::register(&server).await;
        let first = client.sign_in(&server, "notes:read notes:write").await;
        Self {
            server,
            client,
            first,
        }
    }

    fn first_token(&self) -> &str {
        self.first
            .refresh_token
            .as_deref()
            .expect("the client may refresh")
    }

    async fn refresh(&self, token: &str) -> Tokens {
        self.client
            .refresh(&self.server, token)
            .await
            .expect_tokens()
    }

    async fn expect_refused(&self, token: &str) {
        let answer = self.client.refresh(&self.server, token).await;
        expect_refusal(answer.response(), 400, "invalid_grant", token);
    }

    async fn expect_revoked(&self, tokens: &Tokens) {
        let answer = post_mcp(&self.server, &tokens.access_token, PING).await;
        expect_refusal(&answer, 401, "invalid_token", "revoked");
        let token = tokens
            .refresh_token
            .as_deref()
            .expect("the client may refresh");
        self.expect_refused(token).await;
    }

    fn reuses(&self) -> usize {
        let reused = |event: &&Event| matches!(event, Event::RefreshTokenReused { .. });
        self.server.events().all().iter().filter(reused).count()
    }
}

fn token(tokens: &Tokens) -> &str {
    tokens
        .refresh_token
        .as_deref()
        .expect("the client may refresh")
}

/// E3
#[tokio::test]
async fn a_refresh_token_is_replaced_on_every_use() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let flow = Flow::of(format).await;
        let mut seen = vec![flow.first_token().to_owned()];
        for _ in 0..5 {
            let next = flow.refresh(seen.last().unwrap()).await;
            assert_eq!(next.scope, "notes:read notes:write");
            assert!(!seen.contains(&token(&next).to_owned()));
            assert_eq!(
                post_mcp(&flow.server, &next.access_token, PING)
                    .await
                    .status(),
                200
            );
            seen.push(token(&next).to_owned());
        }
        assert_eq!(flow.reuses(), 0);
    }
}

/// E3
#[tokio::test]
async fn the_token_just_used_gets_the_same_answer_for_thirty_seconds() {
    let flow = Flow::new().await;
    let next = flow.refresh(flow.first_token()).await;
    for _ in 0..3 {
        assert_eq!(flow.refresh(flow.first_token()).await, next);
    }
    flow.server.clock().advance(Duration::from_secs(29));
    assert_eq!(flow.refresh(flow.first_token()).await, next);
    assert_eq!(flow.reuses(), 0);
    flow.refresh(token(&next)).await;
}

/// E3
#[tokio::test]
async fn after_the_grace_a_reused_token_revokes_the_grant_and_raises_an_event() {
    let flow = Flow::new().await;
    let next = flow.refresh(flow.first_token()).await;
    flow.server.clock().advance(Duration::from_secs(30));

    flow.expect_refused(flow.first_token()).await;

    assert_eq!(flow.reuses(), 1);
    flow.expect_revoked(&next).await;
    flow.expect_revoked(&flow.first).await;
}

/// E3
#[tokio::test]
async fn a_token_two_steps_old_revokes_the_grant_even_within_the_grace() {
    let flow = Flow::new().await;
    let second = flow.refresh(flow.first_token()).await;
    let third = flow.refresh(token(&second)).await;

    flow.expect_refused(flow.first_token()).await;

    assert_eq!(flow.reuses(), 1);
    flow.expect_revoked(&third).await;
}

/// E3
#[tokio::test]
async fn a_token_that_was_replaced_long_ago_revokes_the_grant() {
    let flow = Flow::new().await;
    let mut latest = flow.first.clone();
    for _ in 0..20 {
        latest = flow.refresh(token(&latest)).await;
        flow.server.clock().advance(DAY);
    }
    flow.expect_refused(flow.first_token()).await;
    assert_eq!(flow.reuses(), 1);
    flow.expect_revoked(&latest).await;
}

/// E3
#[tokio::test]
async fn a_guess_revokes_nothing() {
    let flow = Flow::new().await;
    let next = flow.refresh(flow.first_token()).await;
    let parts: Vec<_> = token(&next).split('.').collect();
    let [grant, family, own] = parts[..] else {
        panic!("a grant and two secrets");
    };
    let guess = "A".repeat(43);
    for text in [
        "x",
        ".",
        "..",
        "A.A.A",
        grant,
        &guess,
        &format!("{grant}.{guess}.{guess}"),
        &format!("{grant}.{guess}.{own}"),
        &format!("{grant}.{own}.{family}"),
        &format!("{grant}.{family}."),
        &format!("{grant}..{own}"),
        &format!("{grant}.{family}"),
        &format!("{grant}.{family}{own}"),
        &format!("{family}.{own}"),
        &format!(".{family}.{own}"),
        &format!("{}.{family}.{own}", "A".repeat(22)),
        &format!("{}.", token(&next)),
        &format!("{}x", token(&next)),
        &format!("{} ", token(&next)),
        &token(&next).to_uppercase(),
    ] {
        flow.expect_refused(text).await;
    }
    assert_eq!(flow.reuses(), 0);
    flow.refresh(token(&next)).await;
}

/// E3
#[tokio::test]
async fn another_client_can_neither_use_nor_spoil_a_refresh_token() {
    let flow = Flow::new().await;
    let next = flow.refresh(flow.first_token()).await;
    flow.server.clock().advance(Duration::from_secs(60));
    let stranger = TestClient::register(&flow.server).await;
    let nobody = TestClient::known("nobody", TestClient::REDIRECT_URI);
    for text in [flow.first_token(), token(&next)] {
        stranger
            .refresh(&flow.server, text)
            .await
            .expect_error("invalid_grant");
        nobody
            .refresh(&flow.server, text)
            .await
            .expect_error("invalid_client");
    }
    assert_eq!(flow.reuses(), 0);
    flow.refresh(token(&next)).await;
}

/// E3
#[tokio::test]
async fn the_scope_may_only_narrow_and_the_grant_stays_as_it_was() {
    let flow = Flow::new().await;
    let ask = |text: String, scope: &'static str| {
        let (server, client) = (&flow.server, &flow.client);
        async move {
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", text.as_str()),
                ("scope", scope),
            ];
            client.token(server, &form).await
        }
    };
    for wide in [
        "notes:admin",
        "notes:read notes:write notes:admin",
        "NOTES:READ",
        "unknown",
    ] {
        let answer = ask(flow.first_token().to_owned(), wide).await;
        expect_refusal(answer.response(), 400, "invalid_scope", wide);
    }
    let narrow = ask(flow.first_token().to_owned(), "notes:read")
        .await
        .expect_tokens();
    assert_eq!(narrow.scope, "notes:read");
    let call = r#"{"method":"tools/call","params":{"name":"add_note"}}"#;
    let answer = post_mcp(&flow.server, &narrow.access_token, call).await;
    expect_refusal(&answer, 403, "insufficient_scope", "narrowed");

    let whole = ask(token(&narrow).to_owned(), "").await.expect_tokens();
    assert_eq!(whole.scope, "notes:read notes:write");
}

/// E3
#[tokio::test]
async fn a_token_that_is_not_used_for_thirty_days_is_gone() {
    let flow = Flow::new().await;
    flow.server
        .clock()
        .advance(DAY * 30 - Duration::from_secs(1));
    let next = flow.refresh(flow.first_token()).await;
    flow.server.clock().advance(DAY * 30);
    flow.expect_refused(token(&next)).await;
    assert_eq!(flow.reuses(), 0);
}

/// E3
#[tokio::test]
async fn a_grant_ends_after_180_days_however_often_it_is_refreshed() {
    let flow = Flow::new().await;
    let mut latest = flow.first.clone();
    for _ in 0..8 {
        flow.server.clock().advance(DAY * 20);
        latest = flow.refresh(token(&latest)).await;
    }
    flow.server
        .clock()
        .advance(DAY * 20 - Duration::from_secs(5));
    latest = flow.refresh(token(&latest)).await;
    assert_eq!(latest.expires_in, 5, "no access token outlives the grant");
    flow.server.clock().advance(Duration::from_secs(5));
    flow.expect_revoked(&latest).await;
}
