use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::resource::verifier::once::{keep, once};
use crate::types::{ClientId, GrantId, Scope, Subject, Text, Timestamp};

/// The claims of one of our own tokens, read in one pass; who signed in is in its
/// grant.
pub(super) struct OwnClaims {
    pub(super) issuer: String,
    pub(super) subject: Subject,
    pub(super) audience: String,
    pub(super) expires_at: Timestamp,
    pub(super) not_before: Option<Timestamp>,
    pub(super) client_id: ClientId,
    pub(super) scope: Scope,
    pub(super) grant_id: GrantId,
    pub(super) is_machine: bool,
    pub(super) others: Map<String, Value>,
}

impl<'de> Deserialize<'de> for OwnClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = OwnClaims;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the claims of an access token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OwnClaims, A::Error> {
        let (mut issuer, mut subject, mut audience) = (None, None, None);
        let (mut expires_at, mut not_before) = (None, None);
        let (mut client_id, mut scope, mut grant_id, mut is_machine) = (None, None, None, None);
        let mut others = Map::new();
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "iss" => once(&mut issuer, &mut map)?,
                "sub" => once(&mut subject, &mut map)?,
                "aud" => once(&mut audience, &mut map)?,
                "exp" => once(&mut expires_at, &mut map)?,
                "nbf" => once(&mut not_before, &mut map)?,
                "client_id" => once(&mut client_id, &mut map)?,
                "scope" => once(&mut scope, &mut map)?,
                "grant_id" => once(&mut grant_id, &mut map)?,
                "machine" => once(&mut is_machine, &mut map)?,
                _ => keep(&mut others, name, &mut map)?,
            }
        }
        let missing = A::Error::missing_field;
        Ok(OwnClaims {
            issuer: issuer.ok_or_else(|| missing("iss"))?,
            subject: subject.ok_or_else(|| missing("sub"))?,
            audience: audience.ok_or_else(|| missing("aud"))?,
            expires_at: expires_at.ok_or_else(|| missing("exp"))?,
            not_before,
            client_id: client_id.ok_or_else(|| missing("client_id"))?,
            scope: scope.unwrap_or_default(),
            grant_id: grant_id.ok_or_else(|| missing("grant_id"))?,
            is_machine: is_machine.unwrap_or_default(),
            others,
        })
    }
}
