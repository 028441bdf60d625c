//! A resolver that a test writes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use oauth_for_mcp::fetch::Resolver;

/// Finds the addresses of one list after another.
#[derive(Debug)]
pub(crate) struct Script {
    lists: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Script {
    pub(crate) fn new(lists: &[&[&str]]) -> Arc<Self> {
        let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            lists: lists.iter().map(parse).collect(),
            asked: AtomicUsize::new(0),
        })
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Resolver for Script {
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        assert!(name.ends_with(".example"), "{name}");
        let turn = self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(self.lists[turn.min(self.lists.len() - 1)].clone())
    }
}
