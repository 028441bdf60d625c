//! Records in a SQL database: one set of statements for SQLite and PostgreSQL.
//!
//! Every table begins with `oauth_`, so that a host may keep its own beside them.

mod api_keys;
mod attempt;
mod clients;
mod codes;
mod database;
mod grants;
mod keys;
#[cfg(feature = "postgres")]
mod leased;
mod migrate;
mod pending;
#[cfg(feature = "postgres")]
mod postgres;
mod replays;
#[cfg(feature = "sqlite")]
mod sqlite;
mod sweep;
mod value;

pub use database::{Database, SqlStore};
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteStore};
