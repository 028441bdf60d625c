//! The way to public servers, with the hole that tests need.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use oauth_for_mcp::fetch::{Fetch, FetchError, FetchLimits, ReqwestFetch, Resolver};

use crate::resolver::Script;
use crate::tls::{Authority, Server, Step, whole};

const NAME: &str = "client.example";
const LIMITS: FetchLimits = FetchLimits {
    max_body_bytes: 16,
    timeout: Duration::from_secs(5),
};

async fn get(fetch: &ReqwestFetch, url: &str) -> Result<Response<Bytes>, FetchError> {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    fetch.fetch(request, LIMITS).await
}

async fn server(authority: &Authority) -> Server {
    Server::start(authority.vouch_for(NAME), |_| {
        whole("200 OK", &[], b"hello")
    })
    .await
}

fn trusting(authority: &Authority, address: SocketAddr) -> ReqwestFetch {
    let builder = ReqwestFetch::public_builder().dangerous_allow("Client.Example", address);
    let pem = authority.pem();
    builder
        .root_certificate_pem(pem.as_bytes())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_host_that_was_allowed_is_reached_at_the_port_of_its_address() {
    let authority = Authority::new();
    let server = server(&authority).await;
    let fetch = trusting(&authority, server.address());

    let answer = get(&fetch, "https://client.example/a?b=c").await.unwrap();

    assert_eq!(&answer.body()[..], b"hello");
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /a?b=c HTTP/1.1\r\n"));
    assert!(
        requests[0]
            .to_lowercase()
            .contains("\r\nhost: client.example\r\n")
    );
}

#[tokio::test]
async fn a_port_in_the_url_counts_more_than_that_of_an_allowed_address() {
    let authority = Authority::new();
    let server = server(&authority).await;
    let mut elsewhere = server.address();
    elsewhere.set_port(1);
    let fetch = trusting(&authority, elsewhere);

    let port = server.address().port();
    let answer = get(&fetch, &format!("https://client.example:{port}/")).await;
    assert_eq!(answer.unwrap().status(), 200);

    let error = get(&fetch, "https://client.example/").await.unwrap_err();
    assert!(matches!(error, FetchError::Failed(_)), "{error:?}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_host_that_was_allowed_opens_no_way_to_others() {
    let authority = Authority::new();
    let server = server(&authority).await;
    let address = server.address();
    let resolver = Script::new(&[&[&address.to_string()]]);
    let fetch = ReqwestFetch::public_builder()
        .dangerous_allow(NAME, address)
        .dangerous_allow("127.0.0.1", address)
        .resolver(Arc::<Script>::clone(&resolver))
        .build()
        .unwrap();
    for url in [
        "https://other.example/".to_owned(),
        format!("https://{address}/"),
        "https://127.0.0.1/".to_owned(),
        format!("http://client.example:{}/", address.port()),
    ] {
        let error = get(&fetch, &url).await.unwrap_err();
        assert!(matches!(error, FetchError::Refused(_)), "{url}: {error:?}");
    }
    assert_eq!(server.connections(), 0);
    assert_eq!(resolver.asked(), 1);
}

#[tokio::test]
async fn a_resolver_is_judged_and_asked_once_for_a_connection() {
    let authority = Authority::new();
    let server = server(&authority).await;
    let here = server.address().to_string();
    for hidden in [
        here.as_str(),
        "10.0.0.1:443",
        "[::ffff:127.0.0.1]:443",
        "[64:ff9b::7f00:1]:0",
    ] {
        let resolver = Script::new(&[&["1.1.1.1:443", hidden]]);
        let fetch = ReqwestFetch::public_builder()
            .resolver(resolver)
            .build()
            .unwrap();
        let error = get(&fetch, "https://other.example/").await.unwrap_err();
        assert!(
            matches!(error, FetchError::Refused(_)),
            "{hidden}: {error:?}"
        );
    }
    // A name that is public when it is judged and leads here when it is asked again.
    let rebinding = Script::new(&[&["1.1.1.1:9"], &[&here]]);
    let resolver = Arc::<Script>::clone(&rebinding);
    let fetch = ReqwestFetch::public_builder()
        .resolver(resolver)
        .build()
        .unwrap();
    let limits = FetchLimits {
        timeout: Duration::from_millis(300),
        ..LIMITS
    };
    let request = Request::get("https://other.example/")
        .body(Bytes::new())
        .unwrap();
    let error = fetch.fetch(request, limits).await.unwrap_err();
    assert!(matches!(error, FetchError::Failed(_)), "{error:?}");
    assert_eq!(rebinding.asked(), 1);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_without_addresses_or_a_resolver_that_fails_is_no_way_around() {
    #[derive(Debug)]
    struct Broken;
    #[async_trait]
    impl Resolver for Broken {
        async fn resolve(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
            Err(io::Error::other("no answer"))
        }
    }
    let builder = ReqwestFetch::public_builder;
    let empty = builder().resolver(Script::new(&[&[]])).build().unwrap();
    let error = get(&empty, "https://other.example/").await.unwrap_err();
    assert!(matches!(error, FetchError::Refused(_)), "{error:?}");
    let broken = builder().resolver(Arc::new(Broken)).build().unwrap();
    let error = get(&broken, "https://other.example/").await.unwrap_err();
    assert!(matches!(error, FetchError::Failed(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_hears_no_request() {
    let authority = Authority::new();
    let stranger = Authority::new();
    for config in [
        authority.vouch_for("another.example"),
        authority.vouched_once_for(NAME),
        stranger.vouch_for(NAME),
    ] {
        let server = Server::start(config, |_| whole("200 OK", &[], b"hello")).await;
        let fetch = trusting(&authority, server.address());
        let error = get(&fetch, "https://client.example/").await.unwrap_err();
        assert!(matches!(error, FetchError::Failed(_)), "{error:?}");
        assert_eq!((server.connections(), server.requests().len()), (1, 0));
    }
}

#[test]
fn a_certificate_that_cannot_be_read_is_no_authority() {
    for pem in [
        "",
        "x",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let builder = ReqwestFetch::public_builder().root_certificate_pem(pem.as_bytes());
        let error = builder.build().unwrap_err();
        assert!(matches!(error, FetchError::Failed(_)), "{pem}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_dribbles_is_cut_off_when_its_time_is_over() {
    let authority = Authority::new();
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec();
    let dribble = move |_: &str| {
        let drop = [
            Step::Send(b"x".to_vec()),
            Step::Wait(Duration::from_millis(20)),
        ];
        let body = drop.into_iter().cycle().take(8);
        std::iter::once(Step::Send(head.clone()))
            .chain(body)
            .chain([Step::Hang])
            .collect()
    };
    let server = Server::start(authority.vouch_for(NAME), dribble).await;
    let limits = FetchLimits {
        timeout: Duration::from_millis(200),
        ..LIMITS
    };
    let request = Request::get("https://client.example/")
        .body(Bytes::new())
        .unwrap();
    let fetch = trusting(&authority, server.address());
    let error = fetch.fetch(request, limits).await.unwrap_err();
    assert!(matches!(error, FetchError::Failed(_)), "{error:?}");
    assert_eq!(server.requests().len(), 1);
}
