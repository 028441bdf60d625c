use serde::{Deserialize, Serialize};

use crate::model::{AuthorizedRequest, Identity, Sealed};
use crate::types::{GrantId, Scope, Subject, Timestamp, TokenHash};

/// An authorization code that was handed out ([RFC 6749, section 4.1.2]).
///
/// [RFC 6749, section 4.1.2]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CodeRecord {
    /// The hash of the code; the key of the record.
    pub hash: TokenHash,
    /// An [`AuthorizedLogin`], sealed under the code itself.
    pub login: Sealed,
    /// Whether it was redeemed.
    pub stage: CodeStage,
    /// From when on it is as if it had never been.
    pub expires_at: Timestamp,
}

/// Whether a code was redeemed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeStage {
    /// Nobody used it yet.
    Fresh,
    /// It gave this grant; a second use of it revokes that grant.
    Redeemed(GrantId),
}

/// What a code stands for: a request, the person who agreed to it, and what the
/// policy made of both.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuthorizedLogin {
    /// The request that the code answers.
    pub request: AuthorizedRequest,
    /// Who signed in.
    pub identity: Identity,
    /// For whom the tokens will speak.
    pub subject: Subject,
    /// The most that the tokens may carry.
    pub scope: Scope,
    /// Claims the policy adds to the access tokens.
    pub claims: serde_json::Map<String, serde_json::Value>,
}
