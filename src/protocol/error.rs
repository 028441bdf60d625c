//! Error codes and the JSON object that carries them ([RFC 6749, section 5.2]).
//!
//! [RFC 6749, section 5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// What went wrong, in the one word a client can act on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request is malformed (RFC 6749, section 5.2).
    InvalidRequest,
    /// The client is unknown or did not prove who it is (RFC 6749, section 5.2).
    InvalidClient,
    /// The code or refresh token is not good (RFC 6749, section 5.2).
    InvalidGrant,
    /// The client may not do this (RFC 6749, section 5.2).
    UnauthorizedClient,
    /// There is no such grant type here (RFC 6749, section 5.2).
    UnsupportedGrantType,
    /// There is no such response type here (RFC 6749, section 4.1.2.1).
    UnsupportedResponseType,
    /// The scope is unknown, malformed or too wide (RFC 6749, section 5.2).
    InvalidScope,
    /// The resource is not one of this server's (RFC 8707, section 2).
    InvalidTarget,
    /// The person or the server said no (RFC 6749, section 4.1.2.1).
    AccessDenied,
    /// The server failed (RFC 6749, section 4.1.2.1).
    ServerError,
    /// The server cannot now; the same request may succeed later
    /// (RFC 6749, section 4.1.2.1).
    TemporarilyUnavailable,
    /// The access token is not good (RFC 6750, section 3.1).
    InvalidToken,
    /// The access token is good but not enough (RFC 6750, section 3.1).
    InsufficientScope,
    /// A redirect URI of a registration is refused (RFC 7591, section 3.2.2).
    InvalidRedirectUri,
    /// Anything else of a registration is refused (RFC 7591, section 3.2.2).
    InvalidClientMetadata,
    /// A software statement is malformed or not authentic (RFC 7591, section 3.2.2).
    InvalidSoftwareStatement,
    /// A software statement is of nobody who is believed (RFC 7591, section 3.2.2).
    UnapprovedSoftwareStatement,
    /// Tokens of this type cannot be revoked (RFC 7009, section 2.2.1).
    UnsupportedTokenType,
}

impl ErrorCode {
    /// The code as it is on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::UnsupportedTokenType => "unsupported_token_type",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The body of an error answer.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorResponse {
    /// The code.
    pub error: &'static str,
    /// What a developer should know: nothing of the request and of no cause.
    pub error_description: Cow<'static, str>,
}

impl ErrorResponse {
    /// The answer for `code`.
    #[must_use]
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error: code.as_str(),
            error_description: description.into(),
        }
    }
}
