//! A request with an access token of ours, and the check that cannot be saved.

use std::cell::Cell;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use oauth_for_mcp::McpAuthBuilder;
use oauth_for_mcp::event::TracingSink;
use oauth_for_mcp::jose::{Algorithm, Jwk, KeyRing, SigningKey};
use oauth_for_mcp::test_util::{SeededEntropy, TestClient, TestServer};

use crate::ready::ready;

pub(crate) const BODY: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_notes","arguments":{"limit":10}}}"#;

/// Requests to the MCP endpoint that carry good tokens.
pub(crate) struct Bearer {
    server: TestServer,
    requests: Vec<(HeaderMap, Floor)>,
    /// The next one to look at.
    next: Cell<usize>,
}

/// The bare signature check of the same token.
pub(crate) struct Floor {
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Bearer {
    /// As many, each with a token of its own, at a server that is otherwise as it is
    /// by default.
    pub(crate) fn signed_with(
        algorithm: Algorithm,
        requests: usize,
        configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder,
    ) -> Self {
        let key = SigningKey::generate(algorithm, &SeededEntropy::new(7)).expect("a key");
        let keys = Arc::new(KeyRing::new(Arc::new(key)).expect("a ring"));
        let jwks = keys.jwks(oauth_for_mcp::types::Timestamp::default());
        let server =
            TestServer::with(|builder| configure(builder.keys(keys).events(Arc::new(TracingSink))));
        let request = |client: &TestClient| {
            let token = ready(client.sign_in(&server, "notes:read")).access_token;
            let value = format!("Bearer {token}").parse().expect("a header");
            let floor = Floor::new(algorithm, &jwks.keys()[0], &token);
            (HeaderMap::from_iter([(AUTHORIZATION, value)]), floor)
        };
        let client = ready(TestClient::register(&server));
        let requests = (0..requests).map(|_| request(&client)).collect();
        Self {
            server,
            requests,
            next: Cell::new(0),
        }
    }

    /// One whose token is remembered.
    pub(crate) fn known() -> Self {
        let known = Self::signed_with(Algorithm::Es256, 1, |builder| builder);
        known.verify();
        known
    }

    /// Everything between the header and the handler, the read of the grant included.
    pub(crate) fn verify(&self) {
        let resource = self.server.auth().resource();
        let (headers, _) = self.next();
        let token = ready(resource.authenticate(headers)).expect("a good token");
        let decided = resource.authorize(Some(&token), headers, Some(BODY));
        decided.expect("enough scope");
        std::hint::black_box(token);
    }

    /// Who calls, without the decision about the tool.
    pub(crate) fn authenticate(&self) {
        let resource = self.server.auth().resource();
        let token = ready(resource.authenticate(self.headers())).expect("a good token");
        std::hint::black_box(token);
    }

    /// The header with the token.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.next().0
    }

    /// The bare signature check of one token after another.
    pub(crate) fn floor(&self) -> &Floor {
        &self.next().1
    }

    fn next(&self) -> &(HeaderMap, Floor) {
        let next = self.next.get();
        self.next.set((next + 1) % self.requests.len());
        &self.requests[next]
    }
}

impl Floor {
    fn new(algorithm: Algorithm, key: &Jwk, token: &str) -> Self {
        let json = serde_json::to_value(key).expect("a key is JSON");
        let number = |name: &str| decoded(json[name].as_str().expect("a coordinate"));
        let (form, public): (&'static dyn VerificationAlgorithm, _) = match algorithm {
            Algorithm::Es256 => (
                &ECDSA_P256_SHA256_FIXED,
                [vec![4], number("x"), number("y")].concat(),
            ),
            Algorithm::EdDsa => (&ED25519, number("x")),
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es384 => {
                panic!("this crate does not sign with {algorithm}")
            }
        };
        let public = ParsedPublicKey::new(form, public).expect("a public key");
        Self::of_token(public, token)
    }

    pub(crate) fn of_token(key: ParsedPublicKey, token: &str) -> Self {
        let (message, signature) = token.rsplit_once('.').expect("a compact token");
        Self {
            key,
            message: message.as_bytes().to_vec(),
            signature: decoded(signature),
        }
    }

    /// The signature check, with the key parsed and the signature decoded already.
    pub(crate) fn verify(&self) {
        let result = self.key.verify_sig(&self.message, &self.signature);
        result.expect("a good signature");
    }
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
