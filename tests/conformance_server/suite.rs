//! One run of the suite, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::support::e2e;

const SUITE: &str = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
const LIMIT: Duration = Duration::from_secs(150);
/// As in `2026-07-28T10-00-00-000Z`.
const TIME_LENGTH: usize = 24;

/// The status of each check, by scenario and check; a check may come several times.
#[derive(Debug, Default)]
pub(crate) struct Results(BTreeMap<String, Vec<Check>>);

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Check {
    id: String,
    status: String,
    message: String,
}

/// Runs every scenario that the revision has against the server at `url`.
pub(crate) async fn run(name: &str, url: &str, revision: &str) -> Results {
    let folder = results_folder(name);
    let mut suite = e2e::node(SUITE);
    suite
        .arg("server")
        .args(["--url", url])
        .args(["--suite", "all"])
        .args(["--spec-version", revision])
        .arg("--output-dir")
        .arg(&folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(LIMIT, suite.output()).await;
    let output = output.expect("the suite ends in time").unwrap();
    // Its exit status tells that something failed, and the files what.
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let results = Results::read(&folder);
    assert!(!results.0.is_empty(), "nothing ran: {printed}");
    results
}

impl Results {
    fn read(folder: &Path) -> Self {
        let mut results = Self::default();
        for entry in fs::read_dir(folder).unwrap() {
            let folder = entry.unwrap().path();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            let scenario = &name[..name.len() - TIME_LENGTH - 1];
            let scenario = scenario.strip_prefix("server-").unwrap_or(scenario);
            let text = fs::read_to_string(folder.join("checks.json")).unwrap();
            let checks: Vec<Value> = serde_json::from_str(&text).unwrap();
            let mut checks: Vec<_> = checks.iter().map(Check::read).collect();
            // These tell what went over the wire, as often as it did.
            checks.retain(|check| check.status != "INFO");
            checks.sort();
            results.0.insert(scenario.to_owned(), checks);
        }
        results
    }

    /// The scenarios in which a check succeeded and none failed.
    pub(crate) fn passed(&self) -> BTreeSet<&str> {
        let good = |checks: &&Vec<Check>| {
            let has = |status: &str| checks.iter().any(|check| check.status == status);
            has("SUCCESS") && !has("FAILURE")
        };
        let passed = self.0.iter().filter(|(_, checks)| good(checks));
        passed.map(|(scenario, _)| scenario.as_str()).collect()
    }

    /// Where the outcomes of two runs differ.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let scenarios: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differ = |scenario: &&&String| self.outcomes(scenario) != other.outcomes(scenario);
        let differing = scenarios.iter().filter(differ);
        let tell = |name| {
            format!(
                "{name}: {:#?} but {:#?}",
                self.0.get(name),
                other.0.get(name)
            )
        };
        differing.map(|scenario| tell(*scenario)).collect()
    }

    fn outcomes(&self, scenario: &str) -> Vec<(&str, &str)> {
        let checks = self.0.get(scenario).into_iter().flatten();
        let outcomes = checks.map(|check| (&*check.id, &*check.status));
        outcomes.collect()
    }
}

impl fmt::Display for Results {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.passed();
        writeln!(
            formatter,
            "{} of {} scenarios pass",
            passed.len(),
            self.0.len()
        )?;
        for (scenario, checks) in &self.0 {
            for check in checks.iter().filter(|check| check.status != "SUCCESS") {
                let Check {
                    id,
                    status,
                    message,
                } = check;
                writeln!(formatter, "  {scenario}: {status} {id} {message}")?;
            }
        }
        Ok(())
    }
}

impl Check {
    fn read(check: &Value) -> Self {
        let text = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            status: text("status"),
            // The rest is what was answered, to the last byte.
            message: text("errorMessage").chars().take(300).collect(),
        }
    }
}

/// An empty folder for the results of one run.
fn results_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-server-{name}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    folder
}
