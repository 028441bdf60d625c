use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::jose::{Audience, Header, numeric_date};
use crate::resource::verifier::TokenClaims;
use crate::resource::verifier::jwt::TokenShape;
use crate::resource::verifier::jwt::shape::ShapedClaims;
use crate::resource::verifier::once::{keep, once};
use crate::types::{Subject, Text, Timestamp};

/// The claims of somebody else's token, read in one pass; none stands there twice.
#[derive(Debug)]
pub(super) struct ForeignClaims<'s> {
    issuer: String,
    subject: Subject,
    audience: Option<Audience>,
    expires_at: Timestamp,
    not_before: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    shaped: ShapedClaims<'s>,
    others: Map<String, Value>,
}

impl ForeignClaims<'_> {
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether only the holder of some key may use the token, which a bearer cannot
    /// show ([RFC 7800, section 3.1](https://www.rfc-editor.org/rfc/rfc7800#section-3.1)).
    pub(super) fn are_bound_to_a_key(&self) -> bool {
        self.get("cnf").is_some()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.shaped.get(name).or_else(|| self.others.get(name))
    }

    /// What they mean; `None` if that cannot be told.
    pub(super) fn read(mut self, header: &Header) -> Option<TokenClaims> {
        let shape = self.shaped.shape;
        let kind = shape.kind(header, |name| self.get(name));
        let client_id = TokenShape::client(self.shaped.take_client())?;
        let scope = TokenShape::scope(self.shaped.take_scope())?;
        let audience = match (self.audience, &client_id) {
            (Some(audience), _) => audience,
            (None, Some(client)) if shape.client_is_audience() => Audience::one(client.as_str()),
            (None, _) => return None,
        };
        self.others.extend(self.shaped.rest());
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

/// Reads the claims of a token that may be of this shape.
pub(super) struct ClaimsReader<'s>(pub(super) &'s TokenShape);

impl<'de, 's> DeserializeSeed<'de> for ClaimsReader<'s> {
    type Value = ForeignClaims<'s>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, 's> Visitor<'de> for ClaimsReader<'s> {
    type Value = ForeignClaims<'s>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the claims of a token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut issuer, mut subject, mut audience) = (None, None, None);
        let (mut expires_at, mut not_before, mut issued_at) = (None, None, None);
        let mut shaped = ShapedClaims::new(self.0);
        let mut others = Map::new();
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "iss" => once(&mut issuer, &mut map)?,
                "sub" => once(&mut subject, &mut map)?,
                "aud" => once(&mut audience, &mut map)?,
                "exp" => once(&mut expires_at, &mut map)?,
                "nbf" => once(&mut not_before, &mut map)?,
                "iat" => once(&mut issued_at, &mut map)?,
                _ => match shaped.slot(&name) {
                    Some(claim) => once(claim, &mut map)?,
                    None => keep(&mut others, name, &mut map)?,
                },
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
            shaped,
            others,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::Algorithm;

    /// Client, scope and what else a token says that has these claims as well.
    fn read(shape: &TokenShape, more: &str) -> Option<(Option<String>, String, Value)> {
        let text = format!(r#"{{"iss":"i","sub":"s","aud":"a","exp":1,{more}}}"#);
        let header = Header {
            algorithm: Algorithm::Es256,
            key_id: None,
            typ: None,
        };
        let mut json = serde_json::Deserializer::from_str(&text);
        let claims = ClaimsReader(shape).deserialize(&mut json).ok()?;
        let claims = claims.read(&header)?;
        let client = claims.client_id.map(|client| client.as_str().to_owned());
        Some((
            client,
            claims.scope.to_string(),
            Value::Object(claims.extra),
        ))
    }

    #[test]
    fn the_first_claim_of_a_list_counts_and_the_others_are_as_any() {
        let shape = TokenShape::rfc9068().scope_in(&["scp", "scope"]);
        for (more, client, scope, extra) in [
            (r#""scp":"a""#, None, "a", json!({})),
            (r#""azp":"x","x":1"#, Some("x"), "", json!({"x": 1})),
            (
                r#""azp":"x","client_id":"c","scope":"b","scp":["a"]"#,
                Some("c"),
                "a",
                json!({"azp": "x", "scope": "b"}),
            ),
            (
                r#""client_id":"c","azp":{"any":1},"scp":"a b","scope":null"#,
                Some("c"),
                "a b",
                json!({"azp": {"any": 1}, "scope": null}),
            ),
        ] {
            let expected = (client.map(str::to_owned), scope.to_owned(), extra);
            assert_eq!(read(&shape, more), Some(expected), "{more}");
        }
    }

    #[test]
    fn a_claim_that_cannot_be_read_for_sure_refuses_the_token() {
        let shape = TokenShape::rfc9068();
        for more in [
            r#""client_id":null"#,
            r#""client_id":null,"azp":"x""#,
            r#""client_id":7"#,
            r#""client_id":"""#,
            r#""azp":["x"]"#,
            r#""scope":null"#,
            r#""scope":{}"#,
            r#""scope":[1]"#,
            r#""scope":"a","scope":"a""#,
            r#""scope":null,"scope":"a""#,
            r#""client_id":"c","client_id":"c""#,
            r#""client_id":"c","azp":"x","azp":"x""#,
            r#""x":1,"x":1"#,
        ] {
            assert_eq!(read(&shape, more), None, "{more}");
        }
    }

    #[test]
    fn what_is_no_client_may_be_the_scope() {
        let shape = TokenShape::rfc9068().scope_in(&["azp"]);
        let read = |more| read(&shape, more).map(|(client, scope, _)| (client, scope));
        let both = (Some("c".to_owned()), "x".to_owned());
        assert_eq!(read(r#""client_id":"c","azp":"x""#), Some(both));
        assert_eq!(read(r#""client_id":"c","azp":7"#), None);
        let alone = (Some("x".to_owned()), String::new());
        assert_eq!(read(r#""azp":"x""#), Some(alone));
    }

    #[test]
    fn a_claim_of_a_list_is_still_seen_as_what_it_is() {
        let more = r#""cnf":{},"azp":"x","scope":"a""#;
        let shape = TokenShape::rfc9068().client_in(&["azp", "cnf"]);
        let text = format!(r#"{{"iss":"i","sub":"s","aud":"a","exp":1,{more}}}"#);
        let mut json = serde_json::Deserializer::from_str(&text);
        let claims = ClaimsReader(&shape).deserialize(&mut json).unwrap();
        assert!(claims.are_bound_to_a_key());
    }
}
