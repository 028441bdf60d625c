use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::event::{Event, EventSink, TracingSink};
use crate::model::{ApiKey, ApiKeyDetails, SealError};
use crate::protocol::claims::AccessTokenClaims;
use crate::resource::api_key::file::is_name;
use crate::resource::api_key::prefix::ApiKeyPrefix;
use crate::resource::api_key::prefixes::Prefixes;
use crate::resource::api_key::verifier::ApiKeyVerifier;
use crate::store::{Insertion, StoreError, Vault};
use crate::types::{
    ApiKeyId, Clock, Entropy, EntropyError, ResourceUri, Scope, Secret, Subject, SystemClock,
    SystemEntropy,
};

/// The API keys of one resource, to issue, list and revoke them.
///
/// Cheap to clone. Anybody who may call this may act as anybody: put it behind what
/// guards the administration of the host, and ask [`find`](Self::find) with care.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    vault: Vault,
    resource: ResourceUri,
    prefixes: Prefixes,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    events: Arc<dyn EventSink>,
}

/// What a new API key is for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiKeyRequest {
    /// What people call it, such as "nightly import".
    pub name: String,
    /// For whom it speaks.
    pub subject: Subject,
    /// What it may be used for.
    pub scope: Scope,
    /// For how long it counts; `None` is for ever.
    pub lifetime: Option<Duration>,
    /// Whether a program acts for itself with it, and not for a person.
    pub is_machine: bool,
    /// What else handlers shall know of who uses it.
    pub claims: Map<String, Value>,
}

/// A new API key. It can be shown this once, as only its hash is kept.
#[derive(Debug)]
#[non_exhaustive]
pub struct IssuedApiKey {
    /// The key itself, to hand to who will use it.
    pub key: Secret,
    /// What is known of it.
    pub record: ApiKey,
}

/// Some of the API keys.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiKeyPage {
    /// Keys, in no order that means anything; maybe none, even if more follow.
    pub keys: Vec<ApiKey>,
    /// Those that do not open, of whatever resource: somebody spoiled them, or their
    /// master key is not here. They let nobody in here.
    pub unreadable: Vec<ApiKeyId>,
    /// What to ask with for those that follow; `None` if there are no more.
    pub next: Option<ApiKeyId>,
}

/// What was asked of API keys did not happen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// The name is empty, too long or has control characters.
    #[error("an API key needs a name of 1 to 100 characters, none of them a control character")]
    Name,
    /// A claim is this crate's to set.
    #[error("the claim {0} cannot be set for an API key")]
    ReservedClaim(String),
    /// There was no randomness for a key.
    #[error("there is no randomness for an API key")]
    Entropy(#[from] EntropyError),
    /// What is known of the key could not be sealed.
    #[error("the details of an API key could not be sealed")]
    Seal(#[from] SealError),
    /// The store failed, or a key in it does not open.
    #[error("the store of API keys failed")]
    Store(#[from] StoreError),
}

impl ApiKeyRequest {
    /// A key that speaks for `subject` and allows `scope` for as long as `lifetime`
    /// says.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        subject: Subject,
        scope: Scope,
        lifetime: Option<Duration>,
    ) -> Self {
        Self {
            name: name.into(),
            subject,
            scope,
            lifetime,
            is_machine: false,
            claims: Map::new(),
        }
    }
}

impl ApiKeys {
    /// The keys of `resource` in the store of `vault`.
    #[must_use]
    pub fn new(vault: Vault, resource: ResourceUri) -> Self {
        Self {
            vault,
            resource,
            prefixes: Prefixes::new(ApiKeyPrefix::default()),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            events: Arc::new(TracingSink),
        }
    }

    /// What keys begin with; `mcpkey` by default. Keys with another prefix do not
    /// count here any more, and are shown to the next verifier unless theirs is a
    /// [retired prefix](Self::retired_prefix).
    #[must_use]
    pub fn prefix(mut self, prefix: ApiKeyPrefix) -> Self {
        self.prefixes.current = prefix;
        self
    }

    /// What keys began with before: they do not count, and are refused here instead of
    /// being shown to the next verifier.
    #[must_use]
    pub fn retired_prefix(mut self, prefix: ApiKeyPrefix) -> Self {
        self.prefixes.retired.push(prefix);
        self
    }

    /// What tells the time.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where keys get their randomness from.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// What hears of events; by default they go to `tracing`.
    #[must_use]
    pub fn events(mut self, events: Arc<dyn EventSink>) -> Self {
        self.events = events;
        self
    }

    /// What lets these keys in.
    #[must_use]
    pub fn verifier(&self) -> ApiKeyVerifier {
        ApiKeyVerifier {
            vault: self.vault.clone(),
            prefixes: self.prefixes.clone(),
        }
    }

    /// Makes a key and stores its hash.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError`] with the reason; whatever was stored then is of no use.
    pub async fn issue(&self, request: ApiKeyRequest) -> Result<IssuedApiKey, ApiKeyError> {
        if !is_name(&request.name) {
            return Err(ApiKeyError::Name);
        }
        let reserved = |claim: &&String| AccessTokenClaims::RESERVED.contains(&claim.as_str());
        if let Some(claim) = request.claims.keys().find(reserved) {
            return Err(ApiKeyError::ReservedClaim(claim.clone()));
        }
        let now = self.clock.now();
        let key = self.prefixes.current.generate(&*self.entropy)?;
        let record = ApiKey {
            id: ApiKeyId::generate(&*self.entropy)?,
            details: ApiKeyDetails {
                name: request.name,
                subject: request.subject,
                scope: request.scope,
                resource: self.resource.clone(),
                is_machine: request.is_machine,
                claims: request.claims,
            },
            created_at: now,
            expires_at: request.lifetime.map(|lifetime| now.plus(lifetime)),
        };
        let sealed = self
            .vault
            .seal_api_key(&record, key.hash(), &*self.entropy)?;
        match self.vault.store().insert_api_key(sealed).await? {
            Insertion::Done => {}
            // Randomness that repeats is none.
            Insertion::Conflict => return Err(EntropyError.into()),
        }
        self.events.emit(&Event::ApiKeyIssued {
            id: record.id.clone(),
            subject: record.details.subject.clone(),
            scope: record.details.scope.clone(),
        });
        Ok(IssuedApiKey { key, record })
    }

    /// Up to a hundred keys of this resource that count; with `after`, those that
    /// follow.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Store`] if the store cannot tell.
    pub async fn list(&self, after: Option<&ApiKeyId>) -> Result<ApiKeyPage, ApiKeyError> {
        let (page, next) = self.vault.list_api_keys(after, self.clock.now()).await?;
        let (mut keys, mut unreadable) = (Vec::new(), Vec::new());
        for record in page {
            let id = record.id.clone();
            match self.vault.open_api_key(record) {
                Ok(key) if key.details.resource == self.resource => keys.push(key),
                Ok(_) => {}
                Err(_) => unreadable.push(id),
            }
        }
        Ok(ApiKeyPage {
            keys,
            unreadable,
            next,
        })
    }

    /// What is known of `key`, such as one that was found where it should not be, if
    /// it counts here.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Store`] if the store cannot tell or the key does not open.
    pub async fn find(&self, key: &Secret) -> Result<Option<ApiKey>, ApiKeyError> {
        if !self.prefixes.current.is_of_form(key.expose()) {
            return Ok(None);
        }
        let now = self.clock.now();
        let found = self.vault.find_api_key(&key.hash(), now).await?;
        Ok(found.filter(|key| key.details.resource == self.resource))
    }

    /// Ends a key of this resource: in this process at once, in others that remember
    /// it within the bound of their
    /// [`TokenCacheConfig`](crate::resource::TokenCacheConfig).
    ///
    /// Returns whether it was there until now. A key of another resource in the same
    /// store is left alone, as if it were not there.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Store`] if the outcome is unknown, or if the key does not open,
    /// so that nobody can tell whose it is: it stays.
    pub async fn revoke(&self, id: &ApiKeyId) -> Result<bool, ApiKeyError> {
        match self.vault.find_api_key_by_id(id).await? {
            Some(key) if key.details.resource == self.resource => self.end(id).await,
            Some(_) => Ok(false),
            None => {
                // Somebody else may have ended it, and this process may remember it.
                self.vault.revocations().note(id.as_str());
                Ok(false)
            }
        }
    }

    async fn end(&self, id: &ApiKeyId) -> Result<bool, ApiKeyError> {
        let revoked = self.vault.revoke_api_key(id).await?;
        if revoked {
            self.events.emit(&Event::ApiKeyRevoked { id: id.clone() });
        }
        Ok(revoked)
    }

    /// Ends every key of this resource that speaks for `subject`, such as somebody who
    /// left; how many this call ended. Reads all keys there are.
    ///
    /// A key that is issued meanwhile may be missed: issue none for `subject` any more,
    /// and then call this.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Store`] if the outcome is unknown; what was ended so far stays
    /// ended. Also if a key does not open, after all others were ended.
    pub async fn revoke_subject(&self, subject: &Subject) -> Result<usize, ApiKeyError> {
        let (mut ended, mut after, mut unreadable) = (0, None, None);
        loop {
            let page = self.list(after.as_ref()).await?;
            for key in page.keys {
                if key.details.subject == *subject {
                    ended += usize::from(self.end(&key.id).await?);
                }
            }
            unreadable = unreadable.or(page.unreadable.into_iter().next());
            after = page.next;
            match (&after, unreadable.take()) {
                (None, None) => return Ok(ended),
                (None, Some(id)) => return Err(unreadable_key(&id)),
                (Some(_), still) => unreadable = still,
            }
        }
    }

    /// Seals every key again that is not under the active master key, whatever its
    /// resource; how many. [`Grants::reseal`] does so, too, where there is an
    /// authorization server.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Store`] if the store failed, or if a key does not open, after all
    /// others were sealed again.
    ///
    /// [`Grants::reseal`]: crate::server::Grants::reseal
    pub async fn reseal(&self) -> Result<usize, ApiKeyError> {
        let now = self.clock.now();
        Ok(self.vault.reseal_api_keys(&*self.entropy, now).await?)
    }
}

fn unreadable_key(id: &ApiKeyId) -> ApiKeyError {
    StoreError::new(format!("the API key {id} does not open")).into()
}
