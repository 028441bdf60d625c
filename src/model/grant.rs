use serde::{Deserialize, Serialize};

use crate::model::Identity;
use crate::types::{ClientId, GrantId, ResourceUri, Scope, Subject, Timestamp};

/// What one person allowed one client in one sign-in; every token belongs to one.
///
/// A grant that is revoked is gone, and with it every token it carried.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct GrantRecord {
    /// Names the grant.
    pub id: GrantId,
    /// Who may use it.
    pub client_id: ClientId,
    /// For whom its tokens speak.
    pub subject: Subject,
    /// Who signed in at the identity provider.
    pub identity: Identity,
    /// The most that its tokens may carry.
    pub scope: Scope,
    /// Where its tokens are good.
    pub resource: ResourceUri,
    /// Claims the policy adds to its access tokens.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// When the person signed in.
    pub granted_at: Timestamp,
    /// When it ends, however often it was refreshed.
    pub expires_at: Timestamp,
}
