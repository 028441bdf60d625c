use std::net::{IpAddr, Ipv4Addr};

use http::Request;
use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::endpoint::{PeerAddress, TrustedProxies};
use oauth_for_mcp::limit::{Limit, Quota, RateLimits};
use oauth_for_mcp::test_util::TestServer;

use super::support::{JSON, send};

/// A server that lets one registration in from each address.
fn server(configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> TestServer {
    let quota = Quota::new(1, 1).expect("neither is zero");
    let limits = RateLimits::off().with(Limit::RegisterByAddress, quota);
    TestServer::with(|builder| configure(builder.rate_limits(limits)))
}

fn behind_proxies() -> TestServer {
    let proxies = TrustedProxies::x_forwarded_for(["10.0.0.0/8"]).expect("a network");
    server(|builder| builder.trusted_proxies(proxies))
}

/// Whether a registration that comes with these headers is let in.
async fn lets_in(server: &TestServer, peer: &str, headers: &[(&str, &str)]) -> bool {
    let server = server.from_address(peer.parse::<IpAddr>().expect("an address"));
    let mut all = vec![JSON];
    all.extend(headers);
    let metadata = r#"{"redirect_uris":["https://client.example.com/cb"]}"#;
    let answer = send(&server, ("POST", "/register"), &all, metadata).await;
    assert!([201, 429].contains(&answer.status().as_u16()), "{answer:?}");
    answer.status() == 201
}

/// A4, F2
#[tokio::test]
async fn a_stranger_cannot_escape_a_limit_by_saying_to_be_somebody_else() {
    for server in [server(|builder| builder), behind_proxies()] {
        assert!(lets_in(&server, "198.51.100.9", &[]).await);
        for number in 0..50 {
            let made_up = format!("203.0.113.{number}");
            let element = format!("for={made_up}");
            for name in [
                "x-forwarded-for",
                "x-real-ip",
                "cf-connecting-ip",
                "true-client-ip",
            ] {
                assert!(
                    !lets_in(&server, "198.51.100.9", &[(name, &made_up)]).await,
                    "{name}"
                );
            }
            assert!(!lets_in(&server, "198.51.100.9", &[("forwarded", &element)]).await);
        }
    }
}

/// A4, F2
#[tokio::test]
async fn a_stranger_cannot_use_up_the_limit_of_somebody_else() {
    for server in [server(|builder| builder), behind_proxies()] {
        for _ in 0..10 {
            let victim = [
                ("x-forwarded-for", "203.0.113.7"),
                ("forwarded", "for=203.0.113.7"),
            ];
            lets_in(&server, "198.51.100.9", &victim).await;
        }
        assert!(lets_in(&server, "203.0.113.7", &[]).await);
    }
}

/// A4, F2
#[tokio::test]
async fn what_a_trusted_proxy_adds_counts_and_not_what_stands_before_it() {
    let server = behind_proxies();
    for number in 0..20 {
        let value = format!("198.51.100.{number}, 203.0.113.7");
        let let_in = lets_in(&server, "10.0.0.1", &[("x-forwarded-for", &value)]).await;
        assert_eq!(let_in, number == 0, "{value}");
    }
    let another = [("x-forwarded-for", "203.0.113.8, 10.0.0.2")];
    assert!(lets_in(&server, "10.0.0.1", &another).await);
    assert!(
        !lets_in(&server, "203.0.113.8", &[]).await,
        "the same by another way"
    );
}

/// A4, F2
#[tokio::test]
async fn a_network_of_ipv6_is_one_and_ipv4_is_ipv4() {
    let server = server(|builder| builder);
    assert!(lets_in(&server, "2001:db8:1:2::1", &[]).await);
    assert!(!lets_in(&server, "2001:db8:1:2:ffff::9", &[]).await);
    assert!(lets_in(&server, "2001:db8:1:3::1", &[]).await);
    assert!(lets_in(&server, "203.0.113.7", &[]).await);
    assert!(!lets_in(&server, "::ffff:203.0.113.7", &[]).await);
}

/// A4
#[tokio::test]
async fn the_address_that_the_host_set_is_the_one_that_counts() {
    let server = server(|builder| builder).from_address(Ipv4Addr::LOCALHOST);
    let ask = async |peer: &str| {
        let request = Request::post(server.url("/register"))
            .header(JSON.0, JSON.1)
            .extension(PeerAddress(peer.parse().unwrap()))
            .body(r#"{"redirect_uris":["https://client.example.com/cb"]}"#.into());
        server.send(request.unwrap()).await.status()
    };
    assert_eq!(ask("203.0.113.7").await, 201);
    assert_eq!(ask("203.0.113.7").await, 429);
    assert_eq!(ask("203.0.113.8").await, 201);
}
