//! Values that are valid by construction (layer 0).
//!
//! Text becomes one of these once, at the edge; what exists has been checked.

mod api_key_id;
mod client_address;
mod client_id;
mod document_url;
mod entropy;
mod grant_id;
mod issuer;
mod pkce;
mod redirect_uri;
mod resource_uri;
mod scope;
mod scope_hierarchy;
mod secret;
mod subject;
mod text;
mod time;
mod url_path;

pub use api_key_id::{ApiKeyId, InvalidApiKeyId};
pub use client_address::ClientAddress;
pub use client_id::{ClientId, InvalidClientId};
pub use document_url::{DocumentUrl, InvalidDocumentUrl};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use entropy::SystemEntropy;
pub use entropy::{Entropy, EntropyError};
pub use grant_id::{GrantId, InvalidGrantId};
pub use issuer::{InvalidIssuer, Issuer};
pub use pkce::{CodeChallenge, CodeVerifier, InvalidPkce};
pub use redirect_uri::{InvalidRedirectUri, RedirectUri, RedirectUriKind};
pub use resource_uri::{InvalidResourceUri, ResourceUri};
pub use scope::{InvalidScope, Scope, ScopeToken};
pub use scope_hierarchy::ScopeHierarchy;
pub use secret::{Secret, TokenHash};
pub use subject::{InvalidSubject, Subject};
pub(crate) use text::Text;
pub use time::{Clock, SystemClock, Timestamp};
