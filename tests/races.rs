//! Of any number of requests that race for one code or one refresh token, one wins.
#![cfg(feature = "test-util")]

#[allow(dead_code, reason = "the behaviours use the rest of it")]
#[path = "behaviour/faulty_store.rs"]
mod faulty_store;

use std::collections::HashSet;
use std::sync::Arc;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::test_util::{TestClient, TestServer, Tokens};
use tokio::task::JoinSet;

use faulty_store::{FaultyStore, master_keys};

const RACERS: usize = 50;
const FORMATS: [AccessTokenFormat; 2] = [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque];

struct Race {
    server: Arc<TestServer>,
    client: TestClient,
    store: FaultyStore,
}

impl Race {
    async fn new(format: AccessTokenFormat) -> Self {
        let store = FaultyStore::new();
        let shared = Arc::new(store.clone());
        let server = TestServer::with(|builder| {
            builder
                .access_token_format(format)
                .store(shared, master_keys())
        });
        let client = TestClient::register(&server).await;
        Self {
            server: Arc::new(server),
            client,
            store,
        }
    }

    /// Sends the same token request from every racer, all of whom have read the
    /// store before one of them writes to it; what each got.
    async fn run(&self, grant_type: &'static str, secret: &str) -> Vec<Option<Tokens>> {
        self.store.gather(RACERS);
        let mut racers = JoinSet::new();
        for _ in 0..RACERS {
            let (server, client) = (Arc::clone(&self.server), self.client.clone());
            let secret = secret.to_owned();
            racers.spawn(async move {
                let answer = match grant_type {
                    "code" => client.redeem(&server, &secret).await,
                    _ => client.refresh(&server, &secret).await,
                };
                if answer.tokens().is_none() {
                    answer.expect_error("invalid_grant");
                }
                answer.tokens()
            });
        }
        racers.join_all().await
    }

    fn count(&self, wanted: fn(&Event) -> bool) -> usize {
        let events = self.server.events().all();
        events.iter().filter(|event| wanted(event)).count()
    }
}

/// E1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_redemptions_of_one_code_exactly_one_has_tokens() {
    for format in FORMATS {
        let race = Race::new(format).await;
        let code = race.client.authorize(&race.server, "notes:read").await;

        let answers = race.run("code", &code).await;

        assert_eq!(answers.iter().flatten().count(), 1);
        assert_eq!(
            race.count(|event| matches!(event, Event::TokensIssued { .. })),
            1
        );
        assert_eq!(
            race.count(|event| matches!(event, Event::CodeReplayed { .. })),
            RACERS - 1
        );
        let winner = answers.into_iter().flatten().next().unwrap();
        let answer = race.server.call("ping", None, &winner.access_token).await;
        assert_eq!(answer.status(), 401, "the others were replays");
    }
}

/// E3
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_refreshes_of_one_token_all_get_the_same_successor_and_it_works() {
    for format in FORMATS {
        let race = Race::new(format).await;
        let first = race.client.sign_in(&race.server, "notes:read").await;

        let answers = race.run("refresh", &first.refresh_token.unwrap()).await;

        assert_eq!(
            answers.iter().flatten().count(),
            RACERS,
            "all are within the grace"
        );
        let successors: HashSet<_> = answers
            .iter()
            .flatten()
            .map(|tokens| tokens.refresh_token.clone())
            .collect();
        let access: HashSet<_> = answers
            .iter()
            .flatten()
            .map(|tokens| tokens.access_token.clone())
            .collect();
        assert_eq!((successors.len(), access.len()), (1, 1));
        assert_eq!(
            race.count(|event| matches!(event, Event::TokensIssued { .. })),
            2
        );
        assert_eq!(
            race.count(|event| matches!(event, Event::RefreshTokenReused { .. })),
            0
        );

        let tokens = answers.into_iter().flatten().next().unwrap();
        let answer = race.server.call("ping", None, &tokens.access_token).await;
        assert_eq!(answer.status(), 200);
        let successor = tokens.refresh_token.unwrap();
        let answers = race.run("refresh", &successor).await;
        assert_eq!(answers.iter().flatten().count(), RACERS, "it works");
    }
}
