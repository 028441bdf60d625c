use std::error::Error as StdError;

use thiserror::Error;

/// A store did not do what it was asked, or cannot tell whether it did.
///
/// An outage, never an answer: the caller issues nothing, and the client hears
/// that it may try again.
#[derive(Debug, Error)]
#[error("the store failed")]
pub struct StoreError(#[source] Box<dyn StdError + Send + Sync>);

impl StoreError {
    /// A failure with its cause.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}
