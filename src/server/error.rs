mod authorize;

use std::time::Duration;

use thiserror::Error;

use crate::jose::{Algorithm, SignError};
use crate::model::SealError;
use crate::protocol::error::ErrorCode;
use crate::protocol::revoke::InvalidRevocationRequest;
use crate::protocol::token::InvalidTokenRequest;
use crate::server::registration::DocumentError;
use crate::store::StoreError;
use crate::types::{EntropyError, InvalidRedirectUri};

pub use authorize::{AuthorizeError, PageError};

/// The settings contradict each other or are unsafe.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Issuer or resource are plain `http` on a host that is not loopback.
    #[error(
        "issuer or resource are plain http and not loopback; allow that with dangerous_allow_http"
    )]
    PlainHttp,
    /// No scope can be granted.
    #[error("no scope was configured: nothing could be granted")]
    NoScopes,
    /// A scope that is granted by default cannot be granted at all.
    #[error("the default scope holds {0}, which is none of the scopes")]
    UnknownDefaultScope(String),
    /// A lifetime is zero, or longer than it may be or than the one that holds it.
    #[error("the lifetime {0} is zero or too long")]
    Lifetime(&'static str),
    /// A client was configured in a way in which it could not be used.
    #[error("the preregistered client {0} is unusable: {1}")]
    Client(String, #[source] RegistrationError),
    /// Two clients have one identifier.
    #[error("the preregistered client {0} is there twice")]
    DuplicateClient(String),
    /// New keys are to sign with an algorithm that this crate does not sign with.
    #[error("keys in the store sign with ES256 or EdDSA, not with {0}")]
    KeyAlgorithm(Algorithm),
    /// A key would be gone while tokens that it signed live, or before its
    /// successor is known everywhere.
    #[error(
        "the overlap of signing keys has to be ten minutes longer than an access token lives, \
         and their period longer than the overlap"
    )]
    KeySchedule,
}

/// A failure of the server itself; the client may try again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Outage {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There was no randomness.
    #[error("the source of randomness failed")]
    Entropy(#[from] EntropyError),
    /// Nothing could be signed.
    #[error("signing failed")]
    Sign(#[from] SignError),
    /// Nothing could be sealed, or what was sealed does not open.
    #[error("sealing failed")]
    Seal(#[from] SealError),
    /// The identity provider failed.
    #[error("the identity provider failed")]
    IdentityProvider(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The login policy failed.
    #[error("the login policy failed")]
    Policy(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The claims of the login policy make the access token longer than any
    /// resource server reads.
    #[error("the access token is longer than 8 KiB: the policy adds too many claims")]
    TokenTooLong,
    /// The login policy gave a person a subject that stands for a client.
    #[error("the login policy gave a person the identifier of a client as subject")]
    SubjectOfClient,
    /// The document of a client, or its keys, cannot be fetched now.
    #[error("the document of a client cannot be had")]
    ClientDocument(#[source] DocumentError),
    /// An identifier that was just made exists already.
    #[error("an identifier that was just made exists already")]
    Collision,
}

/// Why a token request gets no tokens.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The form is no token request.
    #[error("the token request is malformed: {0}")]
    Malformed(#[from] InvalidTokenRequest),
    /// The client is not registered for this grant.
    #[error("the client is not registered for this grant")]
    GrantTypeNotAllowed,
    /// There is no such code, or it expired.
    #[error("the authorization code is unknown or expired")]
    CodeUnknown,
    /// The code was given to another client.
    #[error("the authorization code belongs to another client")]
    CodeOfAnotherClient,
    /// The code was redeemed before; its grant is revoked now.
    #[error("the authorization code was used before")]
    CodeReplayed,
    /// The redirect URI is not the one of the authorization request.
    #[error("the redirect_uri differs from that of the authorization request")]
    RedirectUriMismatch,
    /// The verifier does not answer the challenge.
    #[error("the code_verifier does not match the code_challenge")]
    VerifierMismatch,
    /// The resource is not the one that was authorized.
    #[error("the resource is not the one that was authorized")]
    ResourceMismatch,
    /// There is no such refresh token, or it expired or was revoked.
    #[error("the refresh token is unknown, expired or revoked")]
    RefreshUnknown,
    /// The refresh token was given to another client.
    #[error("the refresh token belongs to another client")]
    RefreshOfAnotherClient,
    /// The refresh token was replaced before; its grant is revoked now.
    #[error("the refresh token was used before")]
    RefreshReused,
    /// More was asked for than was granted.
    #[error("the scope goes beyond what was granted")]
    ScopeTooWide,
    /// A machine asked for nothing that it is registered for.
    #[error("none of the scopes is registered for the client")]
    ScopeNotRegistered,
    /// The server failed.
    #[error("{0}")]
    Outage(#[from] Outage),
}

impl From<&TokenError> for ErrorCode {
    fn from(error: &TokenError) -> Self {
        match error {
            TokenError::Malformed(
                InvalidTokenRequest::Missing(_) | InvalidTokenRequest::Verifier(_),
            ) => Self::InvalidRequest,
            TokenError::Malformed(InvalidTokenRequest::GrantType) => Self::UnsupportedGrantType,
            TokenError::Malformed(InvalidTokenRequest::Scope)
            | TokenError::ScopeTooWide
            | TokenError::ScopeNotRegistered => Self::InvalidScope,
            TokenError::Malformed(InvalidTokenRequest::Resource) | TokenError::ResourceMismatch => {
                Self::InvalidTarget
            }
            TokenError::GrantTypeNotAllowed => Self::UnauthorizedClient,
            TokenError::CodeUnknown
            | TokenError::CodeOfAnotherClient
            | TokenError::CodeReplayed
            | TokenError::RedirectUriMismatch
            | TokenError::VerifierMismatch
            | TokenError::RefreshUnknown
            | TokenError::RefreshOfAnotherClient
            | TokenError::RefreshReused => Self::InvalidGrant,
            TokenError::Outage(_) => Self::TemporarilyUnavailable,
        }
    }
}

/// Why a registration is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// The body is no JSON object of client metadata.
    #[error("the body is no JSON object of client metadata")]
    Malformed,
    /// There is no redirect URI, or more than there may be.
    #[error("there is no redirect URI, or there are too many")]
    RedirectUriCount,
    /// A redirect URI is not safe to send a code to.
    #[error("a redirect URI is refused: {0}")]
    RedirectUri(#[from] InvalidRedirectUri),
    /// A confidential client has a redirect URI of a native application.
    #[error("a private-use redirect URI is for public clients only")]
    PrivateUseOfConfidentialClient,
    /// The client wants to prove itself in a way this server does not know.
    #[error("the token_endpoint_auth_method is not supported")]
    AuthMethod,
    /// No grant type is left that this server knows.
    #[error("none of the grant types is supported")]
    NoGrantType,
    /// No response type is left that this server knows.
    #[error("none of the response types is supported")]
    NoResponseType,
    /// No scope is left that this server knows.
    #[error("none of the scopes is supported")]
    NoScope,
    /// The name is too long or holds characters that could deceive a person.
    #[error("the client_name is too long or has control characters")]
    Name,
    /// A secret is missing where one is needed, or there is one too many.
    #[error("the client secret does not fit the authentication method")]
    Secret,
    /// A secret is an empty text, which anybody could show.
    #[error("a client secret is empty")]
    EmptySecret,
    /// Two secrets of one client are the same.
    #[error("a client secret is there twice")]
    RepeatedSecret,
    /// The identifier of a machine cannot be the subject of its tokens.
    #[error(
        "the client_id of a client with the grant client_credentials has at most 255 characters"
    )]
    MachineId,
    /// The keys that the client signs with are missing or unusable.
    #[error("the keys of the client are refused: {0}")]
    Keys(#[from] InvalidClientKeys),
    /// A machine without a person has nothing to prove itself with.
    #[error("the grant type client_credentials needs a client that proves who it is")]
    PublicMachine,
    /// The policy of this server refuses the client.
    #[error("the policy of this server does not admit this client")]
    Policy,
    /// Too many new clients registered at the same time.
    #[error("too many requests")]
    TooMany {
        /// When there will be room for one.
        retry_after: Duration,
    },
    /// Nobody can register here.
    #[error("clients cannot register here")]
    Off,
    /// The body is longer than that of any client.
    #[error("the body is longer than 16 KiB")]
    TooLarge,
    /// What the client says does not fit into an identifier.
    #[error("the metadata is too long: the client_id has to hold it; shorten it")]
    TooLong,
    /// There is no room for a client that was never registered before.
    #[error("there are too many clients; try again later")]
    Full,
    /// An initial access token is needed, and this is none.
    #[error("registration needs an initial access token")]
    InitialAccess,
    /// There is no such registration, or this is not its token.
    #[error("the registration is unknown or the token is not its registration access token")]
    Management,
    /// The update names another client, or a secret that is not its own.
    #[error("client_id and client_secret have to be those of the client")]
    AnotherClient,
    /// The software statement is malformed, expired or not signed by who it names.
    #[error("the software statement is invalid")]
    InvalidStatement,
    /// Nobody who signed the software statement is believed here.
    #[error("the software statement is of nobody whom this server believes")]
    UnapprovedStatement,
    /// The server failed.
    #[error("{0}")]
    Outage(#[from] Outage),
}

/// Why the public keys of a client are refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidClientKeys {
    /// The client wants to sign and says nowhere with which key.
    #[error("private_key_jwt needs jwks or jwks_uri")]
    Missing,
    /// There are keys in two places.
    #[error("there are both jwks and jwks_uri")]
    Twice,
    /// A key holds a private or secret member: it is no secret any more.
    #[error("a key in jwks has a private or secret member; replace that key pair")]
    Private,
    /// There are more keys than a client needs.
    #[error("there are more than 10 keys in jwks")]
    TooMany,
    /// No key can be used.
    #[error("jwks holds no key that can be used")]
    Unusable,
    /// This server has no way to fetch keys.
    #[error("this server does not fetch a jwks_uri; put the keys into jwks")]
    NotFetched,
    /// The `jwks_uri` is no `https` URL.
    #[error("jwks_uri is no https URL of at most 2048 characters")]
    Uri,
}

impl From<&RegistrationError> for ErrorCode {
    fn from(error: &RegistrationError) -> Self {
        match error {
            RegistrationError::RedirectUriCount
            | RegistrationError::RedirectUri(_)
            | RegistrationError::PrivateUseOfConfidentialClient => Self::InvalidRedirectUri,
            RegistrationError::Malformed
            | RegistrationError::AuthMethod
            | RegistrationError::NoGrantType
            | RegistrationError::NoResponseType
            | RegistrationError::NoScope
            | RegistrationError::Name
            | RegistrationError::Secret
            | RegistrationError::EmptySecret
            | RegistrationError::RepeatedSecret
            | RegistrationError::MachineId
            | RegistrationError::Keys(_)
            | RegistrationError::PublicMachine
            | RegistrationError::Policy
            | RegistrationError::TooLarge
            | RegistrationError::TooLong
            | RegistrationError::AnotherClient => Self::InvalidClientMetadata,
            RegistrationError::InitialAccess | RegistrationError::Management => Self::InvalidToken,
            RegistrationError::InvalidStatement => Self::InvalidSoftwareStatement,
            RegistrationError::UnapprovedStatement => Self::UnapprovedSoftwareStatement,
            RegistrationError::Off => Self::AccessDenied,
            RegistrationError::TooMany { .. }
            | RegistrationError::Full
            | RegistrationError::Outage(_) => Self::TemporarilyUnavailable,
        }
    }
}

/// Why a revocation request is refused. An unknown token is no error.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The form is no revocation request.
    #[error("the revocation request is malformed: {0}")]
    Malformed(#[from] InvalidRevocationRequest),
    /// The server failed.
    #[error("{0}")]
    Outage(#[from] Outage),
}

impl From<&RevokeError> for ErrorCode {
    fn from(error: &RevokeError) -> Self {
        match error {
            RevokeError::Malformed(InvalidRevocationRequest) => Self::InvalidRequest,
            RevokeError::Outage(_) => Self::TemporarilyUnavailable,
        }
    }
}
