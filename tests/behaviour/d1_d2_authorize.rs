use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};

use super::support::{
    FORM, authorize_url, expect_error_redirect, expect_page, expect_refusal, header, open,
    parameter, post_form, send, with,
};

/// D1
#[tokio::test]
async fn get_and_post_mean_the_same() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let good = client.authorization_parameters("notes:read");
    let cases = [
        good.clone(),
        with(good.clone(), "scope", Some("unknown")),
        with(good.clone(), "client_id", Some("nobody")),
        with(good, "redirect_uri", Some("https://evil.example/")),
    ];
    for parameters in cases {
        let body = Form::from_iter(parameters.clone()).encode();
        let posted = post_form(&server, "/authorize", &body).await;
        let got = open(&server, parameters).await;
        assert_eq!(posted.status(), got.status(), "{body}");
        assert_eq!(
            header(&posted, "location"),
            header(&got, "location"),
            "{body}"
        );
        assert_eq!(posted.body().len(), got.body().len(), "{body}");
    }
}

/// D1
#[tokio::test]
async fn a_get_may_be_repeated() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let url = client.authorization_url(&server, "notes:read");
    let browser = TestBrowser::new();
    for _ in 0..3 {
        assert_eq!(browser.open(&server, &url).await.status(), 200);
    }
    assert!(
        browser
            .agree(&server, &url)
            .await
            .unwrap()
            .contains("code=")
    );
    assert_eq!(browser.open(&server, &url).await.status(), 200);
}

/// D1
#[tokio::test]
async fn a_repeated_parameter_is_refused_with_a_page() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let good = client.authorization_parameters("notes:read");
    let names: Vec<_> = good.iter().map(|(name, _)| name.clone()).collect();
    for name in names.iter().map(String::as_str).chain(["unknown"]) {
        let value = good.iter().find(|(known, _)| known == name);
        let value = value.map_or("x", |(_, value)| value);
        for second in [value, "", "https://evil.example/"] {
            let mut parameters = with(good.clone(), name, Some(value));
            parameters.push((name.to_owned(), second.to_owned()));
            let url = authorize_url(&server, parameters);
            let page = TestBrowser::new().open(&server, &url).await;
            expect_page(&page, 400, "link is broken", &format!("{name}={second}"));
        }
    }
}

/// D1
#[tokio::test]
async fn nothing_is_redirected_before_client_and_redirect_uri_are_known_good() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let wrong = with(
        client.authorization_parameters("notes:read"),
        "response_type",
        Some("x"),
    );
    let (unknown, refused) = ("not registered here", "may not receive the answer");
    for (name, value, words) in [
        ("client_id", None, unknown),
        ("client_id", Some("nobody"), unknown),
        ("redirect_uri", Some("https://evil.example/cb"), refused),
        ("redirect_uri", Some("javascript:alert(1)"), refused),
        ("redirect_uri", Some("//evil.example"), refused),
        (
            "redirect_uri",
            Some("https://client.example.com/callback/../x"),
            refused,
        ),
    ] {
        let page = open(&server, with(wrong.clone(), name, value)).await;
        expect_page(&page, 400, words, &format!("{name}={value:?}"));
    }
    let bad_bytes = format!("{}/authorize?client_id=%ff", TestServer::PUBLIC_URL);
    let page = TestBrowser::new().open(&server, &bad_bytes).await;
    expect_page(&page, 400, "link is broken", "bytes");
}

const REFUSED: [(&str, Option<&str>, &str); 25] = [
    ("response_type", None, "invalid_request"),
    ("response_type", Some(""), "invalid_request"),
    ("response_type", Some("token"), "unsupported_response_type"),
    (
        "response_type",
        Some("code token"),
        "unsupported_response_type",
    ),
    ("response_type", Some("CODE"), "unsupported_response_type"),
    ("response_mode", Some("fragment"), "invalid_request"),
    ("response_mode", Some("form_post"), "invalid_request"),
    ("request", Some("e30.e30."), "invalid_request"),
    (
        "request_uri",
        Some("https://evil.example/r"),
        "invalid_request",
    ),
    ("scope", Some("unknown"), "invalid_scope"),
    ("scope", Some("notes:read\""), "invalid_scope"),
    ("scope", Some("notes:read\u{e9}"), "invalid_scope"),
    ("scope", Some("notes:read\nnotes:write"), "invalid_scope"),
    ("code_challenge", None, "invalid_request"),
    ("code_challenge", Some(""), "invalid_request"),
    ("code_challenge", Some("short"), "invalid_request"),
    (
        "code_challenge",
        Some("9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        "invalid_request",
    ),
    (
        "code_challenge",
        Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="),
        "invalid_request",
    ),
    (
        "code_challenge",
        Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"),
        "invalid_request",
    ),
    (
        "code_challenge",
        Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"),
        "invalid_request",
    ),
    ("code_challenge_method", None, "invalid_request"),
    ("code_challenge_method", Some("plain"), "invalid_request"),
    ("code_challenge_method", Some("s256"), "invalid_request"),
    ("code_challenge_method", Some("S512"), "invalid_request"),
    (
        "resource",
        Some("https://evil.example/mcp"),
        "invalid_target",
    ),
];

/// D1
#[tokio::test]
async fn after_that_the_client_is_told_with_state_and_iss() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for (name, value, code) in REFUSED {
        let case = format!("{name}={value:?}");
        let parameters = client.authorization_parameters("notes:read");
        let answer = open(&server, with(parameters, name, value)).await;
        expect_error_redirect(&answer, code, &case);
        let state = parameter(header(&answer, "location"), "state");
        assert_eq!(state.as_deref(), Some("client-state"), "{case}");
        assert_eq!(header(&answer, "cache-control"), "no-store", "{case}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{case}");
    }
}

/// D1
#[tokio::test]
async fn a_state_of_up_to_4_kib_comes_back_byte_for_byte() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for state in [
        "x".repeat(4096),
        "%".repeat(4096),
        "\u{1f980}".repeat(1024),
        "a b+c%20d%2Bd&e=f#g".to_owned(),
        r#""'<script>alert(1)</script>\"#.to_owned(),
        "&amp;&#x27;&quot;".to_owned(),
        "{\"a\":[1,\"\u{e9}\u{4e2d}\"]}".to_owned(),
        "line\r\nbreak\ttab\0zero\u{7f}".to_owned(),
        "  ".to_owned(),
        "%00%ff%".to_owned(),
        "\u{fffd}".to_owned(),
        "https://evil.example/?code=x&state=y".to_owned(),
    ] {
        let good = with(
            client.authorization_parameters("notes:read"),
            "state",
            Some(&state),
        );
        let url = authorize_url(&server, good.clone());
        let granted = TestBrowser::new().agree(&server, &url).await.unwrap();
        assert_eq!(
            parameter(&granted, "state").as_deref(),
            Some(state.as_str())
        );
        assert!(parameter(&granted, "code").is_some());

        let refused = open(&server, with(good, "scope", Some("unknown"))).await;
        let location = header(&refused, "location");
        assert_eq!(
            parameter(location, "state").as_deref(),
            Some(state.as_str())
        );
    }
}

/// D1
#[tokio::test]
async fn a_longer_state_is_refused_and_an_absent_one_stays_absent() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    for state in ["x".repeat(4097), "\u{e9}".repeat(2049)] {
        let parameters = client.authorization_parameters("notes:read");
        let answer = open(&server, with(parameters, "state", Some(&state))).await;
        expect_error_redirect(&answer, "invalid_request", "long");
    }
    let without = with(client.authorization_parameters("notes:read"), "state", None);
    let url = authorize_url(&server, without);
    let granted = TestBrowser::new().agree(&server, &url).await.unwrap();
    assert_eq!(parameter(&granted, "state"), None);
}

/// D1
#[tokio::test]
async fn a_form_of_another_type_or_method_is_no_authorization_request() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let body = Form::from_iter(client.authorization_parameters("notes:read")).encode();
    for media_type in [
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let headers = [("content-type", media_type)];
        let page = send(&server, ("POST", "/authorize"), &headers, body.clone()).await;
        expect_page(&page, 400, "link is broken", media_type);
    }
    for method in ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
        let answer = send(&server, (method, "/authorize"), &[FORM], body.clone()).await;
        expect_refusal(&answer, 405, "invalid_request", method);
        assert_eq!(header(&answer, "allow"), "GET, POST", "{method}");
    }
}

/// D2
#[tokio::test]
async fn a_verifier_is_43_to_128_unreserved_characters() {
    let server = TestServer::new();
    for verifier in ["a".repeat(43), "~._-".repeat(32)] {
        let mut client = TestClient::register(&server).await;
        client.verifier = verifier;
        client.sign_in(&server, "notes:read").await;
    }
    let client = TestClient::register(&server).await;
    let code = client.authorize(&server, "notes:read").await;
    for (verifier, error) in [
        (String::new(), "invalid_request"),
        ("a".repeat(42), "invalid_request"),
        ("a".repeat(129), "invalid_request"),
        (format!("{} ", client.verifier), "invalid_request"),
        (format!("{}+", client.verifier), "invalid_request"),
        (format!("{}=", client.verifier), "invalid_request"),
        ("\u{e9}".repeat(43), "invalid_request"),
        ("a".repeat(43), "invalid_grant"),
        (client.verifier.to_uppercase(), "invalid_grant"),
    ] {
        let mut wrong = client.clone();
        wrong.verifier = verifier;
        wrong.redeem(&server, &code).await.expect_error(error);
    }
    let _ = client.redeem(&server, &code).await.expect_tokens();
}

/// D2
#[tokio::test]
async fn the_challenge_itself_is_no_verifier_and_none_is_not_enough() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let code = client.authorize(&server, "notes:read").await;
    let parameters = client.authorization_parameters("notes:read");
    let challenge = parameters.iter().find(|(name, _)| name == "code_challenge");
    let mut plain = client.clone();
    plain.verifier = challenge.unwrap().1.clone();
    plain
        .redeem(&server, &code)
        .await
        .expect_error("invalid_grant");

    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
    ];
    client
        .token(&server, &form)
        .await
        .expect_error("invalid_request");
}

/// D2
#[tokio::test]
async fn a_confidential_client_needs_pkce_too() {
    let server = TestServer::new();
    let asked = serde_json::json!({
        "redirect_uris": [TestClient::REDIRECT_URI],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let client = TestClient::register_with(&server, &asked).await;
    let bare = with(
        client.authorization_parameters("notes:read"),
        "code_challenge",
        None,
    );
    let bare = with(bare, "code_challenge_method", None);
    expect_error_redirect(
        &open(&server, bare).await,
        "invalid_request",
        "no challenge",
    );

    let code = client.authorize(&server, "notes:read").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
    ];
    client
        .token(&server, &form)
        .await
        .expect_error("invalid_request");
}
