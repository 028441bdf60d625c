//! What requests to the server cost in round trips and commits, and what becomes
//! of one whose answer from the database is lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::Trial as Test;
use oauth_for_mcp::model::{MasterKey, MasterKeys};
use oauth_for_mcp::resource::api_key::ApiKeyRequest;
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::store::{PostgresStore, SqliteStore, Store};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::types::{Scope, Subject};
use sqlx::postgres::PgPoolOptions;

use crate::fresh::{self, Backend, connect, execute};
use crate::proxy::Proxy;
use crate::test;

pub(crate) fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for (name, format) in [
        ("signed", AccessTokenFormat::Jwt),
        ("opaque", AccessTokenFormat::Opaque),
    ] {
        tests.extend([
            test(
                format!("postgres::round_trips_of_each_request_with_{name}_tokens"),
                Backend::Postgres,
                move || postgres_round_trips(format),
            ),
            test(
                format!("postgres::a_lost_answer_is_asked_for_again_with_{name}_tokens"),
                Backend::Postgres,
                move || postgres_answers_get_lost(format),
            ),
            test(
                format!("sqlite::commits_of_each_request_with_{name}_tokens"),
                Backend::Sqlite,
                move || sqlite_commits(format),
            ),
        ]);
    }
    tests
}

fn server_on(store: impl Store, format: AccessTokenFormat) -> TestServer {
    let keys = MasterKeys::new(MasterKey::from_bytes(&[7; 32]));
    TestServer::with(|builder| {
        builder
            .store(Arc::new(store), Arc::new(keys))
            .access_token_format(format)
            .api_keys("notes")
    })
}

/// Issues a key, uses it and revokes it, and tells of each step.
async fn use_api_key(server: &TestServer, mut did: impl FnMut(&str)) {
    let keys = server.auth().api_keys().expect("API keys are on");
    let subject = Subject::parse("importer").expect("it is a subject");
    let scope = Scope::parse("notes:read").expect("it is a scope");
    let request = ApiKeyRequest::new("nightly", subject, scope, None);
    let issued = keys.issue(request).await.expect("it is issued");
    did("API key issued");
    let call = server.call("ping", None, issued.key.expose()).await;
    assert_eq!(call.status(), 200);
    did("API key verified");
    let revoked = keys.revoke(&issued.record.id).await;
    assert!(revoked.expect("it is revoked"));
    did("API key revoked");
    let call = server.call("ping", None, issued.key.expose()).await;
    assert_eq!(call.status(), 401);
    did("revoked API key refused");
}

/// A server whose round trips to PostgreSQL are counted.
struct Counted {
    server: TestServer,
    proxy: Proxy,
    schema: String,
}

impl Counted {
    async fn new(format: AccessTokenFormat, connections: u32) -> Self {
        let schema = fresh::unique_name();
        let url = Backend::Postgres.url();
        let direct = fresh::postgres_schema(&url, &schema).await;
        let (proxy, behind) = Proxy::before(&direct).await;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .test_before_acquire(false)
            .connect(&behind)
            .await;
        let store = PostgresStore::from_pool(pool.expect("PostgreSQL answers")).await;
        Self {
            server: server_on(store.expect("the tables can be made"), format),
            proxy,
            schema,
        }
    }

    /// Everything once, so that every statement is prepared.
    async fn warm_up(&self) -> TestClient {
        use_api_key(&self.server, |_| {}).await;
        let client = TestClient::register(&self.server).await;
        let tokens = client.sign_in(&self.server, "notes:read").await;
        let refresh_token = tokens.refresh_token.expect("it may refresh");
        let tokens = client.refresh(&self.server, &refresh_token).await;
        let tokens = tokens.expect_tokens();
        let call = self.server.call("ping", None, &tokens.access_token).await;
        assert_eq!(call.status(), 200);
        let _ = client.revoke(&self.server, &tokens.access_token).await;
        let refresh_token = tokens.refresh_token.expect("it may refresh");
        let _ = client.revoke(&self.server, &refresh_token).await;
        client
    }

    fn expect(&self, round_trips: usize, what: &str) {
        assert_eq!(self.proxy.round_trips(), round_trips, "{what}");
    }

    async fn discard(self) {
        let mut connection = connect(&Backend::Postgres.url()).await;
        let drop = format!("DROP SCHEMA {} CASCADE", self.schema);
        execute(&mut connection, drop).await;
    }
}

/// One statement a round trip, so that what writes once commits once.
async fn postgres_round_trips(format: AccessTokenFormat) {
    // Each connection prepares a statement once, which is a round trip.
    let counted = Counted::new(format, 1).await;
    let client = counted.warm_up().await;
    let (server, scope) = (&counted.server, "notes:read");
    let _ = counted.proxy.round_trips();

    let code = client.authorize(server, scope).await;
    counted.expect(7, "authorize, consent, callback");
    let tokens = client.redeem(server, &code).await.expect_tokens();
    counted.expect(3, "code: the client, the code, one write");
    let call = server.call("ping", None, &tokens.access_token).await;
    assert_eq!(call.status(), 200);
    counted.expect(1, "access token: its grant");
    let spent = tokens.refresh_token.expect("it may refresh");
    let tokens = client.refresh(server, &spent).await.expect_tokens();
    counted.expect(3, "refresh: the client, the grant, one write");
    let again = client.refresh(server, &spent).await.expect_tokens();
    assert_eq!(again, tokens);
    counted.expect(2, "repeated refresh: the client, the grant");
    let refresh_token = tokens.refresh_token.expect("it may refresh");
    assert_eq!(client.revoke(server, &refresh_token).await.status(), 200);
    counted.expect(3, "revocation: the client, the grant, one write");
    let call = server.call("ping", None, &tokens.access_token).await;
    assert_eq!(call.status(), 401);
    counted.expect(1, "revoked access token");
    use_api_key(server, |step| {
        // Whose it is has to be known before it is removed.
        counted.expect(if step.ends_with("key revoked") { 2 } else { 1 }, step);
    })
    .await;
    counted.discard().await;
}

/// Every request gets its answer although the database's answer to one of its
/// statements is lost, whichever one that is, and nothing happens twice.
async fn postgres_answers_get_lost(format: AccessTokenFormat) {
    let counted = Counted::new(format, 16).await;
    let client = counted.warm_up().await;
    let (server, proxy) = (&counted.server, &counted.proxy);

    proxy.lose_the_next_answer();
    let other = TestClient::register(server).await;
    assert!(proxy.lost_an_answer());
    let tokens = other.sign_in(server, "notes:read").await;
    assert!(!tokens.access_token.is_empty());

    for _ in 0..6 {
        let code = client.authorize(server, "notes:read").await;
        let answer = losing_answers(proxy, client.redeem(server, &code)).await;
        let mut tokens = answer.expect_tokens();
        for _ in 0..3 {
            let spent = tokens.refresh_token.expect("it may refresh");
            let next = losing_answers(proxy, client.refresh(server, &spent)).await;
            tokens = next.expect_tokens();
        }
        let call = server.call("ping", None, &tokens.access_token).await;
        assert_eq!(call.status(), 200);
    }
    counted.discard().await;
}

/// Answers a request while the answers to its statements get lost one by one.
async fn losing_answers<T>(proxy: &Proxy, request: impl Future<Output = T>) -> T {
    let mut request = std::pin::pin!(request);
    proxy.lose_the_next_answer();
    loop {
        let pause = tokio::time::sleep(std::time::Duration::from_millis(3));
        tokio::select! {
            answer = &mut request => return answer,
            () = pause => {
                // At most every other one, or none would ever arrive.
                if proxy.lost_an_answer() && proxy.round_trips() > 1 {
                    proxy.lose_the_next_answer();
                }
            }
        }
    }
}

/// Exactly one commit for every request that writes, and none for one that reads.
async fn sqlite_commits(format: AccessTokenFormat) {
    let path = fresh::sqlite_file(&fresh::unique_name());
    let store = SqliteStore::open(&format!("sqlite:{}", path.display())).await;
    let server = server_on(store.expect("the file can be made"), format);
    let client = TestClient::register(&server).await;
    let _ = client.sign_in(&server, "notes:read").await;
    let mut commits = Commits::of(&path);

    let code = client.authorize(&server, "notes:read").await;
    commits.expect(3, "the request kept, taken, and a code made");
    let tokens = client.redeem(&server, &code).await.expect_tokens();
    commits.expect(1, "code");
    let call = server.call("ping", None, &tokens.access_token).await;
    assert_eq!(call.status(), 200);
    commits.expect(0, "access token");
    let spent = tokens.refresh_token.expect("it may refresh");
    let tokens = client.refresh(&server, &spent).await.expect_tokens();
    commits.expect(1, "refresh");
    let _ = client.refresh(&server, &spent).await.expect_tokens();
    commits.expect(0, "repeated refresh");
    let refresh_token = tokens.refresh_token.expect("it may refresh");
    assert_eq!(client.revoke(&server, &refresh_token).await.status(), 200);
    commits.expect(1, "revocation");
    let _ = TestClient::register(&server).await;
    commits.expect(1, "registration");
    use_api_key(&server, |step| {
        let writes = step.ends_with("issued") || step.ends_with("revoked");
        commits.expect(usize::from(writes), step);
    })
    .await;
}

/// Counts the commits in the log of a SQLite file.
struct Commits {
    log: PathBuf,
    seen: usize,
}

impl Commits {
    fn of(file: &Path) -> Self {
        let log = PathBuf::from(format!("{}-wal", file.display()));
        let seen = Self::count(&log);
        Self { log, seen }
    }

    #[track_caller]
    fn expect(&mut self, commits: usize, what: &str) {
        let now = Self::count(&self.log);
        assert_eq!(now - self.seen, commits, "{what}");
        self.seen = now;
    }

    /// The frames that end a transaction: those that tell the size of the
    /// database (<https://sqlite.org/fileformat2.html#walformat>).
    fn count(log: &Path) -> usize {
        const HEADER: usize = 32;
        const FRAME_HEADER: usize = 24;
        let bytes = std::fs::read(log).expect("there is a log");
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        let frame = FRAME_HEADER + number(8) as usize;
        let frames = (HEADER..bytes.len()).step_by(frame);
        let whole = frames.take_while(|at| at + frame <= bytes.len());
        let salt = &bytes[16..24];
        let of_this_log = whole.take_while(|at| &bytes[at + 8..at + 16] == salt);
        of_this_log.filter(|at| number(at + 4) != 0).count()
    }
}
