use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::protocol::form::Form;
use crate::test_util::{TestBrowser, TestServer};
use crate::types::CodeVerifier;

/// An MCP client that knows every step of the way.
#[derive(Clone, Debug)]
pub struct TestClient {
    /// Who it is.
    pub client_id: String,
    /// Its secret, if it is confidential.
    pub client_secret: Option<String>,
    /// Where it wants answers.
    pub redirect_uri: String,
    /// Its PKCE verifier; the same for all its requests.
    pub verifier: String,
}

/// What a client holds after a sign-in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token, if there is one.
    pub refresh_token: Option<String>,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    /// What the access token carries.
    pub scope: String,
}

/// The answer to a token request.
#[derive(Debug)]
pub struct TokenAnswer(Response<Bytes>);

impl TokenAnswer {
    /// The answer as it came.
    #[must_use]
    pub const fn response(&self) -> &Response<Bytes> {
        &self.0
    }

    /// The body.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.0.body()).unwrap_or_default()
    }

    /// The tokens, if there are any.
    #[must_use]
    pub fn tokens(&self) -> Option<Tokens> {
        let body = self.json();
        Some(Tokens {
            access_token: body["access_token"].as_str()?.to_owned(),
            refresh_token: body["refresh_token"].as_str().map(str::to_owned),
            expires_in: body["expires_in"].as_u64()?,
            scope: body["scope"].as_str()?.to_owned(),
        })
    }

    /// The tokens.
    ///
    /// # Panics
    ///
    /// If there are none.
    #[must_use]
    #[track_caller]
    pub fn expect_tokens(&self) -> Tokens {
        self.tokens()
            .unwrap_or_else(|| panic!("no tokens: {:?}", self.0))
    }

    /// Makes sure that the request was refused with this error.
    ///
    /// # Panics
    ///
    /// If it was not.
    #[track_caller]
    pub fn expect_error(&self, code: &str) {
        assert_eq!(self.json()["error"], code, "{:?}", self.0);
        assert!(self.tokens().is_none(), "tokens beside an error");
    }
}

impl TestClient {
    /// Where a test client wants answers.
    pub const REDIRECT_URI: &'static str = "https://client.example.com/callback";

    /// A client that is known to the server under this identifier.
    #[must_use]
    pub fn known(client_id: &str, redirect_uri: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret: None,
            redirect_uri: redirect_uri.to_owned(),
            verifier: "test-client-verifier-of-more-than-43-characters".to_owned(),
        }
    }

    /// Registers a public client that may refresh, another one each time.
    pub async fn register(server: &TestServer) -> Self {
        let metadata = json!({
            "client_name": server.name_for_client(),
            "redirect_uris": [Self::REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        Self::register_with(server, &metadata).await
    }

    /// Registers with this metadata; the first redirect URI is the one it uses.
    ///
    /// # Panics
    ///
    /// If the server refuses it.
    pub async fn register_with(server: &TestServer, metadata: &Value) -> Self {
        let response = Self::try_register(server, metadata).await;
        assert_eq!(response.status(), StatusCode::CREATED, "{response:?}");
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut client = Self::known(&text(&body["client_id"]), &text(&body["redirect_uris"][0]));
        client.client_secret = body["client_secret"].as_str().map(str::to_owned);
        client
    }

    /// Asks for registration and tells what came.
    ///
    /// # Panics
    ///
    /// If the server's address is none.
    pub async fn try_register(server: &TestServer, metadata: &Value) -> Response<Bytes> {
        let request = Request::post(server.url("/register"))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(metadata.to_string()));
        server
            .send(request.expect("the address of a test server is good"))
            .await
    }

    /// The parameters of an authorization request, to change one of them.
    ///
    /// # Panics
    ///
    /// If the client's verifier is malformed.
    #[must_use]
    pub fn authorization_parameters(&self, scope: &str) -> Vec<(String, String)> {
        let verifier = CodeVerifier::parse(&self.verifier).expect("a test's verifier is good");
        let challenge = verifier.challenge().to_string();
        [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("state", "client-state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("scope", scope),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The URL to which the client sends the person.
    #[must_use]
    pub fn authorization_url(&self, server: &TestServer, scope: &str) -> String {
        let query = Form::from_iter(self.authorization_parameters(scope)).encode();
        format!("{}?{query}", server.url("/authorize"))
    }

    /// Lets the person agree and sign in, and takes the code.
    ///
    /// # Panics
    ///
    /// If there is no code.
    pub async fn authorize(&self, server: &TestServer, scope: &str) -> String {
        let url = self.authorization_url(server, scope);
        let sent_to = TestBrowser::new().agree(server, &url).await;
        let sent_to = sent_to.unwrap_or_else(|page| panic!("no answer for the client: {page:?}"));
        let url = Url::parse(&sent_to).expect("a location is a URL");
        let code = url.query_pairs().find(|(name, _)| name == "code");
        let (_, code) = code.unwrap_or_else(|| panic!("no code in {sent_to}"));
        code.into_owned()
    }

    /// Redeems a code.
    pub async fn redeem(&self, server: &TestServer, code: &str) -> TokenAnswer {
        self.token(
            server,
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &self.redirect_uri),
                ("code_verifier", &self.verifier),
            ],
        )
        .await
    }

    /// Refreshes.
    pub async fn refresh(&self, server: &TestServer, refresh_token: &str) -> TokenAnswer {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        self.token(server, &form).await
    }

    /// Sends a token request with the client's credentials in the form.
    pub async fn token(&self, server: &TestServer, form: &[(&str, &str)]) -> TokenAnswer {
        TokenAnswer(self.post(server, "/token", form).await)
    }

    /// Gives up a token.
    pub async fn revoke(&self, server: &TestServer, token: &str) -> Response<Bytes> {
        self.post(server, "/revoke", &[("token", token)]).await
    }

    /// The whole way: authorization, consent, sign-in, code, tokens.
    ///
    /// # Panics
    ///
    /// If any step fails.
    pub async fn sign_in(&self, server: &TestServer, scope: &str) -> Tokens {
        let code = self.authorize(server, scope).await;
        self.redeem(server, &code).await.expect_tokens()
    }

    /// Posts a form with the client's credentials in it.
    ///
    /// # Panics
    ///
    /// If `path` makes no URL.
    pub async fn post(
        &self,
        server: &TestServer,
        path: &str,
        form: &[(&str, &str)],
    ) -> Response<Bytes> {
        let secret = self
            .client_secret
            .as_deref()
            .map(|secret| ("client_secret", secret));
        let credentials = [("client_id", self.client_id.as_str())]
            .into_iter()
            .chain(secret);
        let form = Form::from_iter(form.iter().copied().chain(credentials));
        let request = Request::post(server.url(path))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(form.encode()));
        server
            .send(request.expect("a path of a test is good"))
            .await
    }
}
