//! Clients that prove who they are with a signature.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use oauth_for_mcp::event::Event;
use oauth_for_mcp::jose::{Algorithm, Signer as _, SigningKey};
use oauth_for_mcp::protocol::credentials::ASSERTION_TYPE;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::server::PreregisteredClient;
use oauth_for_mcp::test_util::{SeededEntropy, TestClient, TestServer};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::task::JoinSet;

use super::faulty_store::{FaultyStore, master_keys};
use super::support::{
    Answer, FORM, base64url, expect_outage, expect_refusal, forge, header, json, key, post_form,
    send,
};

/// A client that signs with `keys` and may do all that there is.
fn signing(id: &str, keys: &[&SigningKey]) -> PreregisteredClient {
    let keys: Vec<_> = keys.iter().map(|key| key.public_jwk()).collect();
    preregistered(json!({
        "client_id": id,
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": keys },
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "redirect_uris": [TestClient::REDIRECT_URI],
    }))
}

fn preregistered(client: Value) -> PreregisteredClient {
    serde_json::from_value(client).expect("a test's client is good")
}

/// Two clients that sign, `desk` with the first key and `lamp` with the second, one
/// with a secret and a public one.
struct Office {
    server: TestServer,
    desk: Arc<SigningKey>,
    lamp: Arc<SigningKey>,
}

impl Office {
    fn new() -> Self {
        let (desk, lamp) = (key(1), key(2));
        let server = TestServer::with(|builder| {
            let secret = json!({
                "client_id": "secret",
                "client_secret": "s",
                "redirect_uris": [TestClient::REDIRECT_URI],
            });
            let public = json!({
                "client_id": "public",
                "redirect_uris": [TestClient::REDIRECT_URI],
            });
            builder
                .client(signing("desk", &[&desk]))
                .client(signing("lamp", &[&lamp]))
                .client(preregistered(secret))
                .client(preregistered(public))
        });
        Self { server, desk, lamp }
    }

    /// A good assertion of the desk, with the claims as `change` leaves them.
    async fn assertion(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims(&self.server, "desk");
        change(&mut claims);
        signed(&self.desk, &claims).await
    }

    /// Makes sure that the desk can still authenticate with this assertion.
    async fn expect_good(&self, assertion: &str) {
        let answer = present(&self.server, "/token", assertion, "").await;
        assert_eq!(answer.status(), 200, "{answer:?}");
    }
}

pub(super) fn claims(server: &TestServer, client: &str) -> Value {
    let now = server.now().as_secs();
    json!({
        "iss": client,
        "sub": client,
        "aud": TestServer::PUBLIC_URL,
        "exp": now + 300,
        "iat": now,
        "jti": "one",
    })
}

pub(super) async fn signed(key: &SigningKey, claims: &Value) -> String {
    let head = json!({ "alg": key.algorithm(), "kid": key.key_id(), "typ": "JWT" });
    forge(key, &head.to_string(), &claims.to_string()).await
}

fn parameters<'a>(assertion: &'a str, more: &'a [(&str, &str)]) -> String {
    let assertion = [
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    Form::from_iter(assertion.into_iter().chain(more.iter().copied())).encode()
}

/// Authenticates with an assertion: a machine asks for a token, or gives one up.
pub(super) async fn present(
    server: &TestServer,
    path: &str,
    assertion: &str,
    more: &str,
) -> Answer {
    let request = [("grant_type", "client_credentials"), ("token", "x")];
    let body = format!("{}&{more}", parameters(assertion, &request));
    post_form(server, path, &body).await
}

#[track_caller]
fn expect_nobody(answer: &Answer, case: &str) {
    expect_refusal(answer, 401, "invalid_client", case);
    assert_eq!(header(answer, "www-authenticate"), "", "{case}");
}

fn replays(server: &TestServer) -> usize {
    let events = server.events().all();
    let replay = |event: &&Event| matches!(event, Event::AssertionReplayed { client_id } if client_id.as_str() == "desk");
    events.iter().filter(replay).count()
}

/// C6
#[tokio::test]
async fn an_assertion_counts_once_at_all_servers_together() {
    let office = Office::new();
    let replica = office.server.replica();
    let assertion = office.assertion(|_| ()).await;
    office.expect_good(&assertion).await;

    for server in [&office.server, &replica] {
        for path in ["/token", "/revoke"] {
            expect_nobody(&present(server, path, &assertion, "").await, path);
        }
        assert_eq!(replays(server), 2);
    }
    // Until the server would not take it any more for its age.
    for _ in 0..6 {
        office.server.clock().advance(Duration::from_secs(60));
        expect_nobody(&present(&replica, "/token", &assertion, "").await, "later");
    }
    let next = office.assertion(|claims| claims["jti"] = json!("two"));
    office.expect_good(&next.await).await;
}

/// C6
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_uses_of_one_assertion_at_two_servers_one_counts() {
    for path in ["/token", "/revoke"] {
        let office = Office::new();
        let assertion = office.assertion(|_| ()).await;
        let servers = [
            Arc::new(office.server.replica()),
            Arc::new(office.server.replica()),
        ];
        let mut racers = JoinSet::new();
        for number in 0..100 {
            let (server, assertion) = (Arc::clone(&servers[number % 2]), assertion.clone());
            racers.spawn(async move {
                let answer = present(&server, path, &assertion, "").await;
                if answer.status() != 200 {
                    expect_nobody(&answer, "lost");
                }
                answer.status().as_u16()
            });
        }
        let won = racers.join_all().await;
        assert_eq!(won.iter().filter(|status| **status == 200).count(), 1);
        assert_eq!(
            servers.iter().map(|server| replays(server)).sum::<usize>(),
            99
        );
    }
}

/// C6
#[tokio::test]
async fn an_assertion_that_is_refused_uses_nothing_up() {
    let office = Office::new();
    let good = office.assertion(|_| ()).await;
    let foreign = signed(&office.lamp, &claims(&office.server, "desk")).await;
    let elsewhere = office
        .assertion(|claims| claims["aud"] = json!("https://b.example"))
        .await;
    let (head, tail) = good.split_at(good.len() - 4);
    let broken = format!("{head}{}", tail.chars().rev().collect::<String>());
    for assertion in [&foreign, &elsewhere, &broken] {
        expect_nobody(
            &present(&office.server, "/token", assertion, "").await,
            "bad",
        );
    }
    expect_nobody(
        &present(&office.server, "/token", &good, "client_id=lamp").await,
        "another client_id",
    );
    assert_eq!(replays(&office.server), 0);
    office.expect_good(&good).await;
}

/// C6
#[tokio::test]
async fn two_clients_may_use_the_same_jti() {
    let office = Office::new();
    for (key, client) in [(&office.desk, "desk"), (&office.lamp, "lamp")] {
        let assertion = signed(key, &claims(&office.server, client)).await;
        office.expect_good(&assertion).await;
    }
}

/// C6
#[tokio::test]
async fn an_assertion_by_or_for_somebody_else_is_refused() {
    let office = Office::new();
    let server = &office.server;
    let with = |name: &str, value: Value| {
        let mut claims = claims(server, "desk");
        claims[name] = value;
        claims
    };
    let desk = claims(server, "desk");
    for (case, key, claims, more) in [
        ("another client's key", &office.lamp, desk.clone(), ""),
        (
            "for another client",
            &office.desk,
            claims(server, "lamp"),
            "",
        ),
        (
            "another issuer",
            &office.desk,
            with("iss", json!("lamp")),
            "",
        ),
        (
            "another subject",
            &office.desk,
            with("sub", json!("lamp")),
            "",
        ),
        ("nobody", &office.desk, with("sub", json!("nobody")), ""),
        ("a secret's", &office.desk, claims(server, "secret"), ""),
        ("a public one's", &office.desk, claims(server, "public"), ""),
        (
            "another client_id",
            &office.desk,
            desk.clone(),
            "client_id=lamp",
        ),
        (
            "a client_id in another case",
            &office.desk,
            desk,
            "client_id=Desk",
        ),
    ] {
        let assertion = signed(key, &claims).await;
        for path in ["/token", "/revoke"] {
            expect_nobody(&present(server, path, &assertion, more).await, case);
        }
    }
    let own = office.assertion(|_| ()).await;
    let answer = present(server, "/token", &own, "client_id=desk").await;
    assert_eq!(answer.status(), 200, "its own client_id");
}

/// C6
#[tokio::test]
async fn an_assertion_for_another_server_or_time_is_refused() {
    let office = Office::new();
    let now = office.server.now().as_secs();
    let own = TestServer::PUBLIC_URL;
    for (name, value) in [
        ("aud", json!("https://mcp.example.com.evil.example")),
        ("aud", json!("https://mcp.example.com/mcp")),
        ("aud", json!("https://mcp.example.com//")),
        ("aud", json!([own, "https://b.example"])),
        ("aud", json!([])),
        ("exp", json!(now - 60)),
        ("exp", json!(now + 361)),
        ("exp", json!(u64::MAX)),
        ("nbf", json!(now + 61)),
        ("iat", json!(now + 61)),
        ("jti", json!("")),
        ("jti", json!("x".repeat(257))),
        ("jti", json!(null)),
    ] {
        let case = format!("{name}: {value}");
        let assertion = office.assertion(|claims| claims[name] = value).await;
        let answer = present(&office.server, "/token", &assertion, "").await;
        expect_nobody(&answer, &case);
    }
    let (number, names) = (
        std::cell::Cell::new(0),
        [
            json!(own),
            json!(format!("{own}/")),
            json!(format!("{own}/token")),
            json!([own, format!("{own}/token")]),
        ],
    );
    for name in names {
        number.set(number.get() + 1);
        let assertion = office.assertion(|claims| {
            claims["aud"] = name;
            claims["jti"] = json!(format!("good {}", number.get()));
        });
        office.expect_good(&assertion.await).await;
    }
}

/// C6
#[tokio::test]
async fn an_assertion_that_the_client_s_key_did_not_sign_is_refused() {
    let office = Office::new();
    let claims = claims(&office.server, "desk").to_string();
    let kid = office.desk.key_id();
    let unsigned = |alg: &str| {
        let head = json!({ "alg": alg, "kid": kid });
        format!("{}.{}.", base64url(head.to_string()), base64url(&claims))
    };
    let shared = |secret: &[u8]| {
        let head = json!({ "alg": "HS256", "kid": kid });
        let input = format!("{}.{}", base64url(head.to_string()), base64url(&claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(input.as_bytes());
        format!("{input}.{}", base64url(mac.finalize().into_bytes()))
    };
    let public = serde_json::to_value(office.desk.public_jwk()).unwrap();
    let mine = office.lamp.public_jwk();
    let by_lamp = async |head: Value| forge(&office.lamp, &head.to_string(), &claims).await;
    let by_desk = async |head: Value| forge(&office.desk, &head.to_string(), &claims).await;
    for (case, assertion) in [
        ("none", unsigned("none")),
        ("None", unsigned("None")),
        ("no signature", unsigned("ES256")),
        (
            "the public key as a secret",
            shared(public.to_string().as_bytes()),
        ),
        (
            "its point as a secret",
            shared(public["x"].as_str().unwrap().as_bytes()),
        ),
        ("no secret", shared(b"")),
        (
            "a key in the header",
            by_lamp(json!({ "alg": "ES256", "jwk": mine })).await,
        ),
        (
            "the kid of the client",
            by_lamp(json!({ "alg": "ES256", "kid": kid })).await,
        ),
        (
            "the kid of another",
            by_lamp(json!({ "alg": "ES256", "kid": office.lamp.key_id() })).await,
        ),
        (
            "a path as kid",
            by_desk(json!({ "alg": "ES256", "kid": "../../../dev/null" })).await,
        ),
        (
            "a query as kid",
            by_desk(json!({ "alg": "ES256", "kid": "' OR '1'='1" })).await,
        ),
        (
            "an empty kid",
            by_desk(json!({ "alg": "ES256", "kid": "" })).await,
        ),
        (
            "another algorithm",
            by_desk(json!({ "alg": "ES384", "kid": kid })).await,
        ),
        (
            "crit",
            by_desk(json!({ "alg": "ES256", "kid": kid, "crit": ["exp"] })).await,
        ),
        (
            "an access token",
            by_desk(json!({ "alg": "ES256", "kid": kid, "typ": "at+jwt" })).await,
        ),
        (
            "an ID token",
            by_desk(json!({ "alg": "ES256", "kid": kid, "typ": "logout+jwt" })).await,
        ),
        (
            "too long",
            format!("{}{}", office.assertion(|_| ()).await, "A".repeat(8192)),
        ),
        ("nothing", "..".to_owned()),
    ] {
        for path in ["/token", "/revoke"] {
            let answer = present(&office.server, path, &assertion, "").await;
            expect_nobody(&answer, case);
        }
    }
    for (number, head) in [
        json!({ "alg": "ES256" }),
        json!({ "alg": "ES256", "kid": kid }),
        json!({ "alg": "ES256", "typ": "JWT" }),
        json!({ "alg": "ES256", "typ": "application/client-authentication+jwt" }),
    ]
    .into_iter()
    .enumerate()
    {
        let claims = claims.replace("one", &number.to_string());
        let assertion = forge(&office.desk, &head.to_string(), &claims).await;
        office.expect_good(&assertion).await;
    }
}

/// C6
#[tokio::test]
async fn an_assertion_in_the_wrong_place_is_refused() {
    let office = Office::new();
    let assertion = office.assertion(|_| ()).await;
    let grant = "grant_type=client_credentials&token=x";
    let kind = ASSERTION_TYPE;
    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    for form in [
        format!("{grant}&client_assertion={assertion}"),
        format!("{grant}&client_assertion_type={kind}"),
        format!("{grant}&client_assertion_type={kind}&client_assertion="),
        format!("{grant}&client_assertion_type={saml}&client_assertion={assertion}"),
        format!("{grant}&client_assertion_type={assertion}&client_assertion={kind}"),
        format!("{grant}&client_assertion_type={kind}&assertion={assertion}"),
        format!("{grant}&client_id=desk&client_secret={assertion}"),
        format!("{grant}&client_id={assertion}"),
        format!("{grant}&client_id=desk"),
    ] {
        for path in ["/token", "/revoke"] {
            expect_nobody(&post_form(&office.server, path, &form).await, &form);
        }
    }
    let both = parameters(&assertion, &[]);
    let jwt = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    for (path, body) in [
        (format!("/token?{both}"), grant.to_owned()),
        (
            format!("/token?client_assertion={assertion}"),
            grant.to_owned(),
        ),
        ("/token".to_owned(), format!("{jwt}&assertion={assertion}")),
    ] {
        let answer = send(&office.server, ("POST", &path), &[FORM], body).await;
        expect_nobody(&answer, &path);
    }
    office.expect_good(&assertion).await;
}

/// C6
#[tokio::test]
async fn an_assertion_beside_other_credentials_is_refused() {
    let office = Office::new();
    let assertion = office.assertion(|_| ()).await;
    let body = parameters(&assertion, &[("grant_type", "client_credentials")]);
    let basic = [FORM, ("authorization", "Basic ZGVzazp4")];
    let bearer = [FORM, ("authorization", "Bearer x")];
    let secret = format!("{body}&client_secret=x");
    for (headers, body) in [
        (&basic[..], body.as_str()),
        (&bearer[..], body.as_str()),
        (&[FORM][..], secret.as_str()),
    ] {
        let answer = send(&office.server, ("POST", "/token"), headers, body.to_owned()).await;
        expect_refusal(&answer, 400, "invalid_request", "several");
    }
    let twice = format!("{body}&client_assertion={assertion}");
    let answer = post_form(&office.server, "/token", &twice).await;
    expect_refusal(&answer, 400, "invalid_request", "twice");
    office.expect_good(&assertion).await;
}

/// C6
#[tokio::test]
async fn a_client_proves_itself_in_the_way_it_registered_and_no_other() {
    let office = Office::new();
    let server = &office.server;
    for (form, header) in [
        ("client_id=desk", None),
        ("client_id=desk&client_secret=", None),
        ("client_id=desk&client_secret=s", None),
        ("", Some("Basic ZGVzazo=")),
        ("", Some("Basic ZGVzazpz")),
    ] {
        let mut headers = vec![FORM];
        headers.extend(header.map(|value| ("authorization", value)));
        let body = format!("grant_type=client_credentials&token=x&{form}");
        for path in ["/token", "/revoke"] {
            let answer = send(server, ("POST", path), &headers, body.clone()).await;
            expect_refusal(&answer, 401, "invalid_client", form);
            // Only who tried the header is told of it.
            let told = super::support::header(&answer, "www-authenticate");
            assert_eq!(told.starts_with("Basic"), header.is_some(), "{form}");
        }
    }
    for client in ["secret", "public"] {
        let assertion = signed(&office.desk, &claims(server, client)).await;
        expect_nobody(&present(server, "/token", &assertion, "").await, client);
    }
}

/// C6, E8
#[tokio::test]
async fn while_the_store_is_down_an_assertion_is_neither_refused_nor_taken() {
    let (store, desk) = (FaultyStore::new(), key(1));
    let server = TestServer::with(|builder| {
        let shared = Arc::new(store.clone());
        let builder = builder.store(shared, master_keys());
        builder.client(signing("desk", &[&desk]))
    });
    let assertion = signed(&desk, &claims(&server, "desk")).await;

    store.set_down(true);
    for path in ["/token", "/revoke"] {
        expect_outage(&present(&server, path, &assertion, "").await, path);
    }
    store.set_down(false);

    let answer = present(&server, "/token", &assertion, "").await;
    assert_eq!(answer.status(), 200, "{answer:?}");
}

/// C6
#[tokio::test]
async fn any_key_of_the_client_counts_by_its_name_or_without_one() {
    let keys = [key(1), key(2)];
    let edwards = SigningKey::generate(Algorithm::EdDsa, &SeededEntropy::new(3)).unwrap();
    let [first, second] = &keys;
    let server =
        TestServer::with(|builder| builder.client(signing("desk", &[first, &edwards, second])));
    for (case, key, kid, status) in [
        ("first", &**first, Some(first.key_id()), 200),
        ("second", &**second, Some(second.key_id()), 200),
        ("another curve", &edwards, Some(edwards.key_id()), 200),
        ("the only one of its algorithm", &edwards, None, 200),
        ("one of two that is not named", &**second, None, 200),
        (
            "a stranger's that is not named",
            &*super::support::key(4),
            None,
            401,
        ),
        (
            "one under the name of the other",
            &**first,
            Some(second.key_id()),
            401,
        ),
        (
            "one under the name of another kind",
            &edwards,
            Some(first.key_id()),
            401,
        ),
        (
            "a stranger's",
            &*super::support::key(4),
            Some(first.key_id()),
            401,
        ),
    ] {
        let mut head = json!({ "alg": key.algorithm() });
        if let Some(kid) = kid {
            head["kid"] = json!(kid);
        }
        let mut claims = claims(&server, "desk");
        claims["jti"] = json!(case);
        let assertion = forge(key, &head.to_string(), &claims.to_string()).await;
        let answer = present(&server, "/token", &assertion, "").await;
        assert_eq!(answer.status(), status, "{case}: {answer:?}");
    }
}

/// C6
#[tokio::test]
async fn a_client_that_registered_itself_signs_the_whole_way() {
    let server = TestServer::new();
    let key = key(1);
    let metadata = json!({
        "redirect_uris": [TestClient::REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [key.public_jwk()] },
    });
    let client = TestClient::register_with(&server, &metadata).await;
    assert_eq!(client.client_secret, None);
    let number = std::cell::Cell::new(0);
    let post = async |path: &str, form: &[(&str, &str)]| {
        number.set(number.get() + 1);
        let mut claims = claims(&server, &client.client_id);
        claims["jti"] = json!(number.get().to_string());
        let assertion = signed(&key, &claims).await;
        post_form(&server, path, &parameters(&assertion, form)).await
    };

    let code = client.authorize(&server, "notes:read").await;
    let redemption = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", client.verifier.as_str()),
    ];
    let unsigned = client.token(&server, &redemption).await;
    expect_nobody(unsigned.response(), "without an assertion");
    let tokens = json(&post("/token", &redemption).await);
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    let renewed = json(&post("/token", &refresh).await);
    let access_token = renewed["access_token"].as_str().unwrap();
    assert_eq!(server.call("ping", None, access_token).await.status(), 200);
    let machine = [("grant_type", "client_credentials")];
    let refused = post("/token", &machine).await;
    expect_refusal(&refused, 400, "unauthorized_client", "no machine");

    assert_eq!(
        post("/revoke", &[("token", access_token)]).await.status(),
        200
    );
    assert_eq!(server.call("ping", None, access_token).await.status(), 401);
}

/// C6
#[tokio::test]
async fn a_client_with_keys_and_no_method_is_not_public() {
    let key = key(1);
    let server = TestServer::with(|builder| {
        builder.client(preregistered(json!({
            "client_id": "desk",
            "jwks": { "keys": [key.public_jwk()] },
            "redirect_uris": [TestClient::REDIRECT_URI],
        })))
    });
    expect_nobody(
        &post_form(&server, "/revoke", "token=x&client_id=desk").await,
        "unsigned",
    );
    let assertion = signed(&key, &claims(&server, "desk")).await;
    let answer = present(&server, "/revoke", &assertion, "").await;
    assert_eq!(answer.status(), 200, "{answer:?}");
}

/// C6, F3
#[tokio::test]
async fn a_refusal_says_nothing_of_the_assertion() {
    let office = Office::new();
    let assertion = office.assertion(|claims| claims["exp"] = json!(1)).await;
    let answer = present(&office.server, "/token", &assertion, "").await;
    expect_nobody(&answer, "expired");
    let unknown = signed(&office.desk, &claims(&office.server, "nobody")).await;
    let other = present(&office.server, "/token", &unknown, "").await;
    assert_eq!(
        answer.body(),
        other.body(),
        "nobody learns who is registered"
    );
    let events = format!("{:?}", office.server.events().all());
    assert!(events.contains("the token has expired"), "{events}");
    assert!(!events.contains(&assertion), "{events}");
}
