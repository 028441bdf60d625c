use std::time::Duration;

use oauth_for_mcp::model::{GrantFilter, IssuedRecords};
use oauth_for_mcp::store::{
    AccessTokenStore, ClientStore, CodeStore, GrantStore, LeaseStore, PendingStore, RedisStore,
    RefreshTokenStore, SigningKeyStore, Sweep,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::server::{Corner, client_id, code, grant_id, hash, issued, now, pending, rotated};

const LIFE: Duration = Duration::from_secs(600);

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
            let ours = line.contains(&self.corner.prefix) || line.contains("\"SCRIPT\"");
            if ours && !line.contains(" lua] ") {
                commands.push(line);
            }
        }
    }
}

/// Makes every call that a token or a sign-in needs, and names it to `done`.
async fn each_verb(store: &RedisStore, name: &str, mut done: impl AsyncFnMut(&str)) {
    let id = grant_id(name);
    let key = hash(name);
    store.insert_pending(pending(name, LIFE)).await.unwrap();
    done("insert_pending").await;
    store.find_pending(&key, now()).await.unwrap();
    done("find_pending").await;
    store.take_pending(&key, now()).await.unwrap();
    done("take_pending").await;
    store.insert_code(code(name, LIFE)).await.unwrap();
    done("insert_code").await;
    store.find_code(&key, now()).await.unwrap();
    done("find_code").await;
    let records: IssuedRecords = issued(name, LIFE);
    let old = records.grant.clone();
    store.redeem_code(&key, records, now()).await.unwrap();
    done("redeem_code").await;
    store.find_client(&client_id()).await.unwrap();
    done("find_client").await;
    store.find_grant(&id, now()).await.unwrap();
    done("find_grant").await;
    let found = store.find_access_token(&key, now()).await.unwrap();
    assert!(found.is_some());
    done("find_access_token").await;
    store.find_refresh_token(&id, now()).await.unwrap();
    done("find_refresh_token").await;
    let next = rotated(name, name, &format!("{name} next"), LIFE);
    let rotation = store.rotate_refresh_token(&key, next, now());
    rotation.await.unwrap();
    done("rotate_refresh_token").await;
    let all = GrantFilter::All;
    store.list_grants(&all, None, 10, now()).await.unwrap();
    done("list_grants").await;
    assert!(store.reseal_grant(&old, &old).await.unwrap());
    done("reseal_grant").await;
    store.revoke_grant(&id).await.unwrap();
    done("revoke_grant").await;
    store.list_signing_keys().await.unwrap();
    done("list_signing_keys").await;
    let until = now().plus(LIFE);
    store.take_lease("a", "b", until, now()).await.unwrap();
    done("take_lease").await;
    store.sweep(now(), 10).await.unwrap();
    done("sweep").await;
}

#[tokio::test]
async fn every_call_is_one_command() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let store = corner.open().await;
    // Teaches the server the scripts.
    each_verb(&store, "first", async |_: &str| {}).await;
    let mut monitor = Monitor::start(&corner).await;
    monitor.commands().await;
    each_verb(&store, "second", async |verb: &str| {
        // Another test may have flushed the scripts; then there are three.
        let commands = monitor.commands().await;
        println!("{verb}: {commands:?}");
        let taught = commands.iter().any(|line| line.contains("\"SCRIPT\""));
        assert!(commands.len() == 1 || taught, "{verb}: {commands:?}");
    })
    .await;
}
