//! What a store keeps (layer 2).
//!
//! Secrets are here only as hashes, and what need not be searched for is
//! [`Sealed`] under a secret or a key that the store never sees. A record never changes
//! by assignment from outside: a store's verbs move it from stage to stage.

mod api_key;
mod client;
mod code;
mod grant;
mod identity;
#[cfg(feature = "server")]
mod master_key;
#[cfg(feature = "server")]
mod master_key_file;
mod pending;
mod sealed;
mod signing_key;
mod token;

pub use api_key::{ApiKey, ApiKeyDetails, ApiKeyRecord};
pub(crate) use client::ClientContents;
pub use client::{AuthMethod, ClientKeys, ClientRecord, GrantType, Registration};
pub use code::{AuthorizedLogin, CodeRecord, CodeStage};
pub use grant::{Grant, GrantDetails, GrantFilter, GrantRecord};
pub use identity::Identity;
#[cfg(feature = "server")]
pub(crate) use master_key::Place;
#[cfg(feature = "server")]
pub use master_key::{
    InvalidMasterKey, MasterKey, MasterKeyId, MasterKeys, NotRemovable, OpenError,
};
#[cfg(feature = "server")]
pub use master_key_file::MasterKeyFileError;
pub use pending::{AuthorizedRequest, PendingAuthorization, PendingRecord};
pub use sealed::{SealError, Sealed};
pub use signing_key::SigningKeyRecord;
pub use token::{AccessTokenRecord, IssuedRecords, RefreshRecord, RotatedRecords, SpentToken};
