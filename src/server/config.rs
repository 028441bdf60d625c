use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, EventSink, causes};
use crate::idp::IdentityProvider;
use crate::limit::RateLimiter;
use crate::model::{ClientRecord, GrantFilter};
use crate::server::builder::AuthorizationServerBuilder;
use crate::server::error::{ConfigError, Outage};
use crate::server::limits::LimitNotices;
use crate::server::policy::LoginPolicy;
use crate::server::registration::{Documents, DynamicRegistration, RegistrationConfig, Room};
use crate::server::scope_policy::GrantableScopes;
use crate::store::{SigningKeys, Store, Vault};
use crate::types::{ClientId, Clock, Entropy, Issuer, ResourceUri};

/// Paths of the endpoints, below the issuer.
pub mod paths {
    /// Where people are sent to authorize.
    pub const AUTHORIZE: &str = "/authorize";
    /// Where the consent page is sent to.
    pub const CONSENT: &str = "/oauth/consent";
    /// Where the identity provider sends people back to.
    pub const CALLBACK: &str = "/oauth/callback";
    /// Where tokens are issued.
    pub const TOKEN: &str = "/token";
    /// Where clients register.
    pub const REGISTER: &str = "/register";
    /// Where tokens are given up.
    pub const REVOKE: &str = "/revoke";
    /// Where the signing keys are.
    pub const JWKS: &str = "/jwks";
}

/// What an access token looks like.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AccessTokenFormat {
    /// Signed, so that any resource server can read it
    /// ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)).
    #[default]
    Jwt,
    /// A random text that only the store can tell something about.
    Opaque,
}

/// How long things live.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lifetimes {
    /// An access token: 10 minutes.
    pub access_token: Duration,
    /// A refresh token that is not used: 30 days.
    pub refresh_idle: Duration,
    /// A grant, however often it is refreshed: 180 days.
    pub grant: Duration,
    /// How long a refresh token that was just used gets its answer again: 30
    /// seconds, and never more than five minutes.
    pub refresh_grace: Duration,
    /// A code: 60 seconds, and never more.
    pub code: Duration,
    /// From the consent page to the end of the sign-in: 10 minutes, and never more.
    pub login: Duration,
    /// A client that registered itself and holds no grant, from when it was last
    /// used: 90 days.
    pub unused_client: Duration,
    /// A client that registered itself and with which nobody ever signed in, from
    /// when it last registered: a day.
    pub unclaimed_client: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            access_token: Duration::from_secs(600),
            refresh_idle: DAY * 30,
            grant: DAY * 180,
            refresh_grace: Duration::from_secs(30),
            code: Duration::from_secs(60),
            login: Duration::from_secs(600),
            unused_client: DAY * 90,
            unclaimed_client: DAY,
        }
    }
}

impl Lifetimes {
    pub(super) fn judge(&self) -> Result<(), ConfigError> {
        let second = Duration::from_secs(1);
        let bounds = [
            ("access_token", self.access_token, self.grant),
            ("refresh_idle", self.refresh_idle, self.grant),
            ("code", self.code, Duration::from_secs(60)),
            ("login", self.login, Duration::from_secs(600)),
            ("unused_client", self.unused_client, Duration::MAX),
            ("unclaimed_client", self.unclaimed_client, Duration::MAX),
        ];
        if self.refresh_grace > Duration::from_secs(300) {
            return Err(ConfigError::Lifetime("refresh_grace"));
        }
        let wrong = bounds
            .iter()
            .find(|(_, time, most)| *time < second || time > most);
        wrong.map_or(Ok(()), |(name, _, _)| Err(ConfigError::Lifetime(name)))
    }
}

/// The authorization server role: registers clients, lets people sign in at an
/// identity provider, and issues tokens for one resource.
#[derive(Debug)]
pub struct AuthorizationServer {
    pub(super) issuer: Issuer,
    pub(super) resource: ResourceUri,
    pub(super) resource_aliases: Vec<ResourceUri>,
    pub(super) scopes: GrantableScopes,
    pub(super) lifetimes: Lifetimes,
    pub(super) format: AccessTokenFormat,
    pub(super) registration: RegistrationConfig,
    pub(super) room: Room,
    pub(super) documents: Option<Documents>,
    pub(super) preregistered: HashMap<ClientId, Arc<ClientRecord>>,
    pub(super) keys: Arc<SigningKeys>,
    pub(super) vault: Vault,
    pub(super) idp: Arc<dyn IdentityProvider>,
    pub(super) policy: Arc<dyn LoginPolicy>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) events: Arc<dyn EventSink>,
    pub(super) limiter: Arc<dyn RateLimiter>,
    pub(super) limits_addresses: bool,
    pub(super) notices: LimitNotices,
}

impl AuthorizationServer {
    /// Begins to configure a server. What is asked for here has no safe default.
    #[must_use]
    pub fn builder(
        issuer: Issuer,
        resource: ResourceUri,
        vault: Vault,
        idp: Arc<dyn IdentityProvider>,
    ) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder::new(issuer, resource, vault, idp)
    }

    /// Who this server is.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The keys that sign its access tokens, for a verifier.
    #[must_use]
    pub const fn keys(&self) -> &Arc<SigningKeys> {
        &self.keys
    }

    /// Where records are kept, and the keys that seal them.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Makes sure that the store answers, that the master keys open the signing
    /// keys and a grant in it, and that there is a signing key. Whatever is wrong
    /// then shows when the server starts, and not at the first sign-in.
    ///
    /// # Errors
    ///
    /// [`Outage`] with the cause.
    pub async fn prepare(&self) -> Result<(), Outage> {
        let now = self.clock.now();
        self.keys.reload(now).await?;
        let one = self.store().list_grants(&GrantFilter::All, None, 1, now);
        for grant in one.await? {
            self.vault.open_grant(grant)?;
        }
        Ok(())
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.vault.store()
    }

    /// Whether clients can register themselves.
    #[must_use]
    pub fn has_dynamic_registration(&self) -> bool {
        self.registration.dynamic != DynamicRegistration::Off
    }

    /// Whether clients can be known by a document.
    #[must_use]
    pub const fn has_client_documents(&self) -> bool {
        self.registration.documents.is_some()
    }

    /// Where this server takes its randomness from.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    pub(super) fn is_own_resource(&self, requested: &ResourceUri) -> bool {
        std::iter::once(&self.resource)
            .chain(&self.resource_aliases)
            .any(|resource| resource.is_meant_by(requested))
    }

    /// Whether `requested` names the resource that was `granted`, by any of its names.
    pub(super) fn is_within(&self, granted: &ResourceUri, requested: &ResourceUri) -> bool {
        granted.is_meant_by(requested)
            || (*granted == self.resource && self.is_own_resource(requested))
    }

    pub(crate) fn emit(&self, event: &Event) {
        self.events.emit(event);
    }

    /// Tells the operator of a failure that clients only hear as "try again".
    pub(crate) fn report(&self, outage: &Outage) {
        self.emit(&Event::Outage {
            cause: causes(outage),
        });
    }
}
