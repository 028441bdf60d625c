use std::fmt;

use async_trait::async_trait;
use url::Url;

use crate::model::AuthMethod;
use crate::server::policy::PolicyError;
use crate::types::{RedirectUri, Scope};

/// Somebody wants to become a client; all of it was judged to be usable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistrationAttempt<'a> {
    /// In which way.
    pub way: RegistrationWay<'a>,
    /// What the client calls itself.
    pub name: Option<&'a str>,
    /// Where answers may be sent.
    pub redirect_uris: &'a [RedirectUri],
    /// How it will prove who it is.
    pub auth_method: AuthMethod,
    /// What it gets when it asks for no scope, if it said so.
    pub scope: Option<&'a Scope>,
    /// Who vouches for it with a software statement, if somebody does.
    pub vouched_by: Option<&'a str>,
}

/// In which way somebody wants to become a client.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum RegistrationWay<'a> {
    /// By registering.
    Dynamic,
    /// By the document at this URL. Asked before it is fetched, with nothing but
    /// the URL, and again with what is in it.
    Document(&'a Url),
}

/// Decides who may become a client.
#[async_trait]
pub trait RegistrationPolicy: fmt::Debug + Send + Sync + 'static {
    /// Whether the client is admitted.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if it cannot tell; the client is not admitted then, and
    /// may try again.
    async fn admits(&self, attempt: &RegistrationAttempt<'_>) -> Result<bool, PolicyError>;
}

/// Admits every client.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdmitEveryClient;

#[async_trait]
impl RegistrationPolicy for AdmitEveryClient {
    async fn admits(&self, _: &RegistrationAttempt<'_>) -> Result<bool, PolicyError> {
        Ok(true)
    }
}
