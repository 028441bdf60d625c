//! Clients that use a server without pause and hold it to what it answered.
//!
//! What was answered with 200 goes into a ledger; from then on it has to be true,
//! whatever is killed or stopped meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::counts::Counts;
use super::ledger::Ledger;
use super::random::Random;
use super::wire::{Lost, Wire};

/// Where a load is steered from.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// How often something was killed or stopped and started again.
    events: AtomicUsize,
    stopped: AtomicBool,
}

/// Clients at work.
#[derive(Debug)]
pub(crate) struct Load {
    control: Arc<Control>,
    clients: Vec<JoinHandle<Counts>>,
}

impl Load {
    /// Starts `clients` clients, each with connections of its own.
    pub(crate) fn start(wire: &Wire, clients: usize, seed: u64) -> Self {
        let control = Arc::new(Control::default());
        let clients = (0..clients)
            .map(|number| {
                let choices = seed.wrapping_mul(1000).wrapping_add(number as u64);
                let ledger = Ledger::new(wire.fork(), number, Random::new(choices));
                tokio::spawn(work(ledger, Arc::clone(&control)))
            })
            .collect();
        Self { control, clients }
    }

    /// Lets every client check what it holds before it goes on.
    pub(crate) fn check(&self) {
        self.control.events.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether a client found something wrong and ended.
    pub(crate) fn has_failed(&self) -> bool {
        self.clients.iter().any(JoinHandle::is_finished)
    }

    /// Ends the load; every client checks everything it holds first.
    ///
    /// Panics if one found something wrong.
    pub(crate) async fn finish(self) -> Counts {
        self.control.stopped.store(true, Ordering::SeqCst);
        let mut counts = Counts::default();
        for client in self.clients {
            counts.add(&client.await.expect("a client found something wrong"));
        }
        counts
    }
}

async fn work(mut ledger: Ledger, control: Arc<Control>) -> Counts {
    let mut checked = 0;
    while !control.stopped.load(Ordering::SeqCst) {
        let events = control.events.load(Ordering::SeqCst);
        let outcome = if events == checked {
            ledger.step().await
        } else {
            ledger.check_recent().await
        };
        match outcome {
            Ok(()) => checked = events,
            Err(lost) => pause(lost).await,
        }
    }
    while let Err(lost) = ledger.check_all().await {
        pause(lost).await;
    }
    ledger.counts()
}

async fn pause(lost: Lost) {
    let pause = match lost {
        Lost::Cut => 10,
        Lost::Busy => 200,
    };
    tokio::time::sleep(Duration::from_millis(pause)).await;
}
