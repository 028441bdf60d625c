use async_trait::async_trait;
use minijinja::{Environment, context};
use thiserror::Error;

use crate::idp::{IdentityProvider, IdpError, Login, LoginStep};
use crate::model::Identity;
use crate::protocol::form::Form;
use crate::types::{Issuer, Subject};

/// Signs in whoever types a name, without a password: for development.
///
/// It can only be made for an issuer on this machine, so that it never ends up
/// in front of a server that others can reach.
#[derive(Clone, Debug)]
pub struct DevelopmentLogin {
    pages: Environment<'static>,
}

/// The issuer is not on this machine, so signing in without a password is refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("signing in without a password is for an issuer on localhost only")]
pub struct NotLoopback;

/// Why a name is refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a name is 1 to 64 characters, none of them a control character")]
struct InvalidName;

impl DevelopmentLogin {
    const PAGE: &str = "development.html";
    const LONGEST_NAME: usize = 64;

    /// The login for a server with this issuer.
    ///
    /// # Errors
    ///
    /// [`NotLoopback`] unless the host of `issuer` is `localhost`, `127.0.0.0/8`
    /// or `[::1]`.
    #[expect(
        clippy::missing_panics_doc,
        reason = "cannot panic: the template is a part of this crate"
    )]
    pub fn for_issuer(issuer: &Issuer) -> Result<Self, NotLoopback> {
        if !issuer.is_loopback() {
            return Err(NotLoopback);
        }
        let mut pages = Environment::new();
        // A name that ends in `.html` is what turns escaping on.
        pages
            .add_template(Self::PAGE, include_str!("development.html"))
            .expect("the template of this crate is valid");
        Ok(Self { pages })
    }

    fn page(&self, login: &Login) -> Result<String, minijinja::Error> {
        self.pages.get_template(Self::PAGE)?.render(context! {
            callback => login.callback.as_str(),
            state => login.state.expose(),
            longest => Self::LONGEST_NAME,
        })
    }

    fn identity(answer: &Form) -> Result<Identity, InvalidName> {
        let name = answer.value("name").unwrap_or("").trim();
        let characters = name.chars().count();
        let control = name.chars().any(char::is_control);
        if !(1..=Self::LONGEST_NAME).contains(&characters) || control {
            return Err(InvalidName);
        }
        // "Ann Lee" and "ann  lee" are one person.
        let words: Vec<_> = name.split_whitespace().map(str::to_lowercase).collect();
        let subject = Subject::parse(&words.join("-")).map_err(|_| InvalidName)?;
        let mut identity = Identity::new("development", subject);
        identity.name = Some(name.to_owned());
        Ok(identity)
    }
}

#[async_trait]
impl IdentityProvider for DevelopmentLogin {
    async fn begin(&self, login: &Login) -> Result<LoginStep, IdpError> {
        let page = self.page(login).map_err(IdpError::refused)?;
        Ok(LoginStep::Page(page))
    }

    async fn finish(&self, _login: &Login, answer: &Form) -> Result<Identity, IdpError> {
        Self::identity(answer).map_err(IdpError::refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{CodeVerifier, Secret};

    fn provider() -> DevelopmentLogin {
        let issuer = Issuer::parse("http://localhost:3000").unwrap();
        DevelopmentLogin::for_issuer(&issuer).unwrap()
    }

    fn login(state: &str, callback: &str) -> Login {
        Login {
            state: Secret::new(state),
            nonce: Secret::new("n"),
            verifier: CodeVerifier::parse(&"v".repeat(43)).unwrap(),
            callback: callback.into(),
        }
    }

    #[test]
    fn it_exists_for_an_issuer_on_this_machine_only() {
        for (issuer, expected) in [
            ("http://localhost:3000", true),
            ("http://127.0.0.1", true),
            ("https://[::1]/x", true),
            ("https://auth.example", false),
            ("https://localhost.example", false),
            ("https://127.0.0.1.example", false),
        ] {
            let made = DevelopmentLogin::for_issuer(&Issuer::parse(issuer).unwrap());
            assert_eq!(made.is_ok(), expected, "{issuer}");
        }
        let plain = Issuer::dangerous_parse_http("http://10.0.0.1").unwrap();
        assert_eq!(
            DevelopmentLogin::for_issuer(&plain).unwrap_err(),
            NotLoopback
        );
    }

    #[tokio::test]
    async fn the_page_says_what_it_is_and_leads_to_the_callback() {
        let login = login("the-state", "http://localhost:3000/callback");
        let LoginStep::Page(page) = provider().begin(&login).await.unwrap() else {
            panic!("a redirect instead of a page");
        };
        assert!(page.contains("for development only"));
        assert!(page.contains(r#"name="state" value="the-state""#));
        assert!(page.contains(r#"name="name""#));
        let unescaped = page.replace("&#x2f;", "/");
        assert!(unescaped.contains(r#"method="get" action="http://localhost:3000/callback""#));
        for active in ["<script", "javascript:", "onclick", "onload"] {
            assert!(!page.to_lowercase().contains(active), "{active}");
        }
    }

    #[tokio::test]
    async fn what_is_put_into_the_page_is_escaped() {
        let evil = r#""><script>alert('1')</script>"#;
        let LoginStep::Page(page) = provider().begin(&login(evil, evil)).await.unwrap() else {
            panic!("a redirect instead of a page");
        };
        assert!(!page.contains("<script"));
        assert!(!page.contains(r#""">"#));
    }

    #[tokio::test]
    async fn a_name_becomes_an_identity_without_an_address() {
        let login = login("s", "http://localhost/callback");
        let answer = Form::parse(b"state=s&name=+Ann++Lee+").unwrap();
        let identity = provider().finish(&login, &answer).await.unwrap();
        assert_eq!(identity.provider, "development");
        assert_eq!(identity.subject.as_str(), "ann-lee");
        assert_eq!(identity.name.as_deref(), Some("Ann  Lee"));
        assert_eq!((identity.email, identity.email_verified), (None, false));
    }

    #[tokio::test]
    async fn a_name_that_is_empty_long_or_unprintable_is_refused() {
        let long = "é".repeat(65);
        for name in ["", " ", "\t", "a\nb", "a\u{0}b", "a\u{7f}", long.as_str()] {
            let answer: Form = [("name", name)].into_iter().collect();
            let login = login("s", "http://localhost/callback");
            let refused = provider().finish(&login, &answer).await;
            assert!(matches!(refused, Err(IdpError::Refused(_))), "{name:?}");
        }
        let longest: Form = [("name", "é".repeat(64))].into_iter().collect();
        let login = login("s", "http://localhost/callback");
        assert!(provider().finish(&login, &longest).await.is_ok());
    }
}
