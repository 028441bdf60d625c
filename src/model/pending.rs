use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Sealed;
use crate::types::{
    ClientId, CodeChallenge, RedirectUri, ResourceUri, Scope, Timestamp, TokenHash,
};

/// An authorization request that waits for the person's sign-in, as it is stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PendingRecord {
    /// The hash of the `state` sent to the identity provider; the key of the record.
    pub state: TokenHash,
    /// A [`PendingAuthorization`], sealed under that `state`.
    pub authorization: Sealed,
    /// From when on it is as if it had never been.
    pub expires_at: Timestamp,
}

/// An authorization request that the person consented to and that waits for
/// the sign-in.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct PendingAuthorization {
    /// The request, and what the person consented to.
    pub request: AuthorizedRequest,
    /// The hash of the secret in the cookie of the browser that consented.
    pub browser: TokenHash,
    /// The `nonce` that the ID token has to carry.
    pub nonce: String,
    /// Our PKCE verifier towards the identity provider.
    pub verifier: String,
}

impl fmt::Debug for PendingAuthorization {
    /// Without nonce and verifier, which are secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PendingAuthorization")
            .field("request", &self.request)
            .field("browser", &self.browser)
            .finish_non_exhaustive()
    }
}

/// An authorization request whose client and redirect URI are known good and
/// whose scope a person agreed to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuthorizedRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Where the answer goes, exactly as the request had it.
    pub redirect_uri: RedirectUri,
    /// What the client wants to get back with the answer, byte for byte.
    pub state: Option<String>,
    /// What the redeemer of the code has to answer.
    pub challenge: CodeChallenge,
    /// Where the tokens will be good.
    pub resource: ResourceUri,
    /// What the person consented to.
    pub scope: Scope,
}
