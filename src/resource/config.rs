use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::event::{Event, EventSink, causes};
use crate::protocol::bearer::{InvalidBearer, PresentedToken};
use crate::protocol::header::Single;
use crate::resource::builder::ResourceServerBuilder;
use crate::resource::elsewhere::Elsewhere;
use crate::resource::error::ResourceError;
use crate::resource::scope_policy::ScopePolicy;
use crate::resource::session::Sessions;
use crate::resource::token_cache::TokenCache;
use crate::resource::verified::VerifiedToken;
use crate::resource::verifier::{TokenVerifier, VerifierError};
use crate::types::{Clock, Issuer, ResourceUri, Scope, Timestamp};

/// The resource server role: guards one MCP endpoint.
#[derive(Debug)]
pub struct ResourceServer {
    pub(super) resource: ResourceUri,
    pub(super) aliases: Vec<ResourceUri>,
    pub(super) elsewhere: Elsewhere,
    pub(super) authorization_servers: Vec<Issuer>,
    pub(super) verifier: Arc<dyn TokenVerifier>,
    pub(super) cache: Option<TokenCache>,
    pub(super) sessions: Sessions,
    pub(super) policy: ScopePolicy,
    pub(super) name: Option<String>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) events: Arc<dyn EventSink>,
}

impl ResourceServer {
    /// Begins to configure a guard for `resource` that trusts `authorization_servers`.
    pub fn builder(
        resource: ResourceUri,
        authorization_servers: Vec<Issuer>,
        verifier: Arc<dyn TokenVerifier>,
    ) -> ResourceServerBuilder {
        ResourceServerBuilder::new(resource, authorization_servers, verifier)
    }

    /// Begins to configure a guard for `resource` that lets in API keys alone, as
    /// `verifier` knows them: there is no authorization server, so that clients find
    /// no metadata and are sent nowhere.
    ///
    /// Tokens that are no API keys are refused, whatever the verifier says.
    pub fn for_api_keys(
        resource: ResourceUri,
        verifier: Arc<dyn TokenVerifier>,
    ) -> ResourceServerBuilder {
        ResourceServerBuilder::for_api_keys(resource, verifier)
    }

    /// Finds out who calls.
    ///
    /// # Errors
    ///
    /// [`ResourceError`] with the reason.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<VerifiedToken, ResourceError> {
        self.identify(Single::of(headers, AUTHORIZATION)).await
    }

    /// The same by the `Authorization` header alone.
    pub(crate) async fn identify(
        &self,
        authorization: Single<'_>,
    ) -> Result<VerifiedToken, ResourceError> {
        let token = match PresentedToken::find(authorization) {
            Ok(token) => token.ok_or(ResourceError::NoCredentials)?,
            // A token that is too long to be looked at is just not good.
            Err(InvalidBearer::TooLong) => return Err(self.refuse_unread()),
            Err(error) => return Err(error.into()),
        };
        let now = self.clock.now();
        let Some(cache) = &self.cache else {
            return self.verify(token, now).await;
        };
        let key = cache.key_of(token);
        if let Some(known) = cache.find(&key, now) {
            return Ok(known);
        }
        let verified = self.verify(token, now).await?;
        cache.remember(key, &verified, now);
        Ok(verified)
    }

    async fn verify(
        &self,
        token: PresentedToken<'_>,
        now: Timestamp,
    ) -> Result<VerifiedToken, ResourceError> {
        let claims = match self.verifier.verify(&token.judge()?, now).await {
            Ok(claims) => claims,
            Err(VerifierError::Refused(reason)) => return Err(self.refuse(reason)),
            Err(VerifierError::Foreign) => {
                return Err(self.refuse("nobody here knows such a token"));
            }
            Err(error @ VerifierError::Unavailable(_)) => return Err(self.fail(error)),
        };
        VerifiedToken::accept(claims, self, now).map_err(|refusal| {
            self.events.emit(&Event::AccessTokenRefused {
                reason: refusal.to_string(),
            });
            refusal.into()
        })
    }

    fn refuse(&self, reason: &str) -> ResourceError {
        self.events.emit(&Event::AccessTokenRefused {
            reason: reason.to_owned(),
        });
        crate::resource::error::TokenRefusal::NotAuthentic.into()
    }

    fn refuse_unread(&self) -> ResourceError {
        self.refuse("it is too long to be looked at")
    }

    fn fail(&self, error: VerifierError) -> ResourceError {
        self.events.emit(&Event::Outage {
            cause: causes(&error),
        });
        ResourceError::Unavailable(error)
    }

    /// The resource that is guarded.
    #[must_use]
    pub const fn resource(&self) -> &ResourceUri {
        &self.resource
    }

    /// The authorization servers that are trusted.
    #[must_use]
    pub fn authorization_servers(&self) -> &[Issuer] {
        &self.authorization_servers
    }

    /// Whether there is an authorization server to which metadata could lead.
    pub(crate) const fn has_metadata(&self) -> bool {
        !self.authorization_servers.is_empty()
    }

    /// What operations need.
    #[must_use]
    pub const fn policy(&self) -> &ScopePolicy {
        &self.policy
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What binds sessions to those who opened them.
    pub(crate) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The scopes a client should begin with: what the metadata lists and the
    /// challenge asks for. `offline_access` is between the client and the
    /// authorization server, and never the resource's.
    pub(crate) fn scopes_supported(&self) -> Scope {
        let basic = self.policy.connect().iter();
        basic
            .filter(|scope| scope.as_str() != "offline_access")
            .cloned()
            .collect()
    }

    pub(super) fn trusted_issuer(&self, issuer: &str) -> Option<&str> {
        let listed = self.authorization_servers.iter();
        listed
            .chain(self.elsewhere.issuers())
            .map(Issuer::as_str)
            .find(|trusted| *trusted == issuer)
    }

    /// Whether `audience` names this resource, however it is spelled.
    pub(super) fn is_named(&self, audience: &str) -> bool {
        if audience == self.resource.as_str() || self.elsewhere.is_audience(audience) {
            return true;
        }
        ResourceUri::parse(audience).is_ok_and(|named| {
            std::iter::once(&self.resource)
                .chain(&self.aliases)
                .any(|resource| *resource == named)
        })
    }
}
