use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::fetch::{Fetch, FetchLimits};
use crate::resource::verifier::introspection::calls::Calls;
use crate::resource::verifier::introspection::judge::Rules;
use crate::resource::verifier::introspection::refusals::Refusals;
use crate::resource::verifier::introspection::{
    IntrospectionAuth, IntrospectionEndpoint, IntrospectionVerifier,
};
use crate::resource::verifier::renamed_audience::RenamedAudiences;
use crate::types::{Issuer, ResourceUri};

/// How much introspection may hold and cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IntrospectionLimits {
    /// How many tokens are asked about at once, of which a quarter is left to tokens
    /// that the endpoint called active before, be it for another resource. Who would be
    /// one more hears 503 at once. At least one.
    pub calls: usize,
    /// The time that the endpoint has for an answer; at least a tenth of a second.
    pub timeout: Duration,
    /// How many refused tokens are remembered.
    pub refusals: usize,
    /// How long a refusal counts.
    pub refused_for: Duration,
}

impl Default for IntrospectionLimits {
    /// 64 calls of 5 seconds; 10,000 refusals for 10 seconds.
    fn default() -> Self {
        Self {
            calls: 64,
            timeout: Duration::from_secs(5),
            refusals: 10_000,
            refused_for: Duration::from_secs(10),
        }
    }
}

/// Settings of an [`IntrospectionVerifier`].
#[must_use = "a builder does nothing until it is built"]
pub struct IntrospectionVerifierBuilder {
    rules: Rules,
    endpoint: IntrospectionEndpoint,
    auth: IntrospectionAuth,
    fetch: Arc<dyn Fetch>,
    assertion_audience: Option<String>,
    concerns: Concerns,
    limits: IntrospectionLimits,
}

/// Which tokens the endpoint is asked about.
pub(super) type Concerns = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl IntrospectionVerifierBuilder {
    /// The longest answer that is read, in bytes.
    const MAX_ANSWER: usize = 64 * 1024;

    /// With less nothing would ever be found out.
    const LEAST_CALLS: usize = 1;
    const LEAST_TIMEOUT: Duration = Duration::from_millis(100);

    pub(super) fn new(
        issuer: Issuer,
        endpoint: IntrospectionEndpoint,
        auth: IntrospectionAuth,
        fetch: Arc<dyn Fetch>,
    ) -> Self {
        Self {
            rules: Rules {
                issuer,
                assumed_audience: None,
                audiences: RenamedAudiences::default(),
            },
            endpoint,
            auth,
            fetch,
            assertion_audience: None,
            concerns: Arc::new(|_| true),
            limits: IntrospectionLimits::default(),
        }
    }

    /// Which tokens to ask about, by their text; by default all.
    ///
    /// Any other is foreign, and not shown to the endpoint.
    pub fn only_tokens(mut self, concerns: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.concerns = Arc::new(concerns);
        self
    }

    /// What client assertions name as their audience; by default the issuer.
    pub fn assertion_audience(mut self, audience: impl Into<String>) -> Self {
        self.assertion_audience = Some(audience.into());
        self
    }

    /// Takes the audience `name`, such as `api://notes`, for `resource` in what this
    /// verifier vouches for; compared byte for byte.
    ///
    /// Where several authorization servers are trusted, this is for one of them alone,
    /// unlike the [accepted audience] of the resource. The name has to stand for this
    /// resource and nothing else.
    ///
    /// [accepted audience]: crate::resource::ResourceServerBuilder::accepted_audience
    pub fn audience_name(mut self, name: impl Into<String>, resource: ResourceUri) -> Self {
        self.rules.audiences.add(name.into(), resource);
        self
    }

    /// How much it may hold and cost.
    pub const fn limits(mut self, limits: IntrospectionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Takes a token for which the endpoint names no audience for one of `resource`.
    ///
    /// Without this it is refused. Only for an endpoint that judges the audience
    /// itself, and calls a token inactive that is not for whoever asks; otherwise
    /// any token of the authorization server is good here, also one that was given to
    /// another resource. The endpoint then has to say in another way that it is an
    /// access token, such as by its `token_type`.
    pub fn dangerous_assume_audience(mut self, resource: ResourceUri) -> Self {
        self.rules.assumed_audience = Some(resource);
        self
    }

    /// The verifier. Nothing is asked yet.
    #[must_use]
    pub fn build(self) -> IntrospectionVerifier {
        let issuer = self.rules.issuer.as_str();
        let limits = self.limits;
        IntrospectionVerifier {
            assertion_audience: self.assertion_audience.unwrap_or_else(|| issuer.to_owned()),
            rules: self.rules,
            endpoint: self.endpoint,
            auth: self.auth,
            fetch: self.fetch,
            fetch_limits: FetchLimits {
                max_body_bytes: Self::MAX_ANSWER,
                timeout: limits.timeout.max(Self::LEAST_TIMEOUT),
            },
            concerns: self.concerns,
            refusals: Refusals::new(limits.refusals, limits.refused_for),
            calls: Calls::new(limits.calls.max(Self::LEAST_CALLS)),
        }
    }
}

impl fmt::Debug for IntrospectionVerifierBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IntrospectionVerifierBuilder")
            .field("rules", &self.rules)
            .field("endpoint", &self.endpoint)
            .field("auth", &self.auth)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
