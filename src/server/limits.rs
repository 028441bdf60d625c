//! Which requests are counted together, and what happens when there are too many.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::event::Event;
use crate::limit::{Limit, LimitKey, TooMany};
use crate::model::{ClientRecord, Registration};
use crate::protocol::form::Form;
use crate::server::config::{AuthorizationServer, paths};
use crate::server::error::RegistrationError;
use crate::types::{ClientAddress, ClientId, Timestamp};

/// How long one event has to do for one limit at one endpoint.
const QUIET: Duration = Duration::from_secs(60);

/// When the operator was last told of each limit at each endpoint.
#[derive(Debug, Default)]
pub(super) struct LimitNotices(Mutex<HashMap<(&'static str, Limit), Notice>>);

#[derive(Clone, Copy, Debug)]
struct Notice {
    told_at: Timestamp,
    more: u64,
}

impl LimitNotices {
    /// Notes a refusal. If it is to be told of: how many were not told of before.
    fn note(&self, endpoint: &'static str, limit: Limit, now: Timestamp) -> Option<u64> {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = notices.get_mut(&(endpoint, limit));
        let more = match before {
            Some(notice) if now < notice.told_at.plus(QUIET) => {
                notice.more += 1;
                return None;
            }
            Some(notice) => notice.more,
            None => 0,
        };
        let told = Notice {
            told_at: now,
            more: 0,
        };
        notices.insert((endpoint, limit), told);
        Some(more)
    }
}

impl AuthorizationServer {
    /// Counts a request for registration.
    pub(crate) async fn admit_registration(
        &self,
        from: Option<ClientAddress>,
    ) -> Result<(), TooMany> {
        let limit = Limit::RegisterByAddress;
        self.admit_address(paths::REGISTER, limit, from).await
    }

    /// Counts a client that is about to be stored.
    pub(super) async fn admit_new_client(&self) -> Result<(), RegistrationError> {
        let key = LimitKey::everybody();
        let admitted = self.admit(paths::REGISTER, Limit::NewClients, &key, None);
        let refused = |TooMany { retry_after }| RegistrationError::TooMany { retry_after };
        admitted.await.map_err(refused)
    }

    /// Counts an authorization request of whoever says to be `client_id`.
    pub(crate) async fn admit_authorization(
        &self,
        client_id: Option<&str>,
        from: Option<ClientAddress>,
    ) -> Result<(), TooMany> {
        if let (Some(id), Some(address)) = (client_id, from) {
            let key = LimitKey::of(&[id, &address.to_string()]);
            let limit = Limit::AuthorizeByClient;
            self.admit(paths::AUTHORIZE, limit, &key, from).await?;
        }
        let limit = Limit::AuthorizeByAddress;
        self.admit_address(paths::AUTHORIZE, limit, from).await
    }

    /// Counts the answer to a consent page: the server keeps something for each.
    pub(crate) async fn admit_consent(&self, from: Option<ClientAddress>) -> Result<(), TooMany> {
        let limit = Limit::AuthorizeByAddress;
        self.admit_address(paths::CONSENT, limit, from).await
    }

    /// Counts a token request, before it is known who sent it: to find that out
    /// costs more than to count. `client` is who it says it is.
    pub(crate) async fn admit_token_request(
        &self,
        form: &Form,
        client: Option<&ClientId>,
        from: Option<ClientAddress>,
    ) -> Result<(), TooMany> {
        if let Some(key) = token_key(form, client, from) {
            let limit = Limit::TokenByGrant;
            self.admit(paths::TOKEN, limit, &key, from).await?;
        }
        let limit = Limit::TokenByAddress;
        self.admit_address(paths::TOKEN, limit, from).await
    }

    /// Counts a request to revoke a token.
    pub(crate) async fn admit_revocation(
        &self,
        from: Option<ClientAddress>,
    ) -> Result<(), TooMany> {
        let limit = Limit::TokenByAddress;
        self.admit_address(paths::REVOKE, limit, from).await
    }

    /// Counts an assertion that `client` signed, before it is remembered.
    ///
    /// Not by address: the address of a hosted client says nothing, and nobody else
    /// gets here. The operator's own clients do not count: one of them may be as many
    /// machines as the operator likes.
    pub(super) async fn admit_assertion(&self, client: &ClientRecord) -> Result<(), TooMany> {
        match client.registration {
            Registration::Preregistered => Ok(()),
            Registration::Dynamic { .. }
            | Registration::Document
            | Registration::SelfContained { .. } => {
                let key = LimitKey::of(&[client.id.as_str()]);
                let limit = Limit::AssertionByClient;
                // Which of the two endpoints it was is not known here.
                self.admit(paths::TOKEN, limit, &key, None).await
            }
        }
    }

    /// Counts a request for which this server would fetch what it has no copy of.
    pub(super) async fn admit_fetch(&self, from: Option<ClientAddress>) -> Result<(), TooMany> {
        // Where clients are named does not matter to the hosts that are asked.
        let limit = Limit::FetchByAddress;
        self.admit_address("*", limit, from).await
    }

    /// Whether there is a limit that goes by address.
    pub(crate) const fn limits_addresses(&self) -> bool {
        self.limits_addresses
    }

    /// Without an address all would be counted as one and lock each other out, so
    /// then they are not counted.
    async fn admit_address(
        &self,
        endpoint: &'static str,
        limit: Limit,
        from: Option<ClientAddress>,
    ) -> Result<(), TooMany> {
        let Some(address) = from else {
            return Ok(());
        };
        let key = LimitKey::address(address);
        self.admit(endpoint, limit, &key, from).await
    }

    async fn admit(
        &self,
        endpoint: &'static str,
        limit: Limit,
        key: &LimitKey,
        from: Option<ClientAddress>,
    ) -> Result<(), TooMany> {
        let admitted = self.limiter.admit(limit, key).await;
        if admitted.is_err()
            && let Some(more) = self.notices.note(endpoint, limit, self.clock.now())
        {
            self.emit(&Event::RateLimited {
                endpoint,
                limit: limit.as_str(),
                address: from,
                more,
            });
        }
        admitted
    }
}

/// What stands for the grant that a token request is about.
///
/// It has to be something that only who may use the grant knows, or others could
/// use up its quota. A grant's identifier is not: it stands in every access token.
/// So it is a code, or a refresh token up to the secret of its family: its last
/// part changes with each use, and whoever has any token of the family can end the
/// grant anyhow. What has no such secret is known by its client, and a client is
/// public, so that it counts together with the address alone.
fn token_key(
    form: &Form,
    client: Option<&ClientId>,
    from: Option<ClientAddress>,
) -> Option<LimitKey> {
    match form.value("grant_type")? {
        "refresh_token" => {
            let token = form.value("refresh_token")?;
            let family = token.rsplit_once('.').map_or(token, |(family, _)| family);
            Some(LimitKey::of(&["refresh", family]))
        }
        "authorization_code" => Some(LimitKey::of(&["code", form.value("code")?])),
        "client_credentials" => {
            let (client, address) = (client?.as_str(), from?.to_string());
            Some(LimitKey::of(&["client", client, &address]))
        }
        // No grant at all: strangers could make a key of each word they invent.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_invented_grant_type_makes_no_key() {
        let client = ClientId::parse("desk").unwrap();
        let from = Some(ClientAddress::of(Ipv4Addr::LOCALHOST.into()));
        let key_of = |grant_type| {
            let secrets = [("code", "a"), ("refresh_token", "b")];
            let form = secrets.into_iter().chain([("grant_type", grant_type)]);
            token_key(&Form::from_iter(form), Some(&client), from)
        };
        let known = ["authorization_code", "refresh_token", "client_credentials"];
        let keys = known.map(key_of);
        assert!(keys.iter().all(Option::is_some), "{keys:?}");
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[2] != keys[0]);
        for invented in ["", "x", "Client_Credentials", "client_credentials "] {
            assert_eq!(key_of(invented), None, "{invented:?}");
        }
    }

    #[test]
    fn one_event_a_minute_tells_of_a_limit_and_of_how_many_there_were() {
        let notices = LimitNotices::default();
        let note = |endpoint, limit, second: u64| {
            notices.note(endpoint, limit, Timestamp::from_secs(1_000 + second))
        };
        let (grant, address) = (Limit::TokenByGrant, Limit::TokenByAddress);

        assert_eq!(note("/token", grant, 0), Some(0));
        for second in 0..60 {
            assert_eq!(note("/token", grant, second), None);
        }
        assert_eq!(note("/token", address, 1), Some(0), "another limit");
        assert_eq!(note("/revoke", address, 1), Some(0), "another endpoint");
        assert_eq!(note("/token", grant, 60), Some(60));
        assert_eq!(note("/token", grant, 61), None);
        assert_eq!(note("/token", grant, 500), Some(1));
    }
}
