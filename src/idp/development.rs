use async_trait::async_trait;
use minijinja::{Environment, context};
use thiserror::Error;

use crate::idp::{IdentityProvider, IdpError, Login, LoginStep};
use crate::model::Identity;
use crate::protocol::form::Form;
use crate::types::{Issuer, Subject};

const MAX_NAME_CHARACTERS: usize = 64;

/// A login page that takes any name and asks for no proof: for development.
///
/// Exists only for a server whose issuer is on loopback.
#[derive(Clone, Debug)]
pub struct DevelopmentLogin {
    templates: Environment<'static>,
}

/// The issuer is not on loopback, so that anybody could sign in as anybody.
#[derive(Clone, Copy, Debug, Error, Eq, PartialEq)]
#[error("the development login takes any name without proof: the public URL has to be loopback")]
pub struct NotLoopback;

impl DevelopmentLogin {
    /// The login page for a server with this issuer.
    ///
    /// # Errors
    ///
    /// [`NotLoopback`] unless the host of the issuer is this machine itself.
    #[expect(
        clippy::missing_panics_doc,
        reason = "cannot panic: the template is part of this crate"
    )]
    pub fn for_issuer(issuer: &Issuer) -> Result<Self, NotLoopback> {
        if !issuer.is_loopback() {
            return Err(NotLoopback);
        }
        let mut templates = Environment::new();
        templates
            .add_template("development.html", include_str!("development.html"))
            .expect("the template of this crate is valid");
        Ok(Self { templates })
    }
}

#[async_trait]
impl IdentityProvider for DevelopmentLogin {
    async fn begin(&self, login: &Login) -> Result<LoginStep, IdpError> {
        let values =
            context! { callback => login.callback.as_str(), state => login.state.expose() };
        let template = self.templates.get_template("development.html");
        let page = template.and_then(|template| template.render(values));
        page.map(LoginStep::Page).map_err(IdpError::refused)
    }

    async fn finish(&self, _: &Login, answer: &Form) -> Result<Identity, IdpError> {
        let name = answer.value("name").unwrap_or_default().trim();
        if name.chars().count() > MAX_NAME_CHARACTERS {
            return Err(IdpError::refused("the name is longer than 64 characters"));
        }
        let subject = Subject::parse(name).map_err(IdpError::refused)?;
        let mut identity = Identity::new("development", subject);
        identity.name = Some(name.to_owned());
        Ok(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_development_login_exists_on_loopback_only() {
        let login = |text| DevelopmentLogin::for_issuer(&Issuer::parse(text).unwrap()).map(|_| ());
        assert_eq!(login("https://mcp.example.com"), Err(NotLoopback));
        assert_eq!(login("http://127.0.0.1:8080"), Ok(()));
    }
}
