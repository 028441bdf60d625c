//! What strangers try on the way to a document, and where it ends.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use oauth_for_mcp::event::Event;
use oauth_for_mcp::fetch::ReqwestFetch;
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};

use crate::resolver::Script;
use crate::sign_in::{NAME, URL, document, server};
use crate::tls::{Authority, Server, Step, whole};

/// What a server does, and why its document is refused then.
type Attack = (&'static str, Vec<Step>, &'static str);

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
const TOO_LARGE: &str = "the document is too large";

fn raw(head: &str, body: &[u8]) -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{head}\r\n");
    vec![Step::Send([head.as_bytes(), body].concat())]
}

fn attacks() -> Vec<Attack> {
    let good = document().to_string();
    let padded = format!("{good}{}", " ".repeat(5 * 1024));
    let chunked = format!("{:x}\r\n{padded}\r\n0\r\n\r\n", padded.len());
    let gzip = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    vec![
        ("announced", raw("content-length: 5121\r\n", b""), TOO_LARGE),
        (
            "huge",
            raw("content-length: 99999999999\r\n", b"{}"),
            TOO_LARGE,
        ),
        (
            "in chunks",
            raw("transfer-encoding: chunked\r\n", chunked.as_bytes()),
            TOO_LARGE,
        ),
        (
            "until the end",
            raw("connection: close\r\n", padded.as_bytes()),
            TOO_LARGE,
        ),
        (
            "compressed",
            whole("200 OK", &gzip, b"\x1f\x8b\x08"),
            "the document is compressed",
        ),
    ]
}

fn other_answers() -> Vec<Attack> {
    let good = document().to_string();
    let html = [("content-type", "text/html")];
    vec![
        (
            "a web page",
            whole("200 OK", &html, good.as_bytes()),
            "the content type of the document is not that of JSON",
        ),
        (
            "no type",
            whole("200 OK", &[], good.as_bytes()),
            "the content type of the document is not that of JSON",
        ),
        (
            "another's",
            whole(
                "200 OK",
                JSON,
                good.replace("oauth/client", "oauth/other").as_bytes(),
            ),
            "the client_id in the document is not its URL",
        ),
        (
            "not text",
            whole("200 OK", JSON, b"{\"client_id\":\"\xff\"}"),
            "the document is not UTF-8",
        ),
        (
            "nothing",
            whole("204 No Content", JSON, b""),
            "the host of the document answers with the status 204 No Content",
        ),
        (
            "gone",
            whole("404 Not Found", JSON, good.as_bytes()),
            "the host of the document answers with the status 404 Not Found",
        ),
    ]
}

#[tokio::test]
async fn a_server_that_answers_with_something_else_is_refused() {
    let authority = Authority::new();
    for (name, steps, reason) in attacks().into_iter().chain(other_answers()) {
        let host = Server::start(authority.vouch_for(NAME), move |_| steps.clone()).await;
        let server = server(&authority, &host);
        expect_refused(&server, URL, reason, name).await;
        assert_eq!(host.requests().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let authority = Authority::new();
    let target = |_: &str| whole("200 OK", JSON, document().to_string().as_bytes());
    let target = Server::start(authority.vouch_for("target.example"), target).await;
    for (status, line) in [
        (301, "301 Moved Permanently"),
        (302, "302 Found"),
        (303, "303 See Other"),
        (307, "307 Temporary Redirect"),
        (308, "308 Permanent Redirect"),
    ] {
        let answer = move |_: &str| {
            let headers = [JSON[0], ("location", "https://target.example/client.json")];
            whole(line, &headers, document().to_string().as_bytes())
        };
        let host = Server::start(authority.vouch_for(NAME), answer).await;
        let fetch = ReqwestFetch::public_builder()
            .dangerous_allow(NAME, host.address())
            .dangerous_allow("target.example", target.address())
            .root_certificate_pem(authority.pem().as_bytes())
            .build();
        let server = TestServer::with(|builder| builder.client_documents(fetch.unwrap()));
        let reason = format!("the host of the document answers with the status {line}");
        expect_refused(&server, URL, &reason, line).await;
        assert_eq!(
            (host.requests().len(), target.connections()),
            (1, 0),
            "{status}"
        );
    }
}

/// Addresses that a name may have and that nobody is sent to.
const NOT_PUBLIC: [&str; 28] = [
    "127.0.0.1:0",
    "127.9.9.9:443",
    "0.0.0.0:0",
    "10.0.0.1:0",
    "100.64.0.1:0",
    "169.254.0.1:0",
    "169.254.169.254:80",
    "168.63.129.16:0",
    "172.16.0.1:0",
    "192.168.0.1:0",
    "192.0.0.192:0",
    "192.0.2.1:0",
    "198.18.0.1:0",
    "224.0.0.1:0",
    "255.255.255.255:0",
    "[::]:0",
    "[::1]:0",
    "[fe80::1]:0",
    "[fc00::1]:0",
    "[fd00:ec2::254]:80",
    "[::ffff:127.0.0.1]:0",
    "[::ffff:169.254.169.254]:0",
    "[::127.0.0.1]:0",
    "[::ffff:0:10.0.0.1]:0",
    "[64:ff9b::10.0.0.1]:0",
    "[64:ff9b:1::10.0.0.1]:0",
    "[2002:a00:1::1]:0",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]:0",
];

#[tokio::test]
async fn a_name_that_leads_inwards_is_not_followed_there() {
    let authority = Authority::new();
    let answer = |_: &str| whole("200 OK", JSON, document().to_string().as_bytes());
    let inside = Server::start(authority.vouch_for(NAME), answer).await;
    let here = inside.address().to_string();
    let reason = "the document is out of reach: the address is not public";
    for hidden in NOT_PUBLIC.into_iter().chain([here.as_str()]) {
        for list in [
            &[hidden][..],
            &["1.1.1.1:443", hidden],
            &[hidden, "[2606:4700::1]:443"],
        ] {
            let resolver = Script::new(&[list]);
            let server = resolving(&authority, &resolver);
            expect_refused(&server, URL, reason, hidden).await;
            assert_eq!(resolver.asked(), 1);
        }
    }
    // No address at all is none that is public.
    expect_refused(
        &resolving(&authority, &Script::new(&[&[]])),
        URL,
        reason,
        "none",
    )
    .await;
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn a_name_that_changes_between_judgement_and_connection_gains_nothing() {
    let authority = Authority::new();
    let answer = |_: &str| whole("200 OK", JSON, document().to_string().as_bytes());
    let inside = Server::start(authority.vouch_for(NAME), answer).await;
    let here = inside.address().to_string();
    // Public when it is judged, and here when anybody asks again.
    let resolver = Script::new(&[&["1.1.1.1:9"], &[&here]]);
    expect_outage(&resolving(&authority, &resolver), "rebinding").await;
    assert_eq!((resolver.asked(), inside.connections()), (1, 0));
}

fn resolving(authority: &Authority, resolver: &Arc<Script>) -> TestServer {
    let fetch = ReqwestFetch::public_builder()
        .resolver(Arc::<Script>::clone(resolver))
        .root_certificate_pem(authority.pem().as_bytes())
        .build();
    TestServer::with(|builder| builder.client_documents(fetch.unwrap()))
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_asked_for_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (name, config) in [
        ("another name", authority.vouch_for("another.example")),
        ("expired", authority.vouched_once_for(NAME)),
        ("unknown authority", stranger.vouch_for(NAME)),
    ] {
        let answer = |_: &str| whole("200 OK", JSON, document().to_string().as_bytes());
        let host = Server::start(config, answer).await;
        expect_outage(&server(&authority, &host), name).await;
        assert_eq!(
            (host.connections(), host.requests().len()),
            (1, 0),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_server_that_fails_or_takes_its_time_is_an_outage() {
    let authority = Authority::new();
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n";
    let dribble = |first: &[u8], drop: &[u8]| {
        let drop = [
            Step::Wait(Duration::from_millis(500)),
            Step::Send(drop.to_vec()),
        ];
        let drops = drop.into_iter().cycle().take(40);
        std::iter::once(Step::Send(first.to_vec()))
            .chain(drops)
            .collect::<Vec<_>>()
    };
    let cases = [
        ("silent", vec![Step::Hang]),
        ("slow headers", dribble(head, b"x-a: b\r\n")),
        (
            "slow body",
            dribble(&[head, b"\r\n".as_slice()].concat(), b" "),
        ),
        ("hangs up at once", vec![]),
        ("hangs up halfway", raw("content-length: 500\r\n", b"{")),
        ("no HTTP", vec![Step::Send(b"SSH-2.0-x\r\n".to_vec())]),
        ("fails", whole("500 Internal Server Error", JSON, b"{}")),
        ("is busy", whole("503 Service Unavailable", JSON, b"{}")),
    ];
    let mut running = tokio::task::JoinSet::new();
    for (name, steps) in cases {
        let host = Server::start(authority.vouch_for(NAME), move |_| steps.clone()).await;
        let server = server(&authority, &host);
        running.spawn(async move {
            expect_outage(&server, name).await;
            assert_eq!(host.requests().len(), 1, "{name}");
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

/// Opens the authorization endpoint, and shows the status of the page.
async fn visit(server: &TestServer, url: &str) -> StatusCode {
    let client = TestClient::known(url, TestClient::REDIRECT_URI);
    let url = client.authorization_url(server, "notes:read");
    // Where somebody comes from is told, so that no event is about that.
    let server = server.from_address(std::net::Ipv4Addr::LOCALHOST);
    TestBrowser::new().open(&server, &url).await.status()
}

async fn expect_refused(server: &TestServer, url: &str, reason: &str, case: &str) {
    assert_eq!(visit(server, url).await, 400, "{case}");
    let events = server.events().all();
    let [
        Event::ClientDocumentRefused { reason: seen, .. },
        Event::AuthorizationRefused { .. },
    ] = events.as_slice()
    else {
        panic!("{case}: {events:?}");
    };
    assert_eq!(seen, reason, "{case}");
}

async fn expect_outage(server: &TestServer, case: &str) {
    assert_eq!(visit(server, URL).await, 503, "{case}");
    let events = server.events().all();
    let [Event::Outage { cause }] = events.as_slice() else {
        panic!("{case}: {events:?}");
    };
    let start = "the document of a client cannot be had: the host of the document ";
    assert!(cause.starts_with(start), "{case}: {cause}");
}
