use std::time::Duration;

use crate::event::Event;
use crate::model::{ClientRecord, Registration};
use crate::protocol::client_metadata::{ClientInformationResponse, ClientMetadata};
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, RegistrationError};
use crate::server::registration::accept::{AcceptedMetadata, Source, accept};
use crate::server::registration::config::DynamicRegistration;
use crate::server::registration::describe::Given;
use crate::server::registration::policy::{RegistrationAttempt, RegistrationWay};
use crate::server::registration::shared;
use crate::store::Insertion;
use crate::types::{ClientId, Secret, Timestamp};

/// A request to become a client ([RFC 7591, section 3]).
///
/// [RFC 7591, section 3]: https://www.rfc-editor.org/rfc/rfc7591#section-3
#[derive(Clone, Debug)]
pub struct RegistrationRequest {
    /// What the client says of itself.
    pub metadata: ClientMetadata,
    /// What it shows to be let in, where not everybody is.
    pub initial_access_token: Option<Secret>,
}

impl AuthorizationServer {
    /// Registers a client that says of itself what it is ([RFC 7591, section 3]).
    ///
    /// A public client is known by what it is: whoever registers the same gets
    /// the same identifier, which is stored once. Every other client gets an
    /// identifier of its own, and a token to manage its registration with.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`] with the reason.
    ///
    /// [RFC 7591, section 3]: https://www.rfc-editor.org/rfc/rfc7591#section-3
    pub async fn register(
        &self,
        request: RegistrationRequest,
    ) -> Result<ClientInformationResponse, RegistrationError> {
        self.judge_initial_access(request.initial_access_token.as_ref())?;
        let now = self.clock.now();
        let (metadata, statement) = self.vouched(request.metadata, now)?;
        let accepted = accept(metadata, self.registering(), &self.scopes.all())?;
        let vouched_by = statement
            .as_ref()
            .map(|statement| statement.issuer.as_str());
        self.judge_by_policy(&accepted, vouched_by).await?;
        let redirect_uris = accepted.redirect_uris.clone();
        let (client, mut given) = match self.registration.dynamic {
            DynamicRegistration::Off => return Err(RegistrationError::Off),
            // Nothing is stored, so that strangers use up nothing that others need.
            DynamicRegistration::SelfContained => self.seal_into_id(accepted, now)?,
            DynamicRegistration::Stored if shared::is_shared(&accepted) => {
                self.register_shared(accepted, now).await?
            }
            DynamicRegistration::Stored => self.register_own(accepted, now).await?,
        };
        given.redirect_uris = Some(redirect_uris);
        given.software_statement = statement.map(|statement| statement.text);
        self.emit(&Event::ClientRegistered {
            client_id: client.id.clone(),
        });
        Ok(self.describe(&client, given))
    }

    pub(super) fn registering(&self) -> Source {
        Source::Registration {
            fetches_keys: self.registration.fetches_keys(),
        }
    }

    /// Compares with every token, so that time does not tell which one is close.
    fn judge_initial_access(&self, token: Option<&Secret>) -> Result<(), RegistrationError> {
        let known = &self.registration.initial_access_tokens;
        let hash = token.map(Secret::hash);
        let admitted = known
            .iter()
            .fold(false, |found, known| found | (hash == Some(*known)));
        if known.is_empty() || admitted {
            return Ok(());
        }
        Err(RegistrationError::InitialAccess)
    }

    pub(super) async fn judge_by_policy(
        &self,
        accepted: &AcceptedMetadata,
        vouched_by: Option<&str>,
    ) -> Result<(), RegistrationError> {
        let attempt = RegistrationAttempt {
            way: RegistrationWay::Dynamic,
            name: accepted.name.as_deref(),
            redirect_uris: &accepted.redirect_uris,
            auth_method: accepted.auth_method,
            scope: accepted.scope.as_ref(),
            vouched_by,
        };
        let decision = self.registration.policy.admits(&attempt).await;
        match decision.map_err(|error| Outage::Policy(error.0))? {
            true => Ok(()),
            false => Err(RegistrationError::Policy),
        }
    }

    /// A client that is the same for all who register it.
    async fn register_shared(
        &self,
        accepted: AcceptedMetadata,
        now: Timestamp,
    ) -> Result<(ClientRecord, Given), RegistrationError> {
        let id = shared::id_of(&accepted, &self.issuer)?;
        let found = self.store().find_client(&id).await.map_err(Outage::from)?;
        let client = accepted.into_record(id, self.unclaimed_from(now));
        let client = match found {
            Some(found) => self.meet_again(found, client).await?,
            None => self.insert_new(client).await?,
        };
        Ok((client, Given::default()))
    }

    /// A shared client that registers once more: it is kept for another while, and
    /// a port on which not all agree is no part of it any more.
    async fn meet_again(
        &self,
        found: ClientRecord,
        again: ClientRecord,
    ) -> Result<ClientRecord, RegistrationError> {
        let mut agreed = found.clone();
        if found.redirect_uris != again.redirect_uris {
            agreed.redirect_uris = shared::without_free_ports(&found.redirect_uris);
        }
        let period = self.unclaimed_period();
        let settled = if agreed == found {
            self.keep_client(&found, period).await?
        } else {
            let updated = self.store().update_client(&found, agreed.clone()).await;
            updated.map_err(Outage::from)? && self.keep_client(&agreed, period).await?
        };
        if settled {
            return Ok(agreed);
        }
        // Somebody changed or forgot it in this moment.
        let known = self.store().find_client(&again.id).await;
        match known.map_err(Outage::from)? {
            Some(known) => Ok(known),
            None => self.insert_new(again).await,
        }
    }

    /// A client of its own, which it proves to be and may manage.
    async fn register_own(
        &self,
        accepted: AcceptedMetadata,
        now: Timestamp,
    ) -> Result<(ClientRecord, Given), RegistrationError> {
        let id = ClientId::generate(&*self.entropy).map_err(Outage::from)?;
        let mut client = accepted.into_record(id, self.unclaimed_from(now));
        let token = self.entropy.secret().map_err(Outage::from)?;
        client.management = Some(token.hash());
        let given = Given {
            secret: self.give_secret(&mut client)?,
            management: Some(token),
            ..Given::default()
        };
        Ok((self.insert_new(client).await?, given))
    }

    fn unclaimed_from(&self, now: Timestamp) -> Registration {
        Registration::Dynamic {
            registered_at: now,
            unused_until: now.plus(self.unclaimed_period()),
        }
    }

    fn unclaimed_period(&self) -> Duration {
        let lifetimes = &self.lifetimes;
        lifetimes.unclaimed_client.min(lifetimes.unused_client)
    }

    pub(super) fn give_secret(&self, client: &mut ClientRecord) -> Result<Option<Secret>, Outage> {
        if !client.auth_method.uses_secret() {
            return Ok(None);
        }
        let secret = self.entropy.secret()?;
        client.secrets = vec![secret.hash()];
        Ok(Some(secret))
    }

    async fn judge_room(&self) -> Result<(), RegistrationError> {
        let (now, most) = (self.clock.now(), self.registration.most_clients);
        let taken = match self.room.taken(now) {
            Some(taken) => taken,
            None => {
                let counted = self.store().count_clients(most).await;
                let counted = counted.map_err(Outage::from)?;
                self.room.note(counted, now);
                counted
            }
        };
        if taken < most {
            return Ok(());
        }
        Err(RegistrationError::Full)
    }

    /// Stores a client that nobody registered before, if there is room.
    async fn insert_new(&self, client: ClientRecord) -> Result<ClientRecord, RegistrationError> {
        self.admit_new_client().await?;
        self.judge_room().await?;
        let inserted = self.store().insert_client(client.clone()).await;
        match inserted.map_err(Outage::from)? {
            Insertion::Done => {
                self.room.take();
                Ok(client)
            }
            // Somebody registered the same in this moment.
            Insertion::Conflict => {
                let found = self.store().find_client(&client.id).await;
                let found = found.map_err(Outage::from)?;
                let same = found.filter(|found| shared::is_same(found, &client));
                Ok(same.ok_or(Outage::Collision)?)
            }
        }
    }
}
