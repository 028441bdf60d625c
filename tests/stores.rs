//! Every promise of the stores' traits, on every store there is.
//!
//! `scripts/test` starts PostgreSQL and Redis for this. Without it their tests
//! are reported as ignored; with it, a server that is missing is a failure.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "stores/databases.rs"]
mod databases;
#[path = "stores/first_migration.rs"]
mod first_migration;
#[path = "stores/fresh.rs"]
mod fresh;
#[path = "stores/lost_answers.rs"]
mod lost_answers;
#[path = "stores/proxy.rs"]
mod proxy;
#[path = "stores/requests.rs"]
mod requests;
#[path = "stores/sweeps.rs"]
mod sweeps;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial as Test};
use oauth_for_mcp::store::contract::{PROMISES, Promise, Trial};
use tokio::runtime::Builder;

use fresh::Backend;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut tests: Vec<Test> = Backend::ALL
        .into_iter()
        .flat_map(|backend| {
            PROMISES
                .iter()
                .map(move |promise| contract(backend, promise))
        })
        .collect();
    tests.extend(databases::tests());
    tests.extend(first_migration::tests());
    tests.extend(lost_answers::tests());
    tests.extend(requests::tests());
    tests.extend(sweeps::tests());
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn contract(backend: Backend, promise: &'static Promise) -> Test {
    let name = format!("contract::{}::{}", backend.name(), promise.name());
    test(name, backend, async move || {
        let fresh = backend.fresh().await;
        let trial = Trial::new(Arc::clone(&fresh.store), |task| {
            tokio::spawn(task);
        });
        promise.check(&trial).await;
        fresh.discard().await;
    })
}

/// A test that is ignored if the server it needs was not started for it.
fn test<F>(
    name: impl Into<String>,
    backend: Backend,
    check: impl FnOnce() -> F + Send + 'static,
) -> Test
where
    F: Future<Output = ()>,
{
    let run = move || {
        let runtime = Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .map_err(|error| Failed::from(error.to_string()))?;
        runtime.block_on(check());
        Ok(())
    };
    Test::test(name.into(), run).with_ignored_flag(!backend.is_started())
}
