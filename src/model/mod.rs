//! What a store keeps (layer 2).
//!
//! Secrets are here only as hashes, and what need not be searched for is
//! [`Sealed`] under a secret that the store never sees. A record never changes
//! by assignment from outside: a store's verbs move it from stage to stage.

mod client;
mod code;
mod grant;
mod identity;
mod pending;
mod sealed;
mod token;

pub use client::{AuthMethod, ClientRecord, GrantType, Registration};
pub use code::{AuthorizedLogin, CodeRecord, CodeStage};
pub use grant::GrantRecord;
pub use identity::Identity;
pub use pending::{AuthorizedRequest, PendingAuthorization, PendingRecord};
pub use sealed::{SealError, Sealed};
pub use token::{AccessTokenRecord, IssuedRecords, RefreshRecord, SpentToken};
