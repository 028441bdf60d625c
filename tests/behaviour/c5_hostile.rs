//! Documents that nobody should be let in by, each with the reason that the
//! operator sees. What only shows on the way to them is in `tests/documents_tls`.

use serde_json::json;

use super::support::{expect_outage, expect_page, expect_refusal, open, text};
use super::web::{URL, Web, client_at, document, refusals, server};

/// Addresses in the place of a host: none of them is ever asked.
const ADDRESSES: [&str; 27] = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.0.1",
    // The metadata services of clouds.
    "169.254.169.254",
    "168.63.129.16",
    "100.100.100.200",
    "[fd00:ec2::254]",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[fe80::1]",
    "[fd00::1]",
    // IPv4 in IPv6: mapped, compatible, translated, NAT64 twice, 6to4, Teredo.
    "[::ffff:7f00:1]",
    "[::7f00:1]",
    "[::ffff:0:7f00:1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a00:1]",
    "[2002:7f00:1::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
];

/// Other spellings of 127.0.0.1 and 169.254.169.254.
const SPELLINGS: [&str; 12] = [
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "2852039166",
    "0xa9fea9fe",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:0:0:1]",
];

/// C5
#[tokio::test]
async fn an_address_that_is_not_public_is_never_asked() {
    let web = Web::new();
    let server = server(&web);
    for host in ADDRESSES {
        let reason = "the document is out of reach: the address is not public";
        let url = format!("https://{host}/client.json");
        expect_refused(&server, &url, reason).await;
    }
    for host in SPELLINGS {
        let reason =
            "the client_id is no URL of a document: it is not written in its canonical form";
        let url = format!("https://{host}/client.json");
        expect_refused(&server, &url, reason).await;
    }
    assert_eq!(web.fetched(), Vec::<String>::new());
}

/// What a host answers: status, content type, content encoding and why not.
const ANSWERS: [(u16, &str, &str, &str); 21] = [
    (
        201,
        JSON,
        "",
        "the host of the document answers with the status 201 Created",
    ),
    (
        204,
        JSON,
        "",
        "the host of the document answers with the status 204 No Content",
    ),
    (
        206,
        JSON,
        "",
        "the host of the document answers with the status 206 Partial Content",
    ),
    (
        301,
        JSON,
        "",
        "the host of the document answers with the status 301 Moved Permanently",
    ),
    (
        302,
        JSON,
        "",
        "the host of the document answers with the status 302 Found",
    ),
    (
        304,
        JSON,
        "",
        "the host of the document answers with the status 304 Not Modified",
    ),
    (
        307,
        JSON,
        "",
        "the host of the document answers with the status 307 Temporary Redirect",
    ),
    (
        308,
        JSON,
        "",
        "the host of the document answers with the status 308 Permanent Redirect",
    ),
    (
        401,
        JSON,
        "",
        "the host of the document answers with the status 401 Unauthorized",
    ),
    (
        403,
        JSON,
        "",
        "the host of the document answers with the status 403 Forbidden",
    ),
    (
        404,
        JSON,
        "",
        "the host of the document answers with the status 404 Not Found",
    ),
    (
        410,
        JSON,
        "",
        "the host of the document answers with the status 410 Gone",
    ),
    (200, "", "", NO_JSON),
    (200, "text/html", "", NO_JSON),
    (200, "text/plain", "", NO_JSON),
    (200, "application/javascript", "", NO_JSON),
    (200, "application/jsonp", "", NO_JSON),
    (200, "application/json, text/html", "", NO_JSON),
    (200, JSON, "gzip", "the document is compressed"),
    (200, JSON, "br", "the document is compressed"),
    (200, JSON, "identity, gzip", "the document is compressed"),
];

const JSON: &str = "application/json";
const NO_JSON: &str = "the content type of the document is not that of JSON";

/// C5
#[tokio::test]
async fn an_answer_that_is_not_the_document_is_refused() {
    let web = Web::new();
    let server = server(&web);
    for (number, (status, content_type, encoding, reason)) in ANSWERS.into_iter().enumerate() {
        let url = format!("https://h{number}.example/client.json");
        let headers = [
            ("content-type", content_type),
            ("content-encoding", encoding),
            ("location", "https://client.example.com/oauth/client.json"),
        ];
        web.answer(&url, status, &headers, document(&url).to_string());
        expect_refused(&server, &url, reason).await;
    }
    // A redirect is not followed, not even to a document that is good.
    assert!(
        web.fetched()
            .iter()
            .all(|url| !url.contains("oauth/client.json"))
    );
}

pub(super) const MALFORMED: &str = "the document is no JSON object of client metadata";
pub(super) const NAME: &str = "the client_name is too long or has control characters";
pub(super) const NO_REDIRECT: &str = "there is no redirect URI, or there are too many";

/// C5
#[tokio::test]
async fn a_text_that_is_no_plain_json_object_is_refused() {
    let good = document(URL).to_string();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [Vec<u8>; 15] = [
        b"".to_vec(),
        b"null".to_vec(),
        b"7".to_vec(),
        format!("[{good}]").into(),
        format!("\"{}\"", good.replace('"', "\\\"")).into(),
        format!("\u{feff}{good}").into(),
        format!("{good}{good}").into(),
        format!("{good} // comment").into(),
        good[..good.len() - 1].into(),
        format!("callback({good})").into(),
        b"<!doctype html><title>x</title>".to_vec(),
        good.replace('"', "'").into(),
        good.replace("Document", "Doc\u{0}ument").into(),
        good.replace("Document", r"Doc\ud800ument").into(),
        utf16,
    ];
    for body in cases {
        expect_document_refused(body, MALFORMED).await;
    }
    let bytes = [good.as_bytes(), b"\xff"].concat();
    expect_document_refused(bytes, "the document is not UTF-8").await;
}

/// C5
#[tokio::test]
async fn a_document_that_is_nested_deeply_or_says_a_thing_twice_is_refused() {
    let good = document(URL).to_string();
    let members = good.trim_matches(['{', '}']);
    let with = |member: &str| format!("{{{members},{member}}}");
    let deep = |open: &str, close: &str| {
        with(&format!("\"x\":{}1{}", open.repeat(300), close.repeat(300)))
    };
    for body in [
        deep("[", "]"),
        deep(r#"{"a":"#, "}"),
        format!("{}{good}", "[".repeat(2000)),
    ] {
        expect_document_refused(body, "the document is nested too deeply").await;
    }
    for member in [
        r#""client_name":"Other""#.to_owned(),
        format!(r#""client_id":"{URL}""#),
        r#""x":1,"x":1"#.to_owned(),
        r#""client\u005fname":"Other""#.to_owned(),
    ] {
        let reason = "a member of the document is repeated";
        expect_document_refused(with(&member), reason).await;
    }
}

/// C5
#[tokio::test]
async fn a_document_that_is_too_much_is_refused() {
    let mut large = document(URL);
    large["x"] = json!("x".repeat(5 * 1024));
    expect_document_refused(large.to_string(), "the document is too large").await;
    let mut list = document(URL);
    let uris = (0..33).map(|number| format!("https://a.example/{number}"));
    list["redirect_uris"] = uris.collect();
    expect_document_refused(list.to_string(), NO_REDIRECT).await;
    let mut name = document(URL);
    name["client_name"] = json!("x".repeat(129));
    expect_document_refused(name.to_string(), NAME).await;
    // What is not known here does no harm, as long as it is not too much.
    let mut rich = document(URL);
    rich["x"] = json!([[[[1]]], {"client_name": ["other"], "d": "x"}]);
    rich["contacts"] = json!(vec![0; 1000]);
    let web = Web::new();
    web.publish(URL, &rich);
    client_at(URL).sign_in(&server(&web), "notes:read").await;
}

/// Publishes a document that has to be refused for this reason.
pub(super) async fn expect_document_refused(body: impl Into<bytes::Bytes>, reason: &str) {
    let web = Web::new();
    web.answer(URL, 200, &[], body);
    expect_refused(&server(&web), URL, reason).await;
    assert!(web.fetched().iter().all(|url| url == URL), "{reason}");
}

/// Whether somebody else may have answered in the place of the document: then a
/// client that proves itself hears of an outage.
fn says_nothing_of_the_document(reason: &str) -> bool {
    let status = "the host of the document answers with the status ";
    let gone = ["404 Not Found", "410 Gone"];
    let answered = reason.strip_prefix(status);
    answered.is_some_and(|answered| !gone.contains(&answered))
        || [
            NO_JSON,
            "the document is compressed",
            "the document is too large",
        ]
        .contains(&reason)
}

/// Makes sure that the person sees a page, that the client is no client, and that
/// only the operator hears why.
async fn expect_refused(server: &oauth_for_mcp::test_util::TestServer, url: &str, reason: &str) {
    let parameters = client_at(url).authorization_parameters("notes:read");
    let page = open(server, parameters).await;
    expect_page(
        &page,
        400,
        "Only whoever makes the",
        &format!("{url}: {reason}"),
    );
    let answer = client_at(url).redeem(server, "x").await;
    if says_nothing_of_the_document(reason) {
        expect_outage(answer.response(), reason);
    } else {
        expect_refusal(answer.response(), 401, "invalid_client", reason);
    }
    let seen = refusals(server);
    assert_eq!(seen[seen.len() - 2..], [reason, reason], "{url}");
    for answer in [&page, answer.response()] {
        assert!(!text(answer).contains(reason), "{reason}: {answer:?}");
    }
}
