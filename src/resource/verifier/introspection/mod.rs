//! Asks the authorization server about each token ([RFC 7662]).
//!
//! [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662

mod answer;
mod auth;
mod builder;
mod calls;
mod endpoint;
mod error;
mod judge;
mod refusals;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::fetch::{Fetch, FetchLimits};
use crate::protocol::bearer::BearerToken;
use crate::protocol::introspect::Introspection;
use crate::resource::verifier::{TokenClaims, TokenVerifier, VerifierError};
use crate::types::{Issuer, Secret, Timestamp, TokenHash};

pub use auth::{IntrospectionAuth, InvalidIntrospectionToken};
pub use builder::{IntrospectionLimits, IntrospectionVerifierBuilder};
pub use endpoint::{IntrospectionEndpoint, InvalidIntrospectionEndpoint};

use builder::Concerns;
use calls::{Calls, TooManyCalls};
use error::IntrospectionError;
use judge::Rules;
use refusals::{Refusal, Refusals};

/// Verifies tokens that only their authorization server can read, by asking it
/// ([RFC 7662]).
///
/// The endpoint sees every token that is asked about. Behind others in a
/// [`FirstOf`](super::FirstOf) it gets only what is foreign to them;
/// [`only_tokens`](IntrospectionVerifierBuilder::only_tokens) says more exactly which.
///
/// What it found good it does not remember: that is for the
/// [cache of the resource server](crate::resource::TokenCacheConfig), so that there
/// is one bound within which a revocation counts. What it refused it remembers for a
/// moment, and however many requests carry one token at once, there is one call.
///
/// An endpoint that gives no answer, or one that cannot be read, is an outage and
/// refuses nothing. A token of a kind that the endpoint says it does not support is
/// foreign.
///
/// [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662
pub struct IntrospectionVerifier {
    rules: Rules,
    endpoint: IntrospectionEndpoint,
    auth: IntrospectionAuth,
    fetch: Arc<dyn Fetch>,
    fetch_limits: FetchLimits,
    assertion_audience: String,
    concerns: Concerns,
    refusals: Refusals,
    calls: Calls<Result<TokenClaims, Failure>>,
}

/// Why there are no claims, for everybody who waits for them.
#[derive(Clone, Debug)]
enum Failure {
    Refusal(Refusal),
    Unavailable(Arc<IntrospectionError>),
}

impl IntrospectionVerifier {
    /// Asks at `endpoint` about tokens of `issuer`.
    ///
    /// `fetch` may reach what the operator wrote down, as `ReqwestFetch::configured`
    /// does.
    pub fn builder(
        issuer: Issuer,
        endpoint: IntrospectionEndpoint,
        auth: IntrospectionAuth,
        fetch: Arc<dyn Fetch>,
    ) -> IntrospectionVerifierBuilder {
        IntrospectionVerifierBuilder::new(issuer, endpoint, auth, fetch)
    }

    /// Asks, and remembers what became of it.
    async fn settle(
        &self,
        token: &Secret,
        hash: &TokenHash,
        now: Timestamp,
    ) -> Result<TokenClaims, Failure> {
        let told = self.calls.bounded(hash, self.ask(token, now)).await;
        let told = told.map_err(|TooManyCalls| IntrospectionError::TooManyCalls)??;
        let judged = match told {
            Some(Introspection::Active(token)) => {
                let judged = self.rules.judge(*token, now);
                judged.map_err(Refusal::Refused)
            }
            Some(Introspection::Inactive) => {
                Err(Refusal::Refused("the endpoint says that it is not active"))
            }
            None => Err(Refusal::Foreign),
        };
        match &judged {
            Ok(_) => self.calls.remember(hash),
            Err(refusal) => {
                self.calls.forget(hash);
                self.refusals.remember(*hash, *refusal, now);
            }
        }
        judged.map_err(Failure::Refusal)
    }

    async fn ask(
        &self,
        token: &Secret,
        now: Timestamp,
    ) -> Result<Option<Introspection>, IntrospectionError> {
        let audience = &self.assertion_audience;
        let request = self.auth.request(&self.endpoint, token, audience, now);
        let answer = self.fetch.fetch(request.await?, self.fetch_limits).await;
        answer::read(&answer.map_err(IntrospectionError::Fetch)?)
    }
}

#[async_trait]
impl TokenVerifier for IntrospectionVerifier {
    async fn verify(
        &self,
        token: &BearerToken,
        now: Timestamp,
    ) -> Result<TokenClaims, VerifierError> {
        let token = token.secret();
        if !(self.concerns)(token.expose()) {
            return Err(VerifierError::Foreign);
        }
        let hash = token.hash();
        if let Some(refusal) = self.refusals.find(&hash, now) {
            return Err(refusal.into());
        }
        let claims = self.calls.share(&hash, self.settle(token, &hash, now));
        claims.await.map_err(VerifierError::from)
    }
}

impl From<IntrospectionError> for Failure {
    fn from(error: IntrospectionError) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}

impl From<Failure> for VerifierError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refusal(refusal) => refusal.into(),
            Failure::Unavailable(error) => Self::Unavailable(Box::new(error)),
        }
    }
}

impl From<Refusal> for VerifierError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Refused(reason) => Self::Refused(reason),
            Refusal::Foreign => Self::Foreign,
        }
    }
}

impl fmt::Debug for IntrospectionVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IntrospectionVerifier")
            .field("rules", &self.rules)
            .field("endpoint", &self.endpoint)
            .field("auth", &self.auth)
            .field("refusals", &self.refusals)
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}
