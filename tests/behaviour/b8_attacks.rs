//! None of the ways to reach a tool without its scope leads to the handler.

use oauth_for_mcp::test_util::{TestClient, TestServer};

use super::attacks::{Attack, HARMLESS, PING, attack, bodies, heads, table, targets};
use super::support::{Answer, header, post_mcp, send};

async fn attempt(server: &TestServer, token: &str, attack: &Attack) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", bearer.as_str())];
    let own = attack
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    headers.extend(own.filter(|header| !(header.0 == "content-type" && header.1.is_empty())));
    send(
        server,
        (attack.method, "/mcp"),
        &headers,
        attack.body.clone(),
    )
    .await
}

/// B8
#[tokio::test]
async fn nothing_reaches_the_handler_without_its_scope() {
    let server = TestServer::with(table);
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    let attacks: Vec<Attack> = [bodies(), heads(), targets()]
        .into_iter()
        .flatten()
        .collect();
    assert!(attacks.len() >= 100, "{}", attacks.len());

    for attack in &attacks {
        let answer = attempt(&server, &token, attack).await;
        let start = attack.body.slice(..attack.body.len().min(200));
        let case = format!(
            "{} {} {:?} {start:?}",
            attack.name, attack.method, attack.headers
        );
        let status = answer.status().as_u16();
        assert!(attack.refusals.contains(&status), "{status}: {case}");
        if status == 403 {
            let challenge = header(&answer, "www-authenticate");
            assert!(challenge.contains("insufficient_scope"), "{case}");
            assert!(
                challenge.contains("notes:read"),
                "what is held is named: {case}"
            );
        }
        assert_eq!(server.reached(), 0, "{case}");
    }
}

/// B8: the same requests are good for who may do everything, so that it is the
/// scope that keeps the others out.
#[tokio::test]
async fn what_is_only_unusual_passes_with_the_scope() {
    let server = TestServer::with(table);
    let client = TestClient::register(&server).await;
    let token = client
        .sign_in(&server, "notes:write notes:private")
        .await
        .access_token;
    let refused_for_scope = |attack: &Attack| attack.refusals == [403];
    let mut passed = 0;
    for attack in bodies().iter().filter(|attack| refused_for_scope(attack)) {
        let answer = attempt(&server, &token, attack).await;
        assert_eq!(answer.status(), 200, "{}", attack.name);
        passed += 1;
    }
    assert_eq!(server.reached(), passed);
    let mismatch = attack("mismatch", HARMLESS, &[]).with("mcp-name", "add_note");
    assert_eq!(attempt(&server, &token, &mismatch).await.status(), 200);
}

/// B8
#[tokio::test]
async fn a_method_without_a_body_needs_what_its_headers_name() {
    let server = TestServer::with(table);
    let client = TestClient::register(&server).await;
    let token = client.sign_in(&server, "notes:read").await.access_token;
    for method in ["GET", "DELETE", "HEAD", "OPTIONS"] {
        let empty = attack("nothing", "", &[]).by(method);
        let answer = attempt(&server, &token, &empty).await;
        assert_eq!(answer.status(), 200, "{method}");
        for (name, status) in [("list_notes", 200), ("add_note", 403)] {
            let named = attack("nothing", "", &[]).by(method);
            let named = named
                .with("mcp-method", "tools/call")
                .with("mcp-name", name);
            let answer = attempt(&server, &token, &named).await;
            assert_eq!(answer.status(), status, "{method} {name}");
        }
        let ping = attempt(&server, &token, &attack("ping", PING, &[]).by(method)).await;
        assert_eq!(ping.status(), 200, "{method}");
    }
    let answer = attempt(&server, &token, &attack("nothing", "", &[])).await;
    assert_eq!(answer.status(), 400, "a POST says what it is for");
}

/// B8
#[tokio::test]
async fn a_resource_that_is_not_named_needs_all_that_any_resource_needs() {
    let server = TestServer::with(|builder| builder.resource("notes://private/", "notes:write"));
    let open = TestServer::new();
    for (scope, status) in [("notes:read", 403), ("notes:write", 200)] {
        for method in [
            "resources/read",
            "resources/subscribe",
            "resources/unsubscribe",
        ] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{}}}}"#);
            for (server, status) in [(&server, status), (&open, 200)] {
                let client = TestClient::register(server).await;
                let token = client.sign_in(server, scope).await.access_token;
                let answer = post_mcp(server, &token, &body).await;
                assert_eq!(answer.status(), status, "{scope} {method}");
            }
        }
    }
}
