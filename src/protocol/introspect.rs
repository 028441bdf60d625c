//! What an authorization server tells of a token ([RFC 7662, section 2.2]).
//!
//! [RFC 7662, section 2.2]: https://www.rfc-editor.org/rfc/rfc7662#section-2.2

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::jose::{Audience, numeric_date};
use crate::types::{ClientId, Scope, Subject, Timestamp};

/// An answer of an introspection endpoint.
#[derive(Clone, Debug)]
pub enum Introspection {
    /// The token is good, and this is what it says.
    Active(Box<ActiveToken>),
    /// The token is not good: unknown, expired, revoked, or none of the caller's
    /// business.
    Inactive,
}

/// What a good token says; everything may be left out.
#[derive(Clone, Debug, Deserialize)]
pub struct ActiveToken {
    /// Who issued it.
    #[serde(rename = "iss")]
    pub issuer: Option<String>,
    /// For whom it speaks.
    #[serde(rename = "sub")]
    pub subject: Option<Subject>,
    /// Where it is good.
    #[serde(rename = "aud")]
    pub audience: Option<Audience>,
    /// Who may use it.
    pub client_id: Option<ClientId>,
    /// What it may be used for.
    pub scope: Option<Scope>,
    /// When it ends.
    #[serde(default, rename = "exp", with = "numeric_date::option")]
    pub expires_at: Option<Timestamp>,
    /// Before when it is not good.
    #[serde(default, rename = "nbf", with = "numeric_date::option")]
    pub not_before: Option<Timestamp>,
    /// Everything else, such as `token_type` and `username`.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The text is no answer of an introspection endpoint: no JSON object, one that
/// says something twice, one without a boolean `active`, or one with a member of
/// the wrong form.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("it is no answer of an introspection endpoint")]
pub struct InvalidIntrospection;

impl Introspection {
    /// Reads an answer. A member that is `null` counts as left out.
    ///
    /// # Errors
    ///
    /// [`InvalidIntrospection`] without what the parser says, which may quote the
    /// answer.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidIntrospection> {
        let members = serde_json::from_slice(json).map_err(|_| InvalidIntrospection)?;
        let Members(mut members) = members;
        let active = members.remove("active");
        // Only the boolean counts: not "true", and not 1.
        let active = active.as_ref().and_then(Value::as_bool);
        if !active.ok_or(InvalidIntrospection)? {
            return Ok(Self::Inactive);
        }
        let token = serde_json::from_value(Value::Object(members));
        token
            .map(|token| Self::Active(Box::new(token)))
            .map_err(|_| InvalidIntrospection)
    }
}

/// The members of an object that says nothing twice.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is repeated"));
            }
        }
        members.retain(|_, value| !value.is_null());
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(json: &str) -> ActiveToken {
        match Introspection::parse(json.as_bytes()).unwrap() {
            Introspection::Active(token) => *token,
            Introspection::Inactive => panic!("{json} is active"),
        }
    }

    #[test]
    fn an_active_token_tells_what_the_endpoint_knows() {
        let token = active(
            r#"{"active":true,"iss":"https://a.example","sub":"ada","aud":["b","c"],
                "client_id":"d","scope":"e f","exp":7.5,"nbf":0,"username":"Ada","iat":null}"#,
        );
        assert_eq!(token.issuer.as_deref(), Some("https://a.example"));
        assert_eq!(token.subject.unwrap().as_str(), "ada");
        assert!(token.audience.unwrap().contains("c"));
        assert_eq!(token.client_id.unwrap().as_str(), "d");
        assert_eq!(token.scope, Scope::parse("e f").ok());
        assert_eq!(token.expires_at, Some(Timestamp::from_secs(7)));
        assert_eq!(token.not_before, Some(Timestamp::from_secs(0)));
        assert_eq!(token.rest.len(), 1);
        assert_eq!(token.rest["username"], "Ada");
    }

    #[test]
    fn everything_but_active_may_be_left_out_or_null() {
        for json in [
            r#"{"active":true}"#,
            r#"{"active":true,"iss":null,"sub":null,"aud":null,"exp":null,"nbf":null,"scope":null}"#,
        ] {
            let token = active(json);
            assert!(token.issuer.is_none() && token.audience.is_none(), "{json}");
            assert!(token.subject.is_none() && token.client_id.is_none());
            assert!(token.expires_at.is_none() && token.not_before.is_none());
            assert!(token.scope.is_none() && token.rest.is_empty());
        }
    }

    #[test]
    fn of_a_token_that_is_not_active_nothing_else_is_read() {
        let json = r#"{"active":false,"exp":"never","aud":7}"#;
        let answer = Introspection::parse(json.as_bytes());
        assert!(matches!(answer, Ok(Introspection::Inactive)));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_no_answer() {
        for json in [
            "",
            "null",
            "true",
            "[]",
            "[true]",
            r#"[{"active":true}]"#,
            "{}",
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"active":[true]}"#,
            r#"{"Active":true}"#,
            r#"{"active":true} {}"#,
            r#"{"active":true,"#,
            r#"{"active":false,"active":true}"#,
            r#"{"active":true,"\u0061ctive":true}"#,
            r#"{"active":true,"sub":"a","sub":"b"}"#,
            r#"{"active":true,"aud":null,"aud":"b"}"#,
            r#"{"active":true,"other":1,"other":1}"#,
            r#"{"active":true,"iss":["https://a.example"]}"#,
            r#"{"active":true,"iss":7}"#,
            r#"{"active":true,"sub":""}"#,
            r#"{"active":true,"sub":7}"#,
            r#"{"active":true,"aud":7}"#,
            r#"{"active":true,"aud":["a",7]}"#,
            r#"{"active":true,"exp":"9999999999"}"#,
            r#"{"active":true,"exp":-1}"#,
            r#"{"active":true,"nbf":true}"#,
            r#"{"active":true,"scope":["a"]}"#,
            r#"{"active":true,"scope":"a\"b"}"#,
            r#"{"active":true,"client_id":""}"#,
        ] {
            let answer = Introspection::parse(json.as_bytes());
            assert!(answer.is_err(), "{json}: {answer:?}");
        }
        let not_text = b"{\"active\":true,\"username\":\"\xff\"}";
        assert!(Introspection::parse(not_text).is_err());
    }
}
