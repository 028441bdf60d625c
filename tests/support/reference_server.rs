//! The example `reference_server`, started as a program of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde_json::Value;
use tokio::process::Command;

use super::process::{Process, example, free_port};
use super::upstream::{self, Upstream};

/// Settings for a server on a free port of the loopback interface.
///
/// The port is taken before the server starts, so that an upstream provider can
/// be told [`callback`](Self::callback) first.
#[derive(Debug)]
pub(crate) struct Settings {
    port: u16,
    command: Command,
}

impl Settings {
    /// The defaults: memory store, development login, everything generated.
    pub(crate) fn new() -> Self {
        Self::on(free_port())
    }

    /// The defaults on this port.
    pub(crate) fn on(port: u16) -> Self {
        let mut command = example("reference_server");
        // Nothing of the caller's environment may change what is tested.
        command
            .env_clear()
            .env("LISTEN", format!("127.0.0.1:{port}"))
            .env("PUBLIC_URL", public_url(port));
        Self { port, command }
    }

    /// Sets a variable of the server's environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Preregisters `clients`, a JSON array of client metadata.
    pub(crate) fn clients(self, clients: &Value) -> Self {
        let file = temporary_file(&format!("clients-{}.json", self.port));
        fs::write(&file, clients.to_string()).expect("the temporary folder can be written");
        self.env("CLIENTS", &file.display().to_string())
    }

    /// Signs users in at `upstream`.
    pub(crate) fn upstream(self, upstream: &Upstream) -> Self {
        self.env("IDP_ISSUER", upstream.issuer())
            .env("IDP_CLIENT_ID", upstream::CLIENT_ID)
            .env("IDP_CLIENT_SECRET", upstream::CLIENT_SECRET)
    }

    /// Where the upstream provider sends its users back to.
    pub(crate) fn callback(&self) -> String {
        format!("{}/oauth/callback", public_url(self.port))
    }

    /// Starts the server and waits until it is ready.
    pub(crate) async fn start(self) -> ReferenceServer {
        let (process, address) = Process::start("the reference server", self.command).await;
        ReferenceServer {
            process,
            address,
            public_url: public_url(self.port),
        }
    }

    /// Starts a server that cannot run like this, waits until it ends, and gives
    /// what it printed.
    ///
    /// Panics if it does not end by itself.
    pub(crate) async fn refused(self) -> (ExitStatus, String) {
        let mut process = Process::spawn("the reference server", self.command);
        let status = process.wait().await;
        (status, process.output())
    }
}

/// A running reference server.
#[derive(Debug)]
pub(crate) struct ReferenceServer {
    process: Process,
    address: String,
    public_url: String,
}

impl ReferenceServer {
    /// Its issuer identifier.
    pub(crate) fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Where it says it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Its MCP endpoint, which is also its resource identifier.
    pub(crate) fn resource(&self) -> String {
        format!("{}/mcp", self.public_url)
    }

    /// Everything the server printed so far.
    pub(crate) fn output(&self) -> String {
        self.process.output()
    }

    /// Kills the server (SIGKILL).
    pub(crate) async fn kill(self) {
        self.process.kill().await;
    }

    /// Asks the server to shut down and waits for it.
    pub(crate) async fn terminate(self) -> ExitStatus {
        self.process.terminate().await
    }
}

fn public_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn temporary_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}
