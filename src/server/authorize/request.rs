use std::sync::Arc;

use crate::model::{AuthorizedRequest, ClientRecord, GrantType};
use crate::protocol::authorize::AuthorizationRequest;
use crate::protocol::error::ErrorCode;
use crate::server::config::AuthorizationServer;
use crate::server::error::{AuthorizeError, PageError};
use crate::types::{ClientAddress, ClientId, CodeChallenge, RedirectUri, ResourceUri, Scope};

const MAX_STATE_BYTES: usize = 4096;

/// An authorization request whose client and redirect URI are known good and
/// whose parameters were all accepted. Only this module makes one.
#[derive(Clone, Debug)]
pub struct ValidRequest {
    client: Arc<ClientRecord>,
    request: AuthorizedRequest,
}

impl ValidRequest {
    /// The client that asks.
    #[must_use]
    pub fn client(&self) -> &ClientRecord {
        &self.client
    }

    /// Where the answer will go.
    #[must_use]
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.request.redirect_uri
    }

    /// What the person is asked to consent to.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.request.scope
    }

    pub(super) fn into_request(self) -> AuthorizedRequest {
        self.request
    }

    pub(super) fn refuse(&self, code: ErrorCode, reason: &'static str) -> AuthorizeError {
        AuthorizeError::Redirect {
            to: self.request.redirect_uri.clone(),
            state: self.request.state.clone(),
            code,
            reason,
        }
    }
}

impl AuthorizationServer {
    /// Judges an authorization request ([RFC 6749, section 4.1.1]).
    ///
    /// Client and redirect URI come first: until both are known good, nothing
    /// is sent anywhere.
    ///
    /// [RFC 6749, section 4.1.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1
    pub(super) async fn validate(
        &self,
        request: &AuthorizationRequest,
        from: Option<ClientAddress>,
    ) -> Result<ValidRequest, AuthorizeError> {
        let id = request
            .client_id()
            .and_then(|text| ClientId::parse(text).ok());
        let id = id.ok_or(PageError::UnknownClient)?;
        let client = self.find_client(&id, from).await;
        let client = client.map_err(PageError::from)?;
        let client = client.ok_or(PageError::UnknownClient)?;
        let redirect_uri = judge_redirect_uri(&client, request.redirect_uri())?;
        let state = request.state().map(str::to_owned);
        match self.judge_parameters(&client, request) {
            Ok((challenge, resource, scope)) => {
                let client_id = client.id.clone();
                let request = AuthorizedRequest {
                    client_id,
                    redirect_uri,
                    state,
                    challenge,
                    resource,
                    scope,
                };
                Ok(ValidRequest { client, request })
            }
            Err((code, reason)) => {
                // An endless state is not carried back either.
                let state = state.filter(|state| state.len() <= MAX_STATE_BYTES);
                Err(AuthorizeError::Redirect {
                    to: redirect_uri,
                    state,
                    code,
                    reason,
                })
            }
        }
    }

    fn judge_parameters(
        &self,
        client: &ClientRecord,
        request: &AuthorizationRequest,
    ) -> Result<(CodeChallenge, ResourceUri, Scope), (ErrorCode, &'static str)> {
        judge_form(request)?;
        if !client.grant_types.contains(&GrantType::AuthorizationCode) {
            return Err((
                ErrorCode::UnauthorizedClient,
                "the client is not registered for authorization_code",
            ));
        }
        let challenge = judge_challenge(request)?;
        let requested = request
            .scope()
            .map(Scope::parse)
            .transpose()
            .map_err(|_| (ErrorCode::InvalidScope, "scope is malformed"))?;
        let scope = self
            .scopes
            .resolve(requested.as_ref(), client.scope.as_ref())
            .ok_or((ErrorCode::InvalidScope, "none of the scopes exists here"))?;
        Ok((challenge, self.judge_resource(request)?, scope))
    }

    /// Without a `resource`, the only one there is.
    fn judge_resource(
        &self,
        request: &AuthorizationRequest,
    ) -> Result<ResourceUri, (ErrorCode, &'static str)> {
        for text in request.resources() {
            let requested = ResourceUri::parse(text)
                .map_err(|_| (ErrorCode::InvalidTarget, "resource is no absolute URL"))?;
            if !self.is_own_resource(&requested) {
                return Err((
                    ErrorCode::InvalidTarget,
                    "this server issues no token for resource",
                ));
            }
        }
        Ok(self.resource.clone())
    }
}

fn judge_redirect_uri(client: &ClientRecord, text: Option<&str>) -> Result<RedirectUri, PageError> {
    match (text, client.redirect_uris.as_slice()) {
        // Where a native application listens, only it can tell.
        (None, [only]) if !only.has_free_port() => Ok(only.clone()),
        (None, _) => Err(PageError::RedirectUri),
        (Some(text), registered) => {
            if let Some(same) = registered.iter().find(|uri| uri.as_str() == text) {
                return Ok(same.clone());
            }
            RedirectUri::parse(text)
                .ok()
                .filter(|presented| client.allows_redirect_to(presented))
                .ok_or(PageError::RedirectUri)
        }
    }
}

fn judge_form(request: &AuthorizationRequest) -> Result<(), (ErrorCode, &'static str)> {
    if request
        .state()
        .is_some_and(|state| state.len() > MAX_STATE_BYTES)
    {
        return Err((ErrorCode::InvalidRequest, "state is longer than 4096 bytes"));
    }
    match request.response_type() {
        Some("code") => {}
        Some(_) => {
            return Err((
                ErrorCode::UnsupportedResponseType,
                "the only response_type is code",
            ));
        }
        None => return Err((ErrorCode::InvalidRequest, "response_type is missing")),
    }
    if request.response_mode().is_some_and(|mode| mode != "query") {
        return Err((ErrorCode::InvalidRequest, "the only response_mode is query"));
    }
    if request.has_request_object() {
        return Err((
            ErrorCode::InvalidRequest,
            "request objects are not supported",
        ));
    }
    Ok(())
}

fn judge_challenge(
    request: &AuthorizationRequest,
) -> Result<CodeChallenge, (ErrorCode, &'static str)> {
    let text = request.code_challenge().ok_or((
        ErrorCode::InvalidRequest,
        "code_challenge is missing: PKCE is required",
    ))?;
    // RFC 7636 reads a missing method as `plain`, which is never accepted.
    if request.code_challenge_method() != Some("S256") {
        return Err((
            ErrorCode::InvalidRequest,
            "code_challenge_method has to be S256",
        ));
    }
    CodeChallenge::parse(text).map_err(|_| {
        (
            ErrorCode::InvalidRequest,
            "code_challenge is not base64url of 32 bytes",
        )
    })
}
