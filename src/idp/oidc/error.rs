use std::fmt;

use thiserror::Error;

use crate::fetch::document::DocumentError;
use crate::idp::IdpError;
use crate::jose::{ClaimError, InvalidJws, KeySetError};
use crate::protocol::form::Form;

/// Why a sign-in at an OpenID provider did not succeed, for the operator.
///
/// No message holds a token, a code or a text that the provider chose freely.
#[derive(Clone, Debug, Error)]
pub(super) enum OidcError {
    #[error("the person or the provider did not agree: {0}")]
    Denied(ProviderCode),
    #[error("the provider cannot sign anybody in now: {0}")]
    Busy(ProviderCode),
    #[error("the provider refused to authorize: {0}")]
    Authorization(ProviderCode),
    #[error("the provider refused the token request: {0}")]
    Token(ProviderCode),
    #[error("there is no usable {0}")]
    Document(Document, #[source] DocumentError),
    #[error("the metadata is that of another issuer")]
    MetadataOfAnother,
    #[error("the {0} of the metadata is no https URL")]
    Endpoint(&'static str),
    #[error("the provider takes a client secret neither by basic nor by post")]
    ClientAuth,
    #[error("the answer names another issuer")]
    AnswerOfAnother,
    #[error("the answer does not name its issuer, although the provider always does")]
    AnswerWithoutIssuer,
    #[error("the answer has no code")]
    NoCode,
    #[error("the request cannot be written down")]
    Request,
    #[error("no key of the provider goes with the ID token")]
    UnknownKey,
    #[error("the ID token is not signed by the provider")]
    Signature(#[source] InvalidJws),
    #[error("the ID token is another kind of token")]
    Kind,
    #[error("the ID token does not have the claims it must have")]
    Claims,
    #[error("the ID token does not count here")]
    Registered(#[source] ClaimError),
    #[error("the ID token was made for another client")]
    AuthorizedParty,
    #[error("the ID token belongs to another sign-in")]
    Nonce,
    #[error("the ID token belongs to another access token")]
    AccessTokenHash,
    #[error("the userinfo is about somebody else")]
    UserinfoOfAnother,
}

/// What was fetched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Document {
    Metadata,
    Keys,
    Tokens,
    Userinfo,
}

impl fmt::Display for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Metadata => "provider's metadata",
            Self::Keys => "provider's set of keys",
            Self::Tokens => "token answer",
            Self::Userinfo => "userinfo",
        })
    }
}

/// An error code of a provider, as far as it can be one ([RFC 6749, section 4.1.2.1]).
///
/// [RFC 6749, section 4.1.2.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ProviderCode(String);

impl ProviderCode {
    const MAX_LENGTH: usize = 64;

    /// Keeps `text` if it looks like the name of an error, not like prose.
    pub(super) fn new(text: &str) -> Self {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !text.bytes().all(named) {
            return Self("(no known code)".to_owned());
        }
        Self(text.to_owned())
    }
}

impl fmt::Display for ProviderCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl OidcError {
    pub(super) const fn malformed(document: Document) -> Self {
        Self::Document(document, DocumentError::Malformed)
    }

    /// The error that an authorization answer reports, if it reports one.
    pub(super) fn of_answer(answer: &Form) -> Option<Self> {
        let text = answer.value("error")?;
        let code = ProviderCode::new(text);
        Some(match text {
            "access_denied" | "login_required" | "consent_required" | "interaction_required" => {
                Self::Denied(code)
            }
            "temporarily_unavailable" | "server_error" => Self::Busy(code),
            _ => Self::Authorization(code),
        })
    }

    /// Whether asking again later may help.
    fn is_outage(&self) -> bool {
        match self {
            Self::Busy(_) => true,
            Self::Document(_, error) => error.is_outage(),
            Self::Denied(_)
            | Self::Authorization(_)
            | Self::Token(_)
            | Self::MetadataOfAnother
            | Self::Endpoint(_)
            | Self::ClientAuth
            | Self::AnswerOfAnother
            | Self::AnswerWithoutIssuer
            | Self::NoCode
            | Self::Request
            | Self::UnknownKey
            | Self::Signature(_)
            | Self::Kind
            | Self::Claims
            | Self::Registered(_)
            | Self::AuthorizedParty
            | Self::Nonce
            | Self::AccessTokenHash
            | Self::UserinfoOfAnother => false,
        }
    }
}

impl From<KeySetError> for OidcError {
    fn from(error: KeySetError) -> Self {
        match error {
            KeySetError::UnknownKey => Self::UnknownKey,
            KeySetError::Invalid(invalid) => Self::Signature(invalid),
        }
    }
}

impl From<OidcError> for IdpError {
    fn from(error: OidcError) -> Self {
        if matches!(error, OidcError::Denied(_)) {
            return Self::AccessDenied;
        }
        if error.is_outage() {
            return Self::unavailable(error);
        }
        Self::refused(error)
    }
}
