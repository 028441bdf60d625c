use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use serde::Deserialize;
use thiserror::Error;

use crate::event::{Event, EventSink, causes};
use crate::fetch::document::{self, DocumentError};
use crate::fetch::{Fetch, LastingLoad, RemoteCopy, RemoteCopyLimits};
use crate::jose::{Jws, KeySetError, VerifiedJws, VerifyingKeySet};
use crate::protocol::well_known;
use crate::resource::verifier::VerifierError;
use crate::types::{Issuer, Timestamp};

/// The keys of an issuer.
#[derive(Debug)]
pub(super) enum IssuerKeys {
    AtHand(VerifyingKeySet),
    Published(Box<PublishedKeys>),
}

/// Keys that are fetched when they are needed.
#[derive(Debug)]
pub(super) struct PublishedKeys {
    source: Arc<Source>,
    copy: RemoteCopy<VerifyingKeySet, KeysError>,
    load: LastingLoad<Result<VerifyingKeySet, KeysError>>,
    events: Arc<dyn EventSink>,
}

/// Where keys come from.
#[derive(Debug)]
struct Source {
    fetch: Arc<dyn Fetch>,
    place: Place,
}

/// Where the keys are.
#[derive(Debug)]
pub(super) enum Place {
    Given(Uri),
    InMetadataOf(Issuer, RemoteCopy<Uri, KeysError>),
}

/// Why there are no keys, for the operator.
#[derive(Clone, Debug, Error)]
pub(super) enum KeysError {
    #[error("there is no usable metadata of the issuer")]
    Metadata(#[source] DocumentError),
    #[error("the metadata is that of another issuer")]
    MetadataOfAnother,
    #[error("the jwks_uri of the metadata is no https URL")]
    Endpoint,
    #[error("there is no usable set of keys")]
    Keys(#[from] DocumentError),
    #[error("the set has no key that can be used")]
    NoUsableKey,
}

impl IssuerKeys {
    /// Verifies a token, with newer keys if its key is not known yet.
    pub(super) async fn verify<'a>(
        &self,
        jws: &'a Jws<'a>,
        now: Timestamp,
    ) -> Result<VerifiedJws<'a>, VerifierError> {
        let verdict = match self {
            Self::AtHand(keys) => keys.verify(jws),
            Self::Published(keys) => keys.verify(jws, now).await?,
        };
        verdict.map_err(|error| {
            VerifierError::Refused(match error {
                KeySetError::UnknownKey => "its key is unknown",
                KeySetError::Invalid(_) => "its signature is wrong",
            })
        })
    }
}

impl PublishedKeys {
    pub(super) fn new(
        fetch: Arc<dyn Fetch>,
        place: Place,
        limits: RemoteCopyLimits,
        events: Arc<dyn EventSink>,
    ) -> Self {
        Self {
            source: Arc::new(Source { fetch, place }),
            copy: RemoteCopy::new(limits).of_lasting_loads(),
            load: LastingLoad::new(),
            events,
        }
    }

    async fn verify<'a>(
        &self,
        jws: &'a Jws<'a>,
        now: Timestamp,
    ) -> Result<Result<VerifiedJws<'a>, KeySetError>, VerifierError> {
        let known = match self.copy.fresh(now) {
            Some(known) => known,
            // Boxed, so that what is rare makes nothing else larger.
            None => Box::pin(self.current(now)).await.map_err(unavailable)?,
        };
        let verdict = known.verify(jws);
        if !matches!(verdict, Err(KeySetError::UnknownKey)) {
            return Ok(verdict);
        }
        let newer = Box::pin(self.copy.newer(known, now, self.load(now))).await;
        let verdict = newer.verify(jws);
        // The server may have made a key that it cannot be asked for.
        match (&verdict, self.copy.failure(now)) {
            (Err(KeySetError::UnknownKey), Some(error)) => Err(unavailable(error)),
            _ => Ok(verdict),
        }
    }

    async fn current(&self, now: Timestamp) -> Result<Arc<VerifyingKeySet>, KeysError> {
        // Anybody can name this issuer in a token: while it fails, it is left alone.
        match self.copy.failure(now) {
            Some(error) if !self.copy.is_usable(now) => Err(error),
            _ => self.copy.current(now, self.load(now)).await,
        }
    }

    /// Fetches the keys. The operator hears of a failure even if nobody else does,
    /// since the last good set does not serve for ever.
    ///
    /// Anybody can have them fetched by a token that only names this issuer, and leave:
    /// whoever comes next gets what was asked for.
    async fn load(&self, now: Timestamp) -> Result<VerifyingKeySet, KeysError> {
        let source = Arc::clone(&self.source);
        let fetching = || async move { source.fetch_keys(now).await };
        let loaded = self.load.outcome(now, fetching).await;
        loaded.inspect_err(|error| {
            let cause = causes(error);
            self.events.emit(&Event::Outage { cause });
        })
    }
}

impl Source {
    async fn fetch_keys(&self, now: Timestamp) -> Result<VerifyingKeySet, KeysError> {
        let fetch = self.fetch.as_ref();
        let keys = match &self.place {
            Place::Given(uri) => document::load_keys(fetch, uri).await?,
            Place::InMetadataOf(issuer, copy) => {
                let uri = copy.current(now, find(fetch, issuer)).await?;
                match document::load_keys(fetch, &uri).await {
                    // They may have moved since the issuer was asked where they are.
                    Err(error) if error.is_gone() => {
                        let moved = copy.newer(Arc::clone(&uri), now, find(fetch, issuer));
                        let moved = moved.await;
                        if moved == uri {
                            return Err(error.into());
                        }
                        document::load_keys(fetch, &moved).await?
                    }
                    loaded => loaded?,
                }
            }
        };
        // Whoever signs has a key: such a set is a fault and not a withdrawal.
        if keys.is_empty() {
            return Err(KeysError::NoUsableKey);
        }
        Ok(keys)
    }
}

impl Place {
    /// Where the metadata of `issuer` says.
    pub(super) fn in_metadata_of(issuer: Issuer) -> Self {
        // Metadata changes rarely, and is not what a signature is checked with.
        const METADATA: RemoteCopyLimits = RemoteCopyLimits {
            fresh: Duration::from_secs(60 * 60),
            stale: Duration::from_secs(7 * 24 * 60 * 60),
            pause: Duration::from_secs(30),
        };
        Self::InMetadataOf(issuer, RemoteCopy::new(METADATA))
    }
}

#[derive(Deserialize)]
struct WireMetadata {
    issuer: String,
    jwks_uri: String,
}

/// Finds out where the keys of `issuer` are, at the first of the places of its
/// metadata that has any.
async fn find(fetch: &dyn Fetch, issuer: &Issuer) -> Result<Uri, KeysError> {
    let [oauth, openid] = well_known::metadata_urls(issuer);
    match find_at(fetch, issuer, &oauth).await {
        Err(KeysError::Metadata(error)) if error.is_outage() => Err(KeysError::Metadata(error)),
        Err(_) => find_at(fetch, issuer, &openid).await,
        found => found,
    }
}

async fn find_at(fetch: &dyn Fetch, issuer: &Issuer, url: &str) -> Result<Uri, KeysError> {
    let url = url.parse().map_err(|_| KeysError::Endpoint)?;
    let loaded = document::load(fetch, &url).await;
    let metadata: WireMetadata = loaded.map_err(KeysError::Metadata)?;
    if metadata.issuer != issuer.as_str() {
        return Err(KeysError::MetadataOfAnother);
    }
    keys_uri(issuer, &metadata.jwks_uri).ok_or(KeysError::Endpoint)
}

/// Parses the address of the keys of `issuer`.
pub(super) fn keys_uri(issuer: &Issuer, text: &str) -> Option<Uri> {
    let url = document::endpoint_of(issuer, text)?;
    url.as_str().parse().ok()
}

fn unavailable(error: KeysError) -> VerifierError {
    VerifierError::Unavailable(Box::new(error))
}
