//! Ways to reach a tool without its scope: what is sent, and how it is refused.

use bytes::Bytes;
use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::resource::Operation;
use oauth_for_mcp::types::Scope;

pub(crate) const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note"}}"#;
pub(crate) const HARMLESS: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes"}}"#;
pub(crate) const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

type Headers = Vec<(&'static str, String)>;

/// One way: the method, the headers beside the usual ones, the body.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) headers: Headers,
    pub(crate) body: Bytes,
    pub(crate) refusals: &'static [u16],
}

pub(crate) fn attack(
    name: &'static str,
    body: impl Into<Bytes>,
    refusals: &'static [u16],
) -> Attack {
    Attack {
        name,
        method: "POST",
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.into(),
        refusals,
    }
}

impl Attack {
    pub(crate) fn by(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// In place of `application/json`.
    pub(crate) fn typed(mut self, media_type: &str) -> Self {
        self.headers.retain(|(name, _)| *name != "content-type");
        self.with("content-type", media_type)
    }
}

pub(crate) fn table(builder: McpAuthBuilder) -> McpAuthBuilder {
    builder
        .scope("notes:private", "Read private notes")
        .prompt("draft", ["notes:write"])
        .resource("notes://private/", ["notes:private"])
        .method("logging/setLevel", ["notes:write"])
        .rule(|operation: &Operation<'_>| {
            let arguments = operation.arguments();
            let folder = arguments.and_then(|arguments| arguments.get("folder"));
            match folder.and_then(serde_json::Value::as_str) {
                Some("private") => Scope::parse("notes:private").unwrap_or_default(),
                Some(_) | None => Scope::empty(),
            }
        })
}

fn message(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Bodies as they are written, with the call where `CALL` stands.
const WRITTEN: [(&str, &str, &[u16]); 31] = [
    ("plain", "CALL", &[403]),
    (
        "members in another order",
        r#"{"params":{"arguments":{},"name":"add_note"},"method":"tools/call"}"#,
        &[403],
    ),
    (
        "escapes in the name",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add\u005fnote"}}"#,
        &[403],
    ),
    (
        "escapes in the method",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools\/c\u0061ll","params":{"name":"add_note"}}"#,
        &[403],
    ),
    (
        "escapes in a member",
        r#"{"\u006dethod":"tools/call","p\u0061rams":{"n\u0061me":"add_note"}}"#,
        &[403],
    ),
    (
        "as a task",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add_note","task":{"ttl":1}}}"#,
        &[403],
    ),
    (
        "without an id",
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"add_note"}}"#,
        &[403],
    ),
    (
        "as an answer too",
        r#"{"id":1,"result":{},"method":"tools/call","params":{"name":"add_note"}}"#,
        &[403],
    ),
    ("alone in a batch", "[CALL]", &[403]),
    (
        "last in a batch",
        r#"[{"method":"ping"},{"id":2,"result":{}},CALL]"#,
        &[403],
    ),
    ("in a batch of a batch", "[[CALL]]", &[400]),
    ("in a wrapper", r#"{"message":CALL}"#, &[400]),
    (
        "params in text that stands for JSON",
        r#"{"method":"tools/call","params":{"$serde_json::private::RawValue":"{\"name\":\"add_note\"}"}}"#,
        &[400],
    ),
    (
        "the method twice",
        r#"{"method":"ping","method":"tools/call","params":{"name":"add_note"}}"#,
        &[400],
    ),
    (
        "the method twice, one escaped",
        r#"{"method":"tools/call","\u006dethod":"ping","params":{"name":"add_note"}}"#,
        &[400],
    ),
    (
        "the name twice",
        r#"{"method":"tools/call","params":{"name":"list_notes","name":"add_note"}}"#,
        &[400],
    ),
    (
        "the params twice",
        r#"{"method":"tools/call","params":{"name":"list_notes"},"params":{"name":"add_note"}}"#,
        &[400],
    ),
    (
        "params in an array",
        r#"{"method":"tools/call","params":["add_note"]}"#,
        &[400],
    ),
    (
        "the name in an array",
        r#"{"method":"tools/call","params":{"name":["add_note"]}}"#,
        &[400],
    ),
    (
        "the name in another case",
        r#"{"method":"tools/call","params":{"Name":"add_note"}}"#,
        &[400],
    ),
    (
        "the method in another case beside it",
        r#"{"method":"ping","Method":"tools/call","params":{"name":"add_note"}}"#,
        &[400],
    ),
    (
        "the method in another case before it",
        r#"{"METHOD":"tools/call","method":"ping","params":{"name":"add_note"}}"#,
        &[400],
    ),
    (
        "the name in another case beside it",
        r#"{"method":"tools/call","params":{"name":"list_notes","Name":"add_note"}}"#,
        &[400],
    ),
    (
        "the params in another case beside them",
        r#"{"method":"tools/call","params":{"name":"list_notes"},"PARAMS":{"name":"add_note"}}"#,
        &[400],
    ),
    (
        "the params with a letter that folds into another",
        r#"{"method":"tools/call","params":{"name":"list_notes"},"param\u017f":{"name":"add_note"}}"#,
        &[400],
    ),
    (
        "the name with a dash",
        r#"{"method":"tools/call","params":{"name":"list_notes","na-me":"add_note"}}"#,
        &[400],
    ),
    ("behind another message", r#"{"method":"ping"}CALL"#, &[400]),
    ("in another line", "{\"method\":\"ping\"}\nCALL", &[400]),
    ("behind a comment", "/**/CALL", &[400]),
    ("behind a byte order mark", "\u{feff}CALL", &[400]),
    ("behind a null byte", "{\"method\":\"ping\"}\0CALL", &[400]),
];

/// What a body hides by the way it is written.
pub(crate) fn bodies() -> Vec<Attack> {
    let written = WRITTEN.iter();
    let written =
        written.map(|(name, body, refusals)| attack(name, body.replace("CALL", CALL), refusals));
    let no_text = |text: &[u8]| [text, &CALL.as_bytes()[1..]].concat();
    let space = 10 * 1024 * 1024;
    let longer = format!(r#"{{"pad":"{}",{}"#, "x".repeat(space), &CALL[1..]);
    let many = format!("[{}{CALL}]", format!("{PING},").repeat(100));
    let in_text = format!(r#"{{"$serde_json::private::RawValue":{CALL:?}}}"#);
    let deep = format!(
        r#"{{"x":{}{},"name":"add_note"}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let overlong = b"{\"method\":\"tools\xc0\xafcall\",\"params\":{\"name\":\"add_note\"}}";
    let made = [
        attack("behind a hundred others", many, &[400]),
        attack("in text that stands for JSON", in_text, &[400]),
        attack(
            "invalid UTF-8 beside it",
            [CALL.as_bytes(), b"\xff"].concat(),
            &[400],
        ),
        attack(
            "invalid UTF-8 in a member nobody reads",
            no_text(b"{\"x\":\"\xff\","),
            &[400],
        ),
        attack("overlong UTF-8", overlong.to_vec(), &[400]),
        attack("in UTF-16", utf_16(CALL), &[400]),
        attack(
            "nested deeper than readers go",
            message("tools/call", &deep),
            &[400, 403],
        ),
        attack("10 MiB", longer, &[413]),
        attack("10 MiB of nothing", " ".repeat(space) + CALL, &[413]),
        attack("cut off", &CALL[..CALL.len() - 1], &[400]),
    ];
    written.chain(made).collect()
}

/// What a head says of a body.
pub(crate) fn heads() -> Vec<Attack> {
    let of = |name, body: &'static str| attack(name, body, &[400, 403]);
    let mut heads = vec![
        of("a header that names another tool", CALL).with("mcp-name", "list_notes"),
        of("a header that names another method", CALL).with("mcp-method", "ping"),
        of("a header that names the tool", HARMLESS).with("mcp-name", "add_note"),
        of("a header that names the tool in Base64", HARMLESS)
            .with("mcp-name", "=?base64?YWRkX25vdGU=?="),
        of("headers that name the call", PING)
            .with("mcp-method", "tools/call")
            .with("mcp-name", "add_note"),
        of(
            "headers that name it beside an answer",
            r#"{"id":1,"result":{}}"#,
        )
        .with("mcp-method", "tools/call")
        .with("mcp-name", "add_note"),
        of("a header twice", HARMLESS)
            .with("mcp-name", "list_notes")
            .with("mcp-name", "add_note"),
        of("a method twice", HARMLESS)
            .with("mcp-method", "tools/call")
            .with("mcp-method", "ping"),
        of("a header with broken Base64", HARMLESS).with("mcp-name", "=?base64?YWRkX25vdGU?="),
        of("of an old revision", HARMLESS)
            .with("mcp-protocol-version", "2025-03-26")
            .with("mcp-name", "add_note"),
        of("two media types", CALL).with("content-type", "text/plain"),
        of("no media type", CALL).typed(""),
    ];
    for encoding in ["gzip", "br", "deflate", "zstd", "identity", "gzip, br"] {
        heads.push(of("encoded", PING).with("content-encoding", encoding));
    }
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/cbor",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "application/json; charset=ebcdic",
    ] {
        heads.push(of("of another media type", PING).typed(media_type));
    }
    for method in ["PUT", "PATCH", "QUERY", "GET", "HEAD", "DELETE", "OPTIONS"] {
        heads.push(of("by another method", CALL).by(method));
    }
    heads
}

/// Messages that are about something that needs more.
const TARGETS: [(&str, &str); 22] = [
    ("logging/setLevel", r#"{"level":"debug"}"#),
    ("prompts/get", r#"{"name":"draft"}"#),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/prompt","name":"draft"},"argument":{}}"#,
    ),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/resource","uri":"notes://private/{id}"}}"#,
    ),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/resource","uri":"notes://{folder}/1"}}"#,
    ),
    ("completion/complete", r#"{"ref":["ref/prompt","draft"]}"#),
    ("resources/subscribe", r#"{"uri":"notes://private/1"}"#),
    ("resources/unsubscribe", r#"{"uri":"notes://private/1"}"#),
    ("resources/directory/read", r#"{"uri":"notes://private"}"#),
    ("skills/get", r#"{"uri":"notes://private/SKILL.md"}"#),
    (
        "subscriptions/listen",
        r#"{"notifications":{"resourceSubscriptions":["notes://a","notes://private/1"]}}"#,
    ),
    (
        "subscriptions/listen",
        r#"{"notifications":[false,false,false,["notes://private/1"]]}"#,
    ),
    ("resources/read", r#"{"uri":["notes://private/1"]}"#),
    (
        "resources/read",
        r#"{"uri":"notes://a","uri":"notes://private/1"}"#,
    ),
    (
        "tools/call",
        r#"{"name":"list_notes","arguments":{"folder":"private"}}"#,
    ),
    (
        "tools/call",
        r#"{"name":"list_notes","arguments":{"folder":"a","folder":"private"}}"#,
    ),
    (
        "tools/call",
        r#"{"name":"list_notes","arguments":{"x":[{"a":1,"\u0061":2}]}}"#,
    ),
    (
        "tools/call",
        r#"{"name":"list_notes","arguments":["private"]}"#,
    ),
    (
        "tools/call",
        r#"{"name":"list_notes","arguments":{},"Arguments":{"folder":"private"}}"#,
    ),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/prompt","name":"open","NAME":"draft"}}"#,
    ),
    (
        "subscriptions/listen",
        r#"{"notifications":{"resource\u017fubscriptions":["notes://private/1"]}}"#,
    ),
    (
        "tools/call",
        r#"{"name":"a","arguments":{"$serde_json::private::RawValue":"{\"folder\":\"private\"}"}}"#,
    ),
];

/// Spellings of a private resource, or of what might be one.
const URIS: [&str; 27] = [
    "notes://private/1",
    "notes://private",
    "NOTES://private/1",
    "notes://PRIVATE/1",
    "notes:///private/1",
    "notes:/private/1",
    "notes:private/1",
    "notes:////private//1",
    "notes://a/../private/1",
    "notes://a/..;x/private/1",
    "notes://a/%2e%2e/private/1",
    "notes://%70rivate/1",
    "notes://private%2f1",
    "notes://private%252f1",
    "notes://private%5c1",
    "notes://private:80/1",
    "notes://user@private/1",
    "notes://private./1",
    "notes://private;x/1",
    "notes://private?1",
    "notes://private#1",
    r"notes://private\\1",
    r"notes:\\\\private\\1",
    r"notes://private\u0000/1",
    "notes://private /1",
    " notes://private/1",
    r"notes://private/1\n",
];

/// What leads to prompts, resources and arguments.
pub(crate) fn targets() -> Vec<Attack> {
    let read = |uri: &&str| message("resources/read", &format!(r#"{{"uri":"{uri}"}}"#));
    let of_target = TARGETS
        .iter()
        .map(|(method, params)| message(method, params));
    of_target
        .chain(URIS.iter().map(read))
        .map(|body| attack("a target", body, &[400, 403]))
        .collect()
}
