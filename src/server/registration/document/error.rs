use std::sync::Arc;

use http::StatusCode;
use thiserror::Error;

use crate::fetch::{FetchError, TooManyLoads};
use crate::limit::TooMany;
use crate::server::error::RegistrationError;
use crate::server::policy::PolicyError;
use crate::types::InvalidDocumentUrl;

/// Why a client cannot be known by its document.
///
/// Some are a definite no ([`is_final`](Self::is_final)), some pass by themselves
/// ([`is_outage`](Self::is_outage)). What is neither is an answer that is not the
/// document, such as that of a firewall or a page about a fault: somebody has to
/// mend that, and it takes nothing back that the document said before.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The identifier is a URL, and not that of a document.
    #[error("the client_id is no URL of a document: {0}")]
    Url(#[from] InvalidDocumentUrl),
    /// The policy of this server refuses the client.
    #[error("the policy of this server does not admit the client")]
    NotAdmitted,
    /// The URL is one from which nothing is fetched.
    #[error("the document is out of reach: {0}")]
    Address(&'static str),
    /// The name in the URL leads to where nothing is fetched from, for now.
    #[error("the document is out of reach: {0}")]
    Misled(&'static str),
    /// The host answers with something else than the document.
    #[error("the host of the document answers with the status {0}")]
    Status(StatusCode),
    /// The answer is longer than a document may be.
    #[error("the document is too large")]
    TooLarge,
    /// The answer does not say that it is JSON.
    #[error("the content type of the document is not that of JSON")]
    ContentType,
    /// The answer is compressed, which nobody asked for.
    #[error("the document is compressed")]
    Compressed,
    /// The document is not text.
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// There are too many objects or lists within each other.
    #[error("the document is nested too deeply")]
    TooDeep,
    /// The document is no JSON object with members of the right types.
    #[error("the document is no JSON object of client metadata")]
    Malformed,
    /// A member is there twice, so that two readers may see two clients.
    #[error("a member of the document is repeated")]
    RepeatedMember,
    /// The document does not name its own URL, byte for byte.
    #[error("the client_id in the document is not its URL")]
    OtherClientId,
    /// The document holds a secret, or a method that needs one.
    #[error("the document holds a client secret, or an authentication method that needs one")]
    Secret,
    /// The client has no name.
    #[error("the document has no client_name")]
    NoName,
    /// The name looks like markup.
    #[error("the client_name has angle brackets")]
    Markup,
    /// A link is no link to a web page.
    #[error("the {0} of the document is no web address")]
    Link(&'static str),
    /// What the client says of itself is refused, as it would be in a registration.
    #[error("{0}")]
    Metadata(Arc<RegistrationError>),
    /// The host did not answer, or not in time.
    #[error("the host of the document cannot be reached")]
    Unreachable(#[source] Arc<FetchError>),
    /// The host says that it cannot answer now.
    #[error("the host of the document answers with the status {0} for now")]
    Unavailable(StatusCode),
    /// As many documents are being fetched as may be.
    #[error(transparent)]
    TooManyLoads(#[from] TooManyLoads),
    /// The address that asks made this server fetch too much.
    #[error("too many documents are fetched for this address")]
    TooManyFetches(#[source] TooMany),
    /// Too much that was fetched from the host was of no use.
    #[error("too many documents of this host were of no use in the last minute")]
    HostPaused,
    /// The registration policy failed.
    #[error("the registration policy failed")]
    Policy(#[source] Arc<PolicyError>),
}

impl DocumentError {
    /// Whether it passes by itself: nobody may take it for a no.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::Unavailable(_)
            | Self::TooManyLoads(_)
            | Self::TooManyFetches(_)
            | Self::HostPaused
            | Self::Policy(_) => true,
            Self::Url(_)
            | Self::NotAdmitted
            | Self::Address(_)
            | Self::Misled(_)
            | Self::Status(_)
            | Self::TooLarge
            | Self::ContentType
            | Self::Compressed
            | Self::NotUtf8
            | Self::TooDeep
            | Self::Malformed
            | Self::RepeatedMember
            | Self::OtherClientId
            | Self::Secret
            | Self::NoName
            | Self::Markup
            | Self::Link(_)
            | Self::Metadata(_) => false,
        }
    }

    /// Whether it is a definite no: the host says that the document is gone, or the
    /// document itself is refused, or its URL, or the client.
    ///
    /// Only then a copy does not serve on, and a client that proves itself hears
    /// that it is none.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Status(status) => [StatusCode::NOT_FOUND, StatusCode::GONE].contains(status),
            Self::Unreachable(_)
            | Self::Unavailable(_)
            | Self::TooManyLoads(_)
            | Self::TooManyFetches(_)
            | Self::HostPaused
            | Self::Policy(_)
            | Self::Misled(_)
            | Self::TooLarge
            | Self::ContentType
            | Self::Compressed => false,
            Self::Url(_)
            | Self::NotAdmitted
            | Self::Address(_)
            | Self::NotUtf8
            | Self::TooDeep
            | Self::Malformed
            | Self::RepeatedMember
            | Self::OtherClientId
            | Self::Secret
            | Self::NoName
            | Self::Markup
            | Self::Link(_)
            | Self::Metadata(_) => true,
        }
    }
}

impl From<TooMany> for DocumentError {
    fn from(refusal: TooMany) -> Self {
        Self::TooManyFetches(refusal)
    }
}

impl From<RegistrationError> for DocumentError {
    fn from(error: RegistrationError) -> Self {
        Self::Metadata(Arc::new(error))
    }
}

impl From<PolicyError> for DocumentError {
    fn from(error: PolicyError) -> Self {
        Self::Policy(Arc::new(error))
    }
}

impl From<FetchError> for DocumentError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Refused(reason) => Self::Misled(reason),
            FetchError::TooLarge(_) => Self::TooLarge,
            FetchError::Failed(_) => Self::Unreachable(Arc::new(error)),
        }
    }
}
