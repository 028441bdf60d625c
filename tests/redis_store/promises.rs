use std::sync::Arc;

use oauth_for_mcp::store::contract::{PROMISES, Trial};

use crate::server::Corner;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_promise_holds() {
    for promise in PROMISES {
        let Some(corner) = Corner::new() else {
            return;
        };
        println!("{}", promise.name());
        let trial = Trial::new(Arc::new(corner.open().await), |task| {
            tokio::spawn(task);
        });
        promise.check(&trial).await;
    }
}
