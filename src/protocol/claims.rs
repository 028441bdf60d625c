//! Claims of an access token ([RFC 9068, section 2.2]).
//!
//! [RFC 9068, section 2.2]: https://www.rfc-editor.org/rfc/rfc9068#section-2.2

use serde::{Deserialize, Serialize};

use crate::types::{ClientId, GrantId, Issuer, ResourceUri, Scope, Subject, Timestamp};

/// The media type of a signed access token, for its `typ` header.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// The claims of an access token that this crate issues.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AccessTokenClaims {
    /// Who issued it.
    pub iss: Issuer,
    /// For whom it speaks.
    pub sub: Subject,
    /// Where it is good.
    pub aud: ResourceUri,
    /// When it ends.
    pub exp: Timestamp,
    /// When it was issued.
    pub iat: Timestamp,
    /// Names this one token.
    pub jti: String,
    /// Who may use it.
    pub client_id: ClientId,
    /// What it may be used for.
    pub scope: Scope,
    /// The grant it belongs to; a private claim, with which a verifier can see
    /// in one read whether the grant still stands.
    pub grant_id: GrantId,
    /// Whether the client acts for itself; a private claim, left out for people.
    #[serde(default, skip_serializing_if = "is_false")]
    pub machine: bool,
    /// What the host's policy added.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

impl AccessTokenClaims {
    /// The claims that are this crate's to set: a policy cannot add one of them.
    pub const RESERVED: [&str; 13] = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "client_id",
        "scope",
        "grant_id",
        "machine",
        "cnf",
        "act",
    ];
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}
