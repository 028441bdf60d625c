use http::Uri;

use crate::fetch::{Fetch, document};
use crate::idp::oidc::error::{Document, OidcError};
use crate::jose::VerifyingKeySet;

/// Fetches the keys of a provider.
pub(super) async fn load(fetch: &dyn Fetch, uri: &Uri) -> Result<VerifyingKeySet, OidcError> {
    let keys = document::load_keys(fetch, uri).await;
    keys.map_err(|error| OidcError::Document(Document::Keys, error))
}
