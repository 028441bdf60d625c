use std::sync::Arc;

use crate::fetch::Fetch;
use crate::jose::JwkSet;
use crate::server::registration::policy::{AdmitEveryClient, RegistrationPolicy};
use crate::types::{Issuer, Secret, TokenHash};

/// How clients come to be known, beside those that the operator configured.
///
/// By default they may register ([RFC 7591]) and are stored. Documents are an
/// addition, since they need a way out to the network.
///
/// [RFC 7591]: https://www.rfc-editor.org/rfc/rfc7591
#[derive(Clone, Debug)]
pub struct RegistrationConfig {
    pub(in crate::server) dynamic: DynamicRegistration,
    pub(in crate::server) documents: Option<Arc<dyn Fetch>>,
    pub(in crate::server) keys: Option<Arc<dyn Fetch>>,
    pub(in crate::server) policy: Arc<dyn RegistrationPolicy>,
    pub(in crate::server) initial_access_tokens: Vec<TokenHash>,
    pub(in crate::server) statement_issuers: Vec<(Issuer, JwkSet)>,
    pub(in crate::server) most_clients: usize,
}

/// What becomes of a client that registers itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DynamicRegistration {
    /// Nobody can register.
    Off,
    /// The client is stored.
    Stored,
    /// Nothing is stored: the identifier of the client holds what it said,
    /// sealed under the master key. See `docs/registration.md` for what that
    /// costs.
    SelfContained,
}

impl Default for RegistrationConfig {
    fn default() -> Self {
        Self {
            dynamic: DynamicRegistration::Stored,
            documents: None,
            keys: None,
            policy: Arc::new(AdmitEveryClient),
            initial_access_tokens: vec![],
            statement_issuers: vec![],
            most_clients: 200_000,
        }
    }
}

impl RegistrationConfig {
    /// The default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What becomes of a client that registers itself.
    #[must_use]
    pub const fn dynamic(mut self, dynamic: DynamicRegistration) -> Self {
        self.dynamic = dynamic;
        self
    }

    /// Lets clients be known by the URL of a document that describes them,
    /// which `fetch` reads: one that contacts public servers alone, such as
    /// `ReqwestFetch::public`. It also reads [`client_keys`](Self::client_keys).
    #[must_use]
    pub fn documents(mut self, fetch: Arc<dyn Fetch>) -> Self {
        self.documents = Some(fetch);
        self
    }

    /// Lets clients keep their keys at a `jwks_uri`, which `fetch` reads: one that
    /// contacts public servers alone. Where documents are on, this is as well.
    #[must_use]
    pub fn client_keys(mut self, fetch: Arc<dyn Fetch>) -> Self {
        self.keys = Some(fetch);
        self
    }

    /// Who may become a client; by default everybody.
    #[must_use]
    pub fn policy(mut self, policy: impl RegistrationPolicy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Closes registration to all who do not show one of the tokens that were
    /// given here ([RFC 7591, section 3]).
    ///
    /// [RFC 7591, section 3]: https://www.rfc-editor.org/rfc/rfc7591#section-3
    #[must_use]
    pub fn initial_access_token(mut self, token: &Secret) -> Self {
        self.initial_access_tokens.push(token.hash());
        self
    }

    /// Believes software statements that `issuer` signed with one of these keys
    /// ([RFC 7591, section 2.3]). Without any issuer, statements are left aside.
    ///
    /// [RFC 7591, section 2.3]: https://www.rfc-editor.org/rfc/rfc7591#section-2.3
    #[must_use]
    pub fn software_statement_issuer(mut self, issuer: Issuer, keys: JwkSet) -> Self {
        self.statement_issuers.push((issuer, keys));
        self
    }

    /// How many clients that registered themselves are stored at most, those in
    /// use included; 200,000 by default. Whoever registers what a public client
    /// registered before gets in even then. Replicas count every ten seconds, and
    /// together may store a few more.
    #[must_use]
    pub const fn most_clients(mut self, most: usize) -> Self {
        self.most_clients = most;
        self
    }

    /// What fetches documents, if they are on, and keys.
    pub(in crate::server) fn way_out(&self) -> Option<&Arc<dyn Fetch>> {
        self.documents.as_ref().or(self.keys.as_ref())
    }

    /// Whether keys are fetched from where a client says they are: one that could
    /// show no others would never get in.
    pub(in crate::server) const fn fetches_keys(&self) -> bool {
        self.documents.is_some() || self.keys.is_some()
    }
}
