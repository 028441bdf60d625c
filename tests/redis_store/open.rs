use std::time::{Duration, Instant};

use oauth_for_mcp::store::RedisStore;

use crate::server::{Corner, told};

/// Fails within seconds, with a text that shows no password.
async fn failure(url: &str) -> String {
    let error = RedisStore::open(url).await.unwrap_err();
    let text = format!("{} {error:?}", told(&error));
    assert!(!text.contains("hunter2"), "{text}");
    text
}

#[tokio::test]
async fn a_wrong_url_is_told_from_an_unreachable_server() {
    for url in [
        "",
        "127.0.0.1",
        "http://user:hunter2@127.0.0.1",
        "redis://user:hunter2@",
        "redis://user:hunter2@127.0.0.1/x",
        "redis://user:hunter2@127.0.0.1:99999",
        "rediss://user:hunter2@127.0.0.1/#unknown",
    ] {
        let text = failure(url).await;
        let sentence = "the URL of the store is unusable";
        assert!(text.contains(sentence), "{url}: {text}");
    }
    // Port 1 is closed.
    for scheme in ["redis", "rediss", "valkey"] {
        let text = failure(&format!("{scheme}://user:hunter2@127.0.0.1:1")).await;
        let sentence = "cannot connect to the Redis server at 127.0.0.1:1";
        assert!(text.contains(sentence), "{text}");
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is the point")]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let began = Instant::now();
    for scheme in ["redis", "rediss"] {
        let url = format!("{scheme}://:hunter2@127.0.0.1:{port}");
        let opening = RedisStore::open(&url).with_connect_timeout(Duration::from_millis(200));
        let text = told(&opening.await.unwrap_err());
        let sentence = format!("the Redis server at 127.0.0.1:{port} did not answer within 200ms");
        assert!(text.contains(&sentence), "{text}");
    }
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_wrong_password_is_an_error_that_does_not_show_it() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let url = corner.url.replace("redis://", "redis://user:hunter2@");
    let text = failure(&url).await;
    assert!(text.contains("cannot connect"), "{text}");
}

#[tokio::test]
async fn a_tls_connection_to_a_server_without_tls_is_an_error() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let url = corner.url.replace("redis://", "rediss://");
    let opening = RedisStore::open(&url).with_connect_timeout(Duration::from_millis(500));
    // Redis waits for a line that a TLS handshake does not have.
    let text = told(&opening.await.unwrap_err());
    assert!(text.contains("did not answer within"), "{text}");
}

#[tokio::test]
async fn an_open_store_shows_where_it_is() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let printed = format!("{:?}", corner.open().await);
    assert!(printed.contains("127.0.0.1"), "{printed}");
    assert!(!printed.contains("redis://"), "{printed}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let Some(corner) = Corner::new() else {
        return;
    };
    drop(corner.open().await);
    drop(corner.open().await);
    let key = format!("{}schema", corner.prefix);
    for (value, sentence) in [
        ("3", "the store has the schema 3"),
        ("x", "is not the version of a schema"),
    ] {
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(value);
        set.exec_async(&mut corner.connect().await).await.unwrap();
        let text = told(&corner.opening().await.unwrap_err());
        assert!(text.contains(sentence), "{text}");
    }
    let error = corner.opening().with_prefix("").await.unwrap_err();
    assert!(told(&error).contains("prefix"));
}

#[tokio::test]
async fn a_connection_of_the_host_will_do() {
    let Some(corner) = Corner::new() else {
        return;
    };
    let client = redis::Client::open(corner.url.as_str()).unwrap();
    let connection = client.get_connection_manager().await.unwrap();
    let opening = RedisStore::from_connection(connection).with_prefix(&corner.prefix);
    opening.await.unwrap();
    assert_eq!(corner.keys().await, [("schema".to_owned(), -1)]);
}
