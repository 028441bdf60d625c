//! Three reference servers on one database, request by request in turn.
#![cfg(any(feature = "jwt-aws-lc", feature = "jwt-rust-crypto"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "it takes as long as it takes")]

mod support;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use oauth_for_mcp::jose::{Algorithm, Signer as _, SigningKey, sign_compact};
use oauth_for_mcp::protocol::credentials::ASSERTION_TYPE;
use oauth_for_mcp::types::{Clock as _, SystemClock, SystemEntropy};
use reqwest::{Method, StatusCode};
use serde_json::json;

use support::agent::{self, Agent, Tokens, is_invalid_grant, tokens};
use support::cluster::Cluster;
use support::database::{Database, Kind};
use support::e2e;
use support::load::Load;
use support::wire::{Answer, Wire};

const REPLICAS: usize = 3;
const CLIENTS: usize = 8;
const RACERS: usize = 200;
/// How long the database is away.
const OUTAGE: Duration = Duration::from_secs(5);

/// Each test on each database that replicas can share.
macro_rules! on_both_databases {
    ($($test:ident as $postgres:ident, $redis:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $postgres() {
            if e2e::enabled() {
                $test(Kind::Postgres).await;
            }
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn $redis() {
            if e2e::enabled() {
                $test(Kind::Redis).await;
            }
        }
    )*};
}

on_both_databases! {
    every_request_may_go_to_another_replica as
        every_request_may_go_to_another_replica_on_postgres,
        every_request_may_go_to_another_replica_on_redis;
    one_code_gives_tokens_once as
        one_code_gives_tokens_once_on_postgres,
        one_code_gives_tokens_once_on_redis;
    one_refresh_token_gives_one_answer as
        one_refresh_token_gives_one_answer_on_postgres,
        one_refresh_token_gives_one_answer_on_redis;
    one_assertion_counts_once as
        one_assertion_counts_once_on_postgres,
        one_assertion_counts_once_on_redis;
    replicas_that_start_at_once_have_one_key as
        replicas_that_start_at_once_have_one_key_on_postgres,
        replicas_that_start_at_once_have_one_key_on_redis;
    a_killed_replica_takes_no_grant_along as
        a_killed_replica_takes_no_grant_along_on_postgres,
        a_killed_replica_takes_no_grant_along_on_redis;
    an_outage_of_the_database_ends_no_grant as
        an_outage_of_postgres_ends_no_grant,
        an_outage_of_redis_ends_no_grant;
}

async fn cluster(kind: Kind) -> Cluster {
    Cluster::start(Database::start(kind).await, REPLICAS).await
}

async fn every_request_may_go_to_another_replica(kind: Kind) {
    let cluster = cluster(kind).await;
    let wire = cluster.wire();
    // Three times, each time from another replica on.
    for _ in 0..REPLICAS {
        let agent = Agent::register(&wire, "none").await.unwrap();
        let first = sign_in(&wire, &agent, "notes:read").await;
        works_everywhere(&cluster, &first).await;
        let renewed = agent.refresh(&wire, &first.refresh).await.unwrap();
        let renewed = tokens(&renewed).unwrap();
        works_everywhere(&cluster, &renewed).await;

        let note = json!({ "text": "buy milk" });
        let denied = agent::call(&wire, &renewed.access, "add_note", note.clone()).await;
        assert_eq!(denied.unwrap().status, StatusCode::FORBIDDEN);
        let wider = sign_in(&wire, &agent, "notes:read notes:write").await;
        let added = agent::call(&wire, &wider.access, "add_note", note).await;
        assert_eq!(added.unwrap().status, StatusCode::OK);

        let revoked = agent.revoke(&wire, &wider.refresh).await.unwrap();
        assert_eq!(revoked.status, StatusCode::OK);
        is_over_everywhere(&cluster, &agent, &wider).await;
        works_everywhere(&cluster, &renewed).await;
    }
    let [sent, ..] = wire.counts();
    println!("{kind:?}: {sent} requests to {REPLICAS} replicas in turn");
}

async fn one_code_gives_tokens_once(kind: Kind) {
    let cluster = cluster(kind).await;
    let wire = cluster.wire();
    let agent = Agent::register(&wire, "none").await.unwrap();
    let code = agent.authorize(&wire, "racer", "notes:read").await.unwrap();

    let answers = race(|| {
        let (wire, agent, code) = (wire.clone(), agent.clone(), code.clone());
        async move { agent.redeem(&wire, &code).await }
    });
    let answers = answers.await;

    let got: Vec<_> = answers.iter().filter_map(tokens_of).collect();
    let refused = answers
        .iter()
        .flatten()
        .filter(|reply| is_invalid_grant(reply));
    println!(
        "{kind:?}: {RACERS} redemptions of one code: {} with tokens",
        got.len()
    );
    assert_eq!(got.len(), 1, "{answers:?}");
    assert_eq!(refused.count(), RACERS - 1, "{answers:?}");
    // It was used twice, so that whoever got the tokens may be a thief.
    is_over_everywhere(&cluster, &agent, &got[0]).await;
}

async fn one_refresh_token_gives_one_answer(kind: Kind) {
    let cluster = cluster(kind).await;
    let wire = cluster.wire();
    let agent = Agent::register(&wire, "none").await.unwrap();
    let first = sign_in(&wire, &agent, "notes:read").await;

    let answers = race(|| {
        let (wire, agent, token) = (wire.clone(), agent.clone(), first.refresh.clone());
        async move { agent.refresh(&wire, &token).await }
    });
    let answers = answers.await;

    let got: Vec<_> = answers.iter().filter_map(tokens_of).collect();
    println!(
        "{kind:?}: {RACERS} refreshes with one token: {} with tokens",
        got.len()
    );
    assert_eq!(got.len(), RACERS, "{answers:?}");
    assert!(got.iter().all(|other| *other == got[0]), "{got:?}");
    works_everywhere(&cluster, &first).await;
    works_everywhere(&cluster, &got[0]).await;
    let next = agent.refresh(&wire, &got[0].refresh).await.unwrap();
    works_everywhere(&cluster, &tokens(&next).unwrap()).await;
}

async fn one_assertion_counts_once(kind: Kind) {
    let cluster = cluster(kind).await;
    let wire = cluster.wire();
    let key = SigningKey::generate(Algorithm::Es256, &SystemEntropy).unwrap();
    let metadata = json!({
        "redirect_uris": [agent::CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key.public_jwk()] },
    });
    let request = wire.request(Method::POST, "/register").json(&metadata);
    let client = wire.send(request).await.unwrap().json()["client_id"].clone();
    let now = SystemClock.now().as_secs();
    let claims = json!({
        "iss": client,
        "sub": client,
        "aud": wire.public_url(),
        "exp": now + 60,
        "jti": "one",
    });
    let assertion = sign_compact(&key, "client-authentication+jwt", &claims);
    let assertion = assertion.await.unwrap();

    let answers = race(|| {
        let (wire, assertion) = (wire.clone(), assertion.clone());
        async move {
            let form = [
                ("token", "x"),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.as_str()),
            ];
            wire.post("/revoke", &form, None).await
        }
    });
    let answers = answers.await;

    let with = |status| {
        let replies = answers.iter().flatten();
        replies.filter(|reply| reply.status == status).count()
    };
    let good = with(StatusCode::OK);
    println!("{kind:?}: {RACERS} uses of one assertion: {good} counted");
    assert_eq!(good, 1, "{answers:?}");
    assert_eq!(with(StatusCode::UNAUTHORIZED), RACERS - 1, "{answers:?}");
}

async fn replicas_that_start_at_once_have_one_key(kind: Kind) {
    const ROUNDS: usize = 5;
    for _ in 0..ROUNDS {
        let cluster = cluster(kind).await;
        // The keys are made when they are first asked for: by all of them now.
        let asking = (0..REPLICAS).map(|replica| {
            let wire = cluster.wire_to(replica);
            tokio::spawn(async move { wire.get("/jwks", None).await })
        });
        let mut sets = BTreeSet::new();
        for answer in asking.collect::<Vec<_>>() {
            let reply = answer.await.unwrap().unwrap();
            assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
            sets.insert(reply.body);
        }
        assert_eq!(sets.len(), 1, "{sets:?}");
        assert!(sets.first().unwrap().contains("\"kid\""), "{sets:?}");
    }
    println!("{kind:?}: {ROUNDS} empty databases, {REPLICAS} replicas at once: one key each");
}

async fn a_killed_replica_takes_no_grant_along(kind: Kind) {
    const KILLS: usize = 6;
    let mut cluster = cluster(kind).await;
    let wire = cluster.wire();
    let load = Load::start(&wire, CLIENTS, 1);

    for kill in 0..KILLS {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.kill(kill % REPLICAS).await;
        load.check();
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.restart(kill % REPLICAS).await;
    }
    report_if_failed(&load, &cluster);
    let counts = load.finish().await;

    let [sent, cut, busy] = wire.counts();
    println!("{kind:?}: {KILLS} replicas killed, {sent} requests, {cut} cut off or refused");
    println!("{kind:?}: {counts:?}");
    assert!(cut > 0, "the load noticed nothing");
    assert!(counts.refreshes > counts.codes_redeemed && counts.codes_redeemed > 0);
    assert_eq!(
        busy,
        0,
        "the database was there all the time:\n{}",
        cluster.output()
    );
}

async fn an_outage_of_the_database_ends_no_grant(kind: Kind) {
    let mut cluster = cluster(kind).await;
    let wire = cluster.wire();
    let load = Load::start(&wire, CLIENTS, 2);
    tokio::time::sleep(Duration::from_secs(2)).await;

    cluster.database.stop().await;
    tokio::time::sleep(OUTAGE).await;
    cluster.database.resume().await;
    let back = Instant::now();
    let [_, _, heard] = wire.counts();
    load.check();
    let recovery = recovery(&wire).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    report_if_failed(&load, &cluster);
    let counts = load.finish().await;

    let [sent, cut, busy] = wire.counts();
    println!(
        "{kind:?}: away for {OUTAGE:?}, {sent} requests, {busy} answered 503 ({heard} during it), \
         the first good answer {recovery:?} after it was back, all checked after {:?}",
        back.elapsed()
    );
    println!("{kind:?}: {counts:?}");
    assert!(heard > 0, "nobody was told of the outage");
    assert!(counts.refreshes > counts.codes_redeemed && counts.codes_redeemed > 0);
    assert_eq!(cut, 0, "no server was away");
}

/// How long it takes until a client can register again.
async fn recovery(wire: &Wire) -> Duration {
    let begin = Instant::now();
    while Agent::register(wire, "none").await.is_err() {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "the servers stay away"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begin.elapsed()
}

fn report_if_failed(load: &Load, cluster: &Cluster) {
    if load.has_failed() {
        println!("{}", cluster.output());
    }
}

async fn sign_in(wire: &Wire, agent: &Agent, scope: &str) -> Tokens {
    let code = agent.authorize(wire, "ada", scope).await.unwrap();
    tokens(&agent.redeem(wire, &code).await.unwrap()).unwrap()
}

/// Sends the same request many times at once, each on a connection of its own.
async fn race<F>(request: impl Fn() -> F) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let racers: Vec<_> = (0..RACERS).map(|_| tokio::spawn(request())).collect();
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.unwrap());
    }
    answers
}

fn tokens_of(answer: &Answer) -> Option<Tokens> {
    tokens(answer.as_ref().ok()?)
}

async fn works_everywhere(cluster: &Cluster, tokens: &Tokens) {
    for replica in 0..REPLICAS {
        let wire = cluster.wire_to(replica);
        let (status, _) = agent::whoami(&wire, &tokens.access).await.unwrap();
        assert_eq!(status, StatusCode::OK, "at replica {replica}");
    }
}

async fn is_over_everywhere(cluster: &Cluster, agent: &Agent, tokens: &Tokens) {
    for replica in 0..REPLICAS {
        let wire = cluster.wire_to(replica);
        let (status, _) = agent::whoami(&wire, &tokens.access).await.unwrap();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "at replica {replica}");
        let reply = agent.refresh(&wire, &tokens.refresh).await.unwrap();
        assert!(is_invalid_grant(&reply), "at replica {replica}: {reply:?}");
    }
}
