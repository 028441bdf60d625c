//! Authorization request and response ([RFC 6749, section 4.1]).
//!
//! [RFC 6749, section 4.1]: https://www.rfc-editor.org/rfc/rfc6749#section-4.1

use std::fmt;

use crate::protocol::error::ErrorCode;
use crate::protocol::form::Form;
use crate::types::{Issuer, RedirectUri, Secret};

/// An authorization request as it came: texts, nothing of it checked.
#[derive(Clone)]
pub struct AuthorizationRequest(Form);

impl AuthorizationRequest {
    /// The request in these parameters.
    #[must_use]
    pub const fn new(form: Form) -> Self {
        Self(form)
    }

    /// `client_id`: who asks.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.value("client_id")
    }

    /// `redirect_uri`: where the answer shall go.
    #[must_use]
    pub fn redirect_uri(&self) -> Option<&str> {
        self.0.value("redirect_uri")
    }

    /// `response_type`: what the answer shall hold.
    #[must_use]
    pub fn response_type(&self) -> Option<&str> {
        self.0.value("response_type")
    }

    /// `response_mode`: how the answer shall be sent.
    #[must_use]
    pub fn response_mode(&self) -> Option<&str> {
        self.0.value("response_mode")
    }

    /// `scope`: what the client wants to do.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.0.value("scope")
    }

    /// `state`: what the client wants to hear again.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.0.value("state")
    }

    /// `code_challenge` ([RFC 7636, section 4.3](https://www.rfc-editor.org/rfc/rfc7636#section-4.3)).
    #[must_use]
    pub fn code_challenge(&self) -> Option<&str> {
        self.0.value("code_challenge")
    }

    /// `code_challenge_method`.
    #[must_use]
    pub fn code_challenge_method(&self) -> Option<&str> {
        self.0.value("code_challenge_method")
    }

    /// `resource`: where the token shall be good
    /// ([RFC 8707, section 2](https://www.rfc-editor.org/rfc/rfc8707#section-2)).
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.0.values("resource")
    }

    /// Whether the request asks for something only OpenID or JAR servers have:
    /// `request` or `request_uri` ([RFC 9101](https://www.rfc-editor.org/rfc/rfc9101)).
    #[must_use]
    pub fn has_request_object(&self) -> bool {
        self.0.value("request").is_some() || self.0.value("request_uri").is_some()
    }

    /// The request as a query string again, to be carried through a form.
    #[must_use]
    pub fn encode(&self) -> String {
        self.0.encode()
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("AuthorizationRequest")
            .field(&self.0)
            .finish()
    }
}

/// What is sent back to the client through the browser.
#[derive(Clone, Debug)]
pub enum AuthorizationResponse {
    /// The person agreed: a code.
    Code(Secret),
    /// There is no code, and why.
    Error(ErrorCode, &'static str),
}

impl AuthorizationResponse {
    /// The location to send the browser to: the redirect URI with this answer,
    /// `state` as it came and `iss` ([RFC 9207, section 2]).
    ///
    /// [RFC 9207, section 2]: https://www.rfc-editor.org/rfc/rfc9207#section-2
    #[must_use]
    pub fn location(&self, to: &RedirectUri, state: Option<&str>, issuer: &Issuer) -> Secret {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match self {
            Self::Code(code) => {
                query.append_pair("code", code.expose());
            }
            Self::Error(code, description) => {
                query.append_pair("error", code.as_str());
                query.append_pair("error_description", description);
            }
        }
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer.as_str());
        let separator = if to.as_str().contains('?') { '&' } else { '?' };
        Secret::new(format!("{to}{separator}{}", query.finish()))
    }
}
