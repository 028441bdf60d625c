//! Requests of HTTP/1.1, written by hand: a client would correct them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::attacks::Attack;
use crate::world::{Holder, Travel};

/// The answer, whatever came of it, and whether nothing went wrong on the way.
pub(crate) async fn ask(
    server: SocketAddr,
    who: &Holder,
    attack: &Attack,
    travel: Travel,
) -> (String, bool) {
    let mut socket = TcpStream::connect(server).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let head = head(who, attack, travel);
    socket.write_all(head.as_bytes()).await.unwrap();
    let sent = send_body(&mut socket, &attack.body, travel).await;
    let mut answer = Vec::new();
    // An event stream that nobody should have got has no end.
    let read = timeout(Duration::from_secs(20), socket.read_to_end(&mut answer)).await;
    let is_whole = sent.is_ok() && read.is_ok_and(|read| read.is_ok());
    (String::from_utf8_lossy(&answer).into_owned(), is_whole)
}

fn head(who: &Holder, attack: &Attack, travel: Travel) -> String {
    let mut head = format!(
        "{} /mcp HTTP/1.1\r\nhost: mcp.example.com\r\nconnection: close\r\n",
        attack.method
    );
    for (name, value) in who.headers().iter().chain(&attack.headers) {
        head += &format!("{name}: {value}\r\n");
    }
    head + &match travel.length(&attack.body) {
        Some(length) => format!("content-length: {length}\r\n\r\n"),
        None => "transfer-encoding: chunked\r\n\r\n".to_owned(),
    }
}

async fn send_body(socket: &mut TcpStream, body: &[u8], travel: Travel) -> io::Result<()> {
    if travel.length(body).is_some() {
        socket.write_all(body).await?;
        if travel == Travel::BrokenOff {
            socket.shutdown().await?;
        }
        return Ok(());
    }
    for piece in body.chunks(travel.piece(body)) {
        socket
            .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
            .await?;
        socket.write_all(piece).await?;
        socket.write_all(b"\r\n").await?;
        tokio::task::yield_now().await;
    }
    socket.write_all(b"0\r\n\r\n").await
}
