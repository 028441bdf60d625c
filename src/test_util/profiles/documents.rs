use std::sync::LazyLock;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::fetch::{Fetch, FetchError, FetchLimits};
use crate::jose::{Algorithm, JwkSet, Signer as _, SigningKey};
use crate::test_util::SeededEntropy;

/// Serves the documents of all profiles, for
/// [`client_documents`](crate::McpAuthBuilder::client_documents).
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfileDocuments;

/// The key with which the one of them signs that does.
pub(super) static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let key = SigningKey::generate(Algorithm::Es256, &SeededEntropy::new(2_026));
    key.expect("the seed makes a key")
});

const KEYS_URI: &str = "https://chatgpt.com/oauth/jwks.json";

fn document(url: &str) -> Option<Value> {
    let mut document = match url {
        "https://claude.ai/oauth/mcp-oauth-client-metadata" => json!({
            "client_name": "Claude",
            "client_uri": "https://claude.ai",
            "redirect_uris": [
                "https://claude.ai/api/mcp/auth_callback",
                "https://claude.com/api/mcp/auth_callback",
            ],
            "token_endpoint_auth_method": "none",
        }),
        "https://claude.ai/oauth/claude-code-client-metadata" => json!({
            "client_name": "Claude Code",
            "client_uri": "https://claude.ai",
            "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
        }),
        "https://vscode.dev/oauth/client-metadata.json" => json!({
            "client_name": "Visual Studio Code",
            "client_uri": "https://vscode.dev",
            "redirect_uris": [
                "http://127.0.0.1:33418/",
                "https://vscode.dev/redirect",
            ],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        }),
        "https://chatgpt.com/oauth/client-metadata.json" => json!({
            "client_name": "ChatGPT",
            "client_uri": "https://chatgpt.com",
            "redirect_uris": ["https://chatgpt.com/connector/oauth/AbC-123_x"],
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
            "jwks_uri": KEYS_URI,
        }),
        KEYS_URI => {
            let keys = JwkSet::new(vec![KEY.public_jwk().clone()]);
            return serde_json::to_value(keys).ok();
        }
        _ => return None,
    };
    document["client_id"] = json!(url);
    document["grant_types"] = json!(["authorization_code", "refresh_token"]);
    document["response_types"] = json!(["code"]);
    Some(document)
}

#[async_trait]
impl Fetch for ProfileDocuments {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        _: FetchLimits,
    ) -> Result<Response<Bytes>, FetchError> {
        let Some(document) = document(&request.uri().to_string()) else {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NOT_FOUND;
            return Ok(response);
        };
        let mut response = Response::new(Bytes::from(document.to_string()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
        Ok(response)
    }
}
