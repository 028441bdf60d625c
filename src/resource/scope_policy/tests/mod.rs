mod open;

use super::*;
use crate::resource::operation::Messages;

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

/// What the only message needs, or why nobody can tell.
fn needed(policy: &ScopePolicy, method: &str, params: &str) -> Result<String, InvalidMessage> {
    let body = format!(r#"{{"method":"{method}","params":{params}}}"#);
    let messages = Messages::parse(body.as_bytes())?;
    let mut needed = Scope::empty();
    messages.try_for_each(|operation| {
        policy.decide(None, operation)?;
        needed = needed.union(&policy.required(operation));
        assert!(
            policy.allows(&needed, operation),
            "what is needed is enough"
        );
        for missing in needed.iter() {
            let held: Scope = needed
                .iter()
                .filter(|token| *token != missing)
                .cloned()
                .collect();
            assert!(!policy.allows(&held, operation), "{missing} is not needed");
        }
        Ok::<_, InvalidMessage>(())
    })?;
    Ok(needed.to_string())
}

fn policy() -> ScopePolicy {
    ScopePolicy::builder()
        .connect("c")
        .tool("t", ["t1", "t2"])
        .tool("free", "")
        .prompt("p", "p1")
        .method("logging/setLevel", ["admin"])
        .method("resources/subscribe", ["watch"])
        .resource("notes://private/", ["private"])
        .resource("notes://private/diary", ["diary"])
        .resource("notes://open", "")
        .otherwise(["rest"])
        .build()
        .unwrap()
}

/// A method, its params, and what they need.
const NEEDED: [(&str, &str, &str); 26] = [
    ("ping", "{}", "c"),
    ("x/unknown", "[]", "c"),
    ("logging/setLevel", r#"{"level":"debug"}"#, "admin c"),
    ("tools/call", r#"{"name":"t"}"#, "c t1 t2"),
    ("tools/call", r#"{"name":"t","task":{"ttl":1}}"#, "c t1 t2"),
    ("tools/call", r#"{"name":"free"}"#, "c"),
    ("tools/call", r#"{"name":"other"}"#, "c rest"),
    ("tools/call", r#"{"name":"T"}"#, "c rest"),
    ("prompts/get", r#"{"name":"p"}"#, "c p1"),
    ("prompts/get", r#"{"name":"t"}"#, "c rest"),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/prompt","name":"p"}}"#,
        "c p1",
    ),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/prompt","name":"q"}}"#,
        "c rest",
    ),
    (
        "resources/read",
        r#"{"uri":"notes://private/a"}"#,
        "c private",
    ),
    (
        "resources/read",
        r#"{"uri":"notes://private"}"#,
        "c private",
    ),
    (
        "resources/read",
        r#"{"uri":"notes://private/diary/1"}"#,
        "c diary private",
    ),
    ("resources/read", r#"{"uri":"notes://open/1?a=b"}"#, "c"),
    ("resources/read", r#"{"uri":"notes://opened/1"}"#, "c rest"),
    // Some readers take it for the private one, and no row names it for certain.
    (
        "resources/read",
        r#"{"uri":"notes://PRIVATE/a"}"#,
        "c private rest",
    ),
    (
        "resources/read",
        r#"{"uri":"notes:private/a"}"#,
        "c private rest",
    ),
    (
        "resources/subscribe",
        r#"{"uri":"notes://private/a"}"#,
        "c private watch",
    ),
    (
        "resources/unsubscribe",
        r#"{"uri":"notes://private/a"}"#,
        "c private",
    ),
    (
        "subscriptions/listen",
        r#"{"notifications":{"resourceSubscriptions":["notes://open/a","notes://private/a"]}}"#,
        "c private",
    ),
    (
        "subscriptions/listen",
        r#"{"notifications":{"toolsListChanged":true}}"#,
        "c",
    ),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/resource","uri":"notes://{folder}/{id}"}}"#,
        "c diary private rest",
    ),
    (
        "completion/complete",
        r#"{"ref":{"type":"ref/resource","uri":"notes://private/notes/{id}"}}"#,
        "c private",
    ),
    ("tasks/get", r#"{"taskId":"t"}"#, "c"),
];

#[test]
fn everything_that_the_table_asks_for_adds_up() {
    let policy = policy();
    for (method, params, expected) in NEEDED {
        let needed = needed(&policy, method, params);
        assert_eq!(needed.as_deref(), Ok(expected), "{method} {params}");
    }
}

#[test]
fn a_second_entry_adds_to_the_first() {
    let policy = ScopePolicy::builder()
        .connect("c")
        .connect(["d"])
        .tool("t", "a")
        .tool("t", ["b"])
        .method("tools/call", "d e")
        .method("tools/call", "f")
        .otherwise("x")
        .otherwise("y")
        .resource("n:a", "r")
        .resource("n:a", "s")
        .build()
        .unwrap();
    let call = |name| policy.required(&Operation::call(name)).to_string();
    assert_eq!(call("t"), "a b c d e f");
    assert_eq!(call("u"), "c d e f x y");
    assert_eq!(
        policy.required(&Operation::read("n:a/b")).to_string(),
        "c d r s"
    );
}

#[test]
fn where_rows_go_by_uri_an_ambiguous_one_is_refused() {
    let ambiguous = [
        ("resources/read", r#"{"uri":"notes://open/../private/a"}"#),
        (
            "resources/subscribe",
            r#"{"uri":"notes://open/%2e%2e/private"}"#,
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"resourceSubscriptions":["notes://open","notes://open\\a"]}}"#,
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/resource","uri":"notes://open/../{id}"}}"#,
        ),
    ];
    let without_rows = ScopePolicy::builder()
        .tool("t", "a")
        .otherwise("b")
        .build()
        .unwrap();
    for (method, params) in ambiguous {
        let refused = Err(InvalidMessage::AmbiguousUri);
        assert_eq!(needed(&policy(), method, params), refused, "{params}");
        assert_eq!(
            needed(&without_rows, method, params).as_deref(),
            Ok("b"),
            "{params}"
        );
    }
    let read = Operation::read("notes://open/../private/a");
    assert!(!policy().allows(&scope("c diary private rest"), &read));
}

fn by_folder(operation: &Operation<'_>) -> Scope {
    let folder = operation
        .arguments()
        .and_then(|arguments| arguments.get("folder"));
    match folder.and_then(serde_json::Value::as_str) {
        Some("private") => scope("private"),
        Some(_) | None => Scope::empty(),
    }
}

#[test]
fn a_rule_adds_by_what_the_arguments_are() {
    let policy = ScopePolicy::builder()
        .connect("c")
        .tool("t", "t")
        .rule(by_folder);
    let policy = policy
        .rule(|_: &Operation<'_>| scope("always"))
        .build()
        .unwrap();
    for (method, params, expected) in [
        (
            "tools/call",
            r#"{"name":"t","arguments":{"folder":"private"}}"#,
            "always c private t",
        ),
        (
            "tools/call",
            r#"{"name":"t","arguments":{"f\u006flder":"priv\u0061te"}}"#,
            "always c private t",
        ),
        (
            "tools/call",
            r#"{"name":"t","arguments":{"folder":"open"}}"#,
            "always c t",
        ),
        ("tools/call", r#"{"name":"t"}"#, "always c t"),
        (
            "tools/call",
            r#"{"name":"t","arguments":null}"#,
            "always c t",
        ),
        (
            "prompts/get",
            r#"{"name":"p","arguments":{"folder":"private"}}"#,
            "always c private",
        ),
        ("ping", "{}", "always c"),
    ] {
        assert_eq!(
            needed(&policy, method, params).as_deref(),
            Ok(expected),
            "{params}"
        );
    }
}

#[test]
fn arguments_with_two_readings_are_refused_if_a_rule_asks() {
    let asking = ScopePolicy::builder().rule(by_folder).build().unwrap();
    let table = ScopePolicy::builder().tool("u", "u").build().unwrap();
    for arguments in [
        r#"{"folder":"open","folder":"private"}"#,
        r#"{"folder":"open","f\u006flder":"private"}"#,
        r#"{"folder":"open","deep":[{"a":1,"a":2}]}"#,
        r#"{"folder":{"$serde_json::private::RawValue":"\"private\""}}"#,
        r#"["private"]"#,
    ] {
        let params = format!(r#"{{"name":"t","arguments":{arguments}}}"#);
        let refused = Err(InvalidMessage::Arguments);
        assert_eq!(
            needed(&asking, "tools/call", &params),
            refused,
            "{arguments}"
        );
        assert_eq!(
            needed(&table, "tools/call", &params).as_deref(),
            Ok(""),
            "{arguments}"
        );
    }
}

#[test]
fn an_unusable_entry_is_named() {
    let table = ScopePolicy::builder;
    for (table, named) in [
        (table().connect("a\"b"), "connect"),
        (table().otherwise(["é"]), "otherwise"),
        (table().tool("add_note", ["a\\b"]), "tool(\"add_note\")"),
        (table().prompt("p", ["\t"]), "prompt(\"p\")"),
        (table().method("m", ["\n"]), "method(\"m\")"),
        (
            table().resource("notes://a", ["\0"]),
            "resource(\"notes://a\")",
        ),
        (table().resource("notes", ["a"]), "resource(\"notes\")"),
        (
            table().public_resource("notes://a/../b"),
            "public_resource(\"notes://a/../b\")",
        ),
        (table().covers("a b", "c"), "covers(\"a b\", \"c\")"),
        (table().covers("a", ""), "covers(\"a\", \"\")"),
    ] {
        let error = table.build().unwrap_err().to_string();
        assert!(error.starts_with(named), "{error}");
    }
}

#[test]
fn a_table_says_what_has_to_be_looked_at() {
    let table = ScopePolicy::builder;
    let looks = |table: ScopePolicyBuilder| table.build().unwrap().depends_on_body();
    assert!(!looks(table().connect("a").covers("b", "a")));
    for table in [
        table().tool("t", "a"),
        table().prompt("p", "a"),
        table().method("m", "a"),
        table().resource("n:a", "a"),
        table().otherwise("a"),
        table().rule(by_folder),
        table().public_tool("t"),
        table().public_resource("n:a"),
    ] {
        assert!(looks(table.clone()), "{table:?}");
    }
    let opens = |table: ScopePolicyBuilder| table.build().unwrap().has_public_operations();
    for table in [
        table().public_tool("t"),
        table().public_prompt("p"),
        table().public_method("m"),
        table().public_resource("n:a"),
    ] {
        assert!(opens(table));
    }
    assert!(!opens(
        table().public_tool("t").tool("t", "a").otherwise("b")
    ));
}
