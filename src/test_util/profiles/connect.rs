use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use url::Url;

use super::discover::{Found, text};
use super::documents::KEY;
use super::{Profile, Registers, ResourceForm};
use crate::jose::sign_compact;
use crate::protocol::form::Form;
use crate::test_util::{TestBrowser, TestServer};
use crate::types::CodeVerifier;

const VERIFIER: &str = "profile-verifier-of-more-than-43-characters-in-all";

/// A client that a person connected to a server.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The identifier that the client goes by.
    pub client_id: String,
    /// The access token it has now.
    pub access_token: String,
    /// The refresh token it has now.
    pub refresh_token: String,
    client_secret: Option<String>,
    token_endpoint: String,
    issuer: String,
    resource: Option<String>,
}

impl Profile {
    /// The whole way of this client: connects once for each of its redirect URIs,
    /// calls, lets the token expire, refreshes and calls again. A client that
    /// registers at each connection does so; one that keeps its identifier comes
    /// back with it after two months.
    ///
    /// # Panics
    ///
    /// If anything is not as this client needs it.
    pub async fn sign_in(&self, server: &TestServer) {
        let mut client = None;
        for uri in &self.redirect_uris {
            let found = self.discover(server).await;
            let known = self.become_known(server, &found).await;
            let mut connection = self.authorize(server, &found, known.clone(), uri).await;
            self.call(server, &connection).await;
            for _ in 0..3 {
                server.clock().advance(std::time::Duration::from_secs(601));
                self.refresh(server, &mut connection).await;
                self.call(server, &connection).await;
            }
            client = Some((found, known, *uri));
        }
        let (Registers::DynamicOnce(_), Some((found, known, uri))) = (&self.registration, client)
        else {
            return;
        };
        let months = std::time::Duration::from_secs(60 * 86_400);
        server.clock().advance(months);
        let connection = self.authorize(server, &found, known, uri).await;
        self.call(server, &connection).await;
    }

    /// Identifier and, if it has one, secret.
    async fn become_known(&self, server: &TestServer, found: &Found) -> (String, Option<String>) {
        let metadata = match &self.registration {
            Registers::Document(url) => return ((*url).to_owned(), None),
            Registers::Dynamic(metadata) | Registers::DynamicOnce(metadata) => metadata,
        };
        let request = Request::post(&found.register)
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(metadata.to_string()));
        let request = request.expect("the endpoint is a URL");
        let response = self.send(server, request).await;
        assert_eq!(response.status(), 201, "{}: {response:?}", self.name);
        let body: Value = serde_json::from_slice(response.body()).expect("JSON");
        for member in ["redirect_uris", "client_name", "token_endpoint_auth_method"] {
            let name = self.name;
            assert_eq!(body[member], metadata[member], "{name}: {member} is echoed");
        }
        let secret = body["client_secret"].as_str().map(str::to_owned);
        (text(&body["client_id"]), secret)
    }

    /// Sends the person to agree and sign in, and redeems the code.
    async fn authorize(
        &self,
        server: &TestServer,
        found: &Found,
        (client_id, client_secret): (String, Option<String>),
        redirect_uri: &str,
    ) -> Connection {
        let resource = match self.resource {
            ResourceForm::Exact => Some(found.resource.clone()),
            ResourceForm::TrailingSlash => Some(format!("{}/", found.resource)),
            ResourceForm::Query => Some(format!("{}?source=app", found.resource)),
            ResourceForm::Absent => None,
        };
        let verifier = CodeVerifier::parse(VERIFIER).expect("the verifier is good");
        let challenge = verifier.challenge().to_string();
        let parameters = [
            ("response_type", "code"),
            ("client_id", &client_id),
            ("redirect_uri", redirect_uri),
            ("scope", &found.scope),
            ("state", "ey/lnTwSm9F=+&state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let resources = resource.as_deref().map(|resource| ("resource", resource));
        let query = Form::from_iter(parameters.into_iter().chain(resources)).encode();
        let url = format!("{}?{query}", found.authorize);
        let sent_to = TestBrowser::new().agree(server, &url).await;
        let sent_to = sent_to.unwrap_or_else(|page| panic!("{}: {page:?}", self.name));
        let code = self.read_answer(&sent_to, redirect_uri, found);
        let mut connection = Connection {
            client_id,
            client_secret,
            access_token: String::new(),
            refresh_token: String::new(),
            token_endpoint: found.token.clone(),
            issuer: server.auth().server().issuer().as_str().to_owned(),
            resource,
        };
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", VERIFIER),
        ];
        let tokens = self.token(server, &connection, &form).await;
        connection.take(&tokens);
        connection
    }

    /// The code in the answer, after all that a strict client looks at.
    fn read_answer(&self, sent_to: &str, redirect_uri: &str, found: &Found) -> String {
        let name = self.name;
        assert!(sent_to.starts_with(redirect_uri), "{name}: {sent_to}");
        let url = Url::parse(sent_to).expect("a location is a URL");
        let value = |wanted: &str| {
            let found = url.query_pairs().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.into_owned())
        };
        assert_eq!(
            value("state").as_deref(),
            Some("ey/lnTwSm9F=+&state"),
            "{name}"
        );
        if let Some(issuer) = &found.issuer {
            assert_eq!(value("iss").as_ref(), Some(issuer), "{name}");
        }
        value("code").unwrap_or_else(|| panic!("{name}: no code in {sent_to}"))
    }

    /// Refreshes; some do so from two addresses at once, and go on with either
    /// answer.
    async fn refresh(&self, server: &TestServer, connection: &mut Connection) {
        let spent = connection.refresh_token.clone();
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", spent.as_str()),
        ];
        let tokens = if self.refreshes_twice {
            let one = self.token(server, connection, &form);
            let two = self.token(server, connection, &form);
            let (one, two) = at_once(one, two).await;
            assert_eq!(one["refresh_token"], two["refresh_token"], "{}", self.name);
            two
        } else {
            self.token(server, connection, &form).await
        };
        connection.take(&tokens);
        assert_ne!(connection.refresh_token, spent, "{}: it rotates", self.name);
    }

    async fn token(
        &self,
        server: &TestServer,
        connection: &Connection,
        form: &[(&str, &str)],
    ) -> Value {
        let mut form: Vec<(String, String)> = form
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut add = |name: &str, value: String| form.push((name.to_owned(), value));
        if let Some(resource) = &connection.resource {
            add("resource", resource.clone());
        }
        add("client_id", connection.client_id.clone());
        if let Some(secret) = &connection.client_secret {
            add("client_secret", secret.clone());
        }
        if self.signs() {
            let urn = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            add("client_assertion_type", urn.to_owned());
            add("client_assertion", assertion(server, connection).await);
        }
        let request = Request::post(&connection.token_endpoint)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(Form::from_iter(form).encode()));
        let request = request.expect("the endpoint is a URL");
        let response = self.send(server, request).await;
        assert_eq!(response.status(), 200, "{}: {response:?}", self.name);
        serde_json::from_slice(response.body()).expect("JSON")
    }

    fn signs(&self) -> bool {
        matches!(self.registration, Registers::Document(url) if url.contains("chatgpt.com"))
    }

    async fn call(&self, server: &TestServer, connection: &Connection) {
        let endpoint = server.auth().resource().resource().as_str();
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        let bearer = format!("Bearer {}", connection.access_token);
        let request = Request::post(endpoint)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, bearer)
            .body(Bytes::from(message.to_string()));
        let request = request.expect("the endpoint is a URL");
        let response = self.send(server, request).await;
        assert_eq!(response.status(), 200, "{}: {response:?}", self.name);
        let seen: Value = serde_json::from_slice(response.body()).expect("JSON");
        assert_eq!(seen["client_id"], connection.client_id, "{}", self.name);
    }
}

/// Both, each going on while the other waits.
async fn at_once<T>(one: impl Future<Output = T>, two: impl Future<Output = T>) -> (T, T) {
    let (mut one, mut two) = (pin!(one), pin!(two));
    let (mut first, mut second) = (None, None);
    poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(done) = one.as_mut().poll(context)
        {
            first = Some(done);
        }
        if second.is_none()
            && let Poll::Ready(done) = two.as_mut().poll(context)
        {
            second = Some(done);
        }
        match (first.take(), second.take()) {
            (Some(one), Some(two)) => Poll::Ready((one, two)),
            (one, two) => {
                (first, second) = (one, two);
                Poll::Pending
            }
        }
    })
    .await
}

impl Connection {
    fn take(&mut self, tokens: &Value) {
        self.access_token = text(&tokens["access_token"]);
        self.refresh_token = text(&tokens["refresh_token"]);
    }
}

/// What a client signs to prove who it is ([RFC 7523, section 3]).
///
/// [RFC 7523, section 3]: https://www.rfc-editor.org/rfc/rfc7523#section-3
async fn assertion(server: &TestServer, connection: &Connection) -> String {
    let jti = server.auth().server().entropy().identifier();
    let claims = json!({
        "iss": connection.client_id,
        "sub": connection.client_id,
        "aud": connection.issuer,
        "iat": server.now().as_secs(),
        "exp": server.now().as_secs() + 60,
        "jti": jti.expect("a test has randomness"),
    });
    let signed = sign_compact(&*KEY, "JWT", &claims).await;
    signed.expect("the key signs")
}
