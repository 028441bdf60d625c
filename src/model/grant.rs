use serde::{Deserialize, Serialize};

use crate::model::{Identity, Sealed};
use crate::types::{ClientId, GrantId, ResourceUri, Scope, Subject, Timestamp, TokenHash};

/// What one person allowed one client in one sign-in, or what a machine may do for
/// itself; every token belongs to one.
///
/// A grant that is revoked is gone, and with it every token it carried.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// Names the grant.
    pub id: GrantId,
    /// Who may use it.
    pub client_id: ClientId,
    /// What only the holder of the master key can read.
    pub details: GrantDetails,
    /// When the person signed in, or the machine asked.
    pub granted_at: Timestamp,
    /// When it ends unless it is refreshed before; never later than
    /// [`GrantDetails::ends_at`].
    pub expires_at: Timestamp,
}

/// Who a grant speaks for, and what it may carry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantDetails {
    /// For whom its tokens speak.
    pub subject: Subject,
    /// Who signed in at the identity provider; nobody, if the client is a machine
    /// that acts for itself.
    pub identity: Option<Identity>,
    /// The most that its tokens may carry.
    pub scope: Scope,
    /// Where its tokens are good.
    pub resource: ResourceUri,
    /// Claims the policy adds to its access tokens.
    pub claims: serde_json::Map<String, serde_json::Value>,
    /// When it ends, however often it was refreshed.
    pub ends_at: Timestamp,
}

/// A [`Grant`] as it is stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct GrantRecord {
    /// Names the grant; the key of the record.
    pub id: GrantId,
    /// Who may use it.
    pub client_id: ClientId,
    /// A keyed hash of the subject, to find its grants by.
    pub subject: TokenHash,
    /// [`GrantDetails`], sealed under a master key.
    pub details: Sealed,
    /// When the person signed in, or the machine asked.
    pub granted_at: Timestamp,
    /// From when on it is as if it had never been; a rotation of its refresh
    /// token moves this.
    pub expires_at: Timestamp,
}

/// Which grants to list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GrantFilter {
    /// Those of one subject, whose records have one of these keyed hashes.
    Subject(Vec<TokenHash>),
    /// Those of one client.
    Client(ClientId),
    /// All there are.
    All,
}
