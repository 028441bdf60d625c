use async_trait::async_trait;
use oauth_for_mcp::model::{IssuedRecords, RefreshRecord, RotatedRecords};
use oauth_for_mcp::types::{ClientId, GrantId, Timestamp, TokenHash};
use sqlx::Row as _;

use crate::bare::Bare;

const FIND_CLIENT: &str = "SELECT record FROM oauth_clients WHERE id = $1";
const FIND_GRANT: &str = "SELECT g.id, g.client_id, g.subject, g.details, g.granted_at, \
                          g.expires_at FROM oauth_grants g WHERE g.id = $1 AND g.expires_at > $2";
const REDEEM: &str = "UPDATE oauth_codes SET grant_id = $2 \
                      WHERE hash = $1 AND grant_id IS NULL AND expires_at > $3";
const GRANT: &str = "INSERT INTO oauth_grants (id, client_id, subject, details, granted_at, \
                     expires_at, sweep_from, family, current, refresh_expires_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const ROTATE: &str = "UPDATE oauth_grants SET family = $4, current = $5, previous = $6, \
                      spent_at = $7, answer = $8, refresh_expires_at = $9, expires_at = $10, \
                      sweep_from = $11 \
                      WHERE id = $1 AND current = $2 AND refresh_expires_at > $3 \
                      AND expires_at > $3";

fn seconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_secs()).expect("a time of these days")
}

/// The start of the day after, as the store has it.
fn sweep_from(time: Timestamp) -> i64 {
    (seconds(time) / 86_400 + 1) * 86_400
}

fn refresh(issued: &IssuedRecords) -> &RefreshRecord {
    issued.refresh.as_ref().expect("a refresh token")
}

macro_rules! bare_sql {
    ($name:ident, $pool:ty, $begin:literal, $tidy:expr) => {
        /// Pools that are set up as ours.
        pub(crate) struct $name {
            pub(crate) readers: $pool,
            pub(crate) writer: $pool,
        }

        #[async_trait]
        impl Bare for $name {
            async fn find_client(&self, id: &ClientId) {
                let query = sqlx::query(FIND_CLIENT).bind(id.as_str());
                let rows = query.fetch_all(&self.readers).await.expect("an answer");
                std::hint::black_box(rows[0].get::<String, _>(0));
            }

            async fn find_grant(&self, id: &GrantId, now: Timestamp) {
                let query = sqlx::query(FIND_GRANT).bind(id.as_str()).bind(seconds(now));
                // Faster than `fetch_one`, which leaves the statement under way.
                let rows = query.fetch_all(&self.readers).await.expect("an answer");
                let row = &rows[0];
                std::hint::black_box([row.get::<String, _>(0), row.get(1)]);
                std::hint::black_box([row.get::<Vec<u8>, _>(2), row.get(3)]);
                std::hint::black_box([row.get::<i64, _>(4), row.get(5)]);
            }

            async fn redeem(&self, code: &TokenHash, issued: &IssuedRecords, now: Timestamp) {
                let (grant, refresh) = (&issued.grant, refresh(issued));
                let mut transaction = self.writer.begin_with($begin).await.expect("a transaction");
                let code = sqlx::query(REDEEM)
                    .bind(code.as_bytes().as_slice())
                    .bind(grant.id.as_str())
                    .bind(seconds(now));
                let done = code.execute(&mut *transaction).await.expect("a write");
                assert_eq!(done.rows_affected(), 1);
                sqlx::query(GRANT)
                    .bind(grant.id.as_str())
                    .bind(grant.client_id.as_str())
                    .bind(grant.subject.as_bytes().as_slice())
                    .bind(grant.details.as_bytes())
                    .bind(seconds(grant.granted_at))
                    .bind(seconds(grant.expires_at))
                    .bind(sweep_from(grant.expires_at))
                    .bind(refresh.family.as_bytes().as_slice())
                    .bind(refresh.current.as_bytes().as_slice())
                    .bind(seconds(refresh.expires_at))
                    .execute(&mut *transaction)
                    .await
                    .expect("a write");
                transaction.commit().await.expect("a commit");
            }

            async fn rotate(&self, spent: &TokenHash, next: &RotatedRecords, now: Timestamp) {
                let mut transaction = self.writer.begin_with($begin).await.expect("a transaction");
                Self::update(&mut *transaction, spent, next, now).await;
                transaction.commit().await.expect("a commit");
            }

            async fn rotate_alone(
                &self,
                spent: &TokenHash,
                next: &RotatedRecords,
                now: Timestamp,
            ) -> bool {
                Self::update(&self.writer, spent, next, now).await;
                true
            }

            async fn tidy(&self) {
                let tidy: &[&'static str] = $tidy;
                for statement in tidy {
                    let done = sqlx::query(*statement).execute(&self.writer).await;
                    done.expect("a tidy database");
                }
            }
        }

        impl $name {
            async fn update<'c>(
                executor: impl sqlx::Executor<'c, Database = <$pool as Pool>::Database>,
                spent: &TokenHash,
                next: &RotatedRecords,
                now: Timestamp,
            ) {
                let refresh = &next.refresh;
                let previous = refresh.previous.as_ref().expect("a spent token");
                let update = sqlx::query(ROTATE)
                    .bind(refresh.grant_id.as_str())
                    .bind(spent.as_bytes().as_slice())
                    .bind(seconds(now))
                    .bind(refresh.family.as_bytes().as_slice())
                    .bind(refresh.current.as_bytes().as_slice())
                    .bind(previous.hash.as_bytes().as_slice())
                    .bind(seconds(previous.spent_at))
                    .bind(previous.answer.as_bytes())
                    .bind(seconds(refresh.expires_at))
                    .bind(seconds(next.grant_expires_at))
                    .bind(sweep_from(next.grant_expires_at));
                let done = update.execute(executor).await.expect("a write");
                assert_eq!(done.rows_affected(), 1);
            }
        }
    };
}

/// The database that a pool is of.
trait Pool {
    type Database: sqlx::Database;
}

impl<D: sqlx::Database> Pool for sqlx::Pool<D> {
    type Database = D;
}

bare_sql!(
    BareSqlite,
    sqlx::SqlitePool,
    "BEGIN IMMEDIATE",
    &["PRAGMA wal_checkpoint(TRUNCATE)"]
);
bare_sql!(
    BarePostgres,
    sqlx::PgPool,
    "BEGIN",
    &["VACUUM ANALYZE", "CHECKPOINT"]
);
