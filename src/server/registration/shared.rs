//! Clients that are known by what they are, and stored once for all who
//! register them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::model::{AuthMethod, ClientRecord};
use crate::server::error::Outage;
use crate::server::registration::accept::AcceptedMetadata;
use crate::types::{ClientId, Issuer, RedirectUri};

/// Whether nothing tells one registration of this client from another: it has
/// neither a secret nor keys.
pub(super) fn is_shared(accepted: &AcceptedMetadata) -> bool {
    accepted.auth_method == AuthMethod::None
}

/// Takes the free ports out of redirect URIs, and their order, which says nothing.
///
/// Most of these clients listen on a port that they get by chance, so that one
/// program would otherwise become a new client at each start.
pub(super) fn without_free_ports(uris: &[RedirectUri]) -> Vec<RedirectUri> {
    let mut uris: Vec<_> = uris.iter().map(RedirectUri::without_free_port).collect();
    uris.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    uris.dedup();
    uris
}

/// The identifier of a client: a hash of all that it is, 192 bits long, since
/// whoever finds two clients for one could pass one off as the other.
pub(super) fn id_of(accepted: &AcceptedMetadata, issuer: &Issuer) -> Result<ClientId, Outage> {
    let what_it_is = (
        "shared client",
        issuer.as_str(),
        &accepted.name,
        &accepted.client_uri,
        without_free_ports(&accepted.redirect_uris),
        &accepted.grant_types,
        &accepted.scope,
    );
    let json = serde_json::to_vec(&what_it_is).map_err(|_| Outage::Collision)?;
    let hash = Sha256::digest(json);
    let text = URL_SAFE_NO_PAD.encode(&hash[..24]);
    ClientId::parse(&text).map_err(|_| Outage::Collision)
}

/// Whether two records are of one client, at whatever time it registered and on
/// whatever port it listens.
pub(super) fn is_same(found: &ClientRecord, client: &ClientRecord) -> bool {
    let comparable = |record: &ClientRecord| ClientRecord {
        registration: client.registration,
        redirect_uris: without_free_ports(&record.redirect_uris),
        ..record.clone()
    };
    comparable(found) == comparable(client)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::GrantType;
    use crate::types::Scope;

    fn client(uris: &[&str]) -> AcceptedMetadata {
        let uris = uris.iter().map(|text| RedirectUri::parse(text).unwrap());
        AcceptedMetadata {
            name: Some("A".to_owned()),
            client_uri: None,
            redirect_uris: uris.collect(),
            auth_method: AuthMethod::None,
            keys: None,
            grant_types: BTreeSet::from([GrantType::AuthorizationCode]),
            scope: None,
        }
    }

    fn id(client: AcceptedMetadata) -> ClientId {
        let issuer = Issuer::parse("https://a.example").unwrap();
        id_of(&client, &issuer).unwrap()
    }

    #[test]
    fn a_client_is_the_same_on_every_port_and_in_every_order() {
        let one = id(client(&["http://localhost:1/cb", "https://a.example/cb"]));
        for uris in [
            ["http://localhost:2/cb", "https://a.example/cb"],
            ["https://a.example/cb", "http://localhost/cb"],
        ] {
            assert_eq!(id(client(&uris)), one, "{uris:?}");
        }
        let twice = [
            "http://localhost:2/cb",
            "http://localhost:3/cb",
            "https://a.example/cb",
        ];
        assert_eq!(id(client(&twice)), one);
    }

    #[test]
    fn whatever_a_person_or_a_rule_could_tell_apart_is_another_client() {
        let uris = ["http://localhost:1/cb"];
        let all = [
            client(&uris),
            client(&["http://127.0.0.1:1/cb"]),
            client(&["http://localhost:1/"]),
            client(&["https://localhost:1/cb"]),
            client(&["https://localhost:2/cb"]),
            AcceptedMetadata {
                name: Some("B".to_owned()),
                ..client(&uris)
            },
            AcceptedMetadata {
                name: None,
                ..client(&uris)
            },
            AcceptedMetadata {
                name: None,
                client_uri: Some("A".to_owned()),
                ..client(&uris)
            },
            AcceptedMetadata {
                scope: Some(Scope::parse("a").unwrap()),
                ..client(&uris)
            },
            AcceptedMetadata {
                grant_types: GrantType::ALL.into_iter().collect(),
                ..client(&uris)
            },
        ];
        let count = all.len();
        let ids: BTreeSet<_> = all.into_iter().map(id).collect();
        assert_eq!(ids.len(), count);
        let elsewhere = Issuer::parse("https://b.example").unwrap();
        let elsewhere = id_of(&client(&uris), &elsewhere).unwrap();
        assert!(!ids.contains(&elsewhere));
    }
}
