//! Clients whose identifier holds what they are, sealed: nothing is stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{ClientContents, ClientRecord, OpenError, Place, Registration, Sealed};
use crate::server::config::AuthorizationServer;
use crate::server::error::{Outage, RegistrationError};
use crate::server::registration::accept::AcceptedMetadata;
use crate::server::registration::config::DynamicRegistration;
use crate::server::registration::describe::Given;
use crate::types::{ClientId, Timestamp};

/// What such an identifier begins with; no other one of ours has a dot.
const PREFIX: &str = "self.";

/// What is sealed: when the client registered, and all else that it is.
type Contents = (Timestamp, ClientContents);

impl AuthorizationServer {
    pub(super) fn seal_into_id(
        &self,
        accepted: AcceptedMetadata,
        now: Timestamp,
    ) -> Result<(ClientRecord, Given), RegistrationError> {
        let placeholder = ClientId::generate(&*self.entropy).map_err(Outage::from)?;
        let registration = Registration::SelfContained { registered_at: now };
        let mut client = accepted.into_record(placeholder, registration);
        let given = Given {
            secret: self.give_secret(&mut client)?,
            ..Given::default()
        };
        let (_, _, contents) = client.clone().into_contents();
        let contents: Contents = (now, contents);
        let keys = self.vault.master_keys();
        let sealed = keys.seal(&contents, self.place_of_clients(), &*self.entropy);
        let sealed = URL_SAFE_NO_PAD.encode(sealed.map_err(Outage::from)?.as_bytes());
        client.id = ClientId::parse(&format!("{PREFIX}{sealed}"))
            .map_err(|_| RegistrationError::TooLong)?;
        Ok((client, given))
    }

    /// The client that `id` holds; `None` if it holds none of ours.
    pub(in crate::server) fn open_client_id(&self, id: &ClientId) -> Option<ClientRecord> {
        if self.registration.dynamic != DynamicRegistration::SelfContained {
            return None;
        }
        let sealed = id.as_str().strip_prefix(PREFIX)?;
        let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(sealed).ok()?);
        let opened: Result<Contents, OpenError> = self
            .vault
            .master_keys()
            .open(&sealed, self.place_of_clients());
        let (registered_at, contents) = opened.ok()?;
        let registration = Registration::SelfContained { registered_at };
        Some(ClientRecord::from_contents(
            id.clone(),
            registration,
            contents,
        ))
    }

    /// A server with another name that shares the key does not know the client.
    fn place_of_clients(&self) -> Place<'_> {
        Place {
            table: "clients",
            key: self.issuer.as_str(),
        }
    }
}
