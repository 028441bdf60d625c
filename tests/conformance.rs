//! The official MCP conformance suite against the reference server.
//!
//! Its authorization-server command prints an address for a browser and waits for
//! the answer; the scripted browser takes the place of the person.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use support::browser::Browser;
use support::e2e;
use support::process::{Process, free_port};
use support::reference_server::Settings;

const CLIENT_ID: &str = "conformance-suite";
const ADDRESS_LIMIT: Duration = Duration::from_secs(60);

const SCENARIOS: [&str; 2] = [
    "authorization-server-metadata-endpoint",
    "authorization-code-grant",
];

#[tokio::test]
async fn revision_2025_03_26_passes() {
    passes("2025-03-26").await;
}

#[tokio::test]
async fn revision_2025_06_18_passes() {
    passes("2025-06-18").await;
}

#[tokio::test]
async fn revision_2025_11_25_passes() {
    passes("2025-11-25").await;
}

#[tokio::test]
async fn revision_2026_07_28_passes() {
    passes("2026-07-28").await;
}

async fn passes(revision: &str) {
    if !e2e::enabled() {
        return;
    }
    let callback_port = free_port();
    let callback = format!("http://127.0.0.1:{callback_port}/callback");
    let server = Settings::new()
        .clients(&json!([{
            "client_id": CLIENT_ID,
            "client_name": "MCP conformance suite",
            "grant_types": ["authorization_code"],
            "redirect_uris": [callback],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }]))
        .start()
        .await;
    let results = results_folder(revision);
    let mut suite = e2e::node("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    suite
        .arg("authorization")
        .args(["--url", server.public_url()])
        .args(["--client-id", CLIENT_ID])
        .args(["--resource", &server.resource()])
        .args(["--port", &callback_port.to_string()])
        .args(["--spec-version", revision])
        .arg("--output-dir")
        .arg(&results);

    let status = run(suite, &callback).await;

    assert_passed(revision, &results);
    assert!(status.success(), "{revision}: the suite ends with {status}");
}

/// Runs the suite to its end, with a browser that signs alice in.
async fn run(suite: Command, callback: &str) -> ExitStatus {
    let mut suite = Process::spawn("the conformance suite", suite);
    let mut announced = false;
    let address = suite.find_line(ADDRESS_LIMIT, |line| {
        let is_address = announced;
        announced = line.starts_with("Access the following URL in your browser");
        is_address.then(|| Url::parse(line).expect("the suite prints an address"))
    });
    let address = address.await;
    let mut browser = Browser::new().fill("name", "alice").press("approve");
    let answer = match browser.open(&address, callback).await {
        Ok(answer) => answer,
        Err(stuck) => panic!("the browser is stuck: {stuck}"),
    };
    if let Err(stuck) = browser.visit(&answer).await {
        panic!("the suite does not take the answer: {stuck}");
    }
    let status = suite.wait().await;
    println!("{}", suite.output());
    status
}

/// Judges the suite's results by its files: its exit status overlooks checks that
/// were skipped.
fn assert_passed(revision: &str, results: &Path) {
    let mut missing = SCENARIOS.to_vec();
    let mut failed = Vec::new();
    for entry in fs::read_dir(results).unwrap() {
        let folder = entry.unwrap().path();
        let text = fs::read_to_string(folder.join("checks.json")).unwrap();
        let checks: Vec<Value> = serde_json::from_str(&text).unwrap();
        let name = folder.file_name().unwrap().to_string_lossy();
        if !checks.is_empty() {
            missing.retain(|scenario| !name.contains(scenario));
        }
        failed.extend(checks.iter().filter_map(judge));
    }
    assert!(failed.is_empty(), "{revision}: {failed:#?}");
    assert!(missing.is_empty(), "{revision}: {missing:?} did not run");
}

/// What is wrong with a check's result, if anything is.
fn judge(check: &Value) -> Option<String> {
    let id = check["id"].as_str().unwrap();
    let status = check["status"].as_str().unwrap();
    let message = check["errorMessage"].as_str().unwrap_or_default();
    let result = format!("{status} {id} {message}");
    println!("{result}");
    (status != "SUCCESS").then_some(result)
}

/// An empty folder for the results of one run.
fn results_folder(revision: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{revision}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    folder
}
