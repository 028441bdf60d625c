//! The table of attacks over sockets: axum, hyper and rmcp as a host has them.

use std::io;

use axum::Router;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::attacks::{self, Attack, CALL, HARMLESS, attack};
use crate::handler::{Runs, handler};

/// How a body travels.
#[derive(Clone, Copy, Debug)]
enum Travel {
    AtOnce,
    Chunked,
    /// Byte by byte, each on its own.
    Slow,
    /// Its end never comes.
    BrokenOff,
}

struct World {
    address: std::net::SocketAddr,
    runs: Runs,
    reader: String,
    writer: String,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::with(|builder| attacks::table(builder).filtered_lists());
        let client = TestClient::register(&server).await;
        let reader = client.sign_in(&server, "notes:read").await.access_token;
        let writer = client.sign_in(&server, "notes:write").await.access_token;
        let runs = Runs::default();
        let router: Router = server.auth().router(handler(&runs));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            runs,
            reader,
            writer,
        }
    }

    /// The status of the answer; `None` if the server hung up instead.
    async fn send(&self, token: &str, attack: &Attack, travel: Travel) -> Option<u16> {
        let answer = self.ask(token, attack, travel).await;
        answer.get(9..12).and_then(|status| status.parse().ok())
    }

    async fn ask(&self, token: &str, attack: &Attack, travel: Travel) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let head = head(token, attack, travel);
        socket.write_all(head.as_bytes()).await.unwrap();
        // A server that has answered already need not read on.
        let sent = send_body(&mut socket, &attack.body, travel).await;
        let mut answer = Vec::new();
        let read = socket.read_to_end(&mut answer).await;
        let is_good = sent.is_ok() && read.is_ok();
        assert!(!answer.is_empty() || !is_good || is_broken_off(travel));
        String::from_utf8_lossy(&answer).into_owned()
    }
}

const fn is_broken_off(travel: Travel) -> bool {
    matches!(travel, Travel::BrokenOff)
}

fn head(token: &str, attack: &Attack, travel: Travel) -> String {
    let mut head = format!(
        "{} /mcp HTTP/1.1\r\nhost: mcp.example.com\r\nconnection: close\r\n\
         accept: application/json, text/event-stream\r\nauthorization: Bearer {token}\r\n",
        attack.method
    );
    for (name, value) in &attack.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let length = attack.body.len();
    let framing = match travel {
        Travel::AtOnce => format!("content-length: {length}\r\n\r\n"),
        Travel::BrokenOff => format!("content-length: {}\r\n\r\n", length + 1),
        Travel::Chunked | Travel::Slow => "transfer-encoding: chunked\r\n\r\n".to_owned(),
    };
    head + &framing
}

async fn send_body(socket: &mut TcpStream, body: &[u8], travel: Travel) -> io::Result<()> {
    let size = match travel {
        Travel::AtOnce | Travel::BrokenOff => {
            socket.write_all(body).await?;
            if is_broken_off(travel) {
                socket.shutdown().await?;
            }
            return Ok(());
        }
        Travel::Chunked => body.len().div_ceil(3).max(1),
        Travel::Slow => 1,
    };
    for piece in body.chunks(size) {
        socket
            .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
            .await?;
        socket.write_all(piece).await?;
        socket.write_all(b"\r\n").await?;
        tokio::task::yield_now().await;
    }
    socket.write_all(b"0\r\n\r\n").await
}

/// B8
#[tokio::test]
async fn no_attack_runs_a_tool_however_its_body_travels() {
    let world = World::new().await;
    let attacks = [attacks::bodies(), attacks::heads(), attacks::targets()];
    for attack in attacks.iter().flatten() {
        for travel in [
            Travel::AtOnce,
            Travel::Chunked,
            Travel::Slow,
            Travel::BrokenOff,
        ] {
            let is_long = attack.body.len() > 100_000;
            if is_long && matches!(travel, Travel::Slow) {
                continue;
            }
            let status = world.send(&world.reader, attack, travel).await;
            let case = format!(
                "{} {} {:?} {travel:?}",
                attack.name, attack.method, attack.headers
            );
            let refused = |status: u16| attack.refusals.contains(&status) || status == 400;
            assert!(status.is_none_or(refused), "{status:?}: {case}");
            assert!(
                status.is_some() || is_long || is_broken_off(travel),
                "{case}"
            );
            assert_eq!(world.runs.of_add_note(), 0, "{case}");
            assert_eq!(world.runs.of_list_notes(), 0, "{case}");
        }
    }
}

/// B8: so that the test above could fail.
#[tokio::test]
async fn who_has_the_scope_runs_the_tool_however_the_body_travels() {
    let world = World::new().await;
    let mut runs = 0;
    for travel in [Travel::AtOnce, Travel::Chunked, Travel::Slow] {
        let call = attack("a call", CALL, &[]);
        assert_eq!(world.send(&world.writer, &call, travel).await, Some(200));
        let harmless = attack("another call", HARMLESS, &[]);
        assert_eq!(
            world.send(&world.reader, &harmless, travel).await,
            Some(200)
        );
        runs += 1;
        assert_eq!(
            (world.runs.of_add_note(), world.runs.of_list_notes()),
            (runs, runs)
        );
    }
}

/// B8: a body that does not come to its end reaches nobody.
#[tokio::test]
async fn a_body_that_breaks_off_runs_nothing_even_with_the_scope() {
    let world = World::new().await;
    let call = attack("a call", CALL, &[]);
    let status = world.send(&world.writer, &call, Travel::BrokenOff).await;
    assert!(status.is_none_or(|status| status == 400), "{status:?}");
    assert_eq!(world.runs.of_add_note(), 0);
}

/// B8
#[tokio::test]
async fn lists_are_cut_on_the_wire() {
    let world = World::new().await;
    let list = attack(
        "a list",
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#,
        &[],
    );
    let shown = world.ask(&world.reader, &list, Travel::AtOnce).await;
    assert!(
        shown.starts_with("HTTP/1.1 200") && shown.contains("list_notes"),
        "{shown}"
    );
    assert!(
        !shown.contains("add_note") && shown.contains(r#""id":7"#),
        "{shown}"
    );
    let all = world.ask(&world.writer, &list, Travel::Chunked).await;
    assert!(
        all.contains("list_notes") && all.contains("add_note"),
        "{all}"
    );
}
