//! What it costs to guard an MCP endpoint, side by side with what others do and
//! with what cannot be saved.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml            # all
//! cargo run --release --manifest-path benches/peers/Cargo.toml in-process
//! cargo run --release --manifest-path benches/peers/Cargo.toml http       # needs Linux
//! ```
//!
//! With `--test` each is run once, to see that it runs.

#![allow(missing_docs)]

mod candidates;
mod client;
mod http_loopback;
#[path = "../../support/idle_layer.rs"]
mod idle_layer;
mod in_process;
mod issued;
mod mcp_server;
mod measure;
mod ours;
#[path = "../../support/published.rs"]
mod published;
mod ready;

use std::time::Duration;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let wanted = |name: &str| {
        let named = arguments
            .iter()
            .filter(|argument| !argument.starts_with("--"));
        let mut named = named.peekable();
        named.peek().is_none() || named.any(|argument| argument == name)
    };
    let (rounds, time) = if is_test {
        (1, Duration::from_millis(1))
    } else {
        (31, Duration::from_millis(20))
    };
    if wanted("in-process") {
        in_process::measure(rounds, time);
    }
    if wanted("http") {
        // Short rounds, since what is compared has to meet the same disturbances.
        let (rounds, requests) = if is_test { (1, 4) } else { (51, 400) };
        http_loopback::measure(rounds, requests);
    }
}
