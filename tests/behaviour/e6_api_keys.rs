//! API keys beside tokens: what they let in, and how they are attacked.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::model::{ApiKeyRecord, MasterKey, MasterKeys};
use oauth_for_mcp::resource::TokenCacheConfig;
use oauth_for_mcp::resource::api_key::{ApiKeyError, ApiKeyRequest, ApiKeys, IssuedApiKey};
use oauth_for_mcp::server::{AccessTokenFormat, RegistrationConfig};
use oauth_for_mcp::store::{ApiKeyStore as _, Insertion};
use oauth_for_mcp::test_util::{SeededEntropy, TestClient, TestServer};
use oauth_for_mcp::types::{ApiKeyId, Scope, Secret, Subject, Timestamp, TokenHash};
use serde_json::json;

use super::faulty_store::{FaultyStore, master_keys};
use super::support::{
    FORM, JSON, PING, expect_outage, expect_refusal, header, json as body_of, post_form, post_mcp,
    refresh_token, send,
};

const DAY: Duration = Duration::from_secs(86_400);
const ADD_NOTE: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note"}}"#;

fn on(store: &FaultyStore) -> TestServer {
    let store = Arc::new(store.clone());
    TestServer::with(|builder| builder.store(store, master_keys()).api_keys("notes"))
}

/// A server that remembers keys although others may share its store.
fn remembering(store: &FaultyStore) -> TestServer {
    let store = Arc::new(store.clone());
    TestServer::with(|builder| {
        let builder = builder.store(store, master_keys()).api_keys("notes");
        builder.token_cache(TokenCacheConfig::default())
    })
}

fn server() -> TestServer {
    on(&FaultyStore::new())
}

fn keys(server: &TestServer) -> &ApiKeys {
    server.auth().api_keys().expect("API keys are on")
}

fn request(name: &str, scope: &str) -> ApiKeyRequest {
    let subject = Subject::parse("importer").unwrap();
    ApiKeyRequest::new(name, subject, Scope::parse(scope).unwrap(), Some(DAY))
}

async fn issue(server: &TestServer, name: &str) -> IssuedApiKey {
    let issued = keys(server).issue(request(name, "notes:read")).await;
    issued.unwrap()
}

async fn status(server: &TestServer, key: &Secret) -> u16 {
    let answer = post_mcp(server, key.expose(), PING).await;
    answer.status().as_u16()
}

async fn expect_invalid(server: &TestServer, token: &str, case: &str) {
    let answer = post_mcp(server, token, PING).await;
    expect_refusal(&answer, 401, "invalid_token", case);
}

#[tokio::test]
async fn a_key_lets_in_whom_it_speaks_for_beside_tokens() {
    let server = server();
    let issued = issue(&server, "nightly").await;
    assert!(issued.key.expose().starts_with("notes_"));
    let answer = post_mcp(&server, issued.key.expose(), PING).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    let seen = body_of(&answer);
    assert_eq!(seen["subject"], "importer");
    assert_eq!(seen["scope"], "notes:read");
    assert_eq!(seen["client_id"], json!(null));
    assert_eq!(seen["machine"], false);
    assert_eq!(seen["saw_authorization"], false);

    let client = TestClient::register(&server).await;
    let tokens = client.sign_in(&server, "notes:read").await;
    let answer = post_mcp(&server, &tokens.access_token, PING).await;
    assert_eq!(body_of(&answer)["subject"], "alice");
}

#[tokio::test]
async fn a_handler_learns_which_key_it_was_and_what_was_said_of_it() {
    let server = server();
    let mut asked = request("nightly", "notes:read");
    asked.is_machine = true;
    asked.claims.insert("tenant".to_owned(), json!(7));
    let issued = keys(&server).issue(asked).await.unwrap();
    let mut headers = http::HeaderMap::new();
    let bearer = format!("Bearer {}", issued.key.expose());
    headers.insert("authorization", bearer.parse().unwrap());
    let token = server
        .auth()
        .resource()
        .authenticate(&headers)
        .await
        .unwrap();

    assert_eq!(token.api_key_id(), Some(&issued.record.id));
    assert_eq!(token.issuer(), "https://mcp.example.com/mcp");
    assert_eq!(token.extra()["tenant"], 7);
    assert_eq!(token.expires_at(), server.now().plus(DAY));
    assert!(token.is_machine());
    assert!(token.identity().is_none() && token.grant_id().is_none());
}

/// E6
#[tokio::test]
async fn keys_are_off_unless_they_were_turned_on() {
    let store = FaultyStore::new();
    let issued = issue(&on(&store), "nightly").await;
    let shared = Arc::new(store.clone());
    let without = TestServer::with(|builder| builder.store(shared, master_keys()));
    assert!(without.auth().api_keys().is_none());
    expect_invalid(&without, issued.key.expose(), "off").await;
    assert_eq!(store.api_key_reads(), 0);
}

/// E6
#[tokio::test]
async fn what_is_no_whole_key_is_looked_up_nowhere() {
    let store = FaultyStore::new();
    let server = on(&store);
    let key = issue(&server, "nightly").await.key;
    let (_, random) = key.expose().split_once('_').unwrap();
    for token in [
        random.to_owned(),
        format!("mcpkey_{random}"),
        format!("note_{random}"),
        format!("notes2_{random}"),
        format!("NOTES_{random}"),
        format!("notes-{random}"),
        format!("notes_{}", &random[1..]),
        format!("notes_{random}A"),
        format!("notes_{random}="),
        format!("notes_notes_{random}"),
        "notes_".to_owned(),
    ] {
        expect_invalid(&server, &token, &token).await;
    }
    assert_eq!(store.api_key_reads(), 0);
    assert_eq!(status(&server, &key).await, 200);
    assert_eq!(store.api_key_reads(), 1, "one point read");
}

/// E6
#[tokio::test]
async fn a_guessed_key_is_refused() {
    let server = server();
    let key = issue(&server, "nightly").await.key;
    let near = key.expose();
    for at in [6, 20, 40] {
        let other = if near.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        let guess = format!("{}{other}{}", &near[..at], &near[at + 1..]);
        expect_invalid(&server, &guess, &guess).await;
    }
    // Neither the name of a key nor its hash, of which the store has both.
    let listed = keys(&server).list(None).await.unwrap();
    expect_invalid(&server, listed.keys[0].id.as_str(), "its name").await;
    let hash = serde_json::to_value(key.hash()).unwrap();
    let hash = format!("notes_{}", hash.as_str().unwrap());
    expect_invalid(&server, &hash, "its hash").await;
}

#[tokio::test]
async fn a_key_in_the_query_a_form_or_another_header_counts_as_none() {
    let server = server();
    let key = issue(&server, "nightly").await.key;
    let key = key.expose();
    let (path, form) = (
        format!("/mcp?access_token={key}"),
        format!("access_token={key}"),
    );
    let basic = format!("Basic {key}");
    for (path, headers, body) in [
        (path.as_str(), vec![JSON], PING),
        ("/mcp", vec![FORM], form.as_str()),
        ("/mcp", vec![JSON, ("x-api-key", key)], PING),
        ("/mcp", vec![JSON, ("authorization", &basic)], PING),
    ] {
        let answer = send(&server, ("POST", path), &headers, body.to_owned()).await;
        assert_eq!(answer.status(), 401, "{path} {headers:?}");
        assert!(
            !header(&answer, "www-authenticate").contains("error"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_here_and_within_the_bound_elsewhere() {
    let store = FaultyStore::new();
    let (server, other) = (remembering(&store), remembering(&store));
    let revoked = issue(&server, "revoked").await;
    let kept = issue(&server, "kept").await;
    for server in [&server, &other] {
        assert_eq!(status(server, &revoked.key).await, 200);
        assert_eq!(status(server, &kept.key).await, 200);
    }
    assert!(keys(&server).revoke(&revoked.record.id).await.unwrap());
    assert!(!keys(&server).revoke(&revoked.record.id).await.unwrap());
    assert_eq!(status(&server, &revoked.key).await, 401);
    assert_eq!(status(&server, &kept.key).await, 200);

    assert_eq!(status(&other, &revoked.key).await, 200, "it is remembered");
    other.clock().advance(Duration::from_secs(10));
    assert_eq!(status(&other, &revoked.key).await, 401);
    assert_eq!(status(&other, &kept.key).await, 200);
}

/// E2
#[tokio::test]
async fn a_key_that_is_revoked_while_it_is_looked_up_ends_with_that_request() {
    let store = FaultyStore::new();
    let server = remembering(&store);
    let issued = issue(&server, "nightly").await;
    let held = store.hold_next_read().await;
    let (first, revoked) = tokio::join!(
        status(&server, &issued.key),
        held.meanwhile(keys(&server).revoke(&issued.record.id))
    );
    assert!(revoked.unwrap());
    assert_eq!(first, 200, "it was good when it was read");
    assert_eq!(status(&server, &issued.key).await, 401);
}

#[tokio::test]
async fn a_key_that_another_process_ended_is_forgotten_by_who_ends_it_again() {
    let store = FaultyStore::new();
    let server = remembering(&store);
    let issued = issue(&server, "nightly").await;
    assert_eq!(status(&server, &issued.key).await, 200);
    store.remove_api_key(&issued.record.id).await.unwrap();
    assert!(!keys(&server).revoke(&issued.record.id).await.unwrap());
    assert_eq!(status(&server, &issued.key).await, 401);
}

#[tokio::test]
async fn a_key_ends_when_it_was_to_end_and_one_without_an_end_does_not() {
    let server = server();
    let ends = issue(&server, "ends").await.key;
    let mut asked = request("stays", "notes:read");
    asked.lifetime = None;
    let stays = keys(&server).issue(asked).await.unwrap().key;
    server.clock().advance(DAY - Duration::from_secs(1));
    assert_eq!(status(&server, &ends).await, 200);
    server.clock().advance(Duration::from_secs(1));
    assert_eq!(status(&server, &ends).await, 401, "remembered or not");
    server.clock().advance(DAY * 20_000);
    assert_eq!(status(&server, &stays).await, 200);
    assert_eq!(keys(&server).list(None).await.unwrap().keys.len(), 1);
}

/// E6
#[tokio::test]
async fn a_key_of_another_resource_or_prefix_in_the_same_store_is_refused() {
    let store = FaultyStore::new();
    let server = on(&store);
    let elsewhere = |url: &str, prefix: &str| {
        let store = Arc::new(store.clone());
        TestServer::at(url, |builder| {
            builder.store(store, master_keys()).api_keys(prefix)
        })
    };
    let neighbour = elsewhere("https://other.example.com", "notes");
    let renamed = elsewhere(TestServer::PUBLIC_URL, "memos");
    let key = issue(&server, "nightly").await.key;
    assert_eq!(status(&server, &key).await, 200);
    for other in [&neighbour, &renamed] {
        expect_invalid(other, key.expose(), "elsewhere").await;
        assert!(keys(other).find(&key).await.unwrap().is_none());
    }
    assert!(keys(&neighbour).list(None).await.unwrap().keys.is_empty());
}

/// E6
#[tokio::test]
async fn the_administration_of_one_resource_ends_no_key_of_another() {
    let store = FaultyStore::new();
    let server = on(&store);
    let shared = Arc::new(store.clone());
    let neighbour = TestServer::at("https://other.example.com", |builder| {
        let builder = builder.store(shared, master_keys()).api_keys("notes");
        builder.entropy(Arc::new(SeededEntropy::new(2)))
    });
    let mut issued = Vec::new();
    for number in 0..20 {
        issued.push(issue(&server, &number.to_string()).await);
        issue(&neighbour, &number.to_string()).await;
    }
    let subject = Subject::parse("importer").unwrap();
    for issued in &issued {
        let id = &issued.record.id;
        assert!(!keys(&neighbour).revoke(id).await.unwrap());
        assert_eq!(status(&server, &issued.key).await, 200);
    }
    assert_eq!(keys(&neighbour).revoke_subject(&subject).await.unwrap(), 20);
    for issued in &issued {
        assert_eq!(status(&server, &issued.key).await, 200);
        let revoked = keys(&server).revoke(&issued.record.id).await;
        assert!(revoked.unwrap(), "its own ends it");
        assert_eq!(status(&server, &issued.key).await, 401);
    }
    let heard = neighbour.events().all();
    let first = &issued[0].record.id;
    assert!(!heard.contains(&Event::ApiKeyRevoked { id: first.clone() }));
}

#[tokio::test]
async fn a_key_is_ended_however_like_its_name_is_to_others() {
    let store = FaultyStore::new();
    let server = on(&store);
    let issued = issue(&server, "nightly").await;
    let id = issued.record.id.as_str();
    let row = rows(&store).await.remove(0);
    // Whoever can write to the store may put rows before and behind it.
    for last in "-09AZ_az".chars() {
        let near = format!("{}{last}", &id[..21]);
        let hash = TokenHash::of(&near);
        let near = ApiKeyRecord {
            id: near.into(),
            hash,
            ..row.clone()
        };
        store.insert_api_key(near).await.unwrap();
    }
    assert!(keys(&server).revoke(&issued.record.id).await.unwrap());
    assert_eq!(status(&server, &issued.key).await, 401);
    assert!(!keys(&server).revoke(&issued.record.id).await.unwrap());
}

/// E6
#[tokio::test]
async fn a_key_is_no_code_no_refresh_token_and_no_secret_of_a_client() {
    let server = server();
    let issued = issue(&server, "nightly").await;
    let key = issued.key.expose();
    let client = TestClient::register(&server).await;
    let redeemed = client.redeem(&server, key).await;
    redeemed.expect_error("invalid_grant");
    let refreshed = client.refresh(&server, key).await;
    refreshed.expect_error("invalid_grant");
    let form = format!("grant_type=client_credentials&client_id=importer&client_secret={key}");
    let answer = post_form(&server, "/token", &form).await;
    expect_refusal(&answer, 401, "invalid_client", "as a secret");
    // As of any token that nobody knows: nothing is said, and nothing happens.
    let answer = client.revoke(&server, key).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(status(&server, &issued.key).await, 200);
}

/// E6
#[tokio::test]
async fn a_key_does_not_let_a_client_register() {
    let closed = RegistrationConfig::new().initial_access_token(&Secret::new("initial"));
    let server = TestServer::with(|builder| builder.api_keys("notes").registration(closed));
    let issued = issue(&server, "nightly").await;
    let bearer = format!("Bearer {}", issued.key.expose());
    let headers = [JSON, ("authorization", bearer.as_str())];
    let body = json!({ "redirect_uris": [TestClient::REDIRECT_URI] }).to_string();
    let answer = send(&server, ("POST", "/register"), &headers, body).await;
    expect_refusal(&answer, 401, "invalid_token", "as an initial access token");
}

/// E6
#[tokio::test]
async fn a_token_or_code_is_no_key() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server =
            TestServer::with(|builder| builder.api_keys("notes").access_token_format(format));
        let client = TestClient::register(&server).await;
        let code = client.authorize(&server, "notes:read").await;
        let tokens = client.sign_in(&server, "notes:read").await;
        for secret in [&tokens.access_token, refresh_token(&tokens), &code] {
            let as_key = format!("notes_{secret}");
            expect_invalid(&server, &as_key, &as_key).await;
            let found = keys(&server).find(&Secret::new(as_key)).await;
            assert!(found.unwrap().is_none());
        }
    }
}

/// B3
#[tokio::test]
async fn a_key_that_lacks_a_scope_is_told_which() {
    let server = server();
    let reads = issue(&server, "reads").await.key;
    let answer = post_mcp(&server, reads.expose(), ADD_NOTE).await;
    expect_refusal(&answer, 403, "insufficient_scope", "reads");
    assert!(header(&answer, "www-authenticate").contains("notes:write"));
    let asked = request("writes", "notes:write");
    let writes = keys(&server).issue(asked).await.unwrap().key;
    let answer = post_mcp(&server, writes.expose(), ADD_NOTE).await;
    assert_eq!(answer.status(), 200);
    let asked = request("may nothing", "");
    let nothing = keys(&server).issue(asked).await.unwrap().key;
    let answer = post_mcp(&server, nothing.expose(), PING).await;
    expect_refusal(&answer, 403, "insufficient_scope", "nothing");
}

/// F3
#[tokio::test]
async fn a_key_is_shown_once_and_never_in_a_list_an_event_or_what_is_stored() {
    let store = FaultyStore::new();
    let server = on(&store);
    let mut secrets = Vec::new();
    for number in 0..203 {
        secrets.push(issue(&server, &format!("key {number}")).await);
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = keys(&server).list(after.as_ref()).await.unwrap();
        seen.extend(page.keys);
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (203, 3));
    let found = keys(&server).find(&secrets[7].key).await.unwrap();
    assert_eq!(found.as_ref(), Some(&secrets[7].record));
    let rows = rows(&store).await;
    let stored = serde_json::to_string(&rows).unwrap();
    assert!(!stored.contains("importer") && !stored.contains("notes:read"));
    let shown = format!("{seen:?} {:?} {stored}", server.events().all());
    for issued in &secrets {
        let (_, random) = issued.key.expose().split_once('_').unwrap();
        assert!(!shown.contains(random));
        assert!(!format!("{issued:?}").contains(random));
    }
}

#[tokio::test]
async fn the_operator_hears_what_is_issued_and_revoked() {
    let server = server();
    let issued = issue(&server, "nightly").await.record;
    keys(&server).revoke(&issued.id).await.unwrap();
    keys(&server).revoke(&issued.id).await.unwrap();
    let id = issued.id;
    let (subject, scope) = (issued.details.subject, issued.details.scope);
    assert_eq!(
        server.events().all(),
        [
            Event::ApiKeyIssued {
                id: id.clone(),
                subject,
                scope
            },
            Event::ApiKeyRevoked { id }
        ]
    );
}

#[tokio::test]
async fn all_keys_of_who_left_are_revoked_and_no_other() {
    let server = server();
    let [first, second] = [issue(&server, "1").await, issue(&server, "2").await];
    let mut other = request("other", "notes:read");
    other.subject = Subject::parse("somebody").unwrap();
    let other = keys(&server).issue(other).await.unwrap();
    let left = Subject::parse("importer").unwrap();
    assert_eq!(keys(&server).revoke_subject(&left).await.unwrap(), 2);
    assert_eq!(keys(&server).revoke_subject(&left).await.unwrap(), 0);
    assert_eq!(status(&server, &first.key).await, 401);
    assert_eq!(status(&server, &second.key).await, 401);
    assert_eq!(status(&server, &other.key).await, 200);
}

#[tokio::test]
async fn a_key_that_could_not_be_told_from_others_is_not_issued() {
    let server = server();
    for name in ["", "a\nb", &"a".repeat(101)] {
        let refused = keys(&server).issue(request(name, "notes:read")).await;
        assert!(matches!(refused, Err(ApiKeyError::Name)), "{name:?}");
    }
    for claim in ["sub", "scope", "client_id"] {
        let mut asked = request("nightly", "notes:read");
        asked.claims.insert(claim.to_owned(), json!("root"));
        let refused = keys(&server).issue(asked).await;
        assert!(
            matches!(refused, Err(ApiKeyError::ReservedClaim(_))),
            "{claim}"
        );
    }
    assert!(keys(&server).list(None).await.unwrap().keys.is_empty());
}

/// Stores a key that does not open.
async fn spoil(store: &FaultyStore, name: &str) -> ApiKeyId {
    let spoiled = ApiKeyRecord {
        id: ApiKeyId::of(&TokenHash::of(name)),
        hash: TokenHash::of(name),
        ..rows(store).await[0].clone()
    };
    store.insert_api_key(spoiled.clone()).await.unwrap();
    spoiled.id
}

#[tokio::test]
async fn a_key_that_does_not_open_keeps_no_other_from_being_listed_and_ended() {
    let store = FaultyStore::new();
    let server = on(&store);
    let mut issued = Vec::new();
    for number in 0..120 {
        issued.push(issue(&server, &number.to_string()).await);
    }
    let mut spoiled = Vec::new();
    for name in ["a", "b", "c"] {
        spoiled.push(spoil(&store, name).await);
    }
    spoiled.sort();

    let (mut seen, mut unreadable, mut after) = (0, Vec::new(), None);
    loop {
        let page = keys(&server).list(after.as_ref()).await.unwrap();
        seen += page.keys.len();
        unreadable.extend(page.unreadable);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((seen, &unreadable), (120, &spoiled));

    let left = Subject::parse("importer").unwrap();
    let refused = keys(&server).revoke_subject(&left).await.unwrap_err();
    assert!(matches!(refused, ApiKeyError::Store(_)), "{refused}");
    for issued in &issued {
        assert_eq!(status(&server, &issued.key).await, 401);
    }
    // Nobody can tell whose it is.
    assert!(keys(&server).revoke(&spoiled[0]).await.is_err());
    let left: Vec<_> = rows(&store).await.into_iter().map(|row| row.id).collect();
    assert_eq!(left, spoiled);
}

async fn rows(store: &FaultyStore) -> Vec<ApiKeyRecord> {
    let rows = store.list_api_keys(None, 1000, Timestamp::default()).await;
    rows.unwrap()
}

/// Whoever can write to the store can take keys away, and gains nothing else.
#[tokio::test]
async fn a_row_that_was_tampered_with_lets_nobody_in() {
    let store = FaultyStore::new();
    let server = on(&store);
    let mine = issue(&server, "mine").await;
    let mut admin = request("admin", "notes:write");
    admin.subject = Subject::parse("root").unwrap();
    let admin = keys(&server).issue(admin).await.unwrap();
    let rows = rows(&store).await;
    let row = |id| rows.iter().find(|row| row.id == id).unwrap().clone();
    let (mine_row, admin_row) = (row(mine.record.id.clone()), row(admin.record.id.clone()));

    let details_of_another = ApiKeyRecord {
        details: admin_row.details.clone(),
        ..mine_row.clone()
    };
    let hash_of_another = ApiKeyRecord {
        hash: mine_row.hash,
        ..admin_row.clone()
    };
    for (case, forged) in [("details", details_of_another), ("hash", hash_of_another)] {
        for row in [&mine_row, &admin_row] {
            store.remove_api_key(&row.id).await.unwrap();
        }
        assert_eq!(store.insert_api_key(forged).await.unwrap(), Insertion::Done);
        let answer = post_mcp(&server, mine.key.expose(), PING).await;
        expect_outage(&answer, case);
    }
    for row in [&mine_row, &admin_row] {
        store.remove_api_key(&row.id).await.unwrap();
    }
    // An end that was put off.
    let endless = ApiKeyRecord {
        expires_at: None,
        ..mine_row
    };
    store.insert_api_key(endless).await.unwrap();
    assert_eq!(status(&server, &mine.key).await, 200);
    server.clock().advance(DAY);
    assert_eq!(status(&server, &mine.key).await, 401);
}

/// E8
#[tokio::test]
async fn a_store_that_is_down_refuses_no_key() {
    let store = FaultyStore::new();
    let server = on(&store);
    let issued = issue(&server, "nightly").await;
    store.set_down(true);
    let answer = post_mcp(&server, issued.key.expose(), PING).await;
    expect_outage(&answer, "down");
    assert!(keys(&server).list(None).await.is_err());
    assert!(keys(&server).revoke(&issued.record.id).await.is_err());
    store.set_down(false);
    assert_eq!(status(&server, &issued.key).await, 200);
}

/// E9
#[tokio::test]
async fn keys_outlive_the_master_key_they_were_sealed_under() {
    let store = FaultyStore::new();
    let masters = Arc::new(MasterKeys::new(MasterKey::from_bytes(&[1; 32])));
    let (shared, own) = (Arc::new(store.clone()), Arc::clone(&masters));
    let server = TestServer::with(|builder| builder.store(shared, own).api_keys("notes"));
    let mut issued = Vec::new();
    for number in 0..120 {
        issued.push(issue(&server, &number.to_string()).await);
    }
    let (old, new) = (masters.active_id(), MasterKey::from_bytes(&[2; 32]));
    let id = new.id();
    masters.add(new);
    assert!(masters.activate(id));
    assert_eq!(server.auth().grants().reseal().await.unwrap(), 120);
    assert_eq!(keys(&server).reseal().await.unwrap(), 0);
    masters.remove(old).unwrap();
    for issued in &issued {
        assert_eq!(status(&server, &issued.key).await, 200);
        let found = keys(&server).find(&issued.key).await.unwrap();
        assert_eq!(found.as_ref(), Some(&issued.record));
    }
    // One that does not open keeps no other from it.
    spoil(&store, "broken").await;
    let third = MasterKey::from_bytes(&[3; 32]);
    let id = third.id();
    masters.add(third);
    assert!(masters.activate(id));
    assert!(keys(&server).reseal().await.is_err());
    masters.remove(masters.active_id()).unwrap_err();
    masters
        .remove(MasterKey::from_bytes(&[2; 32]).id())
        .unwrap();
    for issued in &issued {
        // Asked of the store: the server remembers who was let in a moment ago.
        let found = keys(&server).find(&issued.key).await.unwrap();
        assert_eq!(found.as_ref(), Some(&issued.record));
    }
}
