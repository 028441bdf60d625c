use std::sync::Arc;

use crate::event::{Event, EventSink};
use crate::model::{Grant, GrantFilter};
use crate::server::config::AuthorizationServer;
use crate::server::error::Outage;
use crate::store::{SigningKeys, Vault};
use crate::types::{ClientId, Clock, Entropy, GrantId, Subject};

/// The grants that are alive, for the host to show and to end.
///
/// Build on it what people expect of a service: a page with everything they let
/// into their account, an "end all sessions" button, the removal of somebody who
/// left, or of a client that turned out to be hostile. Cheap to clone.
///
/// Who was signed in a moment ago may hold a code that is not redeemed yet, for
/// at most a minute. To lock a subject or a client out for good, let the
/// [`LoginPolicy`](crate::server::LoginPolicy) refuse them first. The grants of a
/// subject are found under the master keys that are given, and under no others.
#[derive(Clone, Debug)]
pub struct Grants {
    vault: Vault,
    keys: Arc<SigningKeys>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    events: Arc<dyn EventSink>,
}

/// Some of the grants that were asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GrantPage {
    /// The grants, in no order that means anything; maybe none, even if more follow.
    pub grants: Vec<Grant>,
    /// Those that do not open: somebody spoiled them, or their master key is not here.
    /// Nobody can tell what they allow, but they can be [ended](Grants::revoke).
    pub unreadable: Vec<GrantId>,
    /// What to ask with for those that follow; `None` if there are no more.
    pub next: Option<GrantId>,
}

/// How many grants are read at once.
const PAGE: usize = 100;

impl AuthorizationServer {
    /// The grants that are alive, to list and to end them.
    #[must_use]
    pub fn grants(&self) -> Grants {
        Grants {
            vault: self.vault.clone(),
            keys: Arc::clone(&self.keys),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            events: Arc::clone(&self.events),
        }
    }
}

impl Grants {
    /// Up to a hundred grants of `subject`; with `after`, those that follow.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the store cannot tell.
    pub async fn of_subject(
        &self,
        subject: &Subject,
        after: Option<&GrantId>,
    ) -> Result<GrantPage, Outage> {
        self.page(&self.filter_of(subject), after).await
    }

    /// Up to a hundred grants of `client`; with `after`, those that follow.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the store cannot tell.
    pub async fn of_client(
        &self,
        client: &ClientId,
        after: Option<&GrantId>,
    ) -> Result<GrantPage, Outage> {
        let filter = GrantFilter::Client(client.clone());
        self.page(&filter, after).await
    }

    /// Ends one grant, and with it all its tokens, even if it does not open.
    ///
    /// Returns whether it was alive until now.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the outcome is unknown.
    pub async fn revoke(&self, id: &GrantId) -> Result<bool, Outage> {
        let found = self.vault.store().find_grant(id, self.clock.now()).await?;
        match found {
            None => Ok(false),
            Some(grant) => self.end(grant.id, grant.client_id).await,
        }
    }

    /// Ends every grant of `subject`, and with them all their tokens.
    ///
    /// Returns how many this call ended.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the outcome is unknown; what was ended so far stays ended.
    pub async fn revoke_subject(&self, subject: &Subject) -> Result<usize, Outage> {
        self.revoke_all(&self.filter_of(subject)).await
    }

    /// Ends every grant of `client`, and with them all their tokens.
    ///
    /// Returns how many this call ended.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the outcome is unknown; what was ended so far stays ended.
    pub async fn revoke_client(&self, client: &ClientId) -> Result<usize, Outage> {
        self.revoke_all(&GrantFilter::Client(client.clone())).await
    }

    /// Seals every grant, every API key and every signing key again that is not under the active
    /// master key, so that the keys before it can be removed.
    ///
    /// Returns how many grants and API keys it sealed again. Those that begin while the keys
    /// change may be missed: call it until it returns zero, a minute or more
    /// after every replica has activated the new key.
    ///
    /// # Errors
    ///
    /// [`Outage`] if the store failed or a signing key does not open; what was done
    /// so far stays done, and another call goes on. Also if a grant or an API key does
    /// not open, after all others were sealed again.
    pub async fn reseal(&self) -> Result<usize, Outage> {
        let now = self.clock.now();
        self.keys.reload(now).await?;
        let api_keys = self.vault.reseal_api_keys(&*self.entropy, now).await;
        Ok(self.reseal_grants().await? + api_keys?)
    }

    async fn reseal_grants(&self) -> Result<usize, Outage> {
        let store = self.vault.store();
        let (mut resealed, mut after, mut unreadable) = (0, None, None);
        loop {
            let now = self.clock.now();
            let page = store.list_grants(&GrantFilter::All, after.as_ref(), PAGE, now);
            let page = page.await?;
            let last = page.len() < PAGE;
            after = page.last().map(|grant| grant.id.clone());
            for old in page {
                if self.vault.master_keys().is_current(&old.details) {
                    continue;
                }
                // One that does not open must not keep the others from it.
                match self.vault.open_grant(old.clone()) {
                    Ok(grant) => {
                        let new = self.vault.seal_grant(&grant, &*self.entropy)?;
                        resealed += usize::from(store.reseal_grant(&old, &new).await?);
                    }
                    Err(error) => unreadable = unreadable.or(Some(error)),
                }
            }
            if last {
                return unreadable.map_or(Ok(resealed), |error| Err(error.into()));
            }
        }
    }

    fn filter_of(&self, subject: &Subject) -> GrantFilter {
        GrantFilter::Subject(self.vault.master_keys().hashes_of(subject))
    }

    async fn page(
        &self,
        filter: &GrantFilter,
        after: Option<&GrantId>,
    ) -> Result<GrantPage, Outage> {
        let now = self.clock.now();
        let page = self.vault.store().list_grants(filter, after, PAGE, now);
        let page = page.await?;
        let full = page.len() == PAGE;
        let next = page.last().filter(|_| full).map(|grant| grant.id.clone());
        let (mut grants, mut unreadable) = (Vec::new(), Vec::new());
        for record in page {
            let id = record.id.clone();
            // One that does not open must not keep the others from being ended.
            match self.vault.open_grant(record) {
                Ok(grant) => grants.push(grant),
                Err(_) => unreadable.push(id),
            }
        }
        Ok(GrantPage {
            grants,
            unreadable,
            next,
        })
    }

    async fn revoke_all(&self, filter: &GrantFilter) -> Result<usize, Outage> {
        let (mut ended, mut after) = (0, None);
        loop {
            let now = self.clock.now();
            let page = self
                .vault
                .store()
                .list_grants(filter, after.as_ref(), PAGE, now);
            let page = page.await?;
            let last = page.len() < PAGE;
            after = page.last().map(|grant| grant.id.clone());
            for grant in page {
                ended += usize::from(self.end(grant.id, grant.client_id).await?);
            }
            if last {
                return Ok(ended);
            }
        }
    }

    async fn end(&self, grant_id: GrantId, client_id: ClientId) -> Result<bool, Outage> {
        let ended = self.vault.revoke_grant(&grant_id).await?;
        if ended {
            self.events.emit(&Event::GrantRevoked {
                client_id,
                grant_id,
            });
        }
        Ok(ended)
    }
}
