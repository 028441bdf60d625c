use std::future::Future;
use std::time::Duration;

use sqlx::Error;
use tokio::time::timeout;

use crate::store::StoreError;

/// How long one call may take altogether.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(10);
/// How long it waits for a connection, be it a free one or a new one.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// More than a pool has connections: after a restart of the database each of
/// them is found dead once.
const ATTEMPTS: usize = 40;

/// What came of a call.
#[derive(Debug)]
pub struct Outcome<T> {
    pub(super) value: T,
    /// Whether an earlier attempt of it may have been carried out as well.
    pub(super) repeated: bool,
}

/// Makes a call that has the same effect if it is carried out twice; on a broken
/// connection it is made again on another one.
pub(super) async fn repeat<T, F>(call: impl Fn() -> F) -> Result<Outcome<T>, StoreError>
where
    F: Future<Output = Result<T, Error>>,
{
    limit(async {
        let mut repeated = false;
        for _ in 1..ATTEMPTS {
            match call().await {
                Ok(value) => return Ok(Outcome { value, repeated }),
                Err(error) if is_broken_connection(&error) => repeated = true,
                Err(error) => return Err(error),
            }
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
        // PostgreSQL: the server is shutting down, or rolled back to let another
        // transaction through.
        return matches!(
            error.code().as_deref(),
            Some("57P01" | "57P02" | "40001" | "40P01")
        );
    }
    matches!(
        error,
        Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed
    )
}
