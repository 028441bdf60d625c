//! A request with an access token of ours, and the check that cannot be saved.

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

/// A request to the MCP endpoint that carries a good token.
pub(crate) struct Bearer {
    server: TestServer,
    headers: HeaderMap,
    floor: Floor,
}

/// The bare signature check of the same token.
pub(crate) struct Floor {
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Bearer {
    /// At a server that verifies every token as if it had never seen it.
    pub(crate) fn signed_with(algorithm: Algorithm) -> Self {
        Self::at(algorithm, McpAuthBuilder::without_token_cache)
    }

    /// At a server that remembers tokens.
    pub(crate) fn known() -> Self {
        let known = Self::at(Algorithm::Es256, |builder| builder);
        known.verify();
        known
    }

    fn at(algorithm: Algorithm, configure: impl FnOnce(McpAuthBuilder) -> McpAuthBuilder) -> Self {
        let key = SigningKey::generate(algorithm, &SeededEntropy::new(7)).expect("a key");
        let keys = Arc::new(KeyRing::new(Arc::new(key)).expect("a ring"));
        let jwks = keys.jwks(oauth_for_mcp::types::Timestamp::default());
        let server =
            TestServer::with(|builder| configure(builder.keys(keys).events(Arc::new(TracingSink))));
        let token = ready(async {
            let client = TestClient::register(&server).await;
            client.sign_in(&server, "notes:read").await.access_token
        });
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {token}").parse().expect("a header");
        headers.insert(AUTHORIZATION, value);
        let floor = Floor::new(algorithm, &jwks.keys()[0], &token);
        Self {
            server,
            headers,
            floor,
        }
    }

    /// Everything between the header and the handler, the read of the grant included.
    pub(crate) fn verify(&self) {
        let resource = self.server.auth().resource();
        let token = ready(resource.authenticate(&self.headers)).expect("a good token");
        resource
            .authorize(Some(&token), &self.headers, Some(BODY))
            .expect("enough scope");
        std::hint::black_box(token);
    }

    /// Who calls, without the decision about the tool.
    pub(crate) fn authenticate(&self) {
        let resource = self.server.auth().resource();
        let token = ready(resource.authenticate(&self.headers)).expect("a good token");
        std::hint::black_box(token);
    }

    /// The header with the token.
    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) const fn floor(&self) -> &Floor {
        &self.floor
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
