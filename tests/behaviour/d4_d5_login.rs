use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oauth_for_mcp::event::Event;
use oauth_for_mcp::idp::{IdentityProvider, IdpError, Login, LoginStep};
use oauth_for_mcp::model::Identity;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::server::Lifetimes;
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use oauth_for_mcp::types::Subject;
use url::Url;

use super::support::{
    Answer, authorize_url, cookie, expect_error_redirect, expect_page, header, hidden, open,
    parameter, send, with,
};

/// Where a browser that agreed is sent to come back from.
async fn callback_of(server: &TestServer, client: &TestClient, browser: &TestBrowser) -> String {
    let url = client.authorization_url(server, "notes:read");
    let page = browser.open(server, &url).await;
    let answer = browser.decide(server, &page, "approve").await;
    header(&answer, "location").to_owned()
}

/// D4
#[tokio::test]
async fn the_cookie_is_bound_to_the_host_and_out_of_reach_of_scripts() {
    let cases = [
        ("https://mcp.example.com", "__Host-oauth-browser=", true),
        (
            "https://mcp.example.com/tenant",
            "__Host-oauth-browser=",
            true,
        ),
        ("http://127.0.0.1:8080", "oauth-browser=", false),
        ("http://localhost:8080", "oauth-browser=", false),
        ("http://[::1]:8080", "oauth-browser=", false),
    ];
    for (url, name, secure) in cases {
        let server = TestServer::at(url, |builder| builder);
        let client = TestClient::register(&server).await;
        let page = open(&server, client.authorization_parameters("notes:read")).await;
        let set = header(&page, "set-cookie");
        let attributes: Vec<_> = set.split("; ").skip(1).collect();
        assert!(set.starts_with(name), "{set}");
        for attribute in ["Path=/", "HttpOnly", "SameSite=Lax"] {
            assert!(attributes.contains(&attribute), "{set}");
        }
        assert_eq!(attributes.contains(&"Secure"), secure, "{set}");
        assert!(!set.contains("Domain"), "{set}");
        assert_eq!(cookie(&page).len(), name.len() + 43, "256 bits");
    }
}

/// D4
#[tokio::test]
async fn the_cookie_is_found_beside_those_of_other_applications() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let page = open(&server, client.authorization_parameters("notes:read")).await;
    let fields = [
        ("request", hidden(&page, "request")),
        ("token", hidden(&page, "token")),
        ("decision", "approve".to_owned()),
    ];
    let body = Form::from_iter(fields).encode();
    let ours = cookie(&page);
    for cookies in [
        format!("a=b; {ours}; c=d"),
        format!("{ours};theme=dark"),
        format!("name=J\u{fc}rgen; {ours}"),
        format!("broken; {ours}"),
        format!("oauth-browser=x; {ours}"),
    ] {
        let value = http::HeaderValue::from_bytes(cookies.as_bytes()).unwrap();
        let request = http::Request::post(server.url("/oauth/consent"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", value)
            .body(body.clone().into());
        let answer = server.send(request.unwrap()).await;
        assert_eq!(answer.status(), 303, "{cookies}");
    }
}

/// D4
#[tokio::test]
async fn the_upstream_state_is_made_after_consent_and_never_twice() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let browser = TestBrowser::new();
    let first = parameter(&callback_of(&server, &client, &browser).await, "state").unwrap();
    let second = parameter(&callback_of(&server, &client, &browser).await, "state").unwrap();
    assert_ne!(first, second);
    assert_eq!(first.len(), 43, "256 bits");
    assert_ne!(first, "client-state");
}

/// D4
#[tokio::test]
async fn a_callback_from_elsewhere_is_refused_and_spoils_nothing() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let (mine, other) = (TestBrowser::new(), TestBrowser::new());
    let callback = callback_of(&server, &client, &mine).await;
    callback_of(&server, &client, &other).await;
    let state = parameter(&callback, "state").unwrap();
    let path = format!("/oauth/callback?state={state}");
    let denial = format!("{path}&error=access_denied");

    let foreign = "begun in another browser";
    for browser in [TestBrowser::new(), other] {
        expect_page(
            &browser.open(&server, &callback).await,
            400,
            foreign,
            "elsewhere",
        );
        let url = server.url(&denial);
        expect_page(&browser.open(&server, &url).await, 400, foreign, "denial");
    }
    for cookies in ["", "__Host-oauth-browser=x", "oauth-browser=x"] {
        let answer = send(&server, ("GET", &path), &[("cookie", cookies)], "").await;
        expect_page(&answer, 400, foreign, cookies);
    }
    let answer = mine.open(&server, &callback).await;
    assert!(parameter(header(&answer, "location"), "code").is_some());
}

/// D4
#[tokio::test]
async fn a_callback_counts_once() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let browser = TestBrowser::new();
    let callback = callback_of(&server, &client, &browser).await;
    assert_eq!(browser.open(&server, &callback).await.status(), 303);
    for browser in [browser, TestBrowser::new()] {
        let page = browser.open(&server, &callback).await;
        expect_page(&page, 400, "This sign-in is over", "replayed");
    }
}

/// D4
#[tokio::test]
async fn a_callback_is_awaited_for_ten_minutes() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let browser = TestBrowser::new();
    let early = callback_of(&server, &client, &browser).await;
    let late = callback_of(&server, &client, &browser).await;
    server.clock().advance(Duration::from_secs(599));
    assert_eq!(browser.open(&server, &early).await.status(), 303);
    server.clock().advance(Duration::from_secs(1));
    expect_page(
        &browser.open(&server, &late).await,
        400,
        "took too long",
        "600 s",
    );
}

/// D4
#[tokio::test]
async fn a_callback_that_we_did_not_ask_for_is_refused() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let browser = TestBrowser::new();
    let callback = callback_of(&server, &client, &browser).await;
    let state = parameter(&callback, "state").unwrap();
    for (query, words) in [
        (String::new(), "This sign-in is over"),
        ("state=".to_owned(), "This sign-in is over"),
        ("state=x".to_owned(), "This sign-in is over"),
        ("state=client-state".to_owned(), "This sign-in is over"),
        (format!("state={state}x"), "This sign-in is over"),
        (
            format!("state={}", state.to_lowercase()),
            "This sign-in is over",
        ),
        (format!("code=x&State={state}"), "This sign-in is over"),
        (
            format!("state={state}&state={state}"),
            "This link is broken",
        ),
        (
            format!("state={state}&code=a&code=b"),
            "This link is broken",
        ),
        (format!("state={state}&code=%ff"), "This link is broken"),
    ] {
        let url = server.url(&format!("/oauth/callback?{query}"));
        expect_page(&browser.open(&server, &url).await, 400, words, &query);
    }
    assert_eq!(browser.open(&server, &callback).await.status(), 303);
}

type Failure = fn() -> Option<IdpError>;

/// A provider that fails as it is told, and keeps what it was asked.
#[derive(Clone, Debug)]
struct Scripted {
    begin: Failure,
    finish: Failure,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    fn new(begin: Failure, finish: Failure) -> Self {
        Self {
            begin,
            finish,
            seen: Arc::default(),
        }
    }

    fn server(&self) -> TestServer {
        let provider = self.clone();
        TestServer::with(|builder| builder.identity_provider(provider))
    }
}

#[async_trait]
impl IdentityProvider for Scripted {
    async fn begin(&self, login: &Login) -> Result<LoginStep, IdpError> {
        if let Some(error) = (self.begin)() {
            return Err(error);
        }
        self.seen
            .lock()
            .expect("no panic")
            .push(format!("{login:?}"));
        let mut url = Url::parse(&login.callback).expect("a URL");
        url.query_pairs_mut()
            .append_pair("state", login.state.expose());
        Ok(LoginStep::Redirect(url))
    }

    async fn finish(&self, _: &Login, _: &Form) -> Result<Identity, IdpError> {
        match (self.finish)() {
            Some(error) => Err(error),
            None => Ok(Identity::new(
                "idp",
                Subject::parse("alice").expect("a name"),
            )),
        }
    }
}

const LEAK: &str = "hunter2 at db.internal";

const FAILURES: [(Failure, &str); 3] = [
    (|| Some(IdpError::AccessDenied), "access_denied"),
    (|| Some(IdpError::refused(LEAK)), "server_error"),
    (
        || Some(IdpError::unavailable(LEAK)),
        "temporarily_unavailable",
    ),
];

fn expect_told(answer: &Answer, code: &str, server: &TestServer) {
    expect_error_redirect(answer, code, code);
    let location = header(answer, "location");
    assert_eq!(
        parameter(location, "state").as_deref(),
        Some("client-state")
    );
    assert!(
        !location.contains("hunter2") && !location.contains("internal"),
        "{location}"
    );
    let heard = |event: &Event| matches!(event, Event::LoginFailed { .. } | Event::Outage { .. });
    assert!(
        server.events().all().iter().any(heard),
        "the operator hears of it"
    );
}

/// D5
#[tokio::test]
async fn a_provider_that_fails_tells_the_client_in_our_words() {
    for (failure, code) in FAILURES {
        let at_begin = Scripted::new(failure, || None).server();
        let client = TestClient::register(&at_begin).await;
        let browser = TestBrowser::new();
        let url = client.authorization_url(&at_begin, "notes:read");
        let page = browser.open(&at_begin, &url).await;
        let answer = browser.decide(&at_begin, &page, "approve").await;
        expect_told(&answer, code, &at_begin);

        let at_finish = Scripted::new(|| None, failure).server();
        let client = TestClient::register(&at_finish).await;
        let callback = callback_of(&at_finish, &client, &browser).await;
        let answer = browser.open(&at_finish, &callback).await;
        expect_told(&answer, code, &at_finish);
        let again = browser.open(&at_finish, &callback).await;
        expect_page(
            &again,
            400,
            "This sign-in is over",
            "a failed sign-in is over as well",
        );
    }
}

/// D5
#[tokio::test]
async fn the_resource_and_the_state_of_the_client_are_not_forwarded_upstream() {
    let provider = Scripted::new(|| None, || None);
    let server = provider.server();
    let client = TestClient::register(&server).await;
    let resource = Some("https://mcp.example.com/mcp");
    let parameters = with(
        client.authorization_parameters("notes:read"),
        "resource",
        resource,
    );
    let browser = TestBrowser::new();
    let page = browser
        .open(&server, &authorize_url(&server, parameters))
        .await;
    let answer = browser.decide(&server, &page, "approve").await;

    let seen = provider.seen.lock().unwrap().join("");
    for secret in [
        "client-state",
        "example.com/mcp",
        client.client_id.as_str(),
        "notes:read",
    ] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
        assert!(!header(&answer, "location").contains(secret), "{secret}");
    }
}

/// C7, D1
#[tokio::test]
async fn a_client_that_is_gone_is_not_redirected_to() {
    // It is forgotten while the person signs in.
    let server = TestServer::with(|builder| {
        builder.lifetimes(Lifetimes {
            unused_client: Duration::from_secs(60),
            ..Lifetimes::default()
        })
    });
    let client = TestClient::register(&server).await;
    let browser = TestBrowser::new();
    let url = client.authorization_url(&server, "notes:read");
    let page = browser.open(&server, &url).await;
    let upstream = browser.decide(&server, &page, "approve").await;
    server.clock().advance(Duration::from_secs(61));
    TestClient::register(&server).await;

    let answer = browser.open(&server, header(&upstream, "location")).await;
    expect_page(&answer, 400, "not registered here", "gone");
}
