use oauth_for_mcp::event::Event;
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use serde_json::{Value, json};

use super::support::{
    Answer, JSON, authorize_url, expect_page, expect_refusal, header, json, open, send,
};

fn metadata() -> Value {
    json!({
        "client_name": "Managed",
        "redirect_uris": [TestClient::REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_post",
    })
}

/// A registration, as its client knows it.
struct Managed {
    path: String,
    token: String,
    body: Value,
}

impl Managed {
    async fn new(server: &TestServer) -> Self {
        let body = json(&TestClient::try_register(server, &metadata()).await);
        let text = |name: &str| body[name].as_str().expect(name).to_owned();
        let uri = text("registration_client_uri");
        Self {
            path: uri.replace(TestServer::PUBLIC_URL, ""),
            token: text("registration_access_token"),
            body,
        }
    }

    async fn ask(&self, server: &TestServer, method: &str, body: &Value) -> Answer {
        manage(server, (method, &self.path), Some(&self.token), body).await
    }

    /// All that may be sent back, with one member changed.
    fn changed(&self, name: &str, value: Value) -> Value {
        let mut body = metadata();
        body["client_id"] = self.body["client_id"].clone();
        body[name] = value;
        body
    }

    fn client(&self) -> TestClient {
        let text = |name: &str| self.body[name].as_str().expect(name).to_owned();
        let mut client = TestClient::known(&text("client_id"), TestClient::REDIRECT_URI);
        client.client_secret = Some(text("client_secret"));
        client
    }
}

async fn manage(
    server: &TestServer,
    request: (&str, &str),
    token: Option<&str>,
    body: &Value,
) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![JSON];
    headers.extend(bearer.as_deref().map(|value| ("authorization", value)));
    send(server, request, &headers, body.to_string()).await
}

/// C4
#[tokio::test]
async fn a_client_reads_what_is_known_of_it_but_for_its_secret() {
    let server = TestServer::new();
    let managed = Managed::new(&server).await;
    let answer = managed.ask(&server, "GET", &Value::Null).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let mut expected = managed.body.clone();
    expected.as_object_mut().unwrap().remove("client_secret");
    assert_eq!(json(&answer), expected);
}

/// C4
#[tokio::test]
async fn a_client_changes_what_it_said_and_keeps_identifier_and_secret() {
    let server = TestServer::new();
    let managed = Managed::new(&server).await;
    let moved = "https://client.example.com/moved";
    let mut body = managed.changed("redirect_uris", json!([moved]));
    body["client_secret"] = managed.body["client_secret"].clone();
    body["client_name"] = json!("Renamed");
    body["token_endpoint_auth_method"] = json!("client_secret_basic");
    let answer = managed.ask(&server, "PUT", &body).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    for name in [
        "client_id",
        "client_id_issued_at",
        "registration_client_uri",
    ] {
        assert_eq!(json(&answer)[name], managed.body[name], "{name}");
    }
    assert_eq!(json(&answer)["client_name"], "Renamed");

    let mut client = managed.client();
    let page = open(&server, client.authorization_parameters("notes:read")).await;
    expect_page(&page, 400, "may not receive the answer", "the old URI");
    client.redirect_uri = moved.to_owned();
    client.sign_in(&server, "notes:read").await;
    let events = server.events().all();
    let changed = |event: &Event| matches!(event, Event::ClientChanged { .. });
    assert_eq!(events.iter().filter(|event| changed(event)).count(), 1);
}

/// C4
#[tokio::test]
async fn an_update_that_is_refused_changes_nothing() {
    let server = TestServer::new();
    let managed = Managed::new(&server).await;
    let before = json(&managed.ask(&server, "GET", &Value::Null).await);
    let (metadata, uri) = ("invalid_client_metadata", "invalid_redirect_uri");
    let cases = [
        (managed.changed("client_id", json!("another")), metadata),
        (managed.changed("client_id", json!(1)), metadata),
        (managed.changed("client_secret", json!("wrong")), metadata),
        (managed.changed("redirect_uris", json!([])), uri),
        (
            managed.changed("redirect_uris", json!(["javascript:x"])),
            uri,
        ),
        (
            managed.changed("grant_types", json!(["implicit"])),
            metadata,
        ),
        // A thief of the token would need no secret any more, or bring keys.
        (
            managed.changed("token_endpoint_auth_method", json!("none")),
            metadata,
        ),
        (
            managed.changed("token_endpoint_auth_method", Value::Null),
            metadata,
        ),
        (self::metadata(), metadata),
        (json!([]), metadata),
        (Value::Null, metadata),
    ];
    for (body, code) in cases {
        let answer = managed.ask(&server, "PUT", &body).await;
        expect_refusal(&answer, 400, code, &body.to_string());
    }
    let after = json(&managed.ask(&server, "GET", &Value::Null).await);
    assert_eq!(after, before);
}

/// C4
#[tokio::test]
async fn a_client_that_removes_itself_is_gone_and_its_tokens_with_it() {
    let server = TestServer::new();
    let managed = Managed::new(&server).await;
    let client = managed.client();
    let tokens = client.sign_in(&server, "notes:read").await;
    let other = TestClient::register(&server).await;
    let others = other.sign_in(&server, "notes:read").await;

    let answer = managed.ask(&server, "DELETE", &Value::Null).await;
    assert_eq!((answer.status().as_u16(), answer.body().len()), (204, 0));

    let call = server.call("tools/list", None, &tokens.access_token).await;
    assert_eq!(call.status(), 401);
    let refresh = client
        .refresh(&server, &tokens.refresh_token.unwrap())
        .await;
    refresh.expect_error("invalid_client");
    let page = open(&server, client.authorization_parameters("notes:read")).await;
    expect_page(&page, 400, "not registered here", "gone");
    for method in ["GET", "PUT", "DELETE"] {
        let again = managed.ask(&server, method, &Value::Null).await;
        expect_refusal(&again, 401, "invalid_token", method);
    }
    let call = server.call("tools/list", None, &others.access_token).await;
    assert_eq!(call.status(), 200, "another client goes on");
}

/// C4
#[tokio::test]
async fn only_who_has_the_token_of_a_registration_manages_it() {
    let server = TestServer::new();
    let managed = Managed::new(&server).await;
    let another = Managed::new(&server).await;
    let shared = TestClient::register(&server).await;
    let tokens = managed.client().sign_in(&server, "notes:read").await;
    let secret = managed.body["client_secret"].as_str().unwrap();
    let own = managed.path.as_str();
    let of_shared = format!("/register?client_id={}", shared.client_id);
    let twice = format!("{own}&client_id={}", shared.client_id);
    let right = Some(managed.token.as_str());
    let cases = [
        (own, None),
        (own, Some("x")),
        (own, Some("")),
        (own, Some(&*another.token)),
        (own, Some(secret)),
        (own, Some(&*tokens.access_token)),
        (own, Some(&managed.token[1..])),
        (&*another.path, right),
        (&*of_shared, right),
        (&*twice, right),
        ("/register?client_id=", right),
        ("/register?client_id=nobody", right),
        ("/register?client_id=%00", right),
        ("/register?x", right),
    ];
    for (path, token) in cases {
        for method in ["GET", "PUT", "DELETE"] {
            let body = managed.changed("client_name", json!("Stolen"));
            let answer = manage(&server, (method, path), token, &body).await;
            let case = format!("{method} {path} {token:?}");
            expect_refusal(&answer, 401, "invalid_token", &case);
            let challenge = header(&answer, "www-authenticate");
            assert!(challenge.starts_with("Bearer"), "{case}");
        }
    }
    let call = server.call("tools/list", None, &managed.token).await;
    assert_eq!(call.status(), 401, "it is no access token");
    let answer = managed.ask(&server, "GET", &Value::Null).await;
    assert_eq!(json(&answer)["client_name"], "Managed");
}

/// D3, C4
#[tokio::test]
async fn a_client_that_changes_while_its_consent_page_is_open_has_no_consent() {
    for (name, value) in [
        ("redirect_uris", json!(["https://evil.example/cb"])),
        ("client_name", json!("Somebody else")),
        ("client_uri", json!("https://evil.example/")),
    ] {
        let server = TestServer::new();
        let managed = Managed::new(&server).await;
        let mut parameters = managed.client().authorization_parameters("notes:read");
        // What the request does not say, the registration decides.
        parameters.retain(|(parameter, _)| parameter != "redirect_uri");
        let person = TestBrowser::new();
        let page = person
            .open(&server, &authorize_url(&server, parameters))
            .await;
        assert_eq!(page.status(), 200, "{page:?}");

        let update = managed.changed(name, value);
        assert_eq!(managed.ask(&server, "PUT", &update).await.status(), 200);
        let answer = person.decide(&server, &page, "approve").await;
        expect_page(&answer, 400, "This page is too old", name);
    }
}
