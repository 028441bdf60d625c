use std::fmt;

use async_trait::async_trait;

use crate::store::StoreError;
use crate::store::sql::attempt::{self, Outcome};
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

pub(super) type Read<T> = fn(&dyn Columns) -> Result<T, sqlx::Error>;

/// A database that the statements run on: what differs between them. Only this
/// crate implements it.
#[async_trait]
pub trait Database: private::Sealed + Clone + Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// Redeems a code; what is bound stands at `codes::redemption`. If the first
    /// statement changes no row, the others are not run. The last one stores an
    /// access token.
    #[doc(hidden)]
    const REDEEM: &'static [&'static str];
    /// Begins a grant; as `REDEEM`, with what `codes::issued_values` binds.
    #[doc(hidden)]
    const INSERT_GRANT: &'static [&'static str];
    /// Rotates a refresh token; as `REDEEM`, with what `grants::rotation` binds.
    #[doc(hidden)]
    const ROTATE: &'static [&'static str];
    #[doc(hidden)]
    type Row: Columns + Send;

    /// Reads rows and changes nothing.
    #[doc(hidden)]
    async fn read(
        &self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Vec<Self::Row>, sqlx::Error>;

    /// Changes rows and reads them.
    #[doc(hidden)]
    async fn take(
        &self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Vec<Self::Row>, sqlx::Error>;

    /// Changes rows, and tells how many.
    #[doc(hidden)]
    async fn change(&self, sql: &'static str, values: &[Value]) -> Result<u64, sqlx::Error>;

    /// Runs these in one transaction, unless the first changes no row. Returns
    /// whether it did.
    #[doc(hidden)]
    async fn transact(
        &self,
        statements: &'static [&'static str],
        values: &[Value],
    ) -> Result<bool, sqlx::Error>;
}

pub(super) mod private {
    /// Keeps implementations inside this crate.
    pub trait Sealed {}
}

impl<D: Database> SqlStore<D> {
    pub(super) async fn fetch<T>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = attempt::repeat(|| self.database.read(sql, &values)).await?;
        read_all(&rows.value, read)
    }

    pub(super) async fn fetch_one<T>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        let rows = self.fetch(sql, values, read).await?;
        Ok(rows.into_iter().next())
    }

    /// Not repeated on a broken connection.
    pub(super) async fn take<T>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = attempt::limit(self.database.take(sql, &values)).await?;
        read_all(&rows, read)
    }

    pub(super) async fn change(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Outcome<u64>, StoreError> {
        attempt::repeat(|| self.database.change(sql, &values)).await
    }

    /// The last of `statements` is left out if there is no access token.
    pub(super) async fn transact(
        &self,
        statements: &'static [&'static str],
        has_access: bool,
        values: Vec<Value>,
    ) -> Result<Outcome<bool>, StoreError> {
        let needed = match statements {
            [first @ .., _] if !first.is_empty() && !has_access => first,
            all => all,
        };
        attempt::repeat(|| self.database.transact(needed, &values)).await
    }
}

fn read_all<T>(rows: &[impl Columns], read: Read<T>) -> Result<Vec<T>, StoreError> {
    let records = rows.iter().map(|row| read(row));
    records.collect::<Result<_, _>>().map_err(StoreError::new)
}
