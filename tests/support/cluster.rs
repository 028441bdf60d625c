//! Reference servers on one database, as if behind a load balancer.

use super::database::Database;
use super::process::lasting_port;
use super::reference_server::{ReferenceServer, Settings};
use super::wire::Wire;

/// What seals the records, on every replica.
pub(crate) const MASTER_KEY: &str = "c3lzdGVtLXRlc3QtbWFzdGVyLWtleS0zMi1ieXRlcy4";

/// Replicas of one server on one database.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) database: Database,
    public_url: String,
    ports: Vec<u16>,
    replicas: Vec<Option<ReferenceServer>>,
    restarts: usize,
}

impl Cluster {
    /// Starts this many replicas at the same time.
    pub(crate) async fn start(database: Database, replicas: usize) -> Self {
        // One after the other, so that each sees the port of the one before taken.
        let mut held = Vec::new();
        let ports = (0..replicas).map(|_| {
            let port = lasting_port();
            held.push(std::net::TcpListener::bind(("127.0.0.1", port)).expect("it is free"));
            port
        });
        let ports: Vec<_> = ports.collect();
        drop(held);
        let mut cluster = Self {
            public_url: format!("http://127.0.0.1:{}", ports[0]),
            database,
            replicas: Vec::new(),
            restarts: 0,
            ports,
        };
        let starting: Vec<_> = cluster
            .ports
            .iter()
            .enumerate()
            .map(|(number, port)| tokio::spawn(cluster.settings(*port, number).start()))
            .collect();
        for replica in starting {
            let replica = replica.await.expect("a replica starts");
            cluster.replicas.push(Some(replica));
        }
        cluster
    }

    /// The settings that all replicas share, but for the format of access tokens,
    /// which each of them reads in both. Long times, so that none runs out.
    fn settings(&self, port: u16, number: usize) -> Settings {
        Settings::on(port)
            .env("PUBLIC_URL", &self.public_url)
            .env("STORE", &self.database.store())
            .env("MASTER_KEY", MASTER_KEY)
            .env("ACCESS_TOKEN_FORMAT", ["jwt", "opaque"][number % 2])
            .env("ACCESS_TOKEN_TTL", "600")
            .env("REGISTRATION_LIMIT", "off")
    }

    /// The way to all replicas, request by request in turn.
    pub(crate) fn wire(&self) -> Wire {
        let address = |port: &u16| format!("http://127.0.0.1:{port}");
        let addresses = self.ports.iter().map(address).collect();
        Wire::new(&self.public_url, addresses)
    }

    /// The way to one replica alone.
    pub(crate) fn wire_to(&self, replica: usize) -> Wire {
        let address = format!("http://127.0.0.1:{}", self.ports[replica]);
        Wire::new(&self.public_url, vec![address])
    }

    /// Kills a replica.
    pub(crate) async fn kill(&mut self, replica: usize) {
        if let Some(server) = self.replicas[replica].take() {
            server.kill().await;
        }
    }

    /// Starts a replica again after it was killed.
    pub(crate) async fn restart(&mut self, replica: usize) {
        self.restarts += 1;
        let settings = self.settings(self.ports[replica], self.restarts);
        self.replicas[replica] = Some(settings.start().await);
    }

    /// The end of what the replicas printed.
    pub(crate) fn output(&self) -> String {
        const LINES: usize = 40;
        let mut text = String::new();
        for replica in self.replicas.iter().flatten() {
            let output = replica.output();
            let lines: Vec<_> = output.lines().collect();
            let end = &lines[lines.len().saturating_sub(LINES)..];
            text.push_str(&format!("--- a replica printed:\n{}\n", end.join("\n")));
        }
        text
    }
}
