use std::time::Duration;

use oauth_for_mcp::event::Event;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::server::PreregisteredClient;
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use serde_json::json;

use super::support::{
    Answer, FORM, cookie, expect_error_redirect, expect_page, header, hidden, open, parameter,
    send, text, with,
};

async fn page_of(server: &TestServer, metadata: &serde_json::Value) -> Answer {
    let client = TestClient::register_with(server, metadata).await;
    open(
        server,
        client.authorization_parameters("notes:read notes:write"),
    )
    .await
}

/// Sends a consent form as a browser with this cookie would.
async fn consent(server: &TestServer, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let body = Form::from_iter(fields.iter().copied()).encode();
    let mut headers = vec![FORM];
    headers.extend((!cookie.is_empty()).then_some(("cookie", cookie)));
    send(server, ("POST", "/oauth/consent"), &headers, body).await
}

/// D3
#[tokio::test]
async fn the_page_says_who_asks_for_what_and_where_the_answer_goes() {
    let server = TestServer::new();
    let acme = json!({ "client_name": "Acme", "redirect_uris": ["https://app.acme.example/cb"] });
    let page = text(&page_of(&server, &acme).await);
    for words in [
        "Allow “Acme”",
        "Read your notes",
        "Add notes for you",
        "<strong>app.acme.example</strong>",
        "Nobody: it registered itself",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("this computer"));
}

/// D3
#[tokio::test]
async fn what_a_client_says_of_itself_is_escaped() {
    let server = TestServer::new();
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'-alert(1)-'",
        "</title><script>",
        "{{ 7*7 }}{% raw %}",
        "&lt;b&gt;",
        "<!--",
    ] {
        let metadata = json!({
            "client_name": name,
            "client_uri": "https://a.example/\"><script>alert(2)</script>",
            "redirect_uris": ["https://a.example/cb?x='\"><script>"],
        });
        let metadata_name = json!({ "client_name": name, "redirect_uris": ["https://a.example/"] });
        let answer = TestClient::try_register(&server, &metadata).await;
        let metadata = if answer.status() == 201 {
            metadata
        } else {
            metadata_name
        };
        let page = text(&page_of(&server, &metadata).await);
        for raw in ["<script", "<img", "<!--", "</title><", "'-alert"] {
            let own = page.matches(raw).count();
            assert_eq!(own, 0, "{name}: {raw}");
        }
        assert!(!name.contains("7*7") || page.contains("7*7"));
        assert!(name != "&lt;b&gt;" || page.contains("&amp;lt;b&amp;gt;"));
    }
}

/// D3
#[tokio::test]
async fn a_client_without_a_name_is_shown_by_its_identifier() {
    let server = TestServer::new();
    for name in [json!(null), json!(""), json!("   ")] {
        let metadata = json!({ "client_name": name, "redirect_uris": ["https://a.example/"] });
        let page = text(&page_of(&server, &metadata).await);
        assert!(
            !page.contains("Allow “”") && !page.contains("Allow “ "),
            "{name}"
        );
    }
}

/// D3
#[tokio::test]
async fn an_answer_to_this_computer_is_warned_of() {
    let server = TestServer::new();
    let warning = "The answer goes to a program on this computer";
    for (uris, warned) in [
        (json!(["http://localhost/cb"]), true),
        (json!(["http://127.0.0.1:1/cb", "http://[::1]/cb"]), true),
        (json!(["https://a.example/cb"]), false),
        // The first one is used: a second one does not take the warning away.
        (json!(["http://localhost/cb", "https://a.example/cb"]), true),
        (
            json!(["https://a.example/cb", "http://localhost/cb"]),
            false,
        ),
        (json!(["cursor://a/cb"]), true),
    ] {
        let page = page_of(&server, &json!({ "redirect_uris": uris })).await;
        assert_eq!(text(&page).contains(warning), warned, "{uris}");
    }
}

/// D3
#[tokio::test]
async fn the_page_says_that_the_operator_knows_a_configured_client() {
    let known = json!({ "client_id": "known", "redirect_uris": [TestClient::REDIRECT_URI] });
    let known: PreregisteredClient = serde_json::from_value(known).unwrap();
    let server = TestServer::with(|builder| builder.client(known));
    let client = TestClient::known("known", TestClient::REDIRECT_URI);
    let page = open(&server, client.authorization_parameters("notes:read")).await;
    assert!(text(&page).contains("The operator of this server knows it"));
}

/// D3
#[tokio::test]
async fn every_page_is_kept_out_of_frames_caches_and_referrers() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let good = client.authorization_parameters("notes:read");
    let pages = [
        open(&server, good.clone()).await,
        open(&server, with(good, "client_id", None)).await,
        consent(&server, "", &[]).await,
        send(&server, ("GET", "/oauth/callback"), &[], "").await,
    ];
    for page in &pages {
        let policy = header(page, "content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        // Chromium would stop the redirect that follows the form.
        assert!(!policy.contains("form-action"), "{policy}");
        assert!(!policy.contains("script-src"), "{policy}");
        assert_eq!(header(page, "x-frame-options"), "DENY");
        assert_eq!(header(page, "cache-control"), "no-store");
        assert_eq!(header(page, "referrer-policy"), "no-referrer");
        assert_eq!(header(page, "x-content-type-options"), "nosniff");
    }
}

/// A consent page as one browser got it.
struct Shown {
    cookie: String,
    request: String,
    token: String,
}

impl Shown {
    async fn new(server: &TestServer, client: &TestClient, scope: &str) -> Self {
        let page = open(server, client.authorization_parameters(scope)).await;
        Self {
            cookie: cookie(&page),
            request: hidden(&page, "request"),
            token: hidden(&page, "token"),
        }
    }

    async fn approve(&self, server: &TestServer) -> Answer {
        let fields = [
            ("request", self.request.as_str()),
            ("token", &self.token),
            ("decision", "approve"),
        ];
        consent(server, &self.cookie, &fields).await
    }
}

async fn expect_foreign(server: &TestServer, case: &str, shown: (&str, &str, &str)) {
    let (cookie, request, token) = shown;
    for decision in ["approve", "deny"] {
        let fields = [
            ("request", request),
            ("token", token),
            ("decision", decision),
        ];
        let page = consent(server, cookie, &fields).await;
        expect_page(&page, 400, "from another browser", case);
    }
}

/// D3
#[tokio::test]
async fn a_consent_form_counts_only_in_the_browser_it_was_shown_to() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let mine = Shown::new(&server, &client, "notes:read").await;
    let theirs = Shown::new(&server, &client, "notes:read").await;
    let (_, value) = mine.cookie.split_once('=').unwrap();
    for (case, cookie) in [
        ("no cookie", String::new()),
        ("another browser", theirs.cookie.clone()),
        ("two cookies", format!("{}; {}", mine.cookie, theirs.cookie)),
        (
            "the same twice",
            format!("{}; {}", mine.cookie, mine.cookie),
        ),
        ("another name", format!("oauth-browser={value}")),
        ("no value", "__Host-oauth-browser=".to_owned()),
        ("a short value", "__Host-oauth-browser=abc".to_owned()),
        ("a longer value", format!("{}A", mine.cookie)),
    ] {
        expect_foreign(&server, case, (&cookie, &mine.request, &mine.token)).await;
    }
    let swapped = (
        mine.cookie.as_str(),
        mine.request.as_str(),
        theirs.token.as_str(),
    );
    expect_foreign(&server, "a token of another browser", swapped).await;
    assert_eq!(
        mine.approve(&server).await.status(),
        303,
        "none of this spoiled it"
    );
}

/// D3
#[tokio::test]
async fn a_consent_form_counts_only_as_it_was_shown() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let other_client = TestClient::register(&server).await;
    let mine = Shown::new(&server, &client, "notes:read").await;
    let wider = Shown::new(&server, &client, "notes:read notes:write").await;
    let another = Shown::new(&server, &other_client, "notes:read").await;
    let (until, rest) = mine.token.split_once('.').unwrap();
    let (render, mac) = rest.split_once('.').unwrap();
    let later = until.parse::<u64>().unwrap() + 1;
    let state = mine.request.replace("client-state", "other-state");
    for (case, request) in [
        ("a wider scope", &wider.request),
        ("another client", &another.request),
        ("another state", &state),
    ] {
        expect_foreign(&server, case, (&mine.cookie, request, &mine.token)).await;
    }
    for (case, token) in [
        ("a later end", format!("{later}.{rest}")),
        ("another render", format!("{until}.x{}.{mac}", &render[1..])),
        ("a cut token", mine.token[..mine.token.len() - 2].to_owned()),
        ("an added part", format!("{}.x", mine.token)),
        ("no mac", format!("{until}.{render}.")),
        ("no parts", "x".to_owned()),
        ("no token", String::new()),
        ("a made-up token", "9999999999.x.AAAA".to_owned()),
    ] {
        expect_foreign(&server, case, (&mine.cookie, &mine.request, &token)).await;
    }
    assert_eq!(
        mine.approve(&server).await.status(),
        303,
        "none of this spoiled it"
    );
}

/// D3
#[tokio::test]
async fn a_consent_form_that_is_malformed_shows_a_page() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let shown = Shown::new(&server, &client, "notes:read").await;
    let twice = format!("{}&state=x", shown.request);
    for (request, words) in [
        (twice.as_str(), "link is broken"),
        ("", "not registered here"),
        ("client_id=nobody", "not registered here"),
        ("%ff", "link is broken"),
    ] {
        let fields = [
            ("request", request),
            ("token", &shown.token),
            ("decision", "approve"),
        ];
        let page = consent(&server, &shown.cookie, &fields).await;
        expect_page(&page, 400, words, request);
    }
    let headers = [
        ("cookie", shown.cookie.as_str()),
        ("content-type", "text/plain"),
    ];
    let page = send(
        &server,
        ("POST", "/oauth/consent"),
        &headers,
        "decision=approve",
    )
    .await;
    expect_page(&page, 400, "link is broken", "text/plain");
}

/// D3
#[tokio::test]
async fn a_consent_page_is_good_for_ten_minutes() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let shown = Shown::new(&server, &client, "notes:read").await;
    server.clock().advance(Duration::from_secs(599));
    assert_eq!(shown.approve(&server).await.status(), 303);
    server.clock().advance(Duration::from_secs(1));
    expect_page(
        &shown.approve(&server).await,
        400,
        "too old",
        "after 10 minutes",
    );
}

/// D3
#[tokio::test]
async fn every_rendering_of_the_page_stays_valid() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let url = client.authorization_url(&server, "notes:read");
    let browser = TestBrowser::new();
    let pages = [
        browser.open(&server, &url).await,
        browser.open(&server, &url).await,
        browser.open(&server, &url).await,
    ];
    assert_ne!(hidden(&pages[0], "token"), hidden(&pages[1], "token"));
    for page in &pages {
        assert_eq!(browser.decide(&server, page, "approve").await.status(), 303);
    }
}

/// D3
#[tokio::test]
async fn anything_but_approval_is_a_denial_that_the_client_hears_of() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for decision in ["deny", "", "Approve", "yes", "approve "] {
        let browser = TestBrowser::new();
        let url = client.authorization_url(&server, "notes:read");
        let page = browser.open(&server, &url).await;
        let answer = browser.decide(&server, &page, decision).await;
        expect_error_redirect(&answer, "access_denied", decision);
        let state = parameter(header(&answer, "location"), "state");
        assert_eq!(state.as_deref(), Some("client-state"));
    }
    let denied = |event: &Event| matches!(event, Event::ConsentDenied { .. });
    assert_eq!(
        server
            .events()
            .all()
            .iter()
            .filter(|event| denied(event))
            .count(),
        5
    );
}

/// D3
#[tokio::test]
async fn no_code_is_given_without_consent() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let browser = TestBrowser::new();
    let url = client.authorization_url(&server, "notes:read");
    let granted = browser.agree(&server, &url).await.unwrap();
    assert!(parameter(&granted, "code").is_some());
    let again = browser.open(&server, &url).await;
    assert_eq!(
        again.status(),
        200,
        "a browser that agreed once is asked again"
    );
    assert_eq!(header(&again, "location"), "");
}
