//! Databases of a test's own, which it may stop and look into.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command as StdCommand;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, process};

use tokio::process::Command;

use super::process::{Process, lasting_port};

const START_LIMIT: Duration = Duration::from_secs(30);
/// With what the services script tells where the programs are.
const POSTGRES_BIN: &str = "OAUTH_FOR_MCP_POSTGRES_BIN";
const POSTGRES_USER: &str = "OAUTH_FOR_MCP_POSTGRES_USER";
const REDIS_SERVER: &str = "OAUTH_FOR_MCP_REDIS_SERVER";

/// What keeps the records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Redis,
}

/// A database with a folder of its own, which goes with it.
#[derive(Debug)]
pub(crate) struct Database {
    kind: Kind,
    folder: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Database {
    /// A new, empty database that runs.
    ///
    /// Panics if its program is missing.
    pub(crate) async fn start(kind: Kind) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("oauth-for-mcp-{}-{number}", process::id()));
        fs::create_dir(&folder).expect("the temporary folder can be written");
        let mut database = Self {
            kind,
            folder,
            port: lasting_port(),
            process: None,
        };
        if kind == Kind::Postgres {
            database.make_cluster();
        }
        database.resume().await;
        database
    }

    /// The value of `STORE` for it.
    pub(crate) fn store(&self) -> String {
        match self.kind {
            Kind::Sqlite => format!("sqlite:{}", self.folder.join("notes.db").display()),
            Kind::Postgres => format!("postgres://oauth@127.0.0.1:{}/postgres", self.port),
            Kind::Redis => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// Where all its files are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Stops it while clients are connected; what was written stays.
    pub(crate) async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            // For PostgreSQL a fast shutdown: it does not wait for clients.
            let signal = match self.kind {
                Kind::Sqlite | Kind::Postgres => "INT",
                Kind::Redis => "TERM",
            };
            process.signal(signal).await;
        }
    }

    /// Starts it after [`stop`](Self::stop), where it was.
    pub(crate) async fn resume(&mut self) {
        let (command, ready) = match self.kind {
            Kind::Sqlite => return,
            Kind::Postgres => (self.postgres(), "ready to accept connections"),
            Kind::Redis => (self.redis(), "Ready to accept connections"),
        };
        let mut process = Process::spawn("the database", command);
        process
            .find_line(START_LIMIT, |line| line.contains(ready).then_some(()))
            .await;
        self.process = Some(process);
    }

    fn make_cluster(&self) {
        let owner = postgres_user();
        if let Some([user, group]) = owner {
            chown(&self.folder, Some(user), Some(group)).expect("root may give folders away");
        }
        let mut initdb = StdCommand::new(postgres_bin("initdb"));
        initdb
            .arg(format!("--pgdata={}", self.folder.join("data").display()))
            .args(["--username=oauth", "--auth=trust", "--encoding=UTF8"])
            // Small segments, so that all of them can be searched soon.
            .args(["--locale=C", "--no-sync", "--wal-segsize=1"])
            .current_dir(&self.folder);
        if let Some([user, group]) = owner {
            use std::os::unix::process::CommandExt as _;
            initdb.uid(user).gid(group);
        }
        let output = initdb.output().expect("initdb can be started");
        assert!(output.status.success(), "initdb failed: {output:?}");
    }

    /// The server itself, with its log on standard output.
    fn postgres(&self) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"exec "$0" "$@" 2>&1"#])
            .arg(postgres_bin("postgres"))
            .arg("-D")
            .arg(self.folder.join("data"))
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .current_dir(&self.folder);
        if let Some([user, group]) = postgres_user() {
            command.uid(user).gid(group);
        }
        command
    }

    fn redis(&self) -> Command {
        let program = env::var(REDIS_SERVER).unwrap_or_else(|_| missing(REDIS_SERVER));
        let mut command = Command::new(program);
        command
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1", "--daemonize", "no", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .args(["--rdbcompression", "no", "--dir"])
            .arg(&self.folder);
        command
    }

    /// What the PostgreSQL program `name` prints, run as a client of this database.
    pub(crate) fn ask_postgres(&self, name: &str, arguments: &[&str]) -> Vec<u8> {
        let output = StdCommand::new(postgres_bin(name))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-U", "oauth", "-d", "postgres"])
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        assert!(output.status.success(), "{name} failed: {output:?}");
        output.stdout
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.process.take());
        // The processes of a killed PostgreSQL may write for a moment yet.
        let _left = fs::remove_dir_all(&self.folder);
    }
}

fn postgres_bin(name: &str) -> PathBuf {
    let folder = env::var(POSTGRES_BIN).unwrap_or_else(|_| missing(POSTGRES_BIN));
    Path::new(&folder).join(name)
}

/// Whom PostgreSQL has to run as, if not as we do: user and group.
fn postgres_user() -> Option<[u32; 2]> {
    let name = env::var(POSTGRES_USER)
        .ok()
        .filter(|name| !name.is_empty())?;
    Some(["-u", "-g"].map(|what| {
        let output = StdCommand::new("id").args([what, &name]).output();
        let text = String::from_utf8(output.expect("`id` can be started").stdout);
        let text = text.expect("`id` prints a number");
        text.trim().parse().expect("`id` prints a number")
    }))
}

fn missing(variable: &str) -> ! {
    panic!("{variable} is not set: run `scripts/services run …`, or `scripts/test e2e`")
}
