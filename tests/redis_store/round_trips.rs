use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::server::Corner;
use crate::verbs::use_all;

/// Sees every command that the server gets.
struct Monitor<'a> {
    corner: &'a Corner,
    lines: Lines<BufReader<OwnedReadHalf>>,
    _open: tokio::net::tcp::OwnedWriteHalf,
}

impl<'a> Monitor<'a> {
    async fn start(corner: &'a Corner) -> Self {
        let address = corner.url.trim_start_matches("redis://");
        let address = address.trim_end_matches('/');
        let stream = TcpStream::connect(address).await.unwrap();
        let (read, mut write) = stream.into_split();
        write.write_all(b"MONITOR\r\n").await.unwrap();
        let mut lines = BufReader::new(read).lines();
        assert_eq!(lines.next_line().await.unwrap().unwrap(), "+OK");
        Self {
            corner,
            lines,
            _open: write,
        }
    }

    /// What this corner was asked since the last time, without what scripts ask.
    async fn commands(&mut self) -> Vec<String> {
        let end = format!("{}end", self.corner.prefix);
        let mut echo = redis::cmd("ECHO");
        echo.arg(&end);
        let mut connection = self.corner.connect().await;
        echo.exec_async(&mut connection).await.unwrap();
        let mut commands = Vec::new();
        loop {
            let line = self.lines.next_line().await.unwrap().unwrap();
            if line.contains(&end) {
                return commands;
            }
            if line.contains(&self.corner.prefix) && !line.contains(" lua] ") {
                commands.push(line);
            }
        }
    }
}

#[tokio::test]
async fn every_call_is_one_command() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let store = corner.open().await;
    // Teaches the server the scripts.
    use_all(&store, 0, async |_: &str| {}).await;
    let mut monitor = Monitor::start(&corner).await;
    monitor.commands().await;
    use_all(&store, 1, async |verb: &str| {
        let commands = monitor.commands().await;
        assert_eq!(commands.len(), 1, "{verb}: {commands:?}");
    })
    .await;
}
