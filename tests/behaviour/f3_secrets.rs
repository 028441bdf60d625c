use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauth_for_mcp::event::{EventSink, TracingSink};
use oauth_for_mcp::idp::LoginStep;
use oauth_for_mcp::model::{AuthorizedRequest, PendingAuthorization};
use oauth_for_mcp::protocol::authorize::AuthorizationRequest;
use oauth_for_mcp::protocol::bearer::BearerToken;
use oauth_for_mcp::protocol::credentials::ClientCredentials;
use oauth_for_mcp::protocol::form::Form;
use oauth_for_mcp::protocol::revoke::RevocationRequest;
use oauth_for_mcp::protocol::token::TokenRequest;
use oauth_for_mcp::server::{AccessTokenFormat, ConsentDecision};
use oauth_for_mcp::test_util::{TestBrowser, TestClient, TestServer};
use oauth_for_mcp::types::{
    ClientId, CodeVerifier, RedirectUri, ResourceUri, Scope, Secret, TokenHash,
};
use serde_json::json;
use tracing::span;

use super::faulty_store::{FaultyStore, master_keys};
use super::support::{PING, cookie, header, hidden, parameter, post_mcp};

/// Keeps everything that is logged at any level.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn add(&self, value: &dyn Debug) {
        let mut text = self.0.lock().expect("no panic");
        let _ = writeln!(text, "{value:?}");
    }
}

impl tracing::field::Visit for Log {
    fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn Debug) {
        self.add(value);
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut self.clone());
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl EventSink for Log {
    fn emit(&self, event: &oauth_for_mcp::event::Event) {
        self.add(event);
        TracingSink.emit(event);
    }
}

/// Everything that must not be seen, as the flow comes across it.
#[derive(Debug, Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn keep(&mut self, secret: &str) -> String {
        assert!(secret.len() >= 20, "{secret} could be anywhere by chance");
        self.0.push(secret.to_owned());
        secret.to_owned()
    }

    #[track_caller]
    fn expect_unseen(&self, text: &str) {
        for secret in &self.0 {
            assert!(!text.contains(secret.as_str()), "{secret} in {text}");
        }
    }
}

async fn sign_in(
    server: &TestServer,
    client: &TestClient,
    secrets: &mut Secrets,
    log: &Log,
) -> String {
    let browser = TestBrowser::new();
    let page = browser
        .open(server, &client.authorization_url(server, "notes:read"))
        .await;
    let cookie = cookie(&page);
    secrets.keep(cookie.split_once('=').expect("a cookie").1);
    secrets.keep(&hidden(&page, "token"));
    log.add(&page.headers());
    let answer = browser.decide(server, &page, "approve").await;
    log.add(&answer.headers());
    let callback = header(&answer, "location").to_owned();
    secrets.keep(&parameter(&callback, "state").expect("a state"));
    let answer = browser.open(server, &callback).await;
    log.add(&answer.headers());
    let replayed = browser.open(server, &callback).await;
    log.add(&replayed);
    let location = header(&answer, "location").to_owned();
    secrets.keep(&parameter(&location, "code").expect("a code"))
}

/// A flow with every failure on the way.
async fn walk(server: &TestServer, store: &FaultyStore, log: &Log) -> Secrets {
    let mut secrets = Secrets::default();
    let asked = json!({
        "redirect_uris": [TestClient::REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let client = TestClient::register_with(server, &asked).await;
    secrets.keep(client.client_secret.as_deref().expect("a secret"));
    secrets.keep(&client.verifier);
    let mut thief = client.clone();
    thief.client_secret = Some(secrets.keep("a-guessed-secret-of-a-client"));
    let code = sign_in(server, &client, &mut secrets, log).await;

    log.add(thief.redeem(server, &code).await.response());
    let mut wrong = client.clone();
    wrong.verifier = secrets.keep("a-wrong-verifier-of-more-than-43-characters-in-it");
    log.add(wrong.redeem(server, &code).await.response());
    store.set_down(true);
    log.add(client.redeem(server, &code).await.response());
    store.set_down(false);
    let first = client.redeem(server, &code).await.expect_tokens();
    secrets.keep(&first.access_token);
    let spent = secrets.keep(first.refresh_token.as_deref().expect("may refresh"));
    let second = client.refresh(server, &spent).await.expect_tokens();
    secrets.keep(&second.access_token);
    secrets.keep(second.refresh_token.as_deref().expect("may refresh"));
    log.add(&post_mcp(server, &second.access_token, PING).await);
    log.add(&post_mcp(server, &spent, PING).await);
    let add = r#"{"method":"tools/call","params":{"name":"add_note"}}"#;
    log.add(&post_mcp(server, &second.access_token, add).await);
    server.clock().advance(Duration::from_secs(31));
    log.add(client.refresh(server, &spent).await.response());
    log.add(&client.revoke(server, &spent).await);
    log.add(&post_mcp(server, &second.access_token, PING).await);
    let code = sign_in(server, &client, &mut secrets, log).await;
    let _ = client.redeem(server, &code).await.expect_tokens();
    log.add(client.redeem(server, &code).await.response());
    secrets
}

/// F3
#[tokio::test]
async fn no_secret_is_in_any_log_event_or_error() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let (log, store) = (Log::default(), FaultyStore::new());
        let (sink, shared) = (Arc::new(log.clone()), Arc::new(store.clone()));
        let server = TestServer::with(|builder| {
            builder
                .events(sink)
                .store(shared, master_keys())
                .access_token_format(format)
        });
        let guard = tracing::subscriber::set_default(log.clone());
        let secrets = walk(&server, &store, &log).await;
        drop(guard);
        log.add(&server);
        log.add(&server.auth());

        assert!(secrets.0.len() > 15);
        let seen = log.0.lock().unwrap().clone();
        assert!(
            seen.matches("RefreshTokenReused").count() >= 2,
            "events and logs are kept"
        );
        secrets.expect_unseen(&seen);
    }
}

/// F3
#[tokio::test]
async fn no_secret_is_in_a_url_but_the_code_and_the_state_on_their_way() {
    let server = TestServer::new();
    let client = TestClient::register(&server).await;
    let mut secrets = Secrets::default();
    let browser = TestBrowser::new();
    let page = browser
        .open(&server, &client.authorization_url(&server, "notes:read"))
        .await;
    secrets.keep(cookie(&page).split_once('=').unwrap().1);
    secrets.keep(&hidden(&page, "token"));
    secrets.keep(&client.verifier);
    let answer = browser.decide(&server, &page, "approve").await;
    secrets.expect_unseen(header(&answer, "location"));
    let upstream = parameter(header(&answer, "location"), "state").unwrap();
    let answer = browser.open(&server, header(&answer, "location")).await;
    secrets.keep(&upstream);
    secrets.expect_unseen(header(&answer, "location"));
}

/// F3
#[test]
fn values_that_hold_a_secret_do_not_show_it_when_printed() {
    let secret = "hunter2-hunter2-hunter2-hunter2-hunter2-hunter2";
    let form = |text: &str| Form::parse(text.replace("SECRET", secret).as_bytes()).unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {secret}").parse().unwrap());
    let code = form("grant_type=authorization_code&code=SECRET&code_verifier=SECRET");
    let refresh = form("grant_type=refresh_token&refresh_token=SECRET");
    let consent = form("request=state%3DSECRET&token=SECRET&decision=approve");
    let post = form("client_id=a&client_secret=SECRET");
    let verifier = CodeVerifier::parse(secret).unwrap();
    let url = format!("https://idp.example/login?state={secret}&nonce={secret}");
    let pending = PendingAuthorization {
        request: AuthorizedRequest {
            client_id: ClientId::parse("a").unwrap(),
            redirect_uri: RedirectUri::parse("https://a.example/cb").unwrap(),
            state: None,
            challenge: verifier.challenge(),
            resource: ResourceUri::parse("https://a.example/mcp").unwrap(),
            scope: Scope::empty(),
        },
        browser: TokenHash::of(secret),
        nonce: secret.to_owned(),
        verifier: secret.to_owned(),
    };
    let printed: [&dyn Debug; 12] = [
        &Secret::new(secret),
        &verifier,
        &BearerToken::parse(&headers).unwrap(),
        &TokenRequest::parse(&code).unwrap(),
        &TokenRequest::parse(&refresh).unwrap(),
        &RevocationRequest::parse(&form("token=SECRET")).unwrap(),
        &ClientCredentials::parse(&http::HeaderMap::new(), &post).unwrap(),
        &AuthorizationRequest::new(form("state=SECRET")),
        &ConsentDecision::parse(&consent),
        &LoginStep::Redirect(url.parse().unwrap()),
        &LoginStep::Page(format!("<input value=\"{secret}\">")),
        &pending,
    ];
    for value in printed {
        let text = format!("{value:?} {value:#?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
