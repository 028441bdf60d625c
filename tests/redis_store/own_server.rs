use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use oauth_for_mcp::model::Registration;
use oauth_for_mcp::store::{
    ClientStore, CodeStore, GrantStore, Insertion, Redemption, RedisStore, ReplayStore,
};
use oauth_for_mcp::types::{Entropy, SystemEntropy};
use tokio::process::{Child, Command};

use crate::server::{code, grant_id, hash, issued, now, told};
use crate::verbs::{client, use_all};

const SWITCH: &str = "OAUTH_FOR_MCP_REDIS_SERVER";
const LIFE: Duration = Duration::from_secs(600);

/// A server for one test alone.
struct OwnServer {
    program: String,
    settings: Vec<&'static str>,
    folder: PathBuf,
    port: u16,
    process: Child,
}

impl OwnServer {
    /// `None` if there is no program to start; says so.
    async fn start(settings: &[&'static str]) -> Option<Self> {
        let Ok(program) = std::env::var(SWITCH) else {
            println!("not run: {SWITCH} is not set; `scripts/services run` sets it");
            return None;
        };
        let entropy: &dyn Entropy = &SystemEntropy;
        let name = format!("oauth-for-mcp-redis-{}", entropy.identifier().unwrap());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let settings = settings.to_vec();
        let process = launch(&program, &settings, &folder, port);
        let server = Self {
            program,
            settings,
            folder,
            port,
            process,
        };
        server.answers().await;
        Some(server)
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn answers(&self) {
        for _ in 0..500 {
            let tried = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await;
            if tried.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the server does not start");
    }

    /// As if the power had failed.
    async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    fn start_again(&mut self) {
        self.process = launch(&self.program, &self.settings, &self.folder, self.port);
    }

    async fn signal(&self, signal: &str) {
        let id = self.process.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    async fn set(&self, name: &str, value: &str) {
        self.command(&["CONFIG", "SET", name, value]).await;
    }

    async fn command(&self, words: &[&str]) {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = redis::Cmd::new();
        command.arg(words);
        command.exec_async(&mut connection).await.unwrap();
    }
}

fn launch(program: &str, settings: &[&str], folder: &PathBuf, port: u16) -> Child {
    let mut command = Command::new(program);
    command
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "yes"])
        .args(["--appendfsync", "always", "--dir"])
        .arg(folder)
        .args(settings)
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true);
    command.spawn().unwrap()
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn a_server_that_may_evict_is_refused() {
    let bounded = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let Some(server) = OwnServer::start(&bounded).await else {
        return;
    };
    let error = RedisStore::open(&server.url()).await.unwrap_err();
    let text = told(&error);
    assert!(
        text.contains("set maxmemory-policy to noeviction"),
        "{text}"
    );
    server.set("maxmemory-policy", "noeviction").await;
    RedisStore::open(&server.url()).await.unwrap();
    server.set("maxmemory-policy", "volatile-ttl").await;
    server.set("maxmemory", "0").await;
    RedisStore::open(&server.url()).await.unwrap();
}

#[tokio::test]
async fn a_replica_is_refused() {
    let Some(server) = OwnServer::start(&["--replicaof", "127.0.0.1 1"]).await else {
        return;
    };
    let error = RedisStore::open(&server.url()).await.unwrap_err();
    assert!(told(&error).contains("is a replica"), "{error:?}");
}

#[tokio::test]
async fn a_full_server_fails_and_stores_nothing_by_halves() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let store = RedisStore::open(&server.url()).await.unwrap();
    for name in ["a", "b"] {
        store.insert_code(code(name, LIFE)).await.unwrap();
    }
    let (a, b) = (hash("a"), hash("b"));
    let done = store.redeem_code(&a, issued("a", LIFE), now()).await;
    assert_eq!(done.unwrap(), Redemption::Done);

    server.set("maxmemory", "1").await;
    let full = store.redeem_code(&b, issued("b", LIFE), now()).await;
    assert!(told(&full.unwrap_err()).contains("OOM"));
    assert!(store.insert_code(code("c", LIFE)).await.is_err());
    let found = store.find_grant(&grant_id("b"), now()).await.unwrap();
    assert_eq!(found, None);
    // What ends a grant has to work all the same.
    assert!(store.revoke_grant(&grant_id("a")).await.unwrap());

    server.set("maxmemory", "0").await;
    let done = store.redeem_code(&b, issued("b", LIFE), now()).await;
    assert_eq!(done.unwrap(), Redemption::Done);
}

#[tokio::test]
async fn a_full_server_changes_no_client_and_uses_nothing_up() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let store = RedisStore::open(&server.url()).await.unwrap();
    let old = client("a client", now().plus(LIFE));
    store.insert_client(old.clone()).await.unwrap();
    let mut new = old.clone();
    new.registration = Registration::Preregistered;
    let (id, until) = (hash("a"), now().plus(LIFE));

    server.set("maxmemory", "1").await;
    let updated = store.update_client(&old, new).await;
    assert!(told(&updated.unwrap_err()).contains("OOM"));
    assert!(store.use_once(&id, until, now()).await.is_err());
    assert!(store.insert_grant(issued("a", LIFE)).await.is_err());
    let found = store.find_client(&old.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&old));
    assert_eq!(store.count_clients(10).await.unwrap(), 1);
    // What makes room has to work all the same.
    assert!(store.remove_client(&old.id).await.unwrap());
    assert_eq!(store.count_clients(10).await.unwrap(), 0);

    server.set("maxmemory", "0").await;
    assert!(store.use_once(&id, until, now()).await.unwrap());
    let inserted = store.insert_grant(issued("a", LIFE)).await.unwrap();
    assert_eq!(inserted, Insertion::Done);
}

#[tokio::test]
async fn a_server_that_stops_and_comes_back_kept_everything() {
    let Some(mut server) = OwnServer::start(&[]).await else {
        return;
    };
    let store = RedisStore::open(&server.url()).await.unwrap();
    for round in 0..3 {
        let name = round.to_string();
        let inserted = store.insert_code(code(&name, LIFE)).await;
        assert_eq!(inserted.unwrap(), Insertion::Done);
        let key = hash(&name);
        let done = store.redeem_code(&key, issued(&name, LIFE), now());
        assert_eq!(done.await.unwrap(), Redemption::Done);
        server.kill().await;
        server.start_again();
        // The next call, on a server that is not there yet.
        let found = store.find_grant(&grant_id(&name), now()).await.unwrap();
        assert!(found.is_some());
        use_all(&store, round, async |_: &str| {}).await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_an_error_in_time() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let opening = RedisStore::open(&server.url()).with_timeout(Duration::from_millis(300));
    let store = opening.await.unwrap();
    use_all(&store, 0, async |_: &str| {}).await;
    server.signal("-STOP").await;
    let found = store.find_grant(&grant_id("a"), now()).await;
    let text = told(&found.unwrap_err());
    assert!(text.contains("did not answer within 300ms"), "{text}");
    server.signal("-CONT").await;
    use_all(&store, 1, async |_: &str| {}).await;
}

#[tokio::test]
async fn forgotten_scripts_are_taught_again() {
    let Some(server) = OwnServer::start(&[]).await else {
        return;
    };
    let store = RedisStore::open(&server.url()).await.unwrap();
    for round in 0..2 {
        server.command(&["SCRIPT", "FLUSH"]).await;
        use_all(&store, round, async |_: &str| {}).await;
    }
}
