use http::HeaderValue;

use super::*;

const PROXIES: [&str; 3] = ["10.0.0.0/8", "192.0.2.1", "2001:db8:ffff::/48"];

fn x_forwarded_for() -> TrustedProxies {
    TrustedProxies::x_forwarded_for(PROXIES).unwrap()
}

fn forwarded() -> TrustedProxies {
    TrustedProxies::forwarded(PROXIES).unwrap()
}

/// Who the client is, if `peer` sends these lines.
fn client(proxies: &TrustedProxies, peer: &str, lines: &[(&str, &str)]) -> String {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    behind(peer.parse().unwrap(), &headers, Some(proxies)).to_string()
}

#[test]
fn who_is_no_proxy_cannot_say_to_be_somebody_else() {
    let lines = [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=203.0.113.7"),
        ("x-real-ip", "203.0.113.7"),
        ("cf-connecting-ip", "203.0.113.7"),
    ];
    for peer in ["198.51.100.9", "2001:db8::9", "192.0.2.2", "11.0.0.1"] {
        for proxies in [x_forwarded_for(), forwarded()] {
            assert_eq!(client(&proxies, peer, &lines), peer);
        }
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_static("203.0.113.7"));
        assert_eq!(
            behind(peer.parse().unwrap(), &headers, None).to_string(),
            peer
        );
    }
}

#[test]
fn of_x_forwarded_for_the_last_address_that_is_no_proxy_counts() {
    let cases = [
        ("203.0.113.7", "203.0.113.7"),
        // What the client wrote itself stands before what the proxy added.
        ("1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("1.1.1.1,10.0.0.9,203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("203.0.113.7, 192.0.2.1, 10.1.2.3", "203.0.113.7"),
        (
            "1.1.1.1, 203.0.113.7, 2001:db8:ffff::5,\t10.1.2.3",
            "203.0.113.7",
        ),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, ::ffff:10.0.0.2", "203.0.113.7"),
        ("10.0.0.5, 10.0.0.6", "10.0.0.5"),
        // No address: the proxy next to it is all that is known.
        ("", "10.0.0.1"),
        (" ", "10.0.0.1"),
        (",", "10.0.0.1"),
        ("203.0.113.7,", "10.0.0.1"),
        ("203.0.113.7, unknown", "10.0.0.1"),
        ("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("203.0.113.7 10.0.0.2", "10.0.0.1"),
        ("localhost", "10.0.0.1"),
        ("127.1", "10.0.0.1"),
        ("203.0.113.7:x", "10.0.0.1"),
        ("203.0.113.007", "10.0.0.1"),
        ("[203.0.113.7]", "10.0.0.1"),
        ("fe80::1%eth0", "10.0.0.1"),
        ("\"203.0.113.7\"", "10.0.0.1"),
        ("for=203.0.113.7", "10.0.0.1"),
    ];
    for (value, expected) in cases {
        let lines = [("x-forwarded-for", value)];
        assert_eq!(
            client(&x_forwarded_for(), "10.0.0.1", &lines),
            expected,
            "{value:?}"
        );
        assert_eq!(
            client(&x_forwarded_for(), "::ffff:10.0.0.1", &lines),
            expected,
            "{value:?}"
        );
    }
}

#[test]
fn of_forwarded_the_last_address_that_is_no_proxy_counts() {
    let cases = [
        ("for=203.0.113.7", "203.0.113.7"),
        ("For=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7"),
        ("proto=https; for=\"203.0.113.7\" ", "203.0.113.7"),
        ("for=\"203.0.113.7:4711\"", "203.0.113.7"),
        ("for=\"203.0.113.7:_port\"", "203.0.113.7"),
        ("for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
        ("for=\"[2001:db8::1]\"", "2001:db8::1"),
        ("for=\"[::ffff:203.0.113.7]\"", "203.0.113.7"),
        ("for=1.1.1.1, for=203.0.113.7", "203.0.113.7"),
        ("for=203.0.113.7, for=10.0.0.2", "203.0.113.7"),
        (
            "for=203.0.113.7, for=192.0.2.1;by=10.0.0.2,for=\"[2001:db8:ffff::1]\"",
            "203.0.113.7",
        ),
        // No address.
        ("for=unknown", "10.0.0.1"),
        ("for=_hidden", "10.0.0.1"),
        ("for=203.0.113.7, for=unknown", "10.0.0.1"),
        ("for=203.0.113.7, for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("proto=https", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("203.0.113.7", "10.0.0.1"),
        ("for=203.0.113.7;for=1.1.1.1", "10.0.0.1"),
        ("for=203.0.113.7;FOR=1.1.1.1", "10.0.0.1"),
        ("for=2001:db8::1", "10.0.0.1"),
        ("for=\"2001:db8::1\"", "10.0.0.1"),
        ("for=[2001:db8::1]", "10.0.0.1"),
        ("for=\"[203.0.113.7]\"", "10.0.0.1"),
        ("for=\"203.0.113.7:\"", "10.0.0.1"),
        ("for=\"203.0.113.7", "10.0.0.1"),
        ("for=\"203.0.113\\.7\"", "10.0.0.1"),
        ("for = 203.0.113.7", "10.0.0.1"),
        ("for=203.0.113.7;", "10.0.0.1"),
    ];
    for (value, expected) in cases {
        let lines = [("forwarded", value)];
        assert_eq!(
            client(&forwarded(), "10.0.0.1", &lines),
            expected,
            "{value:?}"
        );
    }
}

#[test]
fn a_client_cannot_hide_what_the_proxy_adds() {
    // What the client sent, and behind it what the proxy added.
    let cases = [
        ("for=1.1.1.1;x=\"", ", for=203.0.113.7", "203.0.113.7"),
        (
            "for=1.1.1.1;x=\"",
            ", for=\"[2001:db8::66]\"",
            "2001:db8::66",
        ),
        ("for=\"1.1.1.1", ", for=203.0.113.7", "203.0.113.7"),
        ("for=1.1.1.1;x=\"\\", ", for=203.0.113.7", "203.0.113.7"),
        ("for=1.1.1.1;", ", for=203.0.113.7", "203.0.113.7"),
        // The proxy quotes a host name that the client chose.
        ("", "for=203.0.113.7;host=\"a, for=1.1.1.1\"", "10.0.0.1"),
        (
            "",
            "for=203.0.113.7;host=\"a, for=1.1.1.1;b=\\\"c\\\"\"",
            "10.0.0.1",
        ),
        ("", "for=203.0.113.7;host=\"a;for=1.1.1.1\"", "10.0.0.1"),
    ];
    for (sent, added, expected) in cases {
        let value = format!("{sent}{added}");
        let lines = [("forwarded", value.as_str())];
        assert_eq!(
            client(&forwarded(), "10.0.0.1", &lines),
            expected,
            "{value}"
        );
    }
    let chosen_otherwise = [
        ("x-forwarded-for", "1.1.1.1"),
        ("forwarded", "for=203.0.113.7"),
    ];
    assert_eq!(
        client(&forwarded(), "10.0.0.1", &chosen_otherwise),
        "203.0.113.7"
    );
    assert_eq!(
        client(&x_forwarded_for(), "10.0.0.1", &chosen_otherwise),
        "1.1.1.1"
    );
}

#[test]
fn several_lines_are_one_header() {
    let lines = [
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "203.0.113.7, 10.0.0.2"),
        ("x-forwarded-for", "10.0.0.3"),
    ];
    assert_eq!(
        client(&x_forwarded_for(), "10.0.0.1", &lines),
        "203.0.113.7"
    );
    let lines = [
        ("forwarded", "for=1.1.1.1"),
        ("forwarded", "for=203.0.113.7"),
    ];
    assert_eq!(client(&forwarded(), "10.0.0.1", &lines), "203.0.113.7");
}

#[test]
fn endless_and_unreadable_headers_are_read_calmly() {
    let many = "1.1.1.1,".repeat(100_000);
    let before = format!("{many}203.0.113.7");
    let lines = [("x-forwarded-for", before.as_str())];
    assert_eq!(
        client(&x_forwarded_for(), "10.0.0.1", &lines),
        "203.0.113.7"
    );
    let inside = "10.0.0.9,".repeat(100_000) + "10.0.0.8";
    let lines = [("x-forwarded-for", inside.as_str())];
    assert_eq!(client(&x_forwarded_for(), "10.0.0.1", &lines), "10.0.0.9");
    let long = "9".repeat(1_000_000);
    let lines = [("x-forwarded-for", long.as_str())];
    assert_eq!(client(&x_forwarded_for(), "10.0.0.1", &lines), "10.0.0.1");
    for text in ["\u{e9}", "203.0.113.7\u{e9}", "203.0.113.7, \u{ff11}.1.1.1"] {
        for proxies in [x_forwarded_for(), forwarded()] {
            let lines = [("x-forwarded-for", text), ("forwarded", text)];
            assert_eq!(client(&proxies, "10.0.0.1", &lines), "10.0.0.1", "{text}");
        }
    }
}

#[test]
fn a_network_that_is_none_or_everybody_is_refused() {
    for text in [
        "",
        "proxy",
        "10.0.0.0/33",
        "10.0.0/8",
        "10.0.0.1:80",
        "[::1]",
        "*",
        "10.0.0.0/-1",
    ] {
        let refused = InvalidNetwork::Malformed(text.to_owned());
        assert_eq!(
            TrustedProxies::x_forwarded_for([text]).unwrap_err(),
            refused
        );
        assert_eq!(
            TrustedProxies::forwarded(["10.0.0.1", text]).unwrap_err(),
            refused
        );
    }
    for text in ["0.0.0.0/0", "::/0", "10.0.0.0/0", "::ffff:0.0.0.0/96"] {
        let refused = InvalidNetwork::Everybody(text.to_owned());
        assert_eq!(
            TrustedProxies::x_forwarded_for([text]).unwrap_err(),
            refused
        );
    }
    let mapped = TrustedProxies::x_forwarded_for(["::ffff:10.0.0.0/104"]).unwrap();
    let lines = [("x-forwarded-for", "203.0.113.7")];
    assert_eq!(client(&mapped, "10.9.9.9", &lines), "203.0.113.7");
    assert_eq!(client(&mapped, "11.9.9.9", &lines), "11.9.9.9");
}

#[test]
fn without_a_peer_there_is_no_client_whatever_the_headers_say() {
    let mut request = Request::new(());
    let line = HeaderValue::from_static("203.0.113.7");
    request.headers_mut().insert("x-forwarded-for", line);
    let proxies = x_forwarded_for();
    assert_eq!(of_client(&request, Some(&proxies)), None);

    let peer = PeerAddress("10.0.0.1".parse().unwrap());
    request.extensions_mut().insert(peer);
    let found = of_client(&request, Some(&proxies)).unwrap();
    assert_eq!(found.to_string(), "203.0.113.7");
    let found = of_client(&request, None).unwrap();
    assert_eq!(found.to_string(), "10.0.0.1");
}
