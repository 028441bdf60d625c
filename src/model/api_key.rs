use serde::{Deserialize, Serialize};

use crate::model::Sealed;
use crate::types::{ApiKeyId, ResourceUri, Scope, Subject, Timestamp, TokenHash};

/// An API key, as whoever holds the master key sees it; the key itself is kept
/// nowhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKey {
    /// Names the key.
    pub id: ApiKeyId,
    /// What only the holder of the master key can read.
    pub details: ApiKeyDetails,
    /// When it was issued.
    pub created_at: Timestamp,
    /// From when on it counts no more; `None` if it has no end.
    pub expires_at: Option<Timestamp>,
}

/// Whom an API key speaks for, and what it allows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKeyDetails {
    /// What people call it, such as "nightly import".
    pub name: String,
    /// For whom it speaks.
    pub subject: Subject,
    /// What it may be used for.
    pub scope: Scope,
    /// Where it is good, and nowhere else.
    pub resource: ResourceUri,
    /// Whether it is known that a program acts for itself with it.
    pub is_machine: bool,
    /// What else is said of who uses it.
    pub claims: serde_json::Map<String, serde_json::Value>,
}

/// An [`ApiKey`] as it is stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ApiKeyRecord {
    /// Names the key; unique.
    pub id: ApiKeyId,
    /// The hash of the key; unique.
    pub hash: TokenHash,
    /// [`ApiKeyDetails`], sealed under a master key.
    pub details: Sealed,
    /// When it was issued.
    pub created_at: Timestamp,
    /// From when on it is as if it had never been; `None` if it has no end.
    pub expires_at: Option<Timestamp>,
}
