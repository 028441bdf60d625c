use std::error::Error as StdError;

use thiserror::Error;

/// A store on a database could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreOpenError {
    /// The URL names no database of this kind.
    #[error("the URL of the store is unusable: {0}")]
    Url(String),
    /// The database does not answer, or does not let us in.
    #[error("the store cannot be reached")]
    Unreachable(#[source] Box<dyn StdError + Send + Sync>),
    /// A newer version of this crate wrote the database. Its records may mean
    /// something that this version would get wrong.
    #[error(
        "the store has the schema {found}, and this version of oauth-for-mcp knows schemas up to \
         {known}: use the version that wrote it, or a newer one"
    )]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The newest schema that is known here.
        known: i64,
    },
    /// The tables could not be made or brought up to date.
    #[error("the tables of the store could not be made or brought up to date")]
    Migration(#[source] Box<dyn StdError + Send + Sync>),
    /// The database is set up in a way in which records could be lost.
    #[error("the store is unsuitable: {0}")]
    Unsuitable(String),
}

impl StoreOpenError {
    pub(in crate::store) fn unreachable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unreachable(cause.into())
    }
}
