//! The settings of the reference server: what it refuses, and what it says then.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "documents_tls/tls.rs"]
mod tls;

use serde_json::{Value, json};

use support::e2e;
use support::reference_server::{ReferenceServer, Settings};

#[tokio::test]
async fn a_free_port_is_taken_and_named() {
    if !e2e::enabled() {
        return;
    }
    let server = Settings::new().env("LISTEN", "127.0.0.1:0").start().await;

    let address = server.address();
    assert!(
        address.starts_with("http://127.0.0.1:") && !address.ends_with(":0"),
        "{address}"
    );
    let metadata = format!("{address}/.well-known/oauth-authorization-server");
    let metadata: Value = reqwest::get(metadata).await.unwrap().json().await.unwrap();
    assert_eq!(metadata["issuer"], server.public_url());
}

#[tokio::test]
async fn every_way_of_registration_is_on_and_advertised() {
    if !e2e::enabled() {
        return;
    }
    let server = Settings::new()
        .env("STORE", "memory")
        .env("MASTER_KEY", &"A".repeat(43))
        .env(
            "DOCUMENT_HOSTS",
            "client.example=127.0.0.1:1, [::1]=[::1]:2",
        )
        .start()
        .await;

    let metadata = format!(
        "{}/.well-known/oauth-authorization-server",
        server.address()
    );
    let metadata: Value = reqwest::get(metadata).await.unwrap().json().await.unwrap();
    assert_eq!(metadata["client_id_metadata_document_supported"], true);
    assert!(metadata["registration_endpoint"].is_string());
    assert_eq!(server.terminate().await.code(), Some(0));
}

/// The statuses of this many registrations, and of what was told to wait for.
async fn register(server: &ReferenceServer, times: usize) -> Vec<u16> {
    let client = reqwest::Client::new();
    let url = format!("{}/register", server.address());
    let metadata = json!({ "redirect_uris": ["http://127.0.0.1/callback"] });
    let mut statuses = Vec::new();
    for _ in 0..times {
        // Nobody believes a header that no trusted proxy wrote.
        let request = client
            .post(&url)
            .header("x-forwarded-for", format!("10.0.0.{}", statuses.len()));
        let answer = request.json(&metadata).send().await.unwrap();
        assert_eq!(
            answer.status() == 429,
            answer.headers().contains_key("retry-after")
        );
        statuses.push(answer.status().as_u16());
    }
    statuses
}

#[tokio::test]
async fn registrations_of_one_address_are_limited_as_the_setting_says() {
    if !e2e::enabled() {
        return;
    }
    let limited = Settings::new().env("REGISTRATION_LIMIT", "3").start().await;
    assert_eq!(register(&limited, 5).await, [201, 201, 201, 429, 429]);
    assert!(
        limited.output().contains("RateLimited"),
        "{}",
        limited.output()
    );

    let default = Settings::new().start().await;
    let statuses = register(&default, 70).await;
    assert!(
        statuses[..60].iter().all(|status| *status == 201),
        "{statuses:?}"
    );
    assert!(statuses[60..].contains(&429), "{statuses:?}");

    let off = Settings::new()
        .env("REGISTRATION_LIMIT", "off")
        .start()
        .await;
    let statuses = register(&off, 1_100).await;
    assert!(statuses.iter().all(|status| *status == 201));
}

#[tokio::test]
async fn ways_of_registration_that_are_off_are_not_advertised() {
    if !e2e::enabled() {
        return;
    }
    for (registration, dynamic, document) in [
        ("", false, false),
        ("dynamic", true, false),
        ("document", false, true),
    ] {
        let server = Settings::new()
            .env("REGISTRATION", registration)
            .start()
            .await;
        let metadata = format!(
            "{}/.well-known/oauth-authorization-server",
            server.address()
        );
        let metadata: Value = reqwest::get(metadata).await.unwrap().json().await.unwrap();
        let supported = &metadata["client_id_metadata_document_supported"];
        assert_eq!(metadata["registration_endpoint"].is_string(), dynamic);
        assert_eq!(supported == true, document, "{registration}");
    }
}

#[tokio::test]
async fn a_client_is_known_by_a_document_where_the_settings_say_that_its_host_is() {
    if !e2e::enabled() {
        return;
    }
    let url = "https://client.example/client.json";
    let document = json!({
        "client_id": url,
        "client_name": "Document client",
        "redirect_uris": ["http://127.0.0.1/callback"],
    });
    let authority = tls::Authority::new();
    let answer = move |_: &str| {
        let json = [("content-type", "application/json")];
        tls::whole("200 OK", &json, document.to_string().as_bytes())
    };
    let host = tls::Server::start(authority.vouch_for("client.example"), answer).await;
    let pem = std::env::temp_dir().join(format!("oauth-for-mcp-{}.pem", std::process::id()));
    std::fs::write(&pem, authority.pem()).unwrap();
    let server = Settings::new()
        .env("DOCUMENT_CA", &pem.display().to_string())
        .env(
            "DOCUMENT_HOSTS",
            &format!("client.example={}", host.address()),
        )
        .start()
        .await;

    let request = reqwest::Client::new()
        .get(format!("{}/authorize", server.address()))
        .query(&[
            ("response_type", "code"),
            ("client_id", url),
            ("redirect_uri", "http://127.0.0.1:7777/callback"),
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
        ]);
    let page = request.send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("<strong>client.example</strong>"), "{page}");
    assert_eq!(host.requests().len(), 1);
    std::fs::remove_file(pem).unwrap();
}

/// Settings that no server can run with, and what the sentence has to name.
const UNUSABLE: [(&[(&str, &str)], &str); 32] = [
    (&[("STORE", "sqlite:/no/such/folder/notes.db")], "STORE"),
    (&[("STORE", "sqlite::memory:")], "STORE"),
    (
        &[("STORE", "postgres://user:hunter2@127.0.0.1:1/x")],
        "STORE",
    ),
    (&[("STORE", "redis://:hunter2@127.0.0.1:1")], "STORE"),
    (&[("STORE", "floppy")], "STORE"),
    (&[("STORE", "memory:")], "STORE"),
    (&[("MASTER_KEY", "short")], "MASTER_KEY"),
    (
        &[("MASTER_KEY", "+++++++++++++++++++++++++++++++++++++++++++")],
        "MASTER_KEY",
    ),
    (&[("REGISTRATION", "dynamic,psychic")], "REGISTRATION"),
    (&[("REGISTRATION_LIMIT", "many")], "REGISTRATION_LIMIT"),
    (&[("REGISTRATION_LIMIT", "0")], "REGISTRATION_LIMIT"),
    (&[("ACCESS_TOKEN_TTL", "0")], "ACCESS_TOKEN_TTL"),
    (&[("ACCESS_TOKEN_TTL", "ten")], "ACCESS_TOKEN_TTL"),
    (
        &[("ACCESS_TOKEN_TTL", "99999999999999999999")],
        "ACCESS_TOKEN_TTL",
    ),
    (&[("REFRESH_TOKEN_TTL", "-1")], "REFRESH_TOKEN_TTL"),
    (&[("REFRESH_GRACE", "0.5")], "REFRESH_GRACE"),
    (&[("ACCESS_TOKEN_FORMAT", "saml")], "ACCESS_TOKEN_FORMAT"),
    (&[("IDP_ISSUER", "http://127.0.0.1:1")], "IDP_CLIENT_ID"),
    (
        &[("IDP_CLIENT_ID", "x"), ("IDP_CLIENT_SECRET", "y")],
        "IDP_ISSUER",
    ),
    (
        &[
            ("IDP_ISSUER", "not a URL"),
            ("IDP_CLIENT_ID", "x"),
            ("IDP_CLIENT_SECRET", "hunter2"),
        ],
        "IDP_ISSUER",
    ),
    (&[("CLIENTS", "/no/such/file")], "CLIENTS"),
    (&[("DOCUMENT_CA", "/no/such/file")], "DOCUMENT_CA"),
    (&[("DOCUMENT_CA", "/etc/hostname")], "DOCUMENT_CA"),
    (&[("DOCUMENT_HOSTS", "client.example")], "DOCUMENT_HOSTS"),
    (
        &[("DOCUMENT_HOSTS", "client.example=localhost:1")],
        "DOCUMENT_HOSTS",
    ),
    (&[("LISTEN", "nowhere")], "LISTEN"),
    (&[("LISTEN", "192.0.2.1:1")], "LISTEN"),
    (&[("PUBLIC_URL", "mcp.example.com")], "PUBLIC_URL"),
    (&[("PUBLIC_URL", "https://mcp.example.com")], "loopback"),
    (&[("PUBLIC_URL", "http://mcp.example.com")], "PUBLIC_URL"),
    (
        &[("PUBLIC_URL", "https://mcp.example.com/?x=1")],
        "PUBLIC_URL",
    ),
    (&[("PUBLIC_URL", "ftp://127.0.0.1")], "PUBLIC_URL"),
];

#[tokio::test]
async fn a_bad_setting_is_named_in_one_sentence() {
    if !e2e::enabled() {
        return;
    }
    for (variables, named) in UNUSABLE {
        let set = |settings: Settings, (name, value): &(&str, &str)| settings.env(name, value);
        assert_refused(variables.iter().fold(Settings::new(), set), named).await;
    }
    let no_redirect = json!([{ "client_id": "desk", "redirect_uris": ["http://example.com/"] }]);
    let desk = json!({ "client_id": "desk", "redirect_uris": ["http://127.0.0.1/"] });
    for clients in [json!({}), json!([{}]), no_redirect, json!([desk, desk])] {
        assert_refused(Settings::new().clients(&clients), "client").await;
    }
}

#[tokio::test]
async fn another_master_key_is_found_out_at_the_start() {
    if !e2e::enabled() {
        return;
    }
    let file = std::env::temp_dir().join(format!("oauth-for-mcp-{}.db", std::process::id()));
    let store = format!("sqlite:{}", file.display());
    let settings = |key: &str| {
        let key = key.repeat(42) + "A";
        Settings::new().env("STORE", &store).env("MASTER_KEY", &key)
    };
    let server = settings("B").start().await;
    assert_eq!(server.terminate().await.code(), Some(0));
    assert_refused(settings("C"), "master key").await;

    let server = settings("B").start().await;
    assert_eq!(server.terminate().await.code(), Some(0));
    let unset = Settings::new().env("STORE", "memory").start().await;
    assert!(!unset.output().contains("MASTER_KEY"));
    std::fs::remove_file(file).unwrap();
}

async fn assert_refused(settings: Settings, named: &str) {
    let (status, output) = settings.refused().await;
    println!("{}: {}", status.code().unwrap(), output.trim_end());
    assert_eq!(status.code(), Some(1), "{output}");
    assert_eq!(output.lines().count(), 1, "{output}");
    let (output, named_lower) = (output.to_lowercase(), named.to_lowercase());
    assert!(
        output.contains(&named_lower),
        "{named} is not named: {output}"
    );
    assert!(!output.contains("hunter2"), "a secret is printed: {output}");
}
