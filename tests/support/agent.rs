//! A lean MCP client and the person who uses it, step by step on the wire.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::wire::{Answer, Lost, Reply, Wire};

/// Where an agent wants answers; nothing listens there.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:53682/callback";
/// The revision in which a request stands alone.
const REVISION: &str = "2026-07-28";

/// A registered client.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) client_id: String,
    /// Its secret, if it is confidential.
    pub(crate) secret: Option<String>,
    /// Its PKCE verifier; the same for all its requests.
    pub(crate) verifier: String,
}

/// Tokens as they were answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// A person's browser that agreed and is to sign in next.
#[derive(Debug)]
pub(crate) struct SignIn {
    /// The cookie of the browser.
    pub(crate) cookie: String,
    /// The login page of development, or a redirect to the provider.
    pub(crate) reply: Reply,
}

impl Agent {
    /// Registers a client that authenticates by `method` and may refresh.
    pub(crate) async fn register(wire: &Wire, method: &str) -> Result<Self, Lost> {
        let metadata = json!({
            "client_name": "Agent",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": method,
        });
        let request = wire.request(Method::POST, "/register").json(&metadata);
        let reply = wire.send(request).await?;
        assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
        let body = reply.json();
        let client_id = text(&body["client_id"]).expect("a registered client has an identifier");
        Ok(Self {
            verifier: format!("verifier-of-{client_id}-{}", "v".repeat(30)),
            client_id,
            secret: text(&body["client_secret"]),
        })
    }

    /// The path to which the client sends the person.
    pub(crate) fn authorize_path(&self, scope: &str, state: &str) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier));
        let mut url = Url::parse("http://localhost/authorize").expect("it is one");
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", CALLBACK),
            ("state", state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("scope", scope),
        ]);
        format!("/authorize?{}", url.query().unwrap_or_default())
    }

    /// Whether the server knows the client: its consent page is shown.
    pub(crate) async fn is_known(&self, wire: &Wire) -> Result<bool, Lost> {
        let path = self.authorize_path("notes:read", "s");
        Ok(wire.get(&path, None).await?.status == StatusCode::OK)
    }

    /// Asks for `scope` and lets the person agree.
    pub(crate) async fn agree(&self, wire: &Wire, path: &str) -> Result<SignIn, Lost> {
        let page = wire.get(path, None).await?;
        assert_eq!(page.status, StatusCode::OK, "no consent page: {page:?}");
        let cookie = page.cookie().expect("the browser gets a cookie");
        let (request, token) = (page.hidden("request"), page.hidden("token"));
        let form = [
            ("request", request.as_deref().unwrap_or_default()),
            ("token", token.as_deref().unwrap_or_default()),
            ("decision", "approve"),
        ];
        let reply = wire.post("/oauth/consent", &form, Some(&cookie)).await?;
        Ok(SignIn { cookie, reply })
    }

    /// The whole way to a code, for whoever is called `name` at the development login.
    pub(crate) async fn authorize(
        &self,
        wire: &Wire,
        name: &str,
        scope: &str,
    ) -> Result<String, Lost> {
        let path = self.authorize_path(scope, "the-state");
        let sign_in = self.agree(wire, &path).await?;
        let page = &sign_in.reply;
        assert_eq!(page.status, StatusCode::OK, "no login page: {page:?}");
        let state = page.hidden("state").expect("the login page has a state");
        let callback = format!("/oauth/callback?state={state}&name={name}");
        let reply = wire.get(&callback, Some(&sign_in.cookie)).await;
        code_of(wire, &reply?)
    }

    /// Redeems a code.
    pub(crate) async fn redeem(&self, wire: &Wire, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", &self.verifier),
        ];
        self.post(wire, "/token", &form).await
    }

    /// Refreshes.
    pub(crate) async fn refresh(&self, wire: &Wire, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post(wire, "/token", &form).await
    }

    /// Gives up a token, and so its grant.
    pub(crate) async fn revoke(&self, wire: &Wire, token: &str) -> Answer {
        self.post(wire, "/revoke", &[("token", token)]).await
    }

    async fn post(&self, wire: &Wire, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut form = form.to_vec();
        form.push(("client_id", &self.client_id));
        form.extend(self.secret.as_deref().map(|own| ("client_secret", own)));
        wire.post(path, &form, None).await
    }
}

/// The code in the redirect to the client.
pub(crate) fn code_of(wire: &Wire, reply: &Reply) -> Result<String, Lost> {
    let location = reply.location().unwrap_or_default();
    let url = Url::parse(&location).unwrap_or_else(|_| panic!("no redirect: {reply:?}"));
    let parameter = |wanted| {
        let mut pairs = url.query_pairs();
        pairs.find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
    };
    if parameter("error").as_deref() == Some("temporarily_unavailable") {
        return Err(wire.busy());
    }
    Ok(parameter("code").unwrap_or_else(|| panic!("no code in {location}")))
}

/// The tokens of an answer with 200; `None` for any other.
pub(crate) fn tokens(reply: &Reply) -> Option<Tokens> {
    let body = reply.json();
    (reply.status == StatusCode::OK).then(|| Tokens {
        access: text(&body["access_token"]).expect("an answer has an access token"),
        refresh: text(&body["refresh_token"]).expect("an answer has a refresh token"),
    })
}

/// Whether the answer is `invalid_grant`.
pub(crate) fn is_invalid_grant(reply: &Reply) -> bool {
    reply.status == StatusCode::BAD_REQUEST && reply.json()["error"] == "invalid_grant"
}

/// Calls a tool with an access token, in one request that stands alone.
pub(crate) async fn call(wire: &Wire, access: &str, tool: &str, arguments: Value) -> Answer {
    let request = wire
        .request(Method::POST, "/mcp")
        .bearer_auth(access)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", REVISION)
        .header("mcp-method", "tools/call")
        .header("mcp-name", tool)
        .json(&json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {
                "name": tool,
                "arguments": arguments,
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": REVISION,
                    "io.modelcontextprotocol/clientInfo": { "name": "agent", "version": "1" },
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
            },
        }));
    wire.send(request).await
}

/// Asks who the token speaks for; the status, and the subject if it is good.
pub(crate) async fn whoami(wire: &Wire, access: &str) -> Result<(StatusCode, Value), Lost> {
    let reply = call(wire, access, "whoami", json!({})).await?;
    let subject = reply.json()["result"]["structuredContent"]["subject"].clone();
    Ok((reply.status, subject))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
