use std::borrow::Cow;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::store::StoreOpenError;

/// What brings the tables from one version to the next: a description and the
/// statements. Never change one that was released; add another.
pub(super) type Migrations = [(&'static str, &'static str)];

/// What brings the tables up to date.
pub(super) fn migrator(migrations: &Migrations) -> Migrator {
    let numbered = migrations.iter().zip(1_i64..);
    let migrations = numbered.map(|((description, sql), version)| {
        let simple = MigrationType::Simple;
        Migration::new(
            version,
            Cow::Borrowed(*description),
            simple,
            sql.into_sql_str(),
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // The host may have migrations of its own.
    migrator.dangerous_set_table_name("oauth_schema");
    migrator
}

pub(super) fn judge(error: MigrateError, migrator: &Migrator) -> StoreOpenError {
    let known = migrator.iter().map(|migration| migration.version).max();
    match error {
        MigrateError::VersionMissing(found) => StoreOpenError::NewerSchema {
            found,
            known: known.unwrap_or_default(),
        },
        other => StoreOpenError::Migration(Box::new(other)),
    }
}
