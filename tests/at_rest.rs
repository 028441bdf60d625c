//! Nothing that a thief of the database could use is in it: after whole flows its
//! files and rows are searched for every secret that was on the wire.

#![cfg(all(
    feature = "jwt-aws-lc",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the tour uses the rest")]
#[path = "../examples/support/openid_provider.rs"]
mod openid_provider;
mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use oauth_for_mcp::model::{MasterKey, MasterKeys};
use oauth_for_mcp::resource::api_key::{ApiKeyRequest, ApiKeys};
use oauth_for_mcp::store::{PostgresStore, RedisStore, SqliteStore, Store, Vault};
use oauth_for_mcp::types::{ResourceUri, Scope, Subject};
use serde_json::{Value, json};
use url::Url;

use support::agent::{self, Agent, SignIn, Tokens, tokens};
use support::browser::Browser;
use support::cluster::MASTER_KEY;
use support::database::{Database, Kind};
use support::e2e;
use support::needles::Needles;
use support::process::lasting_port;
use support::recording_provider::{self, Spoken};
use support::reference_server::{ReferenceServer, Settings};
use support::resp::Resp;
use support::wire::Wire;

/// Who signs in; the provider makes an e-mail address and a subject of it.
const NAME: &str = "Zebulon-Quuxington";
/// The `AlgorithmIdentifier` of a P-256 key, which is in every PKCS#8 document of one.
const P256: &[u8] =
    b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_holds_no_secret() {
    if e2e::enabled() {
        search(Kind::Sqlite).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_holds_no_secret() {
    if e2e::enabled() {
        search(Kind::Postgres).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_holds_no_secret() {
    if e2e::enabled() {
        search(Kind::Redis).await;
    }
}

/// Whatever the search does not find is not there: it finds what is.
#[test]
fn the_search_finds_a_secret_in_every_encoding_and_place() {
    let secret = "2hHMXCSXzN3kY1mZrVnWcQ0dUeXbTtq9aBcDeFgHiJk";
    let mut needles = Needles::new();
    needles.add("secret", secret);
    needles.add_bytes("other", b"another secret");
    let decoded = URL_SAFE_NO_PAD.decode(secret).unwrap();
    for plain in [secret.as_bytes(), &decoded] {
        let hex: String = plain.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut kept = vec![plain.to_vec(), hex.to_uppercase().into(), hex.into()];
        for before in 0..6 {
            let text = [&b"prefix"[..before], plain, b"suffix"].concat();
            kept.push(STANDARD.encode(&text).into());
            kept.push(URL_SAFE_NO_PAD.encode(&text).into());
        }
        for text in kept {
            let haystack = [b"something before ".as_slice(), &text, b" and after"].concat();
            let found = needles.found_in(&haystack);
            // Both as text and decoded, where one is the base64 of the other.
            let right = !found.is_empty() && found.iter().all(|name| name.starts_with("secret"));
            assert!(right, "{found:?} in {}", String::from_utf8_lossy(&haystack));
        }
    }
    assert!(needles.found_in(b"something else").is_empty());
}

/// What to search for: what must not be there, and what has to be.
struct Search {
    secrets: Needles,
    controls: Needles,
}

async fn search(kind: Kind) {
    let mut database = Database::start(kind).await;
    let routes = |issuer: &str| openid_provider::routes(issuer).ok().unwrap();
    let (issuer, spoken) = recording_provider::start(routes).await;
    let mut search = Search::new();
    for format in ["jwt", "opaque"] {
        let (server, wire) = serve(&database, &issuer, format).await;
        search.learn_keys(&wire).await;
        for method in ["none", "client_secret_post"] {
            search.flow(&wire, method).await;
        }
        // While it runs, so that nothing was tidied up yet.
        search.look(kind, &database, format);
        assert!(server.terminate().await.success());
    }
    search.learn_upstream(&spoken);
    search.api_keys(&open(kind, &database.store()).await).await;
    search.look(kind, &database, "both, after the server ended");
    database.stop().await;
    let files = files(database.folder());
    search.judge(kind, "the files of the database that was stopped", &files);
}

async fn serve(database: &Database, issuer: &str, format: &str) -> (ReferenceServer, Wire) {
    let server = Settings::on(lasting_port())
        .env("STORE", &database.store())
        .env("MASTER_KEY", MASTER_KEY)
        .env("ACCESS_TOKEN_FORMAT", format)
        .env("IDP_ISSUER", issuer)
        .env("IDP_CLIENT_ID", openid_provider::CLIENT_ID)
        .env("IDP_CLIENT_SECRET", openid_provider::CLIENT_SECRET)
        .start()
        .await;
    let wire = Wire::new(server.public_url(), vec![server.address().to_owned()]);
    (server, wire)
}

async fn open(kind: Kind, url: &str) -> Arc<dyn Store> {
    match kind {
        Kind::Sqlite => Arc::new(SqliteStore::open(url).await.unwrap()),
        Kind::Postgres => Arc::new(PostgresStore::open(url).await.unwrap()),
        Kind::Redis => Arc::new(RedisStore::open(url).await.unwrap()),
    }
}

impl Search {
    fn new() -> Self {
        let mut secrets = Needles::new();
        let name = NAME.to_lowercase();
        secrets.add("the name", NAME);
        secrets.add("the name, in small letters", &name);
        secrets.add("the e-mail address", &format!("{name}@example.com"));
        secrets.add("the subject", &format!("person-{name}"));
        secrets.add("the master key", MASTER_KEY);
        secrets.add("the secret at the provider", openid_provider::CLIENT_SECRET);
        secrets.add_bytes("the algorithm of a private key", P256);
        secrets.add_bytes("a private key as PEM", b"PRIVATE KEY-----");
        Self {
            secrets,
            controls: Needles::new(),
        }
    }

    /// The public half of the signing keys; beside it lies the private one.
    async fn learn_keys(&mut self, wire: &Wire) {
        let reply = wire.get("/jwks", None).await.unwrap().json();
        for key in reply["keys"].as_array().unwrap() {
            for coordinate in ["x", "y"] {
                let text = key[coordinate].as_str().unwrap();
                self.secrets.add("a coordinate of a signing key", text);
            }
        }
    }

    /// Registers, signs in, refreshes twice; leaves a code and a sign-in unused.
    async fn flow(&mut self, wire: &Wire, method: &str) {
        let agent = Agent::register(wire, method).await.unwrap();
        self.controls.add("the client", &agent.client_id);
        self.secrets.add("the client's verifier", &agent.verifier);
        if let Some(secret) = &agent.secret {
            self.secrets.add("the client's secret", secret);
        }
        self.begin(wire, &agent).await;
        let unused = self.authorize(wire, &agent).await;
        self.secrets.add("a code that nobody redeemed", &unused);

        let code = self.authorize(wire, &agent).await;
        self.secrets.add("a code that was redeemed", &code);
        let mut held = tokens(&agent.redeem(wire, &code).await.unwrap()).unwrap();
        for _ in 0..2 {
            self.learn(&held);
            let (status, _) = agent::whoami(wire, &held.access).await.unwrap();
            assert!(status.is_success(), "{status}");
            let reply = agent.refresh(wire, &held.refresh).await.unwrap();
            held = tokens(&reply).unwrap();
        }
        self.learn(&held);
        let (grant, _) = held.refresh.split_once('.').unwrap();
        self.controls.add("the grant", grant);
    }

    fn learn(&mut self, tokens: &Tokens) {
        // The header of a signed token is no secret, and the same in all.
        let parts: Vec<_> = tokens.access.split('.').collect();
        for part in &parts[parts.len().min(2) - 1..] {
            self.secrets.add("a part of an access token", part);
        }
        // The first part names the grant.
        for part in tokens.refresh.split('.').skip(1) {
            self.secrets.add("a part of a refresh token", part);
        }
    }

    /// Agrees, and learns what goes to the provider by way of the browser.
    async fn begin(&mut self, wire: &Wire, agent: &Agent) -> (SignIn, Url) {
        let client_state = format!("state-of-{}", agent.client_id);
        let path = agent.authorize_path("notes:read", &client_state);
        let sign_in = agent.agree(wire, &path).await.unwrap();
        let (_, cookie) = sign_in.cookie.split_once('=').unwrap();
        self.secrets.add("the secret in the cookie", cookie);
        self.secrets.add("the client's state", &client_state);
        let provider = Url::parse(&sign_in.reply.location().unwrap()).unwrap();
        for (name, value) in provider.query_pairs() {
            if ["state", "nonce"].contains(&&*name) {
                self.secrets
                    .add(&format!("the {name} at the provider"), &value);
            }
        }
        (sign_in, provider)
    }

    /// The whole way to a code.
    async fn authorize(&mut self, wire: &Wire, agent: &Agent) -> String {
        let (sign_in, provider) = self.begin(wire, agent).await;
        let mut person = Browser::new().fill("name", NAME).fill("password", "x");
        let callback = format!("{}/oauth/callback", wire.public_url());
        let back = person.open(&provider, &callback).await.unwrap();
        let reply = wire.get(back.as_str(), Some(&sign_in.cookie)).await;
        agent::code_of(wire, &reply.unwrap()).unwrap()
    }

    /// Issues keys, one of which is revoked, and one sealed again.
    async fn api_keys(&mut self, store: &Arc<dyn Store>) {
        let masters = Arc::new(MasterKeys::new(MasterKey::parse(MASTER_KEY).unwrap()));
        let vault = Vault::new(Arc::clone(store), Arc::clone(&masters));
        let keys = ApiKeys::new(
            vault,
            ResourceUri::parse("https://mcp.example/mcp").unwrap(),
        );
        let mut ids = Vec::new();
        for name in ["job-of-xylophonist", "tool-of-xylophonist"] {
            let subject = Subject::parse(&format!("person-{}", NAME.to_lowercase())).unwrap();
            let scope = Scope::parse("xylophone:play").unwrap();
            let mut request = ApiKeyRequest::new(name, subject, scope, None);
            let email = format!("{}@example.com", NAME.to_lowercase());
            request.claims.insert("email".to_owned(), json!(email));
            let issued = keys.issue(request).await.unwrap();
            let (_, random) = issued.key.expose().split_once('_').unwrap();
            self.secrets.add("an API key", issued.key.expose());
            self.secrets.add("the random part of an API key", random);
            self.secrets.add("what a key is called", name);
            ids.push(issued.record.id);
        }
        self.secrets.add("the scope of a key", "xylophone:play");
        masters.add(MasterKey::from_bytes(&[9; 32]));
        masters.activate(MasterKey::from_bytes(&[9; 32]).id());
        keys.revoke(&ids[0]).await.unwrap();
        assert_eq!(keys.reseal().await.unwrap(), 1);
        self.controls.add("the name of an API key", ids[1].as_str());
    }

    /// What the server and the provider told each other.
    fn learn_upstream(&mut self, spoken: &Spoken) {
        for [asked, answered] in spoken.lock().unwrap().iter() {
            let asked = Url::parse(&format!("http://localhost/?{asked}")).unwrap();
            let mut learned = 0;
            for (name, value) in asked.query_pairs() {
                if ["code", "code_verifier"].contains(&&*name) {
                    self.secrets
                        .add(&format!("the {name} at the provider"), &value);
                    learned += 1;
                }
            }
            assert_eq!(learned, 2, "{asked}");
            let answered: Value = serde_json::from_str(answered).unwrap();
            let id_token = answered["id_token"].as_str().unwrap();
            for part in id_token.split('.').skip(1) {
                self.secrets.add("a part of an ID token", part);
            }
            let access_token = answered["access_token"].as_str().unwrap();
            self.secrets
                .add("the provider's access token", access_token);
        }
    }

    /// Searches the rows and the files of a database that runs.
    fn look(&self, kind: Kind, database: &Database, when: &str) {
        match kind {
            Kind::Sqlite => {}
            Kind::Postgres => {
                database.ask_postgres("psql", &["-c", "CHECKPOINT"]);
                let rows = database.ask_postgres("pg_dump", &["--data-only", "--inserts"]);
                self.judge(kind, &format!("the rows, {when}"), &rows);
            }
            Kind::Redis => {
                let (keys, all) = Resp::connect(database.port()).everything();
                assert!(keys > 10, "{keys} keys");
                self.judge(kind, &format!("{keys} keys and values, {when}"), &all);
            }
        }
        let files = files(database.folder());
        self.judge(kind, &format!("the files, {when}"), &files);
    }

    fn judge(&self, kind: Kind, place: &str, bytes: &[u8]) {
        let found = self.secrets.found_in(bytes);
        assert!(found.is_empty(), "{kind:?}: in {place}: {found:?}");
        // What is kept in the clear has to be found, all of it.
        let controls = self.controls.found_in(bytes);
        let plain = |name: &&&str| !name.ends_with("decoded");
        let controls = controls.iter().filter(plain).count();
        let expected = self.controls.len() / 2;
        assert_eq!(
            controls, expected,
            "{kind:?}: in {place}: the search is blind"
        );
        println!(
            "{kind:?}: none of {} secrets in {} KiB, {place}; {controls} names found",
            self.secrets.len(),
            bytes.len() / 1024
        );
    }
}

/// Everything in the files below `folder`, one after the other.
fn files(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            // PostgreSQL may remove a file meanwhile.
            all.extend(fs::read(&path).unwrap_or_default());
            all.push(b'\n');
        }
    }
    all
}
