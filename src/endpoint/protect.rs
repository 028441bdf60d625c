use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::endpoint::{cors, host, respond};
use crate::protocol::error::ErrorCode;
use crate::resource::{ResourceError, ResourceServer, VerifiedToken};

/// Stands in front of an MCP endpoint: lets through what carries a good token
/// with enough scope, and tells everybody else what they lack.
///
/// An adapter calls, in this order: [`intercept`](Self::intercept),
/// [`admit`](Self::admit), [`permit`](Self::permit) with the body if
/// [`reads_body`](Self::reads_body), and [`finish`](Self::finish) on the answer.
#[derive(Clone, Debug)]
pub struct Protection {
    resource: Arc<ResourceServer>,
    metadata_url: Arc<str>,
    max_body: usize,
    keep_authorization: bool,
}

impl Protection {
    /// The longest JSON-RPC body that is read by default, in bytes.
    pub const MAX_BODY: usize = 4 * 1024 * 1024;

    /// Guards with the rules of `resource`.
    #[must_use]
    pub fn new(resource: Arc<ResourceServer>) -> Self {
        let metadata_url = resource.metadata_url().into();
        Self {
            resource,
            metadata_url,
            max_body: Self::MAX_BODY,
            keep_authorization: false,
        }
    }

    /// The longest JSON-RPC body that is read, in bytes.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Leaves the raw token in the request that the handler gets.
    ///
    /// A handler that passes it on, or logs it, gives it away.
    #[must_use]
    pub const fn dangerous_keep_authorization_header(mut self) -> Self {
        self.keep_authorization = true;
        self
    }

    /// The answer that comes before any token is looked at: to a CORS
    /// preflight, which never carries one, and to a request for another host.
    #[must_use]
    pub fn intercept(&self, parts: &Parts) -> Option<Response<Bytes>> {
        if self.resource.resource().is_loopback() && host::is_foreign(&parts.uri, &parts.headers) {
            return Some(host::misdirected());
        }
        let asks = parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        (parts.method == Method::OPTIONS && asks).then(|| cors::preflight(&parts.headers))
    }

    /// Finds out who calls. The verified token becomes an extension of the
    /// request, and the raw one is taken out of it.
    ///
    /// Nobody calls if there are no credentials and the policy has operations
    /// that need none; the body then decides.
    ///
    /// # Errors
    ///
    /// The answer to give instead.
    pub async fn admit(&self, parts: &mut Parts) -> Result<Option<VerifiedToken>, Response<Bytes>> {
        let may_be_public =
            self.resource.policy().has_public_operations() && self.reads_body(parts).is_some();
        let token = match self.resource.authenticate(&parts.headers).await {
            Ok(token) => Some(token),
            Err(ResourceError::NoCredentials) if may_be_public => None,
            Err(error) => return Err(self.refuse(&error)),
        };
        if !self.keep_authorization {
            parts.headers.remove(AUTHORIZATION);
        }
        if let Some(token) = &token {
            parts.extensions.insert(token.clone());
        }
        Ok(token)
    }

    /// How many bytes of the body have to be read to decide; `None` if none.
    #[must_use]
    pub fn reads_body(&self, parts: &Parts) -> Option<usize> {
        // A handler may take its messages by any method that can carry one.
        let bodiless = [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS];
        let decides = !bodiless.contains(&parts.method) && self.resource.policy().depends_on_body();
        decides.then_some(self.max_body)
    }

    /// Decides whether the caller, or anybody if there is none, may do what the
    /// request asks for.
    ///
    /// # Errors
    ///
    /// The answer to give instead.
    pub fn permit(
        &self,
        token: Option<&VerifiedToken>,
        parts: &Parts,
        body: Option<&[u8]>,
    ) -> Result<(), Response<Bytes>> {
        self.resource
            .authorize(token, &parts.headers, body)
            .map_err(|error| self.refuse(&error))
    }

    /// The answer to a body that is longer than may be read.
    #[must_use]
    pub fn respond_too_large(&self) -> Response<Bytes> {
        cors::allow(respond::error_with(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::InvalidRequest,
            "the body is too long",
        ))
    }

    /// The answer to a body that broke off.
    #[must_use]
    pub fn respond_incomplete(&self) -> Response<Bytes> {
        let text = "the body could not be read";
        cors::allow(respond::error(ErrorCode::InvalidRequest, text))
    }

    /// Lets scripts read the handler's answer.
    pub fn finish(&self, headers: &mut HeaderMap) {
        cors::mark(headers);
    }

    fn refuse(&self, error: &ResourceError) -> Response<Bytes> {
        cors::allow(respond::resource_error(
            error,
            &self.resource,
            &self.metadata_url,
        ))
    }
}
