use async_trait::async_trait;
use url::Url;

use crate::idp::{IdentityProvider, IdpError, Login, LoginStep};
use crate::model::Identity;
use crate::protocol::form::Form;

/// Signs everybody in as one and the same person: for demos and tests.
#[derive(Clone, Debug)]
pub struct FixedIdentity(Identity);

impl FixedIdentity {
    /// Signs everybody in as `identity`.
    #[must_use]
    pub const fn new(identity: Identity) -> Self {
        Self(identity)
    }
}

#[async_trait]
impl IdentityProvider for FixedIdentity {
    async fn begin(&self, login: &Login) -> Result<LoginStep, IdpError> {
        let mut callback = Url::parse(&login.callback).map_err(IdpError::refused)?;
        callback
            .query_pairs_mut()
            .append_pair("state", login.state.expose());
        Ok(LoginStep::Redirect(callback))
    }

    async fn finish(&self, _: &Login, _: &Form) -> Result<Identity, IdpError> {
        Ok(self.0.clone())
    }
}
