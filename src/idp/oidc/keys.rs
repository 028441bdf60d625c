use http::Uri;

use crate::fetch::Fetch;
use crate::idp::oidc::document;
use crate::idp::oidc::error::{Document, OidcError};
use crate::jose::{JwkSet, VerifyingKeySet};

/// Fetches the keys of a provider.
pub(super) async fn load(fetch: &dyn Fetch, uri: &Uri) -> Result<VerifyingKeySet, OidcError> {
    let answer = document::load(fetch, uri, Document::Keys).await?;
    let set: JwkSet = document::read(&answer, Document::Keys)?;
    Ok(VerifyingKeySet::from(&set))
}
