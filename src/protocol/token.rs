//! Token request and response ([RFC 6749, sections 4.1.3, 4.4, 5.1 and 6]).
//!
//! [RFC 6749, sections 4.1.3, 4.4, 5.1 and 6]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::protocol::form::Form;
use crate::types::{CodeVerifier, InvalidPkce, ResourceUri, Scope, Secret};

/// A token request, one variant a grant.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// A code for tokens.
    AuthorizationCode(CodeRequest),
    /// A refresh token for new tokens.
    RefreshToken(RefreshRequest),
    /// Nothing but the client's own credentials.
    ClientCredentials(MachineRequest),
}

/// A code for tokens ([RFC 6749, section 4.1.3]).
///
/// [RFC 6749, section 4.1.3]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
#[derive(Clone, Debug)]
pub struct CodeRequest {
    /// The code.
    pub code: Secret,
    /// The redirect URI of the authorization request, as text.
    pub redirect_uri: Option<String>,
    /// The answer to the code challenge.
    pub verifier: CodeVerifier,
    /// Where the token shall be good.
    pub resource: Option<ResourceUri>,
}

/// A refresh token for new tokens ([RFC 6749, section 6]).
///
/// [RFC 6749, section 6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
#[derive(Clone, Debug)]
pub struct RefreshRequest {
    /// The refresh token.
    pub refresh_token: Secret,
    /// What the new access token shall carry; all of the grant if absent.
    pub scope: Option<Scope>,
    /// Where the token shall be good.
    pub resource: Option<ResourceUri>,
}

/// A machine asks in its own name ([RFC 6749, section 4.4.2]).
///
/// [RFC 6749, section 4.4.2]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4.2
#[derive(Clone, Debug)]
pub struct MachineRequest {
    /// What the token shall carry; all that the client is registered for if absent.
    pub scope: Option<Scope>,
    /// Where the token shall be good.
    pub resource: Option<ResourceUri>,
}

/// The form is no token request.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum InvalidTokenRequest {
    /// A parameter that this grant needs is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// There is no such grant type here.
    #[error("the grant type is not supported")]
    GrantType,
    /// The code verifier is malformed.
    #[error("the code verifier is malformed")]
    Verifier(#[from] InvalidPkce),
    /// The scope is malformed.
    #[error("the scope is malformed")]
    Scope,
    /// The resource is malformed, or there are several.
    #[error("the resource is malformed, or there are several")]
    Resource,
}

impl TokenRequest {
    /// Reads a token request from a form.
    ///
    /// # Errors
    ///
    /// [`InvalidTokenRequest`] with the reason.
    pub fn parse(form: &Form) -> Result<Self, InvalidTokenRequest> {
        match required(form, "grant_type")? {
            "authorization_code" => Ok(Self::AuthorizationCode(CodeRequest {
                code: Secret::new(required(form, "code")?),
                redirect_uri: form.value("redirect_uri").map(str::to_owned),
                verifier: CodeVerifier::parse(required(form, "code_verifier")?)?,
                resource: resource(form)?,
            })),
            "refresh_token" => Ok(Self::RefreshToken(RefreshRequest {
                refresh_token: Secret::new(required(form, "refresh_token")?),
                scope: scope(form)?,
                resource: resource(form)?,
            })),
            "client_credentials" => Ok(Self::ClientCredentials(MachineRequest {
                scope: scope(form)?,
                resource: resource(form)?,
            })),
            _ => Err(InvalidTokenRequest::GrantType),
        }
    }
}

fn required<'a>(form: &'a Form, name: &'static str) -> Result<&'a str, InvalidTokenRequest> {
    form.value(name).ok_or(InvalidTokenRequest::Missing(name))
}

fn scope(form: &Form) -> Result<Option<Scope>, InvalidTokenRequest> {
    let scope = form.value("scope").map(Scope::parse).transpose();
    scope.map_err(|_| InvalidTokenRequest::Scope)
}

fn resource(form: &Form) -> Result<Option<ResourceUri>, InvalidTokenRequest> {
    let mut values = form.values("resource").map(ResourceUri::parse);
    let Some(first) = values.next() else {
        return Ok(None);
    };
    let first = first.map_err(|_| InvalidTokenRequest::Resource)?;
    // The same resource twice is still one.
    if values.any(|other| other.as_ref() != Ok(&first)) {
        return Err(InvalidTokenRequest::Resource);
    }
    Ok(Some(first))
}

/// The answer to a token request ([RFC 6749, section 5.1]).
///
/// [RFC 6749, section 5.1]: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: Secret,
    /// Seconds until it expires.
    pub expires_in: u64,
    /// What renews it, if the client may.
    pub refresh_token: Option<Secret>,
    /// What it may be used for.
    pub scope: Scope,
}

/// [`TokenResponse`] as JSON: what is sent, and what is sealed to be sent again.
#[derive(Deserialize, Serialize)]
struct TokenResponseBody<'a> {
    access_token: Cow<'a, str>,
    token_type: Cow<'a, str>,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Cow<'a, str>>,
    scope: Cow<'a, Scope>,
}

impl Serialize for TokenResponse {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let refresh_token = self.refresh_token.as_ref();
        TokenResponseBody {
            access_token: self.access_token.expose().into(),
            token_type: "Bearer".into(),
            expires_in: self.expires_in,
            refresh_token: refresh_token.map(|token| token.expose().into()),
            scope: Cow::Borrowed(&self.scope),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TokenResponse {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = TokenResponseBody::deserialize(deserializer)?;
        Ok(Self {
            access_token: Secret::new(body.access_token),
            expires_in: body.expires_in,
            refresh_token: body.refresh_token.map(Secret::new),
            scope: body.scope.into_owned(),
        })
    }
}
