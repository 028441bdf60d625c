use http::HeaderMap;

use super::*;

/// Every operation, as `method target`.
fn operations(headers: &[(&'static str, &str)], body: &str) -> Result<Vec<String>, InvalidMessage> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let messages = Messages::parse_request(&map, body.as_bytes())?;
    let mut found = Vec::new();
    messages.try_for_each(|operation| {
        let targets = [operation.tool(), operation.prompt()];
        let targets: Vec<_> = targets
            .into_iter()
            .flatten()
            .chain(operation.resources())
            .collect();
        let method = operation.method().unwrap_or("(answer)");
        found.push(
            format!("{method} {}", targets.join(" "))
                .trim_end()
                .to_owned(),
        );
        Ok::<_, InvalidMessage>(())
    })?;
    Ok(found)
}

type Headers = &'static [(&'static str, &'static str)];

fn of(body: &str) -> Result<Vec<String>, InvalidMessage> {
    operations(&[], body)
}

#[test]
fn every_message_of_a_batch_is_seen() {
    let body = r#" [{"method":"ping"},{"id":1,"result":{}},{"result":null},
        {"method":"tools/call","params":{"name":"a","arguments":{"name":"b"}}}]"#;
    let expected = ["ping", "(answer)", "(answer)", "tools/call a"];
    assert_eq!(of(body).unwrap(), expected);
}

#[test]
fn a_name_is_read_as_the_handler_reads_it() {
    let body = r#"{"m\u0065thod":"tools\/call","params":{"n\u0061me":"\u0061dd"}}"#;
    assert_eq!(of(body).unwrap(), ["tools/call add"]);
}

#[test]
fn what_names_a_target_is_found_whichever_method_does() {
    for (method, params, expected) in [
        ("prompts/get", r#"{"name":"p"}"#, "p"),
        ("resources/read", r#"{"uri":"a:b"}"#, "a:b"),
        ("resources/subscribe", r#"{"uri":"a:b"}"#, "a:b"),
        ("resources/unsubscribe", r#"{"uri":"a:b"}"#, "a:b"),
        ("resources/directory/read", r#"{"uri":"a:b"}"#, "a:b"),
        ("skills/get", r#"{"uri":"a:b"}"#, "a:b"),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"p"}}"#,
            "p",
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/resource","uri":"a:{b}"}}"#,
            "a:{b}",
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"resourceSubscriptions":["a:b","c:d"]}}"#,
            "a:b c:d",
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"toolsListChanged":true}}"#,
            "",
        ),
        ("subscriptions/listen", "{}", ""),
        (
            "tasks/get",
            r#"{"taskId":"1","name":["x"],"uri":2,"ref":[]}"#,
            "",
        ),
        ("x/y", "[1,2]", ""),
        ("x/y", "7", ""),
    ] {
        let body = format!(r#"{{"method":"{method}","params":{params}}}"#);
        let expected = format!("{method} {expected}");
        assert_eq!(of(&body).unwrap(), [expected.trim_end()], "{body}");
    }
}

#[test]
fn a_message_that_does_not_say_what_it_is_about_is_refused() {
    for (method, params) in [
        ("prompts/get", "{}"),
        ("prompts/get", r#"{"name":["p"]}"#),
        ("prompts/get", r#"["p"]"#),
        ("resources/read", r#"{"uri":{"a":1}}"#),
        ("resources/subscribe", "null"),
        ("resources/unsubscribe", r#"["a:b"]"#),
        ("completion/complete", r#"{"ref":["ref/prompt","p"]}"#),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/tool","name":"p"}}"#,
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"p","uri":"a:b"}}"#,
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/resource","name":"p"}}"#,
        ),
        ("completion/complete", r#"{"ref":{"name":"p"}}"#),
        (
            "subscriptions/listen",
            r#"{"notifications":[true,true,true,["a:b"]]}"#,
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"resourceSubscriptions":"a:b"}}"#,
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"resourceSubscriptions":["a:b",7]}}"#,
        ),
        (
            "subscriptions/listen",
            r#"{"notifications":{"resourceSubscriptions":{"0":"a:b"}}}"#,
        ),
    ] {
        let body = format!(r#"{{"method":"{method}","params":{params}}}"#);
        assert_eq!(of(&body), Err(InvalidMessage::NoTarget), "{body}");
    }
    let many = vec![r#""a:b""#; 1001].join(",");
    let listen = |uris: &str| {
        of(&format!(
            r#"{{"method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":[{uris}]}}}}}}"#
        ))
    };
    assert_eq!(listen(&many), Err(InvalidMessage::NoTarget));
    assert!(listen(&many[6..]).is_ok());
}

const TWO_READINGS: [(&str, InvalidMessage); 23] = [
    (r#"[{"method":"a"},{"id":1}]"#, InvalidMessage::Malformed),
    (r#"{"jsonrpc":"2.0","id":1}"#, InvalidMessage::Malformed),
    ("{}", InvalidMessage::Malformed),
    (
        r#"{"id":1,"params":{"name":"a"}}"#,
        InvalidMessage::Malformed,
    ),
    (
        r#"{"$serde_json::private::RawValue":"{\"method\":\"tools/call\"}"}"#,
        InvalidMessage::Malformed,
    ),
    (
        r#"{"method":"tools/call","method":"ping"}"#,
        InvalidMessage::Malformed,
    ),
    (
        r#"{"method":"ping","m\u0065thod":"tools/call"}"#,
        InvalidMessage::Malformed,
    ),
    (
        r#"{"method":"tools/call","params":{"name":"a"},"params":{}}"#,
        InvalidMessage::Malformed,
    ),
    (
        r#"{"method":"tools/call","params":{"name":"a","name":"b"}}"#,
        InvalidMessage::Malformed,
    ),
    (
        r#"{"method":"completion/complete","params":{"ref":{"name":"a","name":"b"}}}"#,
        InvalidMessage::Malformed,
    ),
    (
        r#"{"method":"tools/call","params":["add_note"]}"#,
        InvalidMessage::NoTarget,
    ),
    (
        r#"{"method":"tools/call","params":{"name":["add_note"]}}"#,
        InvalidMessage::NoTarget,
    ),
    (
        r#"{"method":"tools/call","params":{"$serde_json::private::RawValue":"{\"name\":\"a\"}"}}"#,
        InvalidMessage::NoTarget,
    ),
    (r#"{"method":"tools/call"}"#, InvalidMessage::NoTarget),
    (r#"{"method":["tools/call"]}"#, InvalidMessage::Malformed),
    (
        r#"{"method":null,"params":{"name":"a"}}"#,
        InvalidMessage::Malformed,
    ),
    (
        r#"{"method":"ping"} {"method":"tools/call"}"#,
        InvalidMessage::Malformed,
    ),
    ("[]", InvalidMessage::BatchSize),
    ("", InvalidMessage::Malformed),
    ("null", InvalidMessage::Malformed),
    ("\u{feff}{\"method\":\"ping\"}", InvalidMessage::Malformed),
    (r#"[[{"method":"ping"}]]"#, InvalidMessage::Malformed),
    (r#"[["ping"]]"#, InvalidMessage::Malformed),
];

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    use InvalidMessage::{BatchSize, Encoding};
    for (body, expected) in TWO_READINGS {
        assert_eq!(of(body), Err(expected), "{body}");
    }
    assert_eq!(
        Messages::parse(b"{\"method\":\"\xff\"}").err(),
        Some(Encoding)
    );
    let many = |count| format!("[{}]", vec![r#"{"method":"a"}"#; count].join(","));
    assert_eq!(of(&many(101)), Err(BatchSize));
    assert_eq!(of(&many(5000)), Err(BatchSize));
    assert_eq!(of(&many(100)).unwrap().len(), 100);
}

#[test]
fn what_the_headers_name_counts_as_well() {
    let call = r#"{"method":"tools/call","params":{"name":"a"}}"#;
    let cases: [(Headers, &str, &[&str]); 8] = [
        (
            &[("mcp-method", "tools/call"), ("mcp-name", "a")],
            call,
            &["tools/call a"],
        ),
        (&[("mcp-name", "=?base64?YQ==?=")], call, &["tools/call a"]),
        (
            &[("mcp-name", "b")],
            call,
            &["tools/call a", "tools/call b"],
        ),
        (&[("mcp-method", "ping")], call, &["tools/call a", "ping"]),
        (
            &[("mcp-method", "prompts/get"), ("mcp-name", "b")],
            call,
            &[
                "tools/call a",
                "tools/call b",
                "prompts/get b",
                "prompts/get a",
            ],
        ),
        (
            &[("mcp-method", "tools/call"), ("mcp-name", "b")],
            r#"{"method":"ping"}"#,
            &["ping", "tools/call b"],
        ),
        (
            &[("mcp-method", "tools/call"), ("mcp-name", "b")],
            r#"{"result":{}}"#,
            &["(answer)", "tools/call b"],
        ),
        (
            &[("mcp-name", "7"), ("mcp-method", "tasks/get")],
            r#"{"method":"tasks/get","params":{"taskId":"7"}}"#,
            &["tasks/get"],
        ),
    ];
    for (headers, body, expected) in cases {
        assert_eq!(operations(headers, body).unwrap(), expected, "{headers:?}");
    }
    let nameless = operations(&[("mcp-method", "tools/call")], r#"{"method":"ping"}"#);
    assert_eq!(nameless, Err(InvalidMessage::NoTarget));
}

#[test]
fn a_member_that_is_called_almost_as_another_is_refused() {
    for body in [
        r#"{"method":"ping","Method":"a"}"#,
        r#"{"method":"ping","PARAMS":{}}"#,
        r#"{"method":"ping","param\u017f":{}}"#,
        r#"{"method":"ping","JsonRpc":"2.0"}"#,
        r#"{"method":"ping","Id":1}"#,
        r#"{"method":"ping","\u0130d":1}"#,
        r#"{"method":"ping","\u0131d":1}"#,
        r#"{"result":{},"Error":{}}"#,
        r#"{"error":{},"Result":{}}"#,
        r#"{"method":"a","params":{"Name":1}}"#,
        r#"{"method":"a","params":{"URI":1}}"#,
        r#"{"method":"a","params":{"Ref":1}}"#,
        r#"{"method":"a","params":{"Argument\u017f":1}}"#,
        r#"{"method":"a","params":{"notification\u017f":1}}"#,
        r#"{"method":"a","params":{"ref":{"TYPE":1}}}"#,
        r#"{"method":"a","params":{"notifications":{"resource_subscriptions":[]}}}"#,
        r#"[{"method":"ping"},{"method":"ping","Method":"a"}]"#,
    ] {
        assert_eq!(of(body), Err(InvalidMessage::Malformed), "{body}");
    }
    // What is not looked at may be called anything.
    let body = r#"{"method":"a","names":1,"params":{"_meta":{"Name":1},"arguments":{"Name":1},"names":1}}"#;
    assert_eq!(of(body).unwrap(), ["a"]);
}

#[test]
fn arguments_are_read_once_whatever_the_message_could_be() {
    let mut headers = HeaderMap::new();
    headers.insert("mcp-method", "prompts/get".parse().unwrap());
    headers.insert("mcp-name", "b".parse().unwrap());
    let body = br#"{"method":"tools/call","params":{"name":"a","arguments":{"x":1}}}"#;
    let messages = Messages::parse_request(&headers, body).unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let read = messages.try_for_each(|operation| {
            seen.push(std::ptr::from_ref(operation.arguments().unwrap()));
            Ok::<_, InvalidMessage>(())
        });
        assert_eq!(read, Ok(()));
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.iter().all(|arguments| *arguments == seen[0]));
}

#[test]
fn one_message_is_read_without_a_copy() {
    let body = br#"{"method":"tools/call","params":{"name":"a"}}"#;
    let messages = Messages::parse(body).unwrap();
    let read = messages.try_for_each(|operation| {
        let name = operation.tool().unwrap_or_default().as_ptr();
        assert!(body.as_ptr_range().contains(&name));
        Ok::<_, InvalidMessage>(())
    });
    assert_eq!(read, Ok(()));
}
