//! Bodies of chance: whatever rmcp runs a tool for, the protection saw.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use oauth_for_mcp::adapter::tower::ProtectService;
use oauth_for_mcp::test_util::{TestClient, TestServer};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use tokio::runtime::Runtime;
use tower_service::Service as _;

use crate::attacks;
use crate::handler::{Answers, Runs, Service, handler};

struct World {
    runtime: Runtime,
    /// The handler without protection, and what it ran.
    open: (Service, Runs),
    /// The same behind protection.
    guarded: (ProtectService<Service>, Runs),
    reader: String,
    writer: String,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.unwrap();
    let server = TestServer::with(attacks::table);
    let (reader, writer) = runtime.block_on(async {
        let client = TestClient::register(&server).await;
        let reader = client.sign_in(&server, "notes:read").await.access_token;
        (
            reader,
            client.sign_in(&server, "notes:write").await.access_token,
        )
    });
    let (open, guarded) = (Runs::default(), Runs::default());
    let protection = server.auth().protection().clone();
    let behind = handler(&guarded, Answers::Alone);
    World {
        runtime,
        open: (handler(&open, Answers::Alone), open),
        guarded: (ProtectService::new(protection, behind), guarded),
        reader,
        writer,
    }
});

/// How many bodies ran the tool when nothing stood before it.
static RAN: AtomicU64 = AtomicU64::new(0);

fn request(token: &str, body: &str) -> Request<Full<Bytes>> {
    Request::post("https://mcp.example.com/mcp")
        .header("host", "mcp.example.com")
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

const METHODS: [&str; 10] = [
    r#""tools/call""#,
    r#""tools/call""#,
    r#""tools/call""#,
    r#""tools/call""#,
    r#""tools/call""#,
    r#""tools\/call""#,
    r#""\u0074ools/c\u0061ll""#,
    r#""ping""#,
    r#""Tools/call""#,
    r#"["tools/call"]"#,
];
const NAMES: [&str; 12] = [
    r#""add_note""#,
    r#""add_note""#,
    r#""add_note""#,
    r#""add_note""#,
    r#""add_note""#,
    r#""add\u005fnote""#,
    r#""list_notes""#,
    r#""add_note ""#,
    r#""add_note\u0000""#,
    r#"["add_note"]"#,
    r#"{"$serde_json::private::RawValue":"\"add_note\""}"#,
    "null",
];
const ODD: [(&str, &str); 12] = [
    ("method", r#""ping""#),
    ("m\\u0065thod", r#""tools/call""#),
    ("Method", r#""ping""#),
    ("params", r#"{"name":"list_notes"}"#),
    ("par\\u0061ms", r#"{"name":"add_note"}"#),
    ("params", r#"["add_note"]"#),
    (
        "params",
        r#"{"$serde_json::private::RawValue":"{\"name\":\"add_note\"}"}"#,
    ),
    ("result", "{}"),
    ("error", r#"{"code":1,"message":"x"}"#),
    ("x", r#"{"method":"ping","params":{"name":"list_notes"}}"#),
    ("$serde_json::private::RawValue", r#""{}""#),
    ("id", "2"),
];
const ODD_PARAMS: [(&str, &str); 9] = [
    ("name", r#""list_notes""#),
    ("n\\u0061me", r#""add_note""#),
    ("Name", r#""list_notes""#),
    ("arguments", r#"{"name":"list_notes"}"#),
    ("arguments", "null"),
    ("arguments", r#"{"a":1,"a":2}"#),
    ("_meta", r#"{"progressToken":1}"#),
    ("task", r#"{"ttl":1}"#),
    ("uri", "7"),
];

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Members in any order, the usual ones mostly there, some odd ones among them.
fn members(
    usual: Vec<(String, String)>,
    odd: &'static [(&'static str, &'static str)],
) -> impl Strategy<Value = String> {
    let count = usual.len();
    let kept = prop_oneof![
        9 => Just(usual.clone()),
        1 => subsequence(usual, count - 1),
    ];
    let odd = prop_oneof![
        3 => Just(vec![]),
        3 => vec(select(odd), 1..3),
    ];
    (kept, odd)
        .prop_map(|(kept, odd)| kept.into_iter().chain(odd.into_iter().map(owned)).collect())
        .prop_shuffle()
        .prop_map(|members: Vec<_>| object(&members))
}

fn body() -> impl Strategy<Value = String> {
    let params = select(&NAMES[..]).prop_flat_map(|name| {
        members(
            vec![owned(("name", name)), owned(("arguments", "{}"))],
            &ODD_PARAMS,
        )
    });
    let message = (select(&METHODS[..]), params).prop_flat_map(|(method, params)| {
        let usual = [
            ("jsonrpc", r#""2.0""#),
            ("id", "1"),
            ("method", method),
            ("params", &params),
        ];
        members(usual.map(owned).to_vec(), &ODD)
    });
    (
        message,
        select(&["", "", "", "", " ", "\n\t", "\u{feff}", "[", "//"][..]),
        0_u8..20,
    )
        .prop_map(|(message, before, cut)| match (before, cut) {
            ("[", _) => format!("[{message}]"),
            // A byte less or more, at times.
            (_, 0) => format!("{before}{}", &message[..message.len() - 1]),
            (_, 1) => format!("{before}{message}{message}"),
            _ => format!("{before}{message}"),
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, ..ProptestConfig::default() })]

    /// B8
    fn every_body_that_runs_the_tool_has_been_refused_to_the_reader(body in body()) {
        let World { runtime, open, guarded, reader, writer } = &*WORLD;
        let before = open.1.of_add_note();
        runtime.block_on(open.0.clone().call(request("", &body))).unwrap();
        let runs = open.1.of_add_note() > before;
        RAN.fetch_add(u64::from(runs), Ordering::SeqCst);

        let before = guarded.1.of_add_note();
        let answer = runtime.block_on(guarded.0.clone().call(request(reader, &body)));
        let status = answer.unwrap().status();
        prop_assert_eq!(guarded.1.of_add_note(), before, "{}: {}", status, body);
        if runs {
            prop_assert!(status == 403 || status == 400, "{}: {}", status, body);
            // What is refused to the writer too has two readings.
            let answer = runtime.block_on(guarded.0.clone().call(request(writer, &body)));
            let is_refused = answer.unwrap().status() == 400;
            prop_assert!(is_refused || guarded.1.of_add_note() == before + 1, "{}", body);
        }
    }
}

/// B8
#[test]
fn whatever_runs_a_tool_in_rmcp_was_authorized_for_it() {
    every_body_that_runs_the_tool_has_been_refused_to_the_reader();
    let ran = RAN.load(Ordering::SeqCst);
    assert!(ran > 100, "only {ran} bodies ran the tool");
}
