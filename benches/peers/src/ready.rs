use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The output of a future that never waits: nothing here leaves the process.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a future waits although all it needs is in memory"),
    }
}
