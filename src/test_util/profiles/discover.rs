use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    CONTENT_TYPE, ORIGIN, WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::{Discovery, Profile, Registers};
use crate::test_util::TestServer;

/// What a client found out about a server.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) resource: String,
    pub(super) scope: String,
    pub(super) issuer: Option<String>,
    pub(super) authorize: String,
    pub(super) token: String,
    pub(super) register: String,
}

impl Profile {
    /// Sends a request as this client does; a page asks before.
    pub(super) async fn send(
        &self,
        server: &TestServer,
        mut request: Request<Bytes>,
    ) -> Response<Bytes> {
        let Some(origin) = self.origin else {
            return server.send(request).await;
        };
        let headers = request.headers().keys().map(http::HeaderName::as_str);
        let preflight = Request::builder()
            .method(Method::OPTIONS)
            .uri(request.uri())
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, request.method().as_str())
            .header(
                ACCESS_CONTROL_REQUEST_HEADERS,
                headers.collect::<Vec<_>>().join(","),
            );
        let preflight = preflight.body(Bytes::new()).expect("a preflight is good");
        self.expect_open(&server.send(preflight).await);
        let value = origin.parse().expect("an origin is a header");
        request.headers_mut().insert(ORIGIN, value);
        let response = server.send(request).await;
        self.expect_open(&response);
        response
    }

    fn expect_open(&self, response: &Response<Bytes>) {
        let open = response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN);
        let name = self.name;
        assert_eq!(
            open.map(http::HeaderValue::as_bytes),
            Some(&b"*"[..]),
            "{name}: a page may not read {response:?}"
        );
    }

    async fn document(&self, server: &TestServer, url: &str) -> Option<Value> {
        let request = Request::get(url).header("mcp-protocol-version", "2025-11-25");
        let request = request.body(Bytes::new()).expect("a location is a URL");
        let response = self.send(server, request).await;
        match response.status() {
            StatusCode::OK => serde_json::from_slice(response.body()).ok(),
            _ => None,
        }
    }

    /// Knocks, and looks around.
    pub(super) async fn discover(&self, server: &TestServer) -> Found {
        let endpoint = server.auth().resource().resource().as_str().to_owned();
        let challenge = self.knock(server, &endpoint).await;
        let origin = Url::parse(&endpoint)
            .expect("the endpoint is a URL")
            .origin();
        let origin = origin.ascii_serialization();
        let path = endpoint.strip_prefix(&origin).unwrap_or_default();
        let family = "/.well-known/oauth-protected-resource";
        let places = match self.discovery {
            Discovery::Challenge => vec![parameter(&challenge, "resource_metadata")],
            Discovery::WellKnown => {
                vec![
                    format!("{origin}{family}{path}"),
                    format!("{origin}{family}"),
                ]
            }
            Discovery::Origin | Discovery::Nowhere => vec![],
        };
        let mut resource = endpoint.clone();
        let mut issuer = origin.clone();
        for place in &places {
            if let Some(document) = self.document(server, place).await {
                resource = text(&document["resource"]);
                issuer = text(&document["authorization_servers"][0]);
                break;
            }
        }
        assert_eq!(resource, endpoint, "{}: compared strictly", self.name);
        let scope = parameter(&challenge, "scope");
        match self.discovery {
            Discovery::Nowhere => Found {
                authorize: format!("{origin}/authorize"),
                token: format!("{origin}/token"),
                register: format!("{origin}/register"),
                issuer: None,
                resource,
                scope,
            },
            Discovery::Challenge | Discovery::WellKnown | Discovery::Origin => {
                self.meet(server, &issuer, resource, scope).await
            }
        }
    }

    /// Initializes without a token and is told where to begin.
    async fn knock(&self, server: &TestServer, endpoint: &str) -> String {
        let message = json!({
            "jsonrpc": "2.0",
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": { "name": self.name, "version": "1" },
            },
        });
        let request = Request::post(endpoint)
            .header(CONTENT_TYPE, "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(Bytes::from(message.to_string()));
        let response = self
            .send(server, request.expect("the endpoint is a URL"))
            .await;
        assert_eq!(response.status(), 401, "{}: {response:?}", self.name);
        let challenge = response.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge.and_then(|value| value.to_str().ok());
        challenge.expect("a 401 has a challenge").to_owned()
    }

    /// Reads what the authorization server says of itself.
    async fn meet(
        &self,
        server: &TestServer,
        issuer: &str,
        resource: String,
        scope: String,
    ) -> Found {
        let places = [
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
        ];
        for place in places {
            let found = self.document(server, &format!("{issuer}{place}")).await;
            let Some(document) = found else {
                continue;
            };
            assert_eq!(
                document["issuer"], issuer,
                "{}: compared strictly",
                self.name
            );
            if let Registers::Document(_) = self.registration {
                let on = &document["client_id_metadata_document_supported"];
                assert_eq!(*on, json!(true), "{}: would register instead", self.name);
            }
            let ways = document["token_endpoint_auth_methods_supported"].as_array();
            let open = ways.is_some_and(|ways| ways.contains(&json!("none")));
            assert!(open, "{}: looks for `none`", self.name);
            let methods = &document["code_challenge_methods_supported"];
            assert_eq!(*methods, json!(["S256"]), "{}: needs PKCE", self.name);
            return Found {
                authorize: text(&document["authorization_endpoint"]),
                token: text(&document["token_endpoint"]),
                register: text(&document["registration_endpoint"]),
                issuer: Some(issuer.to_owned()),
                resource,
                scope,
            };
        }
        panic!("{}: no metadata of {issuer}", self.name)
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A parameter of a challenge.
fn parameter(challenge: &str, name: &str) -> String {
    let marker = format!("{name}=\"");
    let rest = challenge.split_once(&marker).map(|(_, rest)| rest);
    let value = rest.and_then(|rest| rest.split('"').next());
    value.unwrap_or_default().to_owned()
}
