use std::sync::Arc;

use async_trait::async_trait;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, Response};

use super::*;
use crate::jose::Audience;
use crate::protocol::bearer::BearerToken;
use crate::resource::{
    ResourceServer, ScopePolicy, TokenClaims, TokenKind, TokenVerifier, VerifiedToken,
    VerifierError,
};
use crate::types::{Issuer, ResourceUri, Scope, Subject, Timestamp};

const TOOLS: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"open"},{"name":"add_note","description":"a \"b\""},{"name":"open2"}],"nextCursor":"x"}}"#;
const CUT: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"open"},{"name":"open2"}],"nextCursor":"x"}}"#;

/// Vouches for everybody, with `c` alone.
#[derive(Debug)]
struct Believer;

#[async_trait]
impl TokenVerifier for Believer {
    async fn verify(&self, _: &BearerToken, now: Timestamp) -> Result<TokenClaims, VerifierError> {
        let mut claims = TokenClaims::new(
            TokenKind::AccessToken,
            "https://issuer.example.com",
            Subject::parse("alice").unwrap(),
            Audience::one("https://mcp.example.com/mcp"),
            now.plus(std::time::Duration::from_secs(60)),
        );
        claims.scope = Scope::parse("c").unwrap();
        Ok(claims)
    }
}

fn guard() -> Arc<ResourceServer> {
    let policy = ScopePolicy::builder()
        .connect("c")
        .tool("add_note", "write")
        .prompt("draft", "write")
        .resource("notes://private", "private")
        .public_tool("open")
        .build()
        .unwrap();
    let resource = ResourceUri::parse("https://mcp.example.com/mcp").unwrap();
    let issuer = Issuer::parse("https://issuer.example.com").unwrap();
    let guard = ResourceServer::builder(resource, vec![issuer], Arc::new(Believer));
    Arc::new(guard.scope_policy(policy).build().unwrap())
}

async fn alice(guard: &ResourceServer) -> VerifiedToken {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_static("Bearer abc"));
    guard.authenticate(&headers).await.unwrap()
}

#[test]
fn what_is_refused_is_over_at_once_and_shows_no_bytes() {
    let mut refused = filter_of("application/json", Some("gzip"));
    assert!(refused.is_over());
    assert!(refused.end().starts_with(br#"{"jsonrpc":"2.0""#));
    assert!(!refused.is_over(), "the failure is told once");
    assert!(refused.end().is_empty());

    let mut whole = filter_of("application/json", None);
    let _ = whole.push(Bytes::from_static(b"secret"));
    assert!(!whole.is_over());
    assert!(!format!("{whole:?}").contains("115"), "{whole:?}");
    let _ = whole.push(vec![b' '; ListFilter::MAX_MESSAGE].into());
    assert!(whole.is_over());
}

fn filter_of(kind: &'static str, encoding: Option<&'static str>) -> ListFilter {
    let mut answer = Response::builder().header(CONTENT_TYPE, kind);
    if let Some(encoding) = encoding {
        answer = answer.header(CONTENT_ENCODING, encoding);
    }
    let (mut parts, ()) = answer.body(()).unwrap().into_parts();
    let view = View {
        resource: guard(),
        caller: None,
        id: Some("1".to_owned()),
    };
    ListFilter::new(view, &mut parts, false).unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
}

fn view(caller: bool) -> View {
    let resource = guard();
    let caller = caller.then(|| block_on(alice(&resource)));
    View {
        resource,
        caller,
        id: Some("1".to_owned()),
    }
}

fn head(headers: &[(HeaderName, &'static str)]) -> response::Parts {
    let mut answer = Response::new(());
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        answer.headers_mut().insert(name, value);
    }
    answer.into_parts().0
}

fn filter(media_type: &'static str) -> ListFilter {
    let mut head = head(&[(CONTENT_TYPE, media_type)]);
    ListFilter::new(view(true), &mut head, false).unwrap()
}

/// What is sent of a body that comes in pieces of this size.
fn sent(mut filter: ListFilter, body: &[u8], size: usize) -> String {
    let mut sent = Vec::new();
    for piece in body.chunks(size) {
        sent.extend_from_slice(&filter.push(Bytes::copy_from_slice(piece)));
    }
    sent.extend_from_slice(&filter.end());
    String::from_utf8(sent).unwrap()
}

fn json(body: &str) -> String {
    sent(filter("application/json"), body.as_bytes(), 7)
}

fn stream(body: &str) -> String {
    let mut all: Vec<String> = [1, 2, 3, 5, 10_000]
        .into_iter()
        .map(|size| sent(filter("text/event-stream"), body.as_bytes(), size))
        .collect();
    all.dedup();
    assert_eq!(all.len(), 1, "however it is cut into pieces: {all:?}");
    all.remove(0)
}

fn is_failure(body: &str) -> bool {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["error"]["code"] == -32603 && body["id"] == 1 && body.get("result").is_none()
}

#[test]
fn a_list_shows_what_the_caller_may_use() {
    assert_eq!(json(TOOLS), CUT);
    assert_eq!(
        json(r#"{"result":{"prompts":[{"name":"draft"},{"name":"greet"}]}}"#),
        r#"{"result":{"prompts":[{"name":"greet"}]}}"#
    );
    assert_eq!(
        json(
            r#"{"result":{"resources":[{"uri":"notes://private/a","name":"a"},{"uri":"notes://a/../private"},{"uri":"notes://b"}]}}"#
        ),
        r#"{"result":{"resources":[{"uri":"notes://b"}]}}"#
    );
    assert_eq!(
        json(
            r#"{"result":{"resourceTemplates":[{"uriTemplate":"notes://private/{id}"},{"uriTemplate":"notes://{id}"}]}}"#
        ),
        r#"{"result":{"resourceTemplates":[{"uriTemplate":"notes://{id}"}]}}"#
    );
    assert_eq!(
        json(r#"{"result":{"skills":[{"uri":"notes://private/SKILL.md"},{"uri":"notes://b"}]}}"#),
        r#"{"result":{"skills":[{"uri":"notes://b"}]}}"#
    );
    let both = r#"{"result":{"tools":[{"name":"add_note"}],"prompts":[{"name":"draft"}]}}"#;
    assert_eq!(json(both), r#"{"result":{"tools":[],"prompts":[]}}"#);
}

#[test]
fn nobody_sees_what_is_public_and_nothing_else() {
    let mut head = head(&[(CONTENT_TYPE, "application/json")]);
    let filter = ListFilter::new(view(false), &mut head, false).unwrap();
    let shown = sent(filter, TOOLS.as_bytes(), 100);
    assert_eq!(shown, CUT.replace(r#",{"name":"open2"}"#, ""));
}

#[test]
fn what_is_no_list_passes_byte_for_byte() {
    for body in [
        "{ \"result\" : {\"content\":[], \"x\": 1.0, \"big\": 12345678901234567890123} }",
        r#"{"error":{"code":-1,"message":"tools"}}"#,
        r#"{"method":"sampling/createMessage","params":{"tools":[{"name":"add_note"}]}}"#,
        r#"{"result":null}"#,
        r#"{"result":[{"tools":[{"name":"x"}]}]}"#,
        "",
    ] {
        assert_eq!(json(body), body);
    }
}

#[test]
fn a_list_that_is_cut_keeps_everything_else_as_it_was() {
    let body = r#"{"z":1.0,"result":{"ttlMs":5,"b":12345678901234567890123,"tools":[ {"name":"open", "x":1.50} ],"cacheScope":"public","a":"é"},"id":1e0}"#;
    let cut = body.replace(
        r#"[ {"name":"open", "x":1.50} ]"#,
        r#"[{"name":"open", "x":1.50}]"#,
    );
    assert_eq!(json(body), cut.replace("public", "private"));
}

#[test]
fn every_answer_of_a_batch_is_cut() {
    let other = r#"{ "id":2, "result":{} }"#;
    assert_eq!(
        json(&format!(" [{other},{TOOLS}]")),
        format!("[{other},{CUT}]")
    );
    assert_eq!(json(&format!("[{other}]")), format!("[{other}]"));
}

#[test]
fn what_has_no_name_or_two_is_not_shown() {
    let body = r#"{"result":{"tools":[{},{"name":1},{"name":"open","name":"add_note"},"open",null,{"name":"open"}]}}"#;
    assert_eq!(json(body), r#"{"result":{"tools":[{"name":"open"}]}}"#);
}

#[test]
fn what_cannot_be_read_becomes_an_error() {
    let long = format!(
        r#"{{"result":{{"x":"{}"}}}}"#,
        "x".repeat(ListFilter::MAX_MESSAGE)
    );
    for body in [
        "not json",
        "{\"result\":{\"tools\":[{\"name\":\"add_note\"}]}",
        r#"{"result":{"tools":{"name":"add_note"}}}"#,
        r#"{"result":{"tools":"add_note"}}"#,
        r#"{"result":{"tools":null}}"#,
        r#"{"result":{},"result":{"tools":[{"name":"add_note"}]}}"#,
        r#"{"result":{"tools":[],"t\u006fols":[{"name":"add_note"}]}}"#,
        r#"{"id":1}{"result":{"tools":[{"name":"add_note"}]}}"#,
        r#"[{"result":{}},1]"#,
        "\u{feff}{\"result\":{}}",
        long.as_str(),
    ] {
        let sent = sent(filter("application/json"), body.as_bytes(), 1 << 16);
        assert!(is_failure(&sent), "{sent}");
    }
    let no_text = sent(filter("application/json"), b"{\"result\":\"\xff\"}", 5);
    assert!(is_failure(&no_text), "{no_text}");
}

#[test]
fn a_media_type_that_is_not_known_is_read_as_json() {
    for media_type in [
        "text/plain",
        "application/json; charset=utf-8",
        "application/octet-stream",
    ] {
        assert_eq!(
            sent(filter(media_type), TOOLS.as_bytes(), 50),
            CUT,
            "{media_type}"
        );
    }
}

#[test]
fn an_event_stream_is_cut_event_by_event() {
    for end in ["\n", "\r\n", "\r"] {
        let event = |data: &str| format!("event: message{end}id: 7{end}data: {data}{end}{end}");
        let before = format!(": hello{end}{end}retry: 3{end}data:{end}{end}");
        let progress = event(r#"{"method":"notifications/progress","params":{"x":1.0}}"#);
        let cut = format!("event: message{end}id: 7{end}data: {CUT}\n{end}");
        let body = format!("{before}{progress}{}: bye{end}", event(TOOLS));
        assert_eq!(stream(&body), format!("{before}{progress}{cut}: bye{end}"));
    }
}

#[test]
fn data_of_several_lines_is_one_message() {
    let body = "data: {\"result\":\ndata: {\"tools\":[\ndata: {\"name\":\"open\",\ndata:\"a\":1},\nid: 3\ndata: {\"name\":\"add_note\"}]}}\n\n";
    let untouched = "data: {\"result\":\ndata: {}}\n\n";
    for end in ["\n", "\r\n", "\r"] {
        let first = "data: {\"result\":{\"tools\":[{\"name\":\"open\",\ndata: \"a\":1}]}}\n";
        let cut = format!("{first}id: 3{end}{end}");
        assert_eq!(stream(&body.replace('\n', end)), cut);
        let untouched = untouched.replace('\n', end);
        assert_eq!(stream(&untouched), untouched);
    }
}

#[test]
fn events_pass_as_soon_as_they_are_whole() {
    let mut filter = filter("text/event-stream");
    let mut push = |text: &'static str| filter.push(Bytes::from_static(text.as_bytes()));
    assert_eq!(push("data: {\"method\":\"a\"}\n"), "");
    assert_eq!(push("\nda"), "data: {\"method\":\"a\"}\n\n");
    assert_eq!(push("ta: x\r\n\r"), "data: x\r\n\r");
    assert_eq!(push("\n: alive\n"), "\n: alive\n");
    assert_eq!(push("data: {\"resu"), "");
    assert_eq!(
        push("lt\":{\"tools\":[{\"name\":\"add_note\"}]}}\n\n: next"),
        "data: {\"result\":{\"tools\":[]}}\n\n"
    );
    assert_eq!(filter.end(), ": next");
}

#[test]
fn an_event_that_cannot_be_read_becomes_an_error_and_the_next_one_passes() {
    let long = format!("data: {}", "x".repeat(ListFilter::MAX_MESSAGE + 1));
    let next = "data: {\"method\":\"a\"}\n\n";
    for event in [
        "data: {\"result\":{\"tools\":[{\"name\":\"add_note\"}]}",
        "id: 1\ndata: {\"result\":{\"tools\":\"add_note\"}}",
        "\u{feff}data: {\"result\":{\"tools\":null}}",
        "data: [{\"result\":{},\"result\":{\"tools\":[{\"name\":\"add_note\"}]}}]",
        long.as_str(),
    ] {
        let sent = sent(
            filter("text/event-stream"),
            format!("{event}\n\n{next}").as_bytes(),
            1 << 16,
        );
        assert!(
            !sent.contains("add_note") && sent.ends_with(next),
            "{sent:.200}"
        );
        let data = sent
            .lines()
            .find_map(|line| line.strip_prefix("data: "))
            .unwrap();
        assert!(is_failure(data), "{data}");
    }
}

#[test]
fn an_event_that_never_ends_is_cut_as_well() {
    let body = format!("data: {TOOLS}");
    assert_eq!(stream(&body), format!("data: {CUT}\n"));
    assert_eq!(
        stream(&format!("\u{feff}{body}\n")),
        format!("data: {CUT}\n")
    );
}

#[test]
fn what_is_no_message_passes_in_a_stream() {
    let body = "event: endpoint\ndata: /messages?sessionId=1\n\ndata: [DONE\n\n";
    let sent = stream(body);
    assert!(
        sent.starts_with("event: endpoint\ndata: /messages?sessionId=1\n\n"),
        "{sent}"
    );
    assert!(!sent.contains("DONE"), "{sent}");
}

#[test]
fn what_describes_other_bytes_is_taken_off() {
    let mut head = head(&[
        (CONTENT_TYPE, "application/json"),
        (CONTENT_LENGTH, "100"),
        (ETAG, "\"a\""),
        (CACHE_CONTROL, "public, max-age=60"),
        (HeaderName::from_static("x-other"), "stays"),
    ]);
    assert!(ListFilter::new(view(true), &mut head, false).is_some());
    let mut left: Vec<_> = head.headers.iter().map(|(name, _)| name.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, ["cache-control", "content-type", "x-other"]);
    assert_eq!(head.headers[CACHE_CONTROL], "no-store");
}

#[test]
fn a_compressed_answer_is_refused() {
    for media_type in ["application/json", "text/event-stream"] {
        let mut head = head(&[(CONTENT_TYPE, media_type), (CONTENT_ENCODING, "gzip")]);
        let filter = ListFilter::new(view(true), &mut head, false).unwrap();
        assert_eq!(head.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(head.headers[CONTENT_TYPE], "application/json");
        assert!(!head.headers.contains_key(CONTENT_ENCODING));
        assert!(is_failure(&sent(filter, b"\x1f\x8b", 1)));
    }
}

#[test]
fn only_what_can_hold_a_list_is_looked_through() {
    let mut failed = head(&[(CONTENT_TYPE, "application/json"), (CONTENT_LENGTH, "9")]);
    failed.status = StatusCode::NOT_FOUND;
    assert!(ListFilter::new(view(true), &mut failed, false).is_none());
    assert!(failed.headers.contains_key(CONTENT_LENGTH));
    let json = || head(&[(CONTENT_TYPE, "application/json")]);
    assert!(ListFilter::new(view(true), &mut json(), true).is_none());
    let mut stream = head(&[(CONTENT_TYPE, "Text/Event-Stream; charset=utf-8")]);
    assert!(ListFilter::new(view(true), &mut stream, true).is_some());
}
