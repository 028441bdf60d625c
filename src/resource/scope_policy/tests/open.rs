use super::*;

#[test]
fn what_is_public_needs_no_token_unless_it_needs_a_scope() {
    let policy = ScopePolicy::builder()
        .connect("c")
        .public_tool("search")
        .public_tool("add")
        .tool("add", "write")
        .public_prompt("greet")
        .public_resource("notes://open")
        .resource("notes://open/diary", "diary")
        .public_method("initialize")
        .public_method("logging/setLevel")
        .method("logging/setLevel", "admin")
        .otherwise("rest")
        .build()
        .unwrap();
    let is_public = |operation: Operation<'_>| policy.is_public(&operation);
    assert!(is_public(Operation::call("search")));
    assert!(is_public(Operation::prompted("greet")));
    assert!(is_public(Operation::read("notes://open/a")));
    assert!(is_public(Operation::method_alone("initialize")));
    for closed in [
        Operation::call("add"),
        Operation::call("other"),
        Operation::call("greet"),
        Operation::prompted("search"),
        Operation::read("notes://open/diary"),
        Operation::read("notes://open/diary/1"),
        Operation::read("notes://open/DIARY/1"),
        Operation::read("notes://open//diary"),
        Operation::read("NOTES://open/a"),
        Operation::read("notes://opened"),
        Operation::read("notes://open/./a"),
        Operation::method_alone("logging/setLevel"),
        Operation::method_alone("tools/list"),
        Operation::method_alone("notes://open"),
    ] {
        assert!(!policy.is_public(&closed), "{closed:?}");
    }
    let adds = ScopePolicy::builder()
        .public_tool("search")
        .rule(|_: &Operation<'_>| scope("x"));
    assert!(!adds.build().unwrap().is_public(&Operation::call("search")));
}

#[test]
fn watching_a_public_resource_takes_a_public_method_as_well() {
    let table = || ScopePolicy::builder().public_resource("notes://open");
    let is_public = |policy: &ScopePolicy, body: &str| {
        let messages = Messages::parse(body.as_bytes()).unwrap();
        let mut is_public = true;
        let seen = messages.try_for_each(|operation| {
            is_public &= policy.is_public(operation);
            Ok::<_, InvalidMessage>(())
        });
        assert_eq!(seen, Ok(()));
        is_public
    };
    let subscribe = r#"{"method":"resources/subscribe","params":{"uri":"notes://open/a"}}"#;
    let listen = r#"{"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["notes://open/a"]}}}"#;
    let both = r#"{"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["notes://open/a","notes://b"]}}}"#;
    let complete = r#"{"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"notes://open/{id}"}}}"#;
    let any = r#"{"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"notes://{id}"}}}"#;
    let read_only = table().build().unwrap();
    let watched = table()
        .public_method("resources/subscribe")
        .public_method("subscriptions/listen");
    let watched = watched.build().unwrap();
    for (body, without, with) in [
        (subscribe, false, true),
        (listen, false, true),
        (both, false, false),
        (complete, true, true),
        (any, false, false),
    ] {
        assert_eq!(is_public(&read_only, body), without, "{body}");
        assert_eq!(is_public(&watched, body), with, "{body}");
    }
}

#[test]
fn a_list_shows_what_may_be_used() {
    let policy = policy();
    let shows = |held: &str, operation: Operation<'_>| policy.shows(Some(&scope(held)), &operation);
    assert!(shows("c t1 t2", Operation::call("t")));
    assert!(!shows("c t1", Operation::call("t")));
    assert!(!shows("t1 t2", Operation::call("t")));
    assert!(shows("c rest", Operation::call("other")));
    assert!(!shows("c rest", Operation::read("notes://private/a")));
    assert!(!shows("c rest", Operation::read("notes://a/../b")));
    assert!(!policy.shows(None, &Operation::call("free")));

    let shows = |held: &str, template| policy.shows_template(Some(&scope(held)), template);
    assert!(shows("c", "notes://open/{id}"));
    assert!(!shows("c", "notes://private/{id}"));
    assert!(shows("c private", "notes://private/{id}"));
    assert!(!shows("c private", "notes://private/diary/{id}"));
    // Something of it may be read.
    assert!(shows("c", "notes://{folder}/{id}"));
    assert!(!shows("c", "other://{id}"));
    assert!(shows("c rest", "other://{id}"));
    assert!(!shows("rest", "other://{id}"));
    assert!(!shows("c rest", "notes://a/../{id}"));
    assert!(!policy.shows_template(None, "notes://open/{id}"));
    let open = ScopePolicy::builder()
        .connect("c")
        .public_resource("notes://open");
    let shown = |policy: &ScopePolicy| policy.shows_template(None, "notes://{folder}/{id}");
    assert!(shown(&open.clone().build().unwrap()));
    assert!(!shown(&open.method("resources/read", "x").build().unwrap()));
}
