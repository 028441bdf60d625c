use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::jose::{Audience, Header, Text, numeric_date};
use crate::resource::verifier::TokenClaims;
use crate::resource::verifier::jwt::TokenShape;
use crate::resource::verifier::once::{keep, once};
use crate::types::{Subject, Timestamp};

/// The claims of somebody else's token, read in one pass; none stands there twice.
#[derive(Debug)]
pub(super) struct ForeignClaims {
    issuer: String,
    subject: Subject,
    audience: Option<Audience>,
    expires_at: Timestamp,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    others: Map<String, Value>,
}

impl ForeignClaims {
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether only the holder of some key may use the token, which a bearer cannot
    /// show ([RFC 7800, section 3.1](https://www.rfc-editor.org/rfc/rfc7800#section-3.1)).
    pub(super) fn are_bound_to_a_key(&self) -> bool {
        self.others.contains_key("cnf")
    }

    /// What they mean in a token of this shape; `None` if that cannot be told.
    pub(super) fn read(mut self, header: &Header, shape: &TokenShape) -> Option<TokenClaims> {
        let kind = shape.kind(header, &self.others);
        let client_id = shape.take_client(&mut self.others)?;
        let audience = match (self.audience, &client_id) {
            (Some(audience), _) => audience,
            (None, Some(client)) if shape.client_is_audience() => Audience::one(client.as_str()),
            (None, _) => return None,
        };
        let scope = shape.take_scope(&mut self.others)?;
        let mut known =
            TokenClaims::new(kind, self.issuer, self.subject, audience, self.expires_at);
        known.client_id = client_id;
        known.scope = scope;
        known.not_before = self.not_before;
        known.issued_at = self.issued_at;
        known.extra = self.others;
        Some(known)
    }
}

#[derive(Deserialize)]
struct Date(#[serde(with = "numeric_date")] Timestamp);

impl<'de> Deserialize<'de> for ForeignClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = ForeignClaims;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the claims of a token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ForeignClaims, A::Error> {
        let (mut issuer, mut subject, mut audience) = (None, None, None);
        let (mut expires_at, mut not_before, mut issued_at) = (None, None, None);
        let mut others = Map::new();
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "iss" => once(&mut issuer, &mut map)?,
                "sub" => once(&mut subject, &mut map)?,
                "aud" => once(&mut audience, &mut map)?,
                "exp" => once(&mut expires_at, &mut map)?,
                "nbf" => once(&mut not_before, &mut map)?,
                "iat" => once(&mut issued_at, &mut map)?,
                _ => keep(&mut others, name, &mut map)?,
            }
        }
        let time = |Date(time)| time;
        Ok(ForeignClaims {
            issuer: issuer.ok_or_else(|| A::Error::missing_field("iss"))?,
            subject: subject.ok_or_else(|| A::Error::missing_field("sub"))?,
            audience,
            expires_at: expires_at
                .map(time)
                .ok_or_else(|| A::Error::missing_field("exp"))?,
            not_before: not_before.map(time),
            issued_at: issued_at.map(time),
            others,
        })
    }
}
