//! The scripted browser does what a browser does, up to a sign-in at a real provider.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use reqwest::header::{CONTENT_SECURITY_POLICY, HeaderMap};
use serde_json::Value;
use url::Url;

use support::browser::Browser;
use support::cookies::CookieJar;
use support::e2e;
use support::form::Answers;
use support::form_policy::FormPolicy;
use support::process::free_port;
use support::upstream::{CLIENT_ID, CLIENT_SECRET, Upstream};

// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[tokio::test]
async fn it_signs_in_at_a_real_provider() {
    if !e2e::enabled() {
        return;
    }
    let redirect_uri = format!("http://127.0.0.1:{}/callback", free_port());
    let upstream = Upstream::start(&redirect_uri).await;
    let well_known = format!("{}/.well-known/openid-configuration", upstream.issuer());
    let metadata = json(reqwest::Client::new().get(well_known)).await;

    let authorize = authorize(&metadata, &redirect_uri);
    let mut browser = Browser::new().fill("login", "alice").fill("password", "x");
    let answer = browser.open(&authorize, &redirect_uri).await.unwrap();

    assert_eq!(parameter(&answer, "state"), "of-the-client");
    assert_eq!(parameter(&answer, "iss"), upstream.issuer());
    let person = person(&metadata, &parameter(&answer, "code"), &redirect_uri).await;
    assert_eq!(person["sub"], "alice");
    assert_eq!(person["email"], "alice@example.com");
    assert_eq!(person["email_verified"], true);
    assert_eq!(person["preferred_username"], "alice");
}

#[tokio::test]
async fn it_names_the_page_where_it_cannot_go_on() {
    if !e2e::enabled() {
        return;
    }
    let upstream = Upstream::start("http://127.0.0.1:1/callback").await;
    let page = Url::parse(upstream.issuer())
        .unwrap()
        .join("/no-such-page")
        .unwrap();

    let stuck = Browser::new()
        .open(&page, "http://127.0.0.1:1/")
        .await
        .unwrap_err();

    assert!(stuck.page.starts_with(page.as_str()), "{stuck}");
    assert!(stuck.reason.contains("404"), "{stuck}");
}

/// Who sets a cookie, how, where the browser goes next, and what it sends there.
const COOKIES: [(&str, &str, &str, Option<&str>); 13] = [
    (
        "http://127.0.0.1:1/",
        "a=1; Path=/",
        "http://127.0.0.1:2/x",
        Some("a=1"),
    ),
    (
        "http://127.0.0.1/",
        "a=1; Path=/",
        "http://localhost/",
        None,
    ),
    (
        "http://127.0.0.1/",
        "a=1; Path=/x",
        "http://127.0.0.1/x/y",
        Some("a=1"),
    ),
    (
        "http://127.0.0.1/",
        "a=1; Path=/x",
        "http://127.0.0.1/xy",
        None,
    ),
    (
        "http://127.0.0.1/x/y",
        "a=1",
        "http://127.0.0.1/x/z",
        Some("a=1"),
    ),
    ("http://127.0.0.1/x/y", "a=1", "http://127.0.0.1/z", None),
    (
        "http://127.0.0.1/",
        "a=1; Secure",
        "http://127.0.0.1/",
        Some("a=1"),
    ),
    (
        "http://example.com/",
        "a=1; Secure",
        "https://example.com/",
        None,
    ),
    (
        "https://example.com/",
        "a=1; Secure",
        "http://example.com/",
        None,
    ),
    (
        "http://127.0.0.1/",
        "__Host-a=1; Path=/",
        "http://127.0.0.1/",
        None,
    ),
    (
        "http://127.0.0.1/",
        "__Host-a=1; Path=/; Secure",
        "http://127.0.0.1/",
        Some("__Host-a=1"),
    ),
    (
        "http://127.0.0.1/",
        "__Host-a=1; Path=/x; Secure",
        "http://127.0.0.1/x",
        None,
    ),
    (
        "http://127.0.0.1/",
        "__Secure-a=1",
        "http://127.0.0.1/",
        None,
    ),
];

#[test]
fn cookies_are_sent_where_they_belong() {
    for (set_by, header, sent_to, expected) in COOKIES {
        let mut jar = CookieJar::default();
        jar.store(&url(set_by), header);
        let sent = jar.header(&url(sent_to));
        assert_eq!(
            sent.as_deref(),
            expected,
            "{header} of {set_by} at {sent_to}"
        );
    }
}

#[test]
fn a_cookie_is_replaced_and_deleted_by_name_and_path() {
    let mut jar = CookieJar::default();
    let page = url("http://127.0.0.1/x/y");
    jar.store(&page, "a=1; Path=/");
    jar.store(&page, "a=2; Path=/x");
    jar.store(&page, "a=3; Path=/");
    assert_eq!(jar.header(&page).unwrap(), "a=2; a=3");

    jar.store(&page, "a=; Path=/x; Max-Age=0");
    assert_eq!(jar.header(&page).unwrap(), "a=3");

    jar.store(&page, "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(jar.header(&page), None);
}

#[test]
fn a_preferred_button_decides_which_form_is_sent() {
    let page = r#"
        <form action="/deny" method="post"><button>Deny</button></form>
        <form action="approve?x=1" method="POST">
          <input type="hidden" name="token" value="a&amp;b">
          <input name="name" required>
          <input type="checkbox" name="remember">
          <input type="checkbox" name="scope" value="read" checked>
          <button name="decision" value="deny">Deny</button>
          <button name="decision" value="approve">Allow</button>
        </form>"#;
    let mut answers = Answers::default();
    answers.fields.insert("name".to_owned(), "alice".to_owned());
    answers.buttons.push("approve".to_owned());

    let sent = answers.submit(&url("http://127.0.0.1/a/b"), page).unwrap();

    assert_eq!(sent.action.as_str(), "http://127.0.0.1/a/approve?x=1");
    assert!(sent.is_post);
    let fields: Vec<_> = sent
        .fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert_eq!(
        fields,
        [
            ("token", "a&b"),
            ("name", "alice"),
            ("scope", "read"),
            ("decision", "approve")
        ]
    );
}

#[test]
fn a_required_field_without_an_answer_is_named() {
    let page = r#"<form><input name="login" required><button>Go</button></form>"#;
    let refused = Answers::default().submit(&url("http://127.0.0.1/"), page);
    assert!(refused.unwrap_err().contains("`login`"));
}

#[test]
fn a_form_leads_only_where_the_policy_of_its_page_allows() {
    for (policy, target, expected) in [
        ("default-src 'none'", "https://b.example/", true),
        ("form-action 'none'", "https://a.example/", false),
        (
            "default-src 'none'; form-action 'self'",
            "https://a.example/x",
            true,
        ),
        ("form-action 'self'", "https://b.example/", false),
        (
            "form-action 'self' https://b.example",
            "https://b.example/x",
            true,
        ),
        (
            "form-action 'self', form-action *",
            "https://b.example/",
            false,
        ),
        (
            "form-action http://127.0.0.1:*",
            "http://127.0.0.1:9/x",
            true,
        ),
        (
            "form-action http://127.0.0.1:8",
            "http://127.0.0.1:9/x",
            false,
        ),
        ("form-action *", "cursor://x/", false),
        ("form-action cursor:", "cursor://x/", true),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_SECURITY_POLICY, policy.parse().unwrap());
        let found = FormPolicy::new(&url("https://a.example/form"), &headers);
        assert_eq!(found.allows(&url(target)), expected, "{policy} to {target}");
    }
}

/// The address that asks the provider of `metadata` to sign somebody in.
fn authorize(metadata: &Value, redirect_uri: &str) -> Url {
    let parameters = [
        ("client_id", CLIENT_ID),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("redirect_uri", redirect_uri),
        ("response_type", "code"),
        ("scope", "openid email profile"),
        ("state", "of-the-client"),
    ];
    Url::parse_with_params(endpoint(metadata, "authorization"), parameters).unwrap()
}

/// Who the provider of `metadata` says has signed in for `code`.
async fn person(metadata: &Value, code: &str, redirect_uri: &str) -> Value {
    let http = reqwest::Client::new();
    let token_request = http
        .post(endpoint(metadata, "token"))
        .basic_auth(CLIENT_ID, Some(CLIENT_SECRET))
        .form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", redirect_uri),
        ]);
    let tokens = json(token_request).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    json(
        http.get(endpoint(metadata, "userinfo"))
            .bearer_auth(access_token),
    )
    .await
}

async fn json(request: reqwest::RequestBuilder) -> Value {
    request.send().await.unwrap().json().await.unwrap()
}

fn endpoint<'a>(metadata: &'a Value, name: &str) -> &'a str {
    metadata[format!("{name}_endpoint")].as_str().unwrap()
}

fn parameter(url: &Url, name: &str) -> String {
    let values: Vec<_> = url.query_pairs().filter(|(key, _)| key == name).collect();
    assert_eq!(values.len(), 1, "{name} in {url}");
    values[0].1.clone().into_owned()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}
