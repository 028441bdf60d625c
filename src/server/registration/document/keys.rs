use std::sync::Arc;

use serde_json::Value;
use url::Url;

use crate::event::Event;
use crate::fetch::Loaded;
use crate::jose::{JwkSet, VerifyingKeySet};
use crate::model::ClientKeys;
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, RegistrationError};
use crate::server::registration::auth_method::accept_published_set;
use crate::server::registration::document::{DocumentError, Documents, answer};
use crate::types::Timestamp;

impl AuthorizationServer {
    /// The keys of a client; with `seen`, newer ones if there are any.
    ///
    /// A set that cannot be used is as good as an empty one: nothing that the
    /// client signs is believed until it mends that.
    pub(in crate::server) async fn client_keys(
        &self,
        keys: &ClientKeys,
        seen: Option<&Arc<VerifyingKeySet>>,
    ) -> Result<Arc<VerifyingKeySet>, Outage> {
        let uri = match keys {
            ClientKeys::Set(set) => return Ok(Arc::new(VerifyingKeySet::from(set))),
            ClientKeys::Uri(uri) => uri,
        };
        // Without a way out, there is nobody to ask.
        let Some(documents) = &self.documents else {
            return Ok(Arc::new(VerifyingKeySet::from(&JwkSet::default())));
        };
        let now = self.clock.now();
        let load = async {
            match load_keys(documents, uri, now).await {
                Ok(loaded) => loaded,
                Err(error) => answer::failed(error),
            }
        };
        if let Some(seen) = seen {
            return Ok(documents.keys.newer(uri, Arc::clone(seen), now, load).await);
        }
        match documents.keys.current(uri, now, load).await {
            Err(error) if error.is_outage() => Err(Outage::ClientDocument(error)),
            Err(error) => {
                let (uri, reason) = (uri.clone(), error.to_string());
                self.emit(&Event::ClientKeysRefused { uri, reason });
                Ok(Arc::new(VerifyingKeySet::from(&JwkSet::default())))
            }
            Ok(keys) => Ok(keys),
        }
    }
}

async fn load_keys(
    documents: &Documents,
    uri: &str,
    now: Timestamp,
) -> Result<Loaded<VerifyingKeySet, DocumentError>, DocumentError> {
    let url = Url::parse(uri).map_err(|_| DocumentError::Address("it is no URL"))?;
    let known = documents.keys.has_copy(&uri.to_owned(), now);
    let attempt = documents.begin(&url, known, now)?;
    let answer = answer::load(&*documents.fetch, uri, answer::KEYS).await?;
    let set: Value = serde_json::from_slice(&answer.body).map_err(|_| DocumentError::Malformed)?;
    let set = accept_published_set(&set).map_err(RegistrationError::from)?;
    if let Some(attempt) = attempt {
        attempt.was_of_use();
    }
    Ok(answer.keep(VerifyingKeySet::from(&set)))
}
