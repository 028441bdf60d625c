//! The example `api_keys` as its operator and its clients see it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::process::Command;

use support::e2e;
use support::process::{Process, example, free_port};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
/// A key that the operator wrote down, and its SHA-256.
const CONFIGURED: &str = "mcpkey_UNhY4JhezH9gQYqvDMWrWH9CwlcKiECVqejMrND2VFw";
const CONFIGURED_SHA256: &str = "0d69c3d6863ace24bac70850f8a96de3de830b98508eafadd6f5d9db66a8c917";

/// Where one server and its administration run.
struct Place {
    folder: PathBuf,
    port: u16,
}

impl Place {
    fn new() -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("api-keys-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, port }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = example("api_keys");
        command
            .env_clear()
            .env("LISTEN", format!("127.0.0.1:{}", self.port))
            .current_dir(&self.folder)
            .args(arguments);
        command
    }

    /// What the administration prints.
    async fn run(&self, arguments: &[&str]) -> String {
        let mut process = Process::spawn("the administration", self.command(arguments));
        let status = process.wait().await;
        let output = process.output();
        assert!(status.success(), "{output}");
        output
    }

    async fn status(&self, key: &str) -> u16 {
        let url = format!("http://127.0.0.1:{}/mcp", self.port);
        let request = reqwest::Client::new()
            .post(url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .bearer_auth(key)
            .body(PING);
        request.send().await.unwrap().status().as_u16()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.folder);
    }
}

fn write(folder: &Path, hash: &str) -> String {
    let file = folder.join("keys.json");
    let entry = json!([{
        "name": "written down", "subject": "operator", "scopes": ["greet"], "key_sha256": hash,
    }]);
    std::fs::write(&file, entry.to_string()).unwrap();
    file.display().to_string()
}

#[tokio::test]
async fn keys_are_issued_let_in_listed_and_revoked() {
    if !e2e::enabled() {
        return;
    }
    let place = Place::new();
    let issued = place
        .run(&["issue", "nightly import", "importer", "greet", "90"])
        .await;
    let (id, key) = issued.trim().split_once("  ").unwrap();
    let without = place.run(&["issue", "nothing", "nobody", ""]).await;
    let (_, without) = without.trim().split_once("  ").unwrap();
    let mut command = place.command(&["serve"]);
    command.env("API_KEYS_FILE", write(&place.folder, CONFIGURED_SHA256));
    let (server, _) = Process::start("the server", command).await;

    assert_eq!(place.status(key).await, 200);
    assert_eq!(place.status(CONFIGURED).await, 200);
    assert_eq!(place.status(without).await, 403);
    assert_eq!(place.status("greeter_no").await, 401);
    let listed = place.run(&["list"]).await;
    assert!(
        listed.contains(id) && listed.contains("nightly import"),
        "{listed}"
    );
    assert!(!listed.contains(key), "{listed}");

    assert_eq!(place.run(&["revoke", id]).await.trim(), "revoked");
    assert_eq!(
        place.run(&["revoke", id]).await.trim(),
        "there is no such key"
    );
    drop(server);
    let mut command = place.command(&["serve"]);
    command.env("MCP_API_KEY", CONFIGURED);
    let (server, _) = Process::start("the server", command).await;
    assert_eq!(place.status(key).await, 401);
    assert_eq!(place.status(CONFIGURED).await, 200);
    assert!(!server.output().contains(CONFIGURED));
}

#[tokio::test]
async fn a_key_that_could_be_guessed_keeps_the_server_from_starting() {
    if !e2e::enabled() {
        return;
    }
    let place = Place::new();
    for weak in [
        "",
        "secret",
        "mcpkey_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let mut command = place.command(&["serve"]);
        command.env("MCP_API_KEY", weak);
        let mut process = Process::spawn("the server", command);
        assert!(!process.wait().await.success());
    }
}
