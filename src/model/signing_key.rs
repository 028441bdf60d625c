use serde::{Deserialize, Serialize};

use crate::jose::Algorithm;
use crate::model::Sealed;
use crate::types::Timestamp;

/// A private key that signs access tokens, as it is stored.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SigningKeyRecord {
    /// Which key of the issuer it is, counted from 1; the key of the record, so
    /// that of several replicas one makes the next key.
    pub generation: u32,
    /// With what it signs.
    pub algorithm: Algorithm,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// The PKCS#8 document, sealed under a master key.
    pub private: Sealed,
}
