use std::future::Future;
use std::time::Duration;

use sqlx::Error;
use tokio::time::{sleep, timeout};

use crate::store::StoreError;

/// How long one call may take altogether.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How long it waits for a connection, be it a free one or a new one.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How long it may take to bring the tables up to date, and to wait for a replica
/// that is at it.
#[cfg(feature = "postgres")]
pub(super) const MIGRATION_LIMIT: Duration = Duration::from_secs(60);
/// A little longer after each attempt that failed.
const PAUSE: Duration = Duration::from_millis(2);
/// More than a pool has connections: after a restart of the database each of
/// them is found dead once.
const ATTEMPTS: u32 = 40;

/// What came of a call.
#[derive(Debug)]
pub(super) struct Outcome<T> {
    pub(super) value: T,
    /// Whether an earlier attempt of it may have been carried out as well.
    pub(super) repeated: bool,
}

impl<T> Outcome<T> {
    /// That nothing is there means something only if no earlier attempt may have
    /// been carried out: what it stored may be gone again.
    pub(super) fn absent<A>(&self, answer: A) -> Result<A, StoreError> {
        if self.repeated {
            return Err(StoreError::new(
                "the outcome of the first attempt is unknown",
            ));
        }
        Ok(answer)
    }
}

/// Makes a call that has the same effect if it is carried out twice; on a broken
/// connection it is made again on another one.
pub(super) async fn repeat<T, F>(call: impl Fn() -> F) -> Result<Outcome<T>, StoreError>
where
    F: Future<Output = Result<T, Error>>,
{
    limit(async {
        let mut repeated = false;
        for attempt in 1..ATTEMPTS {
            match call().await {
                Ok(value) => return Ok(Outcome { value, repeated }),
                Err(error) if is_broken_connection(&error) => repeated = true,
                Err(error) => return Err(error),
            }
            sleep(PAUSE * attempt).await;
        }
        let value = call().await?;
        Ok(Outcome { value, repeated })
    })
    .await
}

/// Makes a call once, whatever comes of it.
pub(super) async fn limit<T>(
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, StoreError> {
    match timeout(TIME_LIMIT, call).await {
        Ok(answer) => answer.map_err(StoreError::new),
        Err(_) => Err(StoreError::new(
            "the database did not answer within ten seconds",
        )),
    }
}

/// Whether the connection is of no use any more, while another one may be.
fn is_broken_connection(error: &Error) -> bool {
    if let Error::Database(error) = error {
        // PostgreSQL: the server is shutting down, became a standby, or rolled
        // back to let another transaction through.
        return matches!(
            error.code().as_deref(),
            Some("57P01" | "57P02" | "25006" | "40001" | "40P01")
        );
    }
    matches!(
        error,
        Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed
    )
}
