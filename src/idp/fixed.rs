use async_trait::async_trait;
use url::Url;

use crate::idp::{IdentityProvider, IdpError, Login, LoginStep};
use crate::model::Identity;
use crate::protocol::form::Form;

/// Signs everybody in as the same person, without asking: for demos and tests.
#[derive(Clone, Debug)]
pub struct FixedIdentity {
    identity: Identity,
}

impl FixedIdentity {
    /// A provider at which everybody is `identity`.
    #[must_use]
    pub const fn new(identity: Identity) -> Self {
        Self { identity }
    }
}

#[async_trait]
impl IdentityProvider for FixedIdentity {
    /// The callback itself, as if the person had signed in and come back.
    async fn begin(&self, login: &Login) -> Result<LoginStep, IdpError> {
        let mut callback = Url::parse(&login.callback).map_err(IdpError::refused)?;
        callback
            .query_pairs_mut()
            .append_pair("state", login.state.expose())
            .append_pair("code", "fixed");
        Ok(LoginStep::Redirect(callback))
    }

    async fn finish(&self, _login: &Login, _answer: &Form) -> Result<Identity, IdpError> {
        Ok(self.identity.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{CodeVerifier, Secret, Subject};

    #[tokio::test]
    async fn everybody_comes_back_at_once_as_the_same_person() {
        let identity = Identity::new("demo", Subject::parse("alice").unwrap());
        let provider = FixedIdentity::new(identity.clone());
        let login = Login {
            state: Secret::new("a&b"),
            nonce: Secret::new("n"),
            verifier: CodeVerifier::parse(&"v".repeat(43)).unwrap(),
            callback: "https://auth.example/callback".into(),
        };
        let LoginStep::Redirect(url) = provider.begin(&login).await.unwrap() else {
            panic!("a page instead of a redirect");
        };
        let query = url.query().unwrap();
        assert_eq!(query, "state=a%26b&code=fixed");
        let answer = Form::parse(query.as_bytes()).unwrap();
        assert_eq!(provider.finish(&login, &answer).await.unwrap(), identity);
    }
}
