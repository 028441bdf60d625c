use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind, Value};

use crate::store::StoreError;

use super::failure::Failure;
use super::script::Request;

/// How long a server gets that is still reading its file.
const LOADING: Duration = Duration::from_millis(50);

/// The way to the server: puts a question once, or twice if the connection broke.
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
        let answer = tokio::time::timeout(self.timeout, self.persist(request)).await;
        answer.map_err(|_| {
            StoreError::new(Failure::TimedOut {
                address: self.address.clone(),
                within: self.timeout,
            })
        })
    }

    async fn persist(&self, request: &Request) -> RedisResult<Value> {
        let mut connection = self.connection.clone();
        let mut repeated = false;
        loop {
            let error = match request.send(&mut connection, repeated).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if is_loading(&error) {
                tokio::time::sleep(LOADING).await;
            } else if error.is_connection_dropped() && !repeated {
                // The manager is connecting again by now, and the next question
                // waits for that.
                repeated = true;
            } else {
                return Err(error);
            }
        }
    }
}

/// The server just started and did nothing of what it was asked.
fn is_loading(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading)
}
