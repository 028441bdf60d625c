use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use url::Url;

use crate::event::Event;
use crate::fetch::Loaded;
use crate::jose::{JwkSet, VerifyingKeySet};
use crate::model::ClientKeys;
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, RegistrationError};
use crate::server::registration::auth_method::accept_published_set;
use crate::server::registration::document::pace::Attempt;
use crate::server::registration::document::{DocumentError, Documents, answer};
use crate::types::{ClientAddress, Timestamp};

/// The keys of a client, and how they were come by.
#[derive(Debug)]
pub(in crate::server) struct PublishedKeys {
    set: VerifyingKeySet,
    /// When they were fetched, if they were.
    fetched_at: Option<Timestamp>,
    /// Counts as of no use to this server until they verify something: anybody can
    /// name a set of somebody else as his own.
    attempt: Mutex<Option<Attempt>>,
}

impl PublishedKeys {
    fn at_hand(set: &JwkSet) -> Arc<Self> {
        Arc::new(Self {
            set: VerifyingKeySet::from(set),
            fetched_at: None,
            attempt: Mutex::default(),
        })
    }

    pub(in crate::server) const fn set(&self) -> &VerifyingKeySet {
        &self.set
    }

    /// Whether there may be newer ones for a request that came at `asked_at`: not
    /// if they were fetched since.
    pub(in crate::server) fn may_be_old(&self, asked_at: Timestamp) -> bool {
        self.fetched_at.is_some_and(|fetched| fetched < asked_at)
    }
}

impl AuthorizationServer {
    /// The keys of a client.
    ///
    /// A set that cannot be used is as good as an empty one: nothing that the
    /// client signs is believed until it mends that.
    pub(in crate::server) async fn client_keys(
        &self,
        keys: &ClientKeys,
        from: Option<ClientAddress>,
    ) -> Result<Arc<PublishedKeys>, Outage> {
        let uri = match keys {
            ClientKeys::Set(set) => return Ok(PublishedKeys::at_hand(set)),
            ClientKeys::Uri(uri) => uri,
        };
        // Without a way out, there is nobody to ask.
        let Some(documents) = &self.documents else {
            return Ok(PublishedKeys::at_hand(&JwkSet::default()));
        };
        let now = self.clock.now();
        if !documents.keys.is_at_hand(uri, now) {
            let admitted = self.admit_fetch(from).await;
            admitted.map_err(|refusal| Outage::ClientDocument(refusal.into()))?;
        }
        let load = self.load_keys(documents, uri);
        let error = match documents.keys.current(uri, now, load).await {
            Ok(keys) => return Ok(keys),
            Err(error) => error,
        };
        if !error.is_outage() {
            let (uri, reason) = (uri.clone(), error.to_string());
            self.emit(&Event::ClientKeysRefused { uri, reason });
        }
        if error.is_final() {
            Ok(PublishedKeys::at_hand(&JwkSet::default()))
        } else {
            Err(Outage::ClientDocument(error))
        }
    }

    /// The keys of a client that are newer than `seen`, if there are any.
    pub(in crate::server) async fn newer_client_keys(
        &self,
        keys: &ClientKeys,
        seen: Arc<PublishedKeys>,
    ) -> Arc<PublishedKeys> {
        match (keys, &self.documents) {
            (ClientKeys::Uri(uri), Some(documents)) => {
                let load = self.load_keys(documents, uri);
                let now = self.clock.now();
                documents.keys.newer(uri, seen, now, load).await
            }
            (ClientKeys::Set(_) | ClientKeys::Uri(_), _) => seen,
        }
    }

    /// Remembers that the client signed something with one of these keys: whoever
    /// named where they are meant it.
    pub(in crate::server) fn keys_were_of_use(&self, keys: &ClientKeys, used: &PublishedKeys) {
        let attempt = used.attempt.lock();
        let attempt = attempt.unwrap_or_else(PoisonError::into_inner).take();
        let (Some(attempt), ClientKeys::Uri(uri), Some(documents)) =
            (attempt, keys, &self.documents)
        else {
            return;
        };
        attempt.was_of_use();
        documents.keys.remember(uri);
    }

    async fn load_keys(
        &self,
        documents: &Documents,
        uri: &String,
    ) -> Loaded<PublishedKeys, DocumentError> {
        match self.fetch_keys(documents, uri).await {
            Ok(loaded) => loaded,
            Err(error) => {
                if error.is_final() {
                    documents.keys.forget(uri);
                }
                answer::failed(error)
            }
        }
    }

    async fn fetch_keys(
        &self,
        documents: &Documents,
        uri: &String,
    ) -> Result<Loaded<PublishedKeys, DocumentError>, DocumentError> {
        let url = Url::parse(uri).map_err(|_| DocumentError::Address("it is no URL"))?;
        let known = documents.keys.was_good(uri);
        let attempt = documents.begin(&url, known, self.clock.now())?;
        let answer = answer::load(&*documents.fetch, uri, answer::KEYS).await?;
        let set: Value =
            serde_json::from_slice(&answer.body).map_err(|_| DocumentError::Malformed)?;
        let set = accept_published_set(&set).map_err(RegistrationError::from)?;
        Ok(answer.keep(PublishedKeys {
            set: VerifyingKeySet::from(&set),
            fetched_at: Some(self.clock.now()),
            attempt: Mutex::new(attempt),
        }))
    }
}
