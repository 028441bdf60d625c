//! Three reference servers behind one address, on one PostgreSQL or one Redis.
//!
//! ```text
//! cargo build --features full --example reference_server
//! STORE=postgres://user:password@127.0.0.1/notes cargo run --features full --example replicas
//! ```
//!
//! With a throwaway database, on Debian:
//!
//! ```text
//! scripts/services run bash -c \
//!     'STORE=$OAUTH_FOR_MCP_POSTGRES cargo run --features full --example replicas'
//! ```
//!
//! Then connect an MCP client to `http://127.0.0.1:8080/mcp`. Every connection goes to the next
//! replica: a sign-in may begin at one, go on at another and be used at the third. Stop one, or
//! the database for a while, and watch it go on. Settings of the reference server hold for all.
//!
//! A session of the revisions of MCP before 2026-07-28 lives in one replica. In front of those,
//! deal by the header `Mcp-Session-Id`.

use std::{
    env,
    error::Error,
    process::{ExitCode, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth_for_mcp::types::{Entropy as _, SystemEntropy};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

const ADDRESS: &str = "127.0.0.1:8080";
const REPLICAS: usize = 3;

/// Starts one replica on a port of its own and waits until it is ready.
async fn start(name: &str, master_key: &str) -> Result<(Child, String), Box<dyn Error>> {
    let server = env::current_exe()?.with_file_name("reference_server");
    if !server.exists() {
        return Err(
            "build it first: cargo build --features full --example reference_server".into(),
        );
    }
    let mut replica = Command::new(server)
        .env("LISTEN", "127.0.0.1:0")
        .env("PUBLIC_URL", format!("http://{ADDRESS}"))
        .env("MASTER_KEY", master_key)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = replica.stdout.take().ok_or("it has an output")?;
    let mut lines = BufReader::new(output).lines();
    let prefix = "listening on http://";
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix(prefix) {
            println!("{name} listens on {address}");
            return Ok((replica, address.to_owned()));
        }
    }
    Err("a replica did not start; it said why above".into())
}

/// Every connection goes to the next replica that takes it.
async fn deal(mut client: TcpStream, replicas: &[String]) {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    for _ in replicas {
        let turn = TURN.fetch_add(1, Ordering::Relaxed) % replicas.len();
        if let Ok(mut replica) = TcpStream::connect(&replicas[turn]).await {
            // Either side may hang up at any time.
            let _ended = copy_bidirectional(&mut client, &mut replica).await;
            return;
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let store = env::var("STORE").unwrap_or_default();
    if store.is_empty() || store == "memory" {
        return Err("set STORE to a database that all replicas share, such as postgres://…".into());
    }
    let master_key = match env::var("MASTER_KEY") {
        Ok(key) => key,
        Err(_) => {
            eprintln!("note: MASTER_KEY is not set, so this store is of no use after this run");
            let mut key = [0; 32];
            SystemEntropy.fill(&mut key)?;
            URL_SAFE_NO_PAD.encode(key)
        }
    };
    let listener = TcpListener::bind(ADDRESS).await?;
    let (mut children, mut addresses) = (Vec::new(), Vec::new());
    for number in 1..=REPLICAS {
        let (child, address) = start(&format!("replica {number}"), &master_key).await?;
        children.push(child);
        addresses.push(address);
    }
    println!("listening on http://{ADDRESS}, the MCP endpoint is at /mcp; end with Ctrl-C");
    let addresses: &'static [String] = addresses.leak();
    loop {
        tokio::select! {
            connection = listener.accept() => {
                tokio::spawn(deal(connection?.0, addresses));
            }
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replicas: {error}");
            ExitCode::FAILURE
        }
    }
}
