use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind, Value};

use crate::store::StoreError;

use super::failure::Failure;
use super::script::Request;

/// How long a server gets that is still reading its file.
const LOADING: Duration = Duration::from_millis(50);

/// How often one question is put at most: once on a connection that says nothing
/// any more, once to learn that it is dead, and once on a new one.
const ATTEMPTS: u32 = 3;

/// How much of the time for a question one attempt may take.
pub(super) fn attempt_timeout(timeout: Duration) -> Duration {
    timeout / ATTEMPTS
}

/// The way to the server: puts a question again if its connection broke.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) connection: ConnectionManager,
    /// Host and port, for people.
    pub(super) address: String,
    /// For one question, with everything that it takes.
    pub(super) timeout: Duration,
}

impl Link {
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        request: impl Into<Request>,
    ) -> Result<T, StoreError> {
        let answer = self.answer(&request.into()).await?;
        let answer = answer.map_err(StoreError::new)?;
        redis::from_redis_value(answer)
            .map_err(|_| StoreError::new("Redis gave an answer of an unexpected shape"))
    }

    /// What the server answers, be it a refusal.
    pub(super) async fn answer(&self, request: &Request) -> Result<RedisResult<Value>, StoreError> {
        match tokio::time::timeout(self.timeout, self.persist(request)).await {
            Ok(Err(error)) if error.is_timeout() => Err(self.timed_out()),
            Ok(answer) => Ok(answer),
            Err(_) => Err(self.timed_out()),
        }
    }

    fn timed_out(&self) -> StoreError {
        StoreError::new(Failure::TimedOut {
            address: self.address.clone(),
            within: self.timeout,
        })
    }

    async fn persist(&self, request: &Request) -> RedisResult<Value> {
        let mut connection = self.connection.clone();
        let mut attempt = 1;
        loop {
            let error = match request.send(&mut connection, attempt > 1).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if is_loading(&error) {
                tokio::time::sleep(LOADING).await;
            } else if attempt < ATTEMPTS && is_of_the_connection(&error) {
                // If it broke, the manager is connecting again by now, and the
                // next attempt waits for that.
                attempt += 1;
            } else {
                return Err(error);
            }
        }
    }
}

/// The server may or may not have done what it was asked.
fn is_of_the_connection(error: &RedisError) -> bool {
    error.is_connection_dropped() || error.is_timeout()
}

/// The server just started and did nothing of what it was asked.
fn is_loading(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading)
}
