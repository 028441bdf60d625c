use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

use crate::model::{ClientRecord, Identity};
use crate::types::{ResourceUri, Scope, Subject};

/// A person signed in and a client waits for its code.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginAttempt<'a> {
    /// Who signed in.
    pub identity: &'a Identity,
    /// The client that asks.
    pub client: &'a ClientRecord,
    /// What the person consented to.
    pub scope: &'a Scope,
    /// Where the tokens will be good.
    pub resource: &'a ResourceUri,
}

/// What the policy makes of a sign-in.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The client gets a code.
    Allow(Approval),
    /// The client gets `access_denied`.
    Refuse,
}

/// For whom the tokens will speak, and what they will carry.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The `sub` of the tokens; has to be stable for a person.
    pub subject: Subject,
    /// What is granted; whatever the person did not consent to is left out.
    pub scope: Scope,
    /// Claims to add to access tokens; those this crate sets are left out.
    pub claims: serde_json::Map<String, serde_json::Value>,
}

impl Approval {
    /// Speaks for `subject`, with all that the person consented to.
    #[must_use]
    pub fn of(attempt: &LoginAttempt<'_>, subject: Subject) -> Self {
        Self {
            subject,
            scope: attempt.scope.clone(),
            claims: serde_json::Map::new(),
        }
    }
}

/// The policy could not decide; the client hears that it may try again.
#[derive(Debug, Error)]
#[error("the login policy failed")]
pub struct PolicyError(#[source] pub(crate) Box<dyn StdError + Send + Sync>);

impl PolicyError {
    /// A failure with its cause.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Decides who may sign in, as whom, and with what.
#[async_trait]
pub trait LoginPolicy: fmt::Debug + Send + Sync + 'static {
    /// Judges one sign-in, after the identity provider vouched for the person
    /// and before a code is made.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if it cannot tell; nothing is granted then.
    async fn decide(&self, attempt: &LoginAttempt<'_>) -> Result<Decision, PolicyError>;
}

/// Lets in whoever the identity provider vouches for, under the subject they
/// have there, with all they consented to.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowEveryone;

#[async_trait]
impl LoginPolicy for AllowEveryone {
    async fn decide(&self, attempt: &LoginAttempt<'_>) -> Result<Decision, PolicyError> {
        let subject = attempt.identity.subject.clone();
        Ok(Decision::Allow(Approval::of(attempt, subject)))
    }
}
