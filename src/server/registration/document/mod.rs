//! Clients that are known by a document at the URL that is their identifier
//! ([Client ID Metadata Document]).
//!
//! There is no answer in which a client could be told how to prove itself, so it
//! reads that from our metadata, which lists `private_key_jwt`. Hence a client that
//! publishes keys and offers to sign has to sign, even if it offers `none` as well:
//! otherwise whoever knows its URL could stand in for it at the token endpoint.
//!
//! [Client ID Metadata Document]: https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-01

mod answer;
mod error;
mod hosts;
mod judge;
mod keys;
mod pace;

use std::sync::Arc;

use crate::event::Event;
use crate::fetch::{Fetch, Loaded, RemoteCopies, RemoteCopiesLimits, is_public};
use crate::model::{AuthMethod, ClientRecord};
use crate::server::config::AuthorizationServer;
use crate::server::registration::{RegistrationAttempt, RegistrationWay};
use crate::types::{ClientAddress, ClientId, DocumentUrl, InvalidDocumentUrl, Timestamp};

pub use error::DocumentError;
pub use hosts::DocumentHosts;
pub(in crate::server) use keys::PublishedKeys;
use pace::{Attempt, Pace};

/// Documents and sets of keys that clients publish, as they were last fetched.
#[derive(Debug)]
pub(in crate::server) struct Documents {
    fetch: Arc<dyn Fetch>,
    clients: RemoteCopies<DocumentUrl, ClientRecord, DocumentError>,
    keys: RemoteCopies<String, PublishedKeys, DocumentError>,
    pace: Pace,
}

impl Documents {
    pub(in crate::server) fn new(fetch: Arc<dyn Fetch>) -> Self {
        let limits = RemoteCopiesLimits::default();
        // They are larger than documents, and fewer clients sign.
        let keys = RemoteCopiesLimits {
            copies: 200,
            ..limits
        };
        Self {
            fetch,
            clients: RemoteCopies::new(limits),
            keys: RemoteCopies::new(keys),
            pace: Pace::new(),
        }
    }

    /// Begins a fetch from the host of `url`.
    ///
    /// `known` says that what is at the URL was good before. It is asked for at its
    /// own pace, so that nobody can keep a client from being known as it is now by
    /// asking its host for what is not there.
    fn begin(
        &self,
        url: &url::Url,
        known: bool,
        now: Timestamp,
    ) -> Result<Option<Attempt>, DocumentError> {
        let literal = match url.host() {
            Some(url::Host::Ipv4(address)) => Some(address.into()),
            Some(url::Host::Ipv6(address)) => Some(address.into()),
            Some(url::Host::Domain(_)) | None => None,
        };
        // The way out judges addresses as well; this does not depend on which one it is.
        if literal.is_some_and(|address| !is_public(address)) {
            return Err(DocumentError::Address("the address is not public"));
        }
        if known {
            return Ok(None);
        }
        // With a dot at its end it is the same host.
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        let attempt = self.pace.begin(host, now);
        attempt.map(Some).ok_or(DocumentError::HostPaused)
    }
}

impl AuthorizationServer {
    /// Reads an identifier that is meant to be the URL of a document; `None` if it
    /// is no URL, or if clients are not known by documents here.
    pub(in crate::server) fn document_url(
        &self,
        id: &ClientId,
    ) -> Option<Result<DocumentUrl, InvalidDocumentUrl>> {
        let meant = self.has_client_documents() && id.as_str().contains("://");
        meant.then(|| DocumentUrl::parse(id.as_str()))
    }

    /// The client that the document at `url` describes.
    pub(in crate::server) async fn find_document_client(
        &self,
        url: &DocumentUrl,
        from: Option<ClientAddress>,
    ) -> Result<Arc<ClientRecord>, DocumentError> {
        let Some(documents) = &self.documents else {
            return Err(DocumentError::NotAdmitted);
        };
        let now = self.clock.now();
        if !documents.clients.is_at_hand(url, now) {
            self.admit_fetch(from).await?;
        }
        let load = async {
            match self.load_client(documents, url, now).await {
                Ok(loaded) => {
                    documents.clients.remember(url);
                    loaded
                }
                Err(error) => {
                    if error.is_final() {
                        documents.clients.forget(url);
                    }
                    answer::failed(error)
                }
            }
        };
        let found = documents.clients.current(url, now, load).await;
        found.inspect_err(|error| self.report_document(&url.client_id(), error))
    }

    async fn load_client(
        &self,
        documents: &Documents,
        url: &DocumentUrl,
        now: Timestamp,
    ) -> Result<Loaded<ClientRecord, DocumentError>, DocumentError> {
        let unread = RegistrationAttempt {
            way: RegistrationWay::Document(url.url()),
            name: None,
            redirect_uris: &[],
            auth_method: AuthMethod::None,
            scope: None,
            vouched_by: None,
        };
        self.admit_document(&unread).await?;
        let known = documents.clients.has_copy(url, now) || documents.clients.was_good(url);
        let attempt = documents.begin(url.url(), known, now)?;
        let answer = answer::load(&*documents.fetch, url.as_str(), answer::DOCUMENT).await?;
        let client = judge::judge(url, &answer.body, &self.scopes.all())?;
        self.admit_document(&RegistrationAttempt {
            name: client.name.as_deref(),
            redirect_uris: &client.redirect_uris,
            auth_method: client.auth_method,
            scope: client.scope.as_ref(),
            ..unread
        })
        .await?;
        if let Some(attempt) = attempt {
            attempt.was_of_use();
        }
        Ok(answer.keep(client))
    }

    async fn admit_document(&self, attempt: &RegistrationAttempt<'_>) -> Result<(), DocumentError> {
        if self.registration.policy.admits(attempt).await? {
            Ok(())
        } else {
            Err(DocumentError::NotAdmitted)
        }
    }

    /// Tells the operator what the client only hears in general words. An outage
    /// is reported where it is answered.
    pub(in crate::server) fn report_document(&self, client_id: &ClientId, error: &DocumentError) {
        if !error.is_outage() {
            self.emit(&Event::ClientDocumentRefused {
                client_id: client_id.clone(),
                reason: error.to_string(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
