//! A database that the first migration made, with records in it, opens and works
//! after all later ones.
//!
//! Whoever adds a migration leaves the fixtures as they are.

use std::sync::Arc;

use libtest_mimic::Trial as Test;
use oauth_for_mcp::model::{ClientRecord, MasterKey, MasterKeys};
use oauth_for_mcp::server::AccessTokenFormat;
use oauth_for_mcp::store::{PostgresStore, SqliteStore, Store};
use oauth_for_mcp::test_util::{TestClient, TestServer};
use oauth_for_mcp::types::ClientId;
use sqlx::{Connection as _, SqliteConnection};

use crate::fresh::{self, Backend, connect, execute};
use crate::test;

const CLIENT: &str = "eDglgipvnmLaIZDoKOTJ0g";
const ACCESS_TOKEN: &str = "Ff8AifVhKZjX4AazVmD_rJ0tEFnlZESWHCq_waAYeEM";
const SPENT: &str = "Itsz5WCFnZSPnHFNxD78Nw.CfJqxpl0fKLxPIL26GzssoK9hYcAY79krwYiVv7tLcw.\
                     WRqjHOwwzGcBhG1nfaBPHPYdv3OLdFapJ1-LqhaFQFA";
const REFRESH_TOKEN: &str = "Itsz5WCFnZSPnHFNxD78Nw.CfJqxpl0fKLxPIL26GzssoK9hYcAY79krwYiVv7tLcw.\
                             uMnAK5KKvPN6WvQCJiV5WW0GK_EkcWWEW6UQUMJdoEg";
const CODE: &str = "4gvXX8199-J65KcAJC1BaWvdLdJTVw0GwqVkwoL60qc";

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test(
            "sqlite::a_file_of_the_first_migration_works",
            Backend::Sqlite,
            sqlite,
        ),
        test(
            "postgres::a_database_of_the_first_migration_works",
            Backend::Postgres,
            postgres,
        ),
    ]
}

async fn sqlite() {
    let path = fresh::sqlite_file(&fresh::unique_name());
    let url = format!("sqlite:{}", path.display());
    let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc"))
        .await
        .unwrap();
    let dump = include_str!("../fixtures/first_migration.sqlite.sql");
    sqlx::raw_sql(dump).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    works(SqliteStore::open(&url).await.unwrap()).await;
}

async fn postgres() {
    let name = fresh::unique_name();
    let url = fresh::postgres_schema(&Backend::Postgres.url(), &name).await;
    let mut connection = connect(&url).await;
    let dump = include_str!("../fixtures/first_migration.postgres.sql");
    execute(&mut connection, dump.to_owned()).await;
    works(PostgresStore::open(&url).await.unwrap()).await;
    execute(&mut connection, format!("DROP SCHEMA {name} CASCADE")).await;
}

/// The clock of a test server stands where it stood when the records were made,
/// but it draws the same randomness again: so another one has to sign in.
async fn works(store: impl Store) {
    let store: Arc<dyn Store> = Arc::new(store);
    client_can_be_updated(&*store).await;
    let keys = MasterKeys::new(MasterKey::from_bytes(&[7; 32]));
    let server = TestServer::with(|builder| {
        builder
            .store(Arc::clone(&store), Arc::new(keys))
            .access_token_format(AccessTokenFormat::Opaque)
    })
    .replica();
    server.auth().prepare().await.unwrap();
    let client = TestClient::known(CLIENT, TestClient::REDIRECT_URI);

    let call = server.call("ping", None, ACCESS_TOKEN).await;
    assert_eq!(call.status(), 200);
    let repeated = client.refresh(&server, SPENT).await.expect_tokens();
    assert_eq!(repeated.access_token, ACCESS_TOKEN);
    assert_eq!(repeated.refresh_token.as_deref(), Some(REFRESH_TOKEN));
    let next = client.refresh(&server, REFRESH_TOKEN).await;
    let call = server
        .call("ping", None, &next.expect_tokens().access_token)
        .await;
    assert_eq!(call.status(), 200);
    let tokens = client.redeem(&server, CODE).await.expect_tokens();
    let call = server.call("ping", None, &tokens.access_token).await;
    assert_eq!(call.status(), 200);
    let alice = oauth_for_mcp::types::Subject::parse("alice").unwrap();
    assert_eq!(
        server.auth().grants().revoke_subject(&alice).await.unwrap(),
        2
    );
    let _ = client.sign_in(&server, "notes:read").await;
}

/// What is compared is the text of the record: it has to be written as ever.
async fn client_can_be_updated(store: &dyn Store) {
    let id = ClientId::parse(CLIENT).unwrap();
    let old = store.find_client(&id).await.unwrap().unwrap();
    let new = ClientRecord {
        name: Some("a new name".to_owned()),
        ..old.clone()
    };
    assert!(store.update_client(&old, new.clone()).await.unwrap());
    assert!(store.update_client(&new, old).await.unwrap());
    assert!(store.count_clients(10).await.unwrap() > 0);
}
