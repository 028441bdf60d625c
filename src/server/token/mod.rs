//! The token endpoint's work: one file a grant, and one that mints.

mod code;
mod issue;
mod machine;
mod refresh;

use crate::protocol::token::{TokenRequest, TokenResponse};
use crate::server::client_auth::AuthenticatedClient;
use crate::server::config::AuthorizationServer;
use crate::server::error::TokenError;
use crate::types::ResourceUri;

pub(super) use code::PURPOSE as CODE_PURPOSE;
pub(super) use issue::RefreshToken;

impl AuthorizationServer {
    /// Answers a token request ([RFC 6749, section 3.2]).
    ///
    /// # Errors
    ///
    /// [`TokenError`] with the reason.
    ///
    /// [RFC 6749, section 3.2]: https://www.rfc-editor.org/rfc/rfc6749#section-3.2
    pub async fn token(
        &self,
        client: &AuthenticatedClient,
        request: &TokenRequest,
    ) -> Result<TokenResponse, TokenError> {
        match request {
            TokenRequest::AuthorizationCode(request) => self.exchange_code(client, request).await,
            TokenRequest::RefreshToken(request) => self.refresh(client, request).await,
            TokenRequest::ClientCredentials(request) => self.grant_machine(client, request).await,
        }
    }

    /// A token is good where the person agreed to, and nowhere else.
    fn judge_requested_resource(
        &self,
        granted: &ResourceUri,
        requested: Option<&ResourceUri>,
    ) -> Result<(), TokenError> {
        match requested {
            Some(requested) if !self.is_within(granted, requested) => {
                Err(TokenError::ResourceMismatch)
            }
            Some(_) | None => Ok(()),
        }
    }
}
