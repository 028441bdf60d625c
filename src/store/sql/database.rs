use std::fmt;

use async_trait::async_trait;

use crate::store::StoreError;
use crate::store::sql::attempt::Outcome;
use crate::store::sql::value::{Columns, Value};

/// Keeps everything in a SQL database; see [`SqliteStore`] and [`PostgresStore`].
///
/// Cheap to clone: clones share their connections.
///
/// [`SqliteStore`]: crate::store::SqliteStore
/// [`PostgresStore`]: crate::store::PostgresStore
#[derive(Clone)]
pub struct SqlStore<D> {
    pub(super) database: D,
}

impl<D: Database> fmt::Debug for SqlStore<D> {
    /// Without the address, which may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SqlStore({})", D::NAME)
    }
}

/// A statement and what is bound to its parameters `$1`, `$2`, …
#[derive(Debug)]
pub struct Statement {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
}

impl Statement {
    pub(super) const fn new(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values }
    }
}

pub(super) type Read<T> = fn(&dyn Columns) -> Result<T, sqlx::Error>;

/// A database that the statements run on. Only this crate implements it.
#[async_trait]
pub trait Database: private::Sealed + Clone + Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// Redeems a code; what is bound stands at `codes::redemption`. If the first
    /// statement changes no row, the others are not run. The last one stores an
    /// access token.
    #[doc(hidden)]
    const REDEEM: &'static [&'static str];
    /// Rotates a refresh token; as `REDEEM`, with what `grants::rotation` binds.
    #[doc(hidden)]
    const ROTATE: &'static [&'static str];

    /// Reads rows.
    #[doc(hidden)]
    async fn fetch<T: Send + 'static>(
        &self,
        statement: Statement,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError>;

    /// Changes rows, and tells how many; the same again changes nothing more.
    #[doc(hidden)]
    async fn execute(&self, statement: Statement) -> Result<Outcome<u64>, StoreError>;

    /// Changes rows and reads them, once.
    #[doc(hidden)]
    async fn fetch_once<T: Send + 'static>(
        &self,
        statement: Statement,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError>;

    /// Runs these in one transaction, unless the first changes no row. Returns
    /// whether it did.
    #[doc(hidden)]
    async fn transact(
        &self,
        statements: &'static [&'static str],
        values: Vec<Value>,
    ) -> Result<bool, StoreError>;
}

pub(super) mod private {
    /// Keeps implementations inside this crate.
    pub trait Sealed {}
}

impl<D: Database> SqlStore<D> {
    pub(super) async fn fetch_one<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        let rows = self
            .database
            .fetch(Statement::new(sql, values), read)
            .await?;
        Ok(rows.into_iter().next())
    }

    pub(super) async fn execute(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Outcome<u64>, StoreError> {
        self.database.execute(Statement::new(sql, values)).await
    }

    /// The last of `statements` is left out if there is no access token.
    pub(super) async fn transact(
        &self,
        statements: &'static [&'static str],
        has_access: bool,
        values: Vec<Value>,
    ) -> Result<bool, StoreError> {
        let needed = match statements {
            [first @ .., _] if !first.is_empty() && !has_access => first,
            all => all,
        };
        self.database.transact(needed, values).await
    }
}
