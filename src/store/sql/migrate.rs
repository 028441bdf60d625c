use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

use crate::store::StoreOpenError;

/// What brings the tables from one version to the next: a description and the
/// statements. Never change one that was released; add another.
pub(super) type Migrations = [(&'static str, &'static str)];

/// Brings the tables up to date.
pub(super) async fn migrate(
    connection: &mut impl Migrate,
    migrations: &Migrations,
) -> Result<(), StoreOpenError> {
    let migrator = migrator(migrations);
    let known = migrator.iter().map(|migration| migration.version).max();
    // Not `run`: its future cannot be told to be `Send`.
    let migrated = migrator.run_direct(None, connection, false).await;
    migrated.map_err(|error| {
        let MigrateError::VersionMissing(found) = error else {
            return StoreOpenError::Migration(error.into());
        };
        let known = known.unwrap_or_default();
        StoreOpenError::NewerSchema { found, known }
    })
}

fn migrator(migrations: &Migrations) -> Migrator {
    let numbered = migrations.iter().zip(1_i64..);
    let migrations = numbered.map(|((description, sql), version)| {
        let (description, simple) = (Cow::Borrowed(*description), MigrationType::Simple);
        Migration::new(version, description, simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // The host may have migrations of its own.
    migrator.dangerous_set_table_name("oauth_schema");
    migrator
}
