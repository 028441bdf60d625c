use serde::{Deserialize, Serialize};

use crate::model::{GrantRecord, Sealed};
use crate::types::{GrantId, Scope, Timestamp, TokenHash};

/// An opaque access token. (A signed one is not stored: its grant is enough.)
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccessTokenRecord {
    /// The hash of the token; the key of the record.
    pub hash: TokenHash,
    /// The grant it belongs to.
    pub grant_id: GrantId,
    /// What it may be used for; never more than the grant.
    pub scope: Scope,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is as if it had never been.
    pub expires_at: Timestamp,
}

/// The refresh tokens of one grant: the one that is valid and the one before it.
///
/// A refresh token names its grant and has two secrets: one of its *family*, the
/// same through the life of the grant, and one of its own. So any token that was
/// ever valid can be told from a guess, however often the grant was refreshed,
/// while only one record is kept.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RefreshRecord {
    /// The grant it belongs to; the key of the record.
    pub grant_id: GrantId,
    /// The hash of the family's secret.
    pub family: TokenHash,
    /// The hash of the valid token's own secret.
    pub current: TokenHash,
    /// The token that `current` replaced, if any.
    pub previous: Option<SpentToken>,
    /// From when on it is as if it had never been.
    pub expires_at: Timestamp,
}

/// A refresh token that was used.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SpentToken {
    /// The hash of the token's own secret.
    pub hash: TokenHash,
    /// When it was used.
    pub spent_at: Timestamp,
    /// The answer it got, sealed under the spent token: within the grace
    /// period the same client may hear it again.
    pub answer: Sealed,
}

/// Everything that the redemption of a code stores, in one write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuedRecords {
    /// The grant that begins.
    pub grant: GrantRecord,
    /// Its first access token, if it is opaque.
    pub access: Option<AccessTokenRecord>,
    /// Its first refresh token, if the client may refresh.
    pub refresh: Option<RefreshRecord>,
}

/// Everything that the use of a refresh token stores, in one write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RotatedRecords {
    /// The refresh token that comes next.
    pub refresh: RefreshRecord,
    /// The next access token, if it is opaque.
    pub access: Option<AccessTokenRecord>,
    /// When the grant ends now unless it is refreshed again.
    pub grant_expires_at: Timestamp,
}
