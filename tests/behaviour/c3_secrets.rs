//! Several live secrets a client, and clients that the host manages.

use std::sync::Arc;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::model::{GrantFilter, IssuedRecords};
use oauth_for_mcp::server::{Clients, PreregisteredClient};
use oauth_for_mcp::store::GrantStore as _;
use oauth_for_mcp::test_util::{SeededEntropy, TestClient, TestServer};
use oauth_for_mcp::types::{ClientId, GrantId};
use serde_json::json;

use super::faulty_store::{CAUSE, FaultyStore, master_keys};
use super::support::{PING, post_mcp};

async fn confidential(server: &TestServer) -> TestClient {
    let metadata = json!({
        "redirect_uris": [TestClient::REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    TestClient::register_with(server, &metadata).await
}

fn id(client: &TestClient) -> ClientId {
    ClientId::parse(&client.client_id).expect("we made it")
}

/// Whether the client gets in with this secret.
async fn accepts(server: &TestServer, client: &TestClient, secret: &str) -> bool {
    let mut client = client.clone();
    client.client_secret = Some(secret.to_owned());
    client.revoke(server, "x").await.status() == 200
}

/// C3
#[tokio::test]
async fn every_secret_that_the_operator_lists_is_good() {
    for (one, more) in [
        (json!("a"), json!(["b", "c"])),
        (json!(null), json!(["a", "b", "c"])),
    ] {
        let client = json!({
            "client_id": "desk",
            "client_secret": one,
            "client_secrets": more,
            "redirect_uris": [TestClient::REDIRECT_URI],
        });
        let desk: PreregisteredClient = serde_json::from_value(client).unwrap();
        let server = TestServer::with(|builder| builder.client(desk));
        let client = TestClient::known("desk", TestClient::REDIRECT_URI);
        for (secret, good) in [
            ("a", true),
            ("b", true),
            ("c", true),
            ("d", false),
            ("", false),
        ] {
            assert_eq!(accepts(&server, &client, secret).await, good, "{secret}");
        }
    }
}

/// C3
#[tokio::test]
async fn a_secret_is_replaced_without_an_interruption() {
    let server = TestServer::new();
    let replica = server.replica();
    let client = confidential(&server).await;
    let clients = server.auth().clients();
    let old = client.client_secret.clone().unwrap();

    let new = clients.add_secret(&id(&client)).await.unwrap().unwrap();
    for server in [&server, &replica] {
        assert!(accepts(server, &client, &old).await);
        assert!(accepts(server, &client, new.expose()).await);
    }
    assert!(clients.keep_last_secret(&id(&client)).await.unwrap());
    for server in [&server, &replica] {
        assert!(!accepts(server, &client, &old).await);
        assert!(accepts(server, &client, new.expose()).await);
    }
    assert!(clients.keep_last_secret(&id(&client)).await.unwrap());
    assert!(accepts(&server, &client, new.expose()).await, "it stays");
}

/// C3
#[tokio::test]
async fn a_client_has_at_most_five_secrets() {
    let server = TestServer::new();
    let client = confidential(&server).await;
    let clients = server.auth().clients();
    for _ in 1..Clients::MAX_SECRETS {
        assert!(clients.add_secret(&id(&client)).await.unwrap().is_some());
    }
    assert!(clients.add_secret(&id(&client)).await.unwrap().is_none());
    let record = clients.find(&id(&client)).await.unwrap().unwrap();
    assert_eq!(record.secrets.len(), 5);
}

/// C3
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn secrets_that_are_added_at_once_are_all_good() {
    let server = TestServer::new();
    let client = confidential(&server).await;
    let clients = [server.auth().clients(), server.replica().auth().clients()];
    let mut adding = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (clients, id) = (clients[number % 2].clone(), id(&client));
        adding.spawn(async move { clients.add_secret(&id).await.unwrap().unwrap() });
    }
    for secret in adding.join_all().await {
        assert!(accepts(&server, &client, secret.expose()).await);
    }
    let old = client.client_secret.clone().unwrap();
    assert!(accepts(&server, &client, &old).await);
}

/// C3, E8
#[tokio::test]
async fn a_change_that_another_one_outran_is_made_again_or_is_an_outage() {
    let store = FaultyStore::new();
    let shared = Arc::new(store.clone());
    let server = TestServer::with(|builder| builder.store(shared, master_keys()));
    let client = confidential(&server).await;
    let clients = server.auth().clients();

    store.outrun(3);
    let secret = clients.add_secret(&id(&client)).await.unwrap().unwrap();
    assert!(accepts(&server, &client, secret.expose()).await);

    store.outrun(1000);
    assert!(clients.add_secret(&id(&client)).await.is_err());
    store.outrun(0);
    let record = clients.find(&id(&client)).await.unwrap().unwrap();
    assert_eq!(record.secrets.len(), 2);
}

/// C3
#[tokio::test]
async fn who_has_no_use_for_a_secret_gets_none() {
    let server = TestServer::new();
    let public = TestClient::register(&server).await;
    let clients = server.auth().clients();
    let nobody = ClientId::parse("nobody").unwrap();
    for id in [&id(&public), &nobody] {
        assert!(clients.add_secret(id).await.unwrap().is_none(), "{id}");
        assert!(!clients.keep_last_secret(id).await.unwrap(), "{id}");
    }
    assert!(clients.find(&nobody).await.unwrap().is_none());
    assert!(!clients.remove(&nobody).await.unwrap());
}

/// C4, E9
#[tokio::test]
async fn a_client_that_is_removed_loses_its_grants_at_every_server_at_once() {
    let server = TestServer::new();
    let replica = server.replica();
    let (gone, other) = (confidential(&server).await, confidential(&server).await);
    let tokens = gone.sign_in(&server, "notes:read").await;
    let kept = other.sign_in(&server, "notes:read").await;

    let clients = server.auth().clients();
    assert!(clients.remove(&id(&gone)).await.unwrap());
    assert!(!clients.remove(&id(&gone)).await.unwrap(), "it is gone");

    assert!(clients.find(&id(&gone)).await.unwrap().is_none());
    let secret = gone.client_secret.clone().unwrap();
    assert!(!accepts(&replica, &gone, &secret).await);
    let answer = post_mcp(&replica, &tokens.access_token, PING).await;
    assert_eq!(answer.status(), 401);
    let answer = post_mcp(&replica, &kept.access_token, PING).await;
    assert_eq!(answer.status(), 200);
    let removed = |event: &&Event| matches!(event, Event::ClientRemoved { .. });
    assert_eq!(server.events().all().iter().filter(removed).count(), 1);
}

/// C4, E9
#[tokio::test]
async fn a_grant_that_begins_while_its_client_is_removed_ends_with_it() {
    let store = FaultyStore::new();
    let shared = Arc::new(store.clone());
    let server = TestServer::with(|builder| builder.store(shared, master_keys()));
    let client = confidential(&server).await;
    client.sign_in(&server, "notes:read").await;
    let list = async || {
        let filter = GrantFilter::Client(id(&client));
        store
            .list_grants(&filter, None, 10, server.now())
            .await
            .unwrap()
    };
    let mut grant = list().await.remove(0);
    grant.id = GrantId::generate(&SeededEntropy::new(9)).unwrap();
    store
        .begin_before_removal(IssuedRecords {
            grant,
            access: None,
            refresh: None,
        })
        .await;

    assert!(server.auth().clients().remove(&id(&client)).await.unwrap());

    assert_eq!(list().await, []);
    let ended = |event: &&Event| matches!(event, Event::GrantRevoked { .. });
    assert_eq!(server.events().all().iter().filter(ended).count(), 2);
}

/// E8
#[tokio::test]
async fn while_the_store_is_down_no_client_is_changed_and_the_host_is_told() {
    let store = FaultyStore::new();
    let shared = Arc::new(store.clone());
    let server = TestServer::with(|builder| builder.store(shared, master_keys()));
    let client = confidential(&server).await;
    let clients = server.auth().clients();
    let id = id(&client);

    store.set_down(true);
    for failure in [
        clients.find(&id).await.map(|_| ()).unwrap_err(),
        clients.add_secret(&id).await.map(|_| ()).unwrap_err(),
        clients.keep_last_secret(&id).await.map(|_| ()).unwrap_err(),
        clients.remove(&id).await.map(|_| ()).unwrap_err(),
    ] {
        assert!(format!("{failure:?}").contains(CAUSE), "{failure:?}");
    }
    store.set_down(false);

    let record = clients.find(&id).await.unwrap().unwrap();
    assert_eq!(record.secrets.len(), 1);
}
